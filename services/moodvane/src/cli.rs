//! The command line: what can be asked of the all-in-one binary.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use moodvane_launch::{HealthArgs, ScorerKind};
use moodvane_model::{HourSlot, Offset, Partition, Topic};
use moodvane_sentiment::evaluation::{LabelKind, LabelScale};
use moodvane_sentiment::{DecisionRule, ScorerName};

/// Relates a city's weather to the mood of what people post, hour by hour.
#[derive(Debug, Parser)]
#[command(name = "moodvane", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) args: GlobalArgs,
    /// What to do; `demo` where nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    #[command(flatten)]
    pub(crate) shared: moodvane_launch::CommonArgs,
    /// The folder that holds the log and the rows (data.dir).
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// The port of the HTTP server (server.port).
    #[arg(long, global = true)]
    pub(crate) port: Option<u16>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole pipeline against a simulator in the same process: no network, no key.
    Demo(DemoArgs),
    /// The whole pipeline, live, from the sources of the configuration.
    Run,
    /// Ingests recorded posts and weather from files, folds them, and ends.
    Replay(ReplayArgs),
    /// Serves what is stored, without ingesting anything.
    Serve,
    /// Compares the stored hours with a truth; exits 1 on any difference.
    Verify(VerifyArgs),
    /// Folds the whole log anew beside what is running, into the run of this configuration, then
    /// lets that run answer for every hour that it covers wholly.
    Rescore(RescoreArgs),
    /// Folds the whole log again into the rows of the run of this configuration: after rows were
    /// lost. Stop the processors first.
    Rebuild,
    /// The folds that are stored: lists them, lets one answer from an hour on, deletes one.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Records that nobody could read: lists them, or sends them again.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Scores texts: a line in, its class and value out.
    Score(ScoreArgs),
    /// Measures a scorer on labelled texts.
    Eval(EvalArgs),
    /// Prints the default configuration, every key explained.
    Config,
    /// Asks a running server for hours: a table, sparklines, and how weather and feeling go
    /// together.
    Query(QueryArgs),
    /// Asks a running server whether it is ready; exits 1 where it is not.
    Health(HealthArgs),
    /// Asks a running ingester for its actors: what each is doing, how often it was made anew, and
    /// why. Exits 1 where one has failed too often.
    Actors(ActorsArgs),
}

/// Whose actors are shown.
#[derive(Debug, Args)]
pub(crate) struct ActorsArgs {
    /// Where the ingester answers; this configuration's server where nothing is said. An ingester of
    /// its own answers on its probe's port.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The answer as it is, in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which hours are asked for.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// A city's id; the server's own where none is given.
    #[arg(long)]
    pub(crate) city: Option<String>,
    /// The weather beside the feeling: temperature, humidity, precipitation, wind, cloud or
    /// pressure.
    #[arg(long, default_value = "temperature")]
    pub(crate) variable: String,
    /// The first hour, for example 2018-01-01T02.
    #[arg(long, requires = "end", value_name = "HOUR")]
    pub(crate) begin: Option<String>,
    /// The last hour, included.
    #[arg(long, requires = "begin", value_name = "HOUR")]
    pub(crate) end: Option<String>,
    /// How many hours until now, where no range is given.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    pub(crate) hours: u32,
    /// The IANA zone by whose clocks hours are told, UTC where none is given.
    #[arg(long)]
    pub(crate) tz: Option<String>,
    /// Takes out what the time of day and the day of the week explain.
    #[arg(long)]
    pub(crate) like_with_like: bool,
}

/// How the demo's world is.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Days of history before now.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub(crate) days: u16,
    /// Posts per simulated hour.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) posts_per_hour: u32,
    /// The share of posts that are delivered twice, 0 to 1.
    #[arg(long, default_value_t = 0.01, value_parser = share)]
    pub(crate) duplicates: f64,
    /// How far posts may be out of order, in milliseconds of their own time.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=2_000))]
    pub(crate) disorder_ms: u32,
    /// Ends once the history is in, with the result of a verification.
    #[arg(long)]
    pub(crate) history_only: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number in 0 to 1".to_owned()),
    }
}

