//! The command line of the all-in-one binary.

mod dead;
mod effect;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use moodvane_launch::{HealthArgs, ScorerKind};
use moodvane_model::HourSlot;
use moodvane_sentiment::evaluation::{LabelKind, LabelScale};
use moodvane_sentiment::{DecisionRule, ScorerName};
use moodvane_upstream::{UndoneText, undo_html_entities};

pub(crate) use self::dead::{DeadCommand, LetterPosition};
pub(crate) use self::effect::EffectArgs;
use crate::account::AccountArgs;
use crate::demo::DemoModel;

/// Relates a city's weather to the mood of what people post, hour by hour.
#[derive(Debug, Parser)]
#[command(name = "moodvane", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) args: GlobalArgs,
    /// The command; `demo` by default.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command accepts.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    #[command(flatten)]
    pub(crate) shared: moodvane_launch::CommonArgs,
    /// The directory of the log and the rows (data.dir).
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// The port of the HTTP server (server.port).
    #[arg(long, global = true)]
    pub(crate) port: Option<u16>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the whole pipeline against a simulator in the same process: no network, no API key.
    Demo(DemoArgs),
    /// Runs the whole pipeline live, with the sources of the configuration.
    Run(CityArgs),
    /// Ingests recorded posts and weather from files, folds them, and exits.
    Replay(Box<ReplayArgs>),
    /// Serves the stored hours without ingesting.
    Serve(CityArgs),
    /// Compares the stored hours with a ground truth; exits with 1 on any difference.
    Verify(VerifyArgs),
    /// Folds the whole log into the run of this configuration, beside the running processors, then
    /// switches every hour that the log covers completely to that run.
    Rescore(RescoreArgs),
    /// Restores lost rows: folds the whole log again into the run of this configuration. Stop the
    /// processors first.
    Rebuild(RebuildArgs),
    /// Manages the stored fold runs: lists them, switches to one from an hour on, deletes one.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Manages dead letters, the records that processors rejected: lists, shows or redrives them.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Scores texts: reads one per line, prints class and value.
    Score(ScoreArgs),
    /// Evaluates a scorer on labelled texts.
    Eval(EvalArgs),
    /// Prints the default configuration, with a comment on every key.
    Config,
    /// Asks a running server whether rain makes posts less joyful, all else equal: prints the answer with
    /// its checks and every number, and writes a report.
    Effect(EffectArgs),
    /// Queries hours from a running server: prints a table, sparklines, and the relation of weather
    /// and feeling.
    Query(QueryArgs),
    /// Queries whether a running server is ready; exits with 1 if it is not.
    Health(HealthArgs),
    /// Queries the actors of a running ingester: their states, restarts and last errors. Exits with 1
    /// if a circuit breaker is open or a source has failed.
    Actors(ActorsArgs),
}

/// The cities of a command, in place of those of the configuration.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CityArgs {
    /// The cities, in place of those of the configuration: ids of configured cities, and names such as
    /// chicago, "new york" or "birmingham, al"; may be repeated.
    #[arg(long = "city", value_name = "CITY,…")]
    pub(crate) cities: Vec<String>,
}

impl CityArgs {
    /// The cities as one list with commas; `None` without the flag.
    pub(crate) fn list(&self) -> Option<String> {
        (!self.cities.is_empty()).then(|| self.cities.join(","))
    }
}

/// Arguments of `actors`.
#[derive(Debug, Args)]
pub(crate) struct ActorsArgs {
    /// The URL of the ingester; by default the server of this configuration. A separate ingester
    /// listens on its probe port.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Prints the response in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The id or the name of a city; by default the server's city.
    #[arg(long)]
    pub(crate) city: Option<String>,
    /// The weather variable: temperature, humidity, precipitation, wind, cloud or
    /// pressure.
    #[arg(long, default_value = "temperature")]
    pub(crate) variable: String,
    /// The first hour, for example 2018-01-01T02.
    #[arg(long, requires = "end", value_name = "HOUR")]
    pub(crate) begin: Option<String>,
    /// The last hour, included.
    #[arg(long, requires = "begin", value_name = "HOUR")]
    pub(crate) end: Option<String>,
    /// The number of hours up to now, without --begin and --end.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    pub(crate) hours: u32,
    /// The IANA time zone of the hours; UTC by default.
    #[arg(long)]
    pub(crate) tz: Option<String>,
    /// Adjusts for the time of day and the day of the week.
    #[arg(long)]
    pub(crate) like_with_like: bool,
}

