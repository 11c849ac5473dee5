//! The commands: each loads its input, calls the library, and prints the result.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Error;
use moodvane_fleet::check::{Agents, check_apps, rule_names};
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_fleet::up::{UpOptions, change_app, up};
use moodvane_fleet::{FleetError, logs, status};
use moodvane_marathon_api::{App, PathId};
use moodvane_runtime::{LoggingConfig, Settings, init_logging};

use crate::cli::{AccessArgs, Cli, Command, FollowArgs, SourceArgs};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli {
        access,
        source,
        command,
    } = cli;
    match command {
        Command::Render { out, check } => render_files(&source, out, check),
        Command::Validate => validate(&source),
        Command::Local(options) => run_local(options).await,
        command => run_on_marathon(access, &source, command).await,
    }
}

async fn run_on_marathon(
    access: AccessArgs,
    source: &SourceArgs,
    command: Command,
) -> anyhow::Result<ExitCode> {
    let marathon = Arc::new(client(access)?);
    let definitions = Definitions::load(source)?;
    let group = &definitions.group;
    match command {
        Command::Up { follow } => definitions.up(&marathon, &follow).await?,
        Command::Deploy { image, follow } => {
            let definitions = Definitions::load_with_tag(source, &image)?;
            definitions.up(&marathon, &follow).await?;
        }
        Command::Down { timeout, remove } => {
            let timeout = Duration::from_secs(timeout);
            let options = DownOptions { timeout, remove };
            print!("{}", down(&marathon, group, options, &report).await?);
        }
        Command::Status => {
            let apps = marathon.apps(group).await?;
            let deployments = marathon.deployments().await?;
            print!("{}", status::status(&apps, &deployments));
        }
        Command::Scale {
            app,
            instances,
            follow,
        } => {
            let id = definitions.find_app(&marathon, &app).await?;
            let ids = [id.clone()];
            let scale = async |force| marathon.scale(&ids, instances, force).await;
            let change = change_app(&marathon, (group, &id), options(&follow), &report, scale);
            print!("{}", change.await?);
        }
        Command::Restart { app, follow } => {
            let id = definitions.find_app(&marathon, &app).await?;
            let restart = async |force| marathon.restart(&id, force).await;
            let change = change_app(&marathon, (group, &id), options(&follow), &report, restart);
            print!("{}", change.await?);
        }
        Command::Logs { app, lines } => {
            let id = definitions.find_app(&marathon, &app).await?;
            print_logs(&marathon, &id, lines).await?;
        }
        Command::Render { .. } | Command::Validate | Command::Local(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints progress to standard error, so that standard output contains only the result.
fn report(line: &str) {
    eprintln!("{line}");
}

fn client(args: AccessArgs) -> anyhow::Result<MarathonClient> {
    let password = std::env::var("FLEET_PASSWORD").ok();
    let token = std::env::var("FLEET_TOKEN").ok();
    let credentials = Credentials::load(
        args.user,
        (args.password_file.as_deref(), password),
        (args.token_file.as_deref(), token),
    )?;
    let options = ClientOptions::new(&args.marathon, credentials, args.ca)?
        .with_agent_url(args.agent_url)
        .with_max_outage(Duration::from_secs(args.outage))
        .with_outage_reporter(Arc::new(report));
    Ok(MarathonClient::new(options)?)
}

fn options(args: &FollowArgs) -> UpOptions {
    UpOptions {
        limits: FollowLimits {
            timeout: args.timeout(),
            max_failures: usize::from(args.failures),
        },
        force: args.force,
        rollback: args.rollback,
    }
}

fn load_config(source: &SourceArgs) -> anyhow::Result<FleetConfig> {
    let overlay = source.overlay.as_deref();
    Ok(FleetConfig::load(
        &source.definitions,
        overlay,
        &source.values,
    )?)
}

/// The definitions, rendered from a configuration or read from a file.
struct Definitions {
    group: PathId,
    apps: Vec<App>,
    rendered: RenderedGroup,
    config: Option<FleetConfig>,
}

impl Definitions {
    fn load(source: &SourceArgs) -> anyhow::Result<Self> {
        match &source.file {
            Some(file) => Self::new(RenderedGroup::read(file)?, None),
            None => Self::render(source, load_config(source)?),
        }
    }

    fn load_with_tag(source: &SourceArgs, tag: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            source.file.is_none(),
            "deploy renders the templates with another tag and excludes --file"
        );
        let mut config = load_config(source)?;
        tag.clone_into(&mut config.images.tag);
        Self::render(source, config)
    }

    fn render(source: &SourceArgs, config: FleetConfig) -> anyhow::Result<Self> {
        Self::new(render(&source.definitions, &config)?, Some(config))
    }

    fn new(rendered: RenderedGroup, config: Option<FleetConfig>) -> anyhow::Result<Self> {
        let group = rendered.parse()?;
        Ok(Self {
            group: group.id.unwrap_or_else(PathId::root),
            apps: group.apps.unwrap_or_default(),
            rendered,
            config,
        })
    }

    /// The agents of the configuration.
    fn agents(&self) -> Agents {
        let Some(config) = &self.config else {
            return Agents::default();
        };
        let hosts = &config.hosts;
        Agents {
            count: hosts.constraints.then_some(hosts.agents),
            ports: hosts.ports.clone(),
        }
    }

    async fn up(&self, marathon: &Arc<MarathonClient>, follow: &FollowArgs) -> anyhow::Result<()> {
        let findings = check_apps(&self.apps, self.agents());
        if !findings.is_empty() {
            return Err(FleetError::RuleViolations(findings).into());
        }
        let secrets = self.config.iter().flat_map(|config| &config.secret);
        let secrets: Vec<_> = secrets.cloned().collect();
        let rendered = self.rendered.with_secrets(&secrets)?;
        print!(
            "{}",
            up(marathon, &rendered, options(follow), &report).await?
        );
        Ok(())
    }

    /// Finds a deployed app by its full id or its last segment.
    async fn find_app(&self, marathon: &MarathonClient, name: &str) -> anyhow::Result<PathId> {
        let apps = marathon.apps(&self.group).await?;
        let ids = || apps.iter().map(|info| &info.app.id);
        if let Some(id) = ids().find(|id| id.last() == name || id.to_string() == name) {
            return Ok(id.clone());
        }
        Err(FleetError::UnknownApp {
            name: name.to_owned(),
            group: self.group.to_string(),
            known: ids().map(|id| id.last().to_owned()).collect(),
        }
        .into())
    }
}

fn render_files(
    source: &SourceArgs,
    out: Option<PathBuf>,
    check: bool,
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        source.values.is_empty() || out.is_some(),
        "--values needs --out: the files beside fleet.toml are rendered without values"
    );
    let definitions = Definitions::load(source)?;
    let folder = out.unwrap_or_else(|| match &source.overlay {
        Some(name) => source.definitions.join(name),
        None => source.definitions.clone(),
    });
    if !check {
        let count = definitions.rendered.write(&folder)?;
        println!("{}: {count} files written", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let differences = definitions.rendered.differences(&folder)?;
    for difference in &differences {
        println!("{difference}");
    }
    if differences.is_empty() {
        let count = definitions.rendered.files().len();
        println!("{}: {count} files are up to date", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    println!("run `fleet render` to update the files");
    Ok(ExitCode::FAILURE)
}

fn validate(source: &SourceArgs) -> anyhow::Result<ExitCode> {
    let definitions = Definitions::load(source)?;
    let findings = check_apps(&definitions.apps, definitions.agents());
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "{} apps, {} rules, {} violations",
        definitions.apps.len(),
        rule_names().len(),
        findings.len()
    );
    Ok(match findings.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Runs the stand-in for Marathon on this machine.
async fn run_local(options: moodvane_fleet_local::Options) -> anyhow::Result<ExitCode> {
    let settings = Settings::new();
    let logging = LoggingConfig::read(&settings);
    init_logging(&settings.finish_with(logging)?)?;
    moodvane_fleet_local::run(options).await?;
    Ok(ExitCode::SUCCESS)
}

async fn print_logs(marathon: &MarathonClient, app: &PathId, lines: usize) -> anyhow::Result<()> {
    for task in marathon.tasks(app).await? {
        println!("== {} on {}: {}", task.id, task.host, task.state);
        match logs::tail(marathon, &task.id, &task.host, lines).await {
            Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
            Err(error) => println!("no log: {:#}", Error::from(error)),
        }
    }
    Ok(())
}