/// What is replayed, and how its columns are called.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A file of posts: TSV, CSV or JSONL, by its ending, also packed (.gz, .zst); or - for standard
    /// input, which cannot be gone on with.
    #[arg(long, value_name = "FILE")]
    pub(crate) posts: Option<PathBuf>,
    /// How the posts are written, where no ending says it: tsv, csv or jsonl.
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
    /// How the posts' times are written: rfc3339, unix_s, unix_ms, or a pattern such as
    /// "%Y-%m-%d %H:%M:%S" (UTC).
    #[arg(long, default_value = "rfc3339")]
    pub(crate) posts_time: String,
    /// Days by which the posts are shifted, negative into the past.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) posts_shift_days: i32,
    /// Which posts count: all, or those that name the city.
    #[arg(long, default_value = "all", value_parser = ["all", "city"])]
    pub(crate) posts_select: String,
    /// A file of weather observations; as --posts.
    #[arg(long, value_name = "FILE")]
    pub(crate) weather: Option<PathBuf>,
    /// How the weather is written; as --posts-format.
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
    /// The units of the weather where they are not °C, mm, m/s and hPa, for example
    /// temperature=f,wind=mph,precipitation=in.
    #[arg(long, value_name = "FIELD=UNIT,…", default_value = "")]
    pub(crate) weather_units: String,
    /// Keeps only rows with this value in this column, for example origin=JFK.
    #[arg(long, value_name = "COLUMN=VALUE", default_value = "")]
    pub(crate) weather_filter: String,
    /// How the weather's times are written; as --posts-time.
    #[arg(long, default_value = "rfc3339")]
    pub(crate) weather_time: String,
    /// Days by which the weather is shifted, negative into the past.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) weather_shift_days: i32,
    /// Passes over what is from before this moment, such as 2018-01-01T00:00:00Z, by its own shifted
    /// time.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// How many times the speed at which it happened: 1 for real time, 0 for as fast as can be.
    #[arg(long, value_name = "TIMES", default_value = "0")]
    pub(crate) speed: String,
    /// Serves the result once everything is in, instead of ending.
    #[arg(long)]
    pub(crate) serve: bool,
}

/// How the log is folded anew.
#[derive(Debug, Args)]
pub(crate) struct RescoreArgs {
    /// Only folds: what answers stays as it is. See `moodvane runs switch`.
    #[arg(long)]
    pub(crate) no_switch: bool,
    /// Goes on folding until a signal, so that the new run stays up to date until processors of
    /// this configuration have taken over.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Which scorer is asked.
#[derive(Debug, Args)]
pub(crate) struct ScorerArgs {
    /// The scorer: trained, lexicon, or bert as the configuration has it under sentiment.bert.
    #[arg(long, default_value_t = ScorerKind::BuiltIn(ScorerName::Trained))]
    pub(crate) scorer: ScorerKind,
    /// What the trained scorer's classes are chosen for: mean, recall, mae or likely.
    #[arg(long, default_value_t = DecisionRule::Mean)]
    pub(crate) rule: DecisionRule,
    /// A file of weights for the trained scorer, instead of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
}

/// How texts are scored.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    pub(crate) scorer: ScorerArgs,
    /// Shows which features moved each score, and by how much.
    #[arg(long)]
    pub(crate) explain: bool,
}

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) scorer: ScorerArgs,
    /// What labels mean: 3 (0 to 2), 5 (0 to 4) or raters (-4 to 4); by default each file's name
    /// says it, as in `…_3class.tsv`.
    #[arg(long, value_name = "KIND", value_parser = labels)]
    pub(crate) labels: Option<LabelKind>,
    /// Answers in JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Files of labelled texts: tab-separated, with the header id, label, text. An id may name a
    /// topic, as in `id|topic`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

fn labels(text: &str) -> Result<LabelKind, String> {
    match text {
        "3" => Ok(LabelKind::Classes(LabelScale::Three)),
        "5" => Ok(LabelKind::Classes(LabelScale::Five)),
        "raters" => Ok(LabelKind::Raters),
        _ => Err("must be 3, 5 or raters".to_owned()),
    }
}

/// What can be done with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Lists the runs, and from which hour on each answers.
    List,
    /// Lets a run answer from an hour on; earlier hours stay with the run before.
    Switch {
        /// The run's name, as it is listed.
        run: String,
        /// The first hour that it covers wholly, such as "2018-01-01 02".
        #[arg(long, value_name = "HOUR")]
        from: HourSlot,
    },
    /// Deletes a run that answers for no hour, with all its rows. Stop its processors first.
    Delete {
        /// The run's name, as it is listed.
        run: String,
    },
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// Lists the dead letters of a topic, oldest first.
    List {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// The most that are listed.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Shows one dead letter whole: its place, its reason, its key and its value.
    Show {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// Which one, as it is listed: PARTITION@OFFSET, for example 3@1742.
        #[arg(value_name = "PARTITION@OFFSET")]
        place: LetterPlace,
    },
    /// Sends the dead letters of a topic again, as they are. A reader that knows more than the one
    /// that refused them may take them now; what it refuses too comes back. Their copies stay.
    Redrive {
        /// The topic: temperature or tweet.
        topic: Topic,
        /// The most that are sent.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
}

/// Where a dead letter lay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LetterPlace {
    pub(crate) partition: Partition,
    pub(crate) offset: Offset,
}

impl FromStr for LetterPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('@');
        let place = parts.and_then(|(partition, offset)| {
            Some(Self {
                partition: Partition(partition.parse().ok()?),
                offset: Offset(offset.parse().ok()?),
            })
        });
        place.ok_or("must be a partition and an offset, such as 3@1742")
    }
}

/// What the stored hours are compared with.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A truth file, or the URL of a simulator; by default the demo's of the same data folder.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) truth: Option<String>,
}

/// What is done where no command is given: the demo as it comes.
pub(crate) fn default_command() -> Command {
    let cli = Cli::parse_from(["moodvane", "demo"]);
    cli.command.unwrap_or(Command::Run)
}
