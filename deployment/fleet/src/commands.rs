//! Each command: reads what it needs, calls the library, prints.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use moodvane_fleet::check::{check, rules};
use moodvane_fleet::client::{ClientOptions, Credentials, MarathonClient};
use moodvane_fleet::config::FleetConfig;
use moodvane_fleet::down::{DownOptions, down};
use moodvane_fleet::follow::FollowLimits;
use moodvane_fleet::render::{RenderedGroup, render};
use moodvane_fleet::up::{self, UpOptions, up};
use moodvane_fleet::{FleetError, logs, status};
use moodvane_marathon_api::{App, GroupUpdate, PathId};
use moodvane_runtime::{LoggingConfig, Settings, init_logging};

use crate::cli::{AccessArgs, Cli, Command, FollowArgs, SourceArgs};

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli {
        access,
        source,
        command,
    } = cli;
    match command {
        Command::Render { out, check } => return render_files(&source, out, check),
        Command::Validate => return validate(&source),
        Command::Local(options) => return local(options).await,
        _ => {}
    }
    let marathon = Arc::new(client(access)?);
    let definitions = Definitions::load(&source)?;
    match command {
        Command::Up { follow } => definitions.up(&marathon, &follow).await?,
        Command::Deploy { image, follow } => {
            let definitions = Definitions::with_tag(&source, &image)?;
            definitions.up(&marathon, &follow).await?;
        }
        Command::Down { timeout, remove } => {
            let options = DownOptions {
                timeout: Duration::from_secs(timeout),
                remove,
            };
            let stopped = down(&marathon, &definitions.group, options, &say).await?;
            print!("{stopped}");
        }
        Command::Status => {
            let apps = marathon.apps(&definitions.group).await?;
            let deployments = marathon.deployments().await?;
            print!("{}", status::status(&apps, &deployments));
        }
        Command::Scale {
            app,
            instances,
            follow,
        } => {
            let id = definitions.named(&marathon, &app).await?;
            let options = options(&follow);
            let ids = [id.clone()];
            let ask = async |force| marathon.scale(&ids, instances, force).await;
            print!(
                "{}",
                up::change(&marathon, (&definitions.group, &id), options, &say, ask).await?
            );
        }
        Command::Restart { app, follow } => {
            let id = definitions.named(&marathon, &app).await?;
            let ask = async |force| marathon.restart(&id, force).await;
            let report = up::change(
                &marathon,
                (&definitions.group, &id),
                options(&follow),
                &say,
                ask,
            );
            print!("{}", report.await?);
        }
        Command::Logs { app, lines } => {
            let id = definitions.named(&marathon, &app).await?;
            show_logs(&marathon, &id, lines).await?;
        }
        Command::Render { .. } | Command::Validate | Command::Local(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Progress goes to standard error, so that the outcome can be read by others.
fn say(line: &str) {
    eprintln!("{line}");
}

fn client(args: AccessArgs) -> anyhow::Result<MarathonClient> {
    let login = Credentials::load(
        args.user,
        (
            args.password_file.as_deref(),
            std::env::var("FLEET_PASSWORD").ok(),
        ),
        (
            args.token_file.as_deref(),
            std::env::var("FLEET_TOKEN").ok(),
        ),
    )?;
    let access = ClientOptions::new(&args.marathon, login, args.ca)?.with_agent_url(args.agent_url);
    Ok(MarathonClient::new(access)?)
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

fn site(source: &SourceArgs) -> anyhow::Result<FleetConfig> {
    let overlay = source.overlay.as_deref();
    Ok(FleetConfig::load(
        &source.definitions,
        overlay,
        &source.values,
    )?)
}

/// What is to run, as it was rendered now or before.
struct Definitions {
    group: PathId,
    rendered: RenderedGroup,
    site: Option<FleetConfig>,
}

impl Definitions {
    fn load(source: &SourceArgs) -> anyhow::Result<Self> {
        match &source.file {
            Some(file) => Self::of(RenderedGroup::read(file)?, None),
            None => {
                let site = site(source)?;
                Self::of(render(&source.definitions, &site)?, Some(site))
            }
        }
    }

    fn with_tag(source: &SourceArgs, tag: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            source.file.is_none(),
            "deploy renders the templates with another tag, so --file cannot be given"
        );
        let mut site = site(source)?;
        tag.clone_into(&mut site.images.tag);
        Self::of(render(&source.definitions, &site)?, Some(site))
    }

    fn of(rendered: RenderedGroup, site: Option<FleetConfig>) -> anyhow::Result<Self> {
        let typed = rendered.typed()?;
        Ok(Self {
            group: typed.id.unwrap_or_else(PathId::root),
            rendered,
            site,
        })
    }

    async fn up(&self, marathon: &Arc<MarathonClient>, follow: &FollowArgs) -> anyhow::Result<()> {
        let findings = check(&apps(self.rendered.typed()?), agents(self.site.as_ref()));
        if !findings.is_empty() {
            return Err(FleetError::RuleViolations(findings).into());
        }
        let secrets = self
            .site
            .as_ref()
            .map(|site| site.secret.as_slice())
            .unwrap_or_default();
        let whole = self.rendered.with_secrets(secrets)?;
        print!("{}", up(marathon, &whole, options(follow), &say).await?);
        Ok(())
    }

    /// The app that a name means.
    async fn named(&self, marathon: &MarathonClient, name: &str) -> anyhow::Result<PathId> {
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

fn apps(group: GroupUpdate) -> Vec<App> {
    group.apps.unwrap_or_default()
}

fn agents(site: Option<&FleetConfig>) -> Option<u32> {
    site.filter(|site| site.hosts.constraints)
        .map(|site| site.hosts.agents)
}

fn render_files(
    source: &SourceArgs,
    out: Option<PathBuf>,
    check: bool,
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        source.values.is_empty() || out.is_some(),
        "with --values say --out too: the files beside fleet.toml are without"
    );
    let definitions = Definitions::load(source)?;
    let folder = out.unwrap_or_else(|| match &source.overlay {
        Some(name) => source.definitions.join(name),
        None => source.definitions.clone(),
    });
    if !check {
        let count = definitions.rendered.write(&folder)?;
        println!("{count} files in {}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let differences = definitions.rendered.differences(&folder)?;
    differences
        .iter()
        .for_each(|difference| println!("{difference}"));
    if differences.is_empty() {
        println!(
            "{}: {} files are what is rendered",
            folder.display(),
            definitions.rendered.files().len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("`fleet render` writes them anew");
    Ok(ExitCode::FAILURE)
}

fn validate(source: &SourceArgs) -> anyhow::Result<ExitCode> {
    let definitions = Definitions::load(source)?;
    let apps = apps(definitions.rendered.typed()?);
    let findings = check(&apps, agents(definitions.site.as_ref()));
    findings.iter().for_each(|finding| println!("{finding}"));
    println!(
        "{} apps, {} rules, {} broken",
        apps.len(),
        rules().len(),
        findings.len()
    );
    Ok(match findings.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A stand-in for a cluster, on this machine.
async fn local(options: moodvane_fleet_local::Options) -> anyhow::Result<ExitCode> {
    let settings = Settings::new();
    let logging = LoggingConfig::read(&settings);
    init_logging(&settings.finish_with(logging)?)?;
    moodvane_fleet_local::run(options).await?;
    Ok(ExitCode::SUCCESS)
}

async fn show_logs(marathon: &MarathonClient, app: &PathId, lines: usize) -> anyhow::Result<()> {
    for task in marathon.tasks(app).await? {
        println!("== {} on {}: {}", task.id, task.host, task.state);
        match logs::tail(marathon, &task.id, &task.host, lines).await {
            Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
            Err(why) => println!("no log: {why}"),
        }
    }
    Ok(())
}