/// Arguments of `demo`: the simulated world.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) cities: CityArgs,
    /// What moves the moods of posts.
    #[arg(long, value_enum, default_value_t = DemoModel::Confounded)]
    pub(crate) world: DemoModel,
    /// Days of history before now. An effect of the weather needs 8 weeks.
    #[arg(long, default_value_t = 84, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub(crate) days: u16,
    /// Posts per simulated hour.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) posts_per_hour: u32,
    /// The share of posts that are delivered twice, 0 to 1.
    #[arg(long, default_value_t = 0.01, value_parser = parse_share)]
    pub(crate) duplicates: f64,
    /// The largest disorder of posts, in milliseconds of event time.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub(crate) disorder_ms: u32,
    /// Exits once the history is stored, with the result of a verification.
    #[arg(long)]
    pub(crate) history_only: bool,
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

/// Arguments of `replay`: the files and their columns.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) cities: CityArgs,
    /// A file of posts: TSV, CSV or JSONL by its extension, optionally compressed (.gz, .zst); or - for
    /// standard input, which cannot be resumed.
    #[arg(long, value_name = "FILE")]
    pub(crate) posts: Option<PathBuf>,
    /// The format of the posts, if the file has no such extension: tsv, csv or jsonl.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) posts_format: Option<String>,
    /// The columns of the posts, for example id=id,text=text,time=created_at_utc; also language,
    /// latitude, longitude.
    #[arg(
        long,
        value_name = "FIELD=COLUMN,…",
        default_value = "id=id,text=text,time=created_at"
    )]
    pub(crate) posts_columns: String,
    /// The format of the posts' times: auto, rfc3339, pandas, sentiment140, unix_s, unix_ms, excel,
    /// excel_us, excel_eu, or a pattern such as "%Y-%m-%d %H:%M:%S".
    #[arg(long, default_value = "rfc3339")]
    pub(crate) posts_time: String,
    /// The time zone of posts' times without an offset, for example America/New_York; UTC by default.
    #[arg(long, value_name = "ZONE")]
    pub(crate) posts_tz: Option<String>,
    /// Days to add to the times of the posts; negative for the past.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) posts_shift_days: i32,
    /// The posts to keep: all, or only those that name the city.
    #[arg(long, default_value = "all", value_parser = ["all", "city"])]
    pub(crate) posts_select: String,
    /// Whether the texts of posts have HTML entities, such as &lt;3 for <3, which are undone.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) posts_html_entities: bool,
    /// A file of weather observations; as --posts.
    #[arg(long, value_name = "FILE")]
    pub(crate) weather: Option<PathBuf>,
    /// The format of the weather file; as --posts-format.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) weather_format: Option<String>,
    /// The columns of the weather, for example time=time_hour,temperature=temp; also humidity,
    /// precipitation, wind, cloud, pressure.
    #[arg(
        long,
        value_name = "FIELD=COLUMN,…",
        default_value = "time=time,temperature=temperature"
    )]
    pub(crate) weather_columns: String,
    /// The units of the weather if they are not °C, mm, m/s and hPa, for example
    /// temperature=f,wind=mph,precipitation=in.
    #[arg(long, value_name = "FIELD=UNIT,…", default_value = "")]
    pub(crate) weather_units: String,
    /// More markers of missing weather values, besides the usual ones such as NA, M and -9999: a
    /// text for all columns, or for one, for example -77,precipitation=-1.
    #[arg(
        long,
        value_name = "MARKER,…",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub(crate) weather_missing: String,
    /// Keeps only rows with this value in this column, for example origin=JFK.
    #[arg(long, value_name = "COLUMN=VALUE", default_value = "")]
    pub(crate) weather_filter: String,
    /// The format of the weather's times; as --posts-time.
    #[arg(long, default_value = "rfc3339")]
    pub(crate) weather_time: String,
    /// The time zone of the weather's times; as --posts-tz.
    #[arg(long, value_name = "ZONE")]
    pub(crate) weather_tz: Option<String>,
    /// Days to add to the times of the weather; negative for the past.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) weather_shift_days: i32,
    /// Skips records before this time, such as 2018-01-01T00:00:00Z, after the shift.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// The replay speed: 1 for real time, 0 for as fast as possible.
    #[arg(long, value_name = "TIMES", default_value = "0")]
    pub(crate) speed: String,
    /// Serves the result once everything is stored, instead of exiting.
    #[arg(long)]
    pub(crate) serve: bool,
}

/// Arguments of `rescore`.
#[derive(Debug, Args)]
pub(crate) struct RescoreArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Folds without switching to the new run. See `moodvane runs switch`.
    #[arg(long)]
    pub(crate) no_switch: bool,
    /// Continues to fold until a signal, so that the new run stays up to date until processors of
    /// this configuration take over.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Arguments of `rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// The scorer of `score` and `eval`.
#[derive(Debug, Args)]
pub(crate) struct ScorerArgs {
    /// The scorer: trained, lexicon, or bert as configured in [sentiment.bert].
    #[arg(long, default_value_t = ScorerKind::BuiltIn(ScorerName::Trained))]
    pub(crate) scorer: ScorerKind,
    /// The decision rule of the trained scorer: mean, recall, mae or likely.
    #[arg(long, default_value_t = DecisionRule::Mean)]
    pub(crate) rule: DecisionRule,
    /// A file of weights for the trained scorer, instead of the built-in weights.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Whether texts have HTML entities, such as &lt;3 for <3, which are undone.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) html_entities: bool,
}

impl ScorerArgs {
    /// The text that the author of `line` wrote.
    pub(crate) fn undo_entities<'t>(&self, line: &'t str) -> UndoneText<'t> {
        match self.html_entities {
            true => undo_html_entities(line),
            false => UndoneText::unchanged(line),
        }
    }
}

/// Arguments of `score`.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) scorer: ScorerArgs,
    /// Prints the features with the largest effect on each score.
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) scorer: ScorerArgs,
    /// The scale of the labels: 3 (0 to 2), 5 (0 to 4) or raters (-4 to 4); by default taken from the
    /// file name, as in `…_3class.tsv`.
    #[arg(long, value_name = "KIND", value_parser = parse_labels)]
    pub(crate) labels: Option<LabelKind>,
    /// Prints the result in JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Files of labelled texts: tab-separated, with the header id, label, text. An id may name a
    /// topic, as in `id|topic`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

fn parse_labels(text: &str) -> Result<LabelKind, String> {
    match text {
        "3" => Ok(LabelKind::Classes(LabelScale::Three)),
        "5" => Ok(LabelKind::Classes(LabelScale::Five)),
        "raters" => Ok(LabelKind::Raters),
        _ => Err("must be 3, 5 or raters".to_owned()),
    }
}

/// Commands on fold runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Lists the runs, and the first hour that each serves.
    List,
    /// Serves a run from an hour on; earlier hours keep their run.
    Switch {
        /// The name of the run, as `list` prints it.
        run: String,
        /// The first hour that the run covers completely, such as "2018-01-01 02".
        #[arg(long, value_name = "HOUR")]
        from: HourSlot,
    },
    /// Deletes a run that serves no hour, with all its rows. Stop its processors first.
    Delete {
        /// The name of the run, as `list` prints it.
        run: String,
    },
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A truth file, or the URL of a simulator; by default the truth of the demo in the data directory.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) truth: Option<String>,
}

/// The command if none is given: the demo with its defaults.
pub(crate) fn default_command() -> Command {
    let cli = Cli::parse_from(["moodvane", "demo"]);
    cli.command.unwrap_or(Command::Run(CityArgs::default()))
}
