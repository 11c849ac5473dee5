//! Bringing a group up, from nothing or from what it was.
//!
//! Guarantee: doing it again changes nothing; what an interrupted run began is waited for and continued.
//! Of peers, no two are replaced at the same time: the next only when the one before is healthy again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{ActionName, App, DryRunPlan, PathId, Timestamp};
use serde_json::json;

use crate::client::{ClientError, MarathonClient, StartedDeployment};
use crate::error::FleetError;
use crate::follow::{FailureReport, FollowLimits, Follower, Progress, Reporter, Stage};
use crate::render::RenderedGroup;
use crate::table::Table;

/// The label by which nodes of one cluster know each other.
pub const PEERS_LABEL: &str = "moodvane.peers";

/// How a group is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpOptions {
    /// For how long, and after how many failures it is given up.
    pub limits: FollowLimits,
    /// Whether deployments that are under way are overridden instead of waited for.
    pub force: bool,
    /// Whether a change that fails is taken back.
    pub rollback: bool,
}

/// How it went.
#[derive(Debug, Clone, PartialEq)]
pub struct UpReport {
    /// What was done, and how long it took.
    pub steps: Vec<(String, Duration)>,
    /// How each app came up.
    pub apps: Vec<Progress>,
    /// From the beginning to the end.
    pub total: Duration,
}

/// Makes Marathon's group be as `rendered`, and follows it until all is ready.
///
/// # Errors
/// [`FleetError`], [`FleetError::NotReady`] where an app does not become ready.
pub async fn up(
    marathon: &Arc<MarathonClient>,
    rendered: &RenderedGroup,
    options: UpOptions,
    say: Reporter<'_>,
) -> Result<UpReport, FleetError> {
    let typed = rendered.typed()?;
    let group = typed.id.clone().unwrap_or_else(PathId::root);
    let apps = typed.apps.unwrap_or_default();
    let before = marathon.group_version(&group).await?;
    let mut follow = Follower::begin(marathon, &group, options.limits, say).await?;
    let mut steps = Vec::new();
    let planned = marathon.dry_run_group(&group, rendered.json()).await?;
    for (peers, ids) in rolls(&planned, &apps) {
        say(&format!("{peers}: one at a time, as they are peers"));
        for id in ids {
            let begun = follow.elapsed();
            let body = rendered.app(&id.to_string()).cloned().unwrap_or_default();
            let sent = patiently(&mut follow, say, options.force, async |force| {
                marathon.put_app(&id, &body, force).await
            });
            let sent = sent.await?;
            let came = follow.until_app_ready(&id).await;
            settle(&mut follow, (&sent, before), came, options.rollback).await?;
            steps.push((format!("replace {}", id.last()), follow.elapsed() - begun));
        }
    }
    let begun = follow.elapsed();
    let sent = patiently(&mut follow, say, options.force, async |force| {
        marathon.put_group(&group, rendered.json(), force).await
    });
    let sent = sent.await?;
    let came = follow.until_ready().await;
    settle(&mut follow, (&sent, before), came, options.rollback).await?;
    steps.push(("deploy the group".to_owned(), follow.elapsed() - begun));
    let others = follow.changed_by_others(&apps).await?;
    if !others.is_empty() {
        let why = format!(
            "all is ready, but somebody changed it meanwhile: {}",
            others.join("; ")
        );
        return Err(FleetError::NotReady(Box::new(FailureReport {
            why,
            apps: Vec::new(),
        })));
    }
    Ok(UpReport {
        steps,
        apps: follow.progress().into_iter().cloned().collect(),
        total: follow.elapsed(),
    })
}

/// Does one change and follows the one app, or the whole group, that it is of.
///
/// # Errors
/// [`FleetError`], [`FleetError::NotReady`] where it does not become ready.
pub async fn change(
    marathon: &Arc<MarathonClient>,
    (group, app): (&PathId, &PathId),
    options: UpOptions,
    say: Reporter<'_>,
    ask: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
) -> Result<UpReport, FleetError> {
    let before = marathon.group_version(group).await?;
    let mut follow = Follower::begin(marathon, group, options.limits, say).await?;
    let sent = patiently(&mut follow, say, options.force, ask).await?;
    let came = follow.until_app_ready(app).await;
    settle(&mut follow, (&sent, before), came, options.rollback).await?;
    Ok(UpReport {
        steps: Vec::new(),
        apps: follow
            .progress()
            .into_iter()
            .filter(|one| one.id == *app)
            .cloned()
            .collect(),
        total: follow.elapsed(),
    })
}

/// Asks for a change; where deployments hold what is to be changed, waits for them and asks again.
async fn patiently(
    follow: &mut Follower<'_>,
    say: Reporter<'_>,
    force: bool,
    ask: impl AsyncFn(bool) -> Result<StartedDeployment, ClientError>,
) -> Result<StartedDeployment, FleetError> {
    loop {
        match ask(force).await {
            Ok(sent) => return Ok(sent),
            Err(ClientError::Locked { deployments, .. }) => {
                say(&format!(
                    "waiting for what is under way: {}",
                    deployments.join(", ")
                ));
                follow.until_ended(&deployments).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the change back where it failed and that was asked for.
async fn settle(
    follow: &mut Follower<'_>,
    (sent, before): (&StartedDeployment, Option<Timestamp>),
    came: Result<(), FleetError>,
    rollback: bool,
) -> Result<(), FleetError> {
    let Err(FleetError::NotReady(mut trouble)) = came else {
        return came;
    };
    if !rollback {
        trouble
            .why
            .push_str("; nothing was taken back (--rollback does)");
        return Err(FleetError::NotReady(trouble));
    }
    follow.tell(&format!("{}; taking it back", trouble.why));
    trouble
        .why
        .push_str(match take_back(follow, sent, before).await? {
            None => "; before it there was nothing to go back to",
            Some(true) => "; it was taken back",
            Some(false) => "; it is being taken back, which has not ended in time",
        });
    Err(FleetError::NotReady(trouble))
}

/// Whether the way back has ended; `None` where there is none.
async fn take_back(
    follow: &mut Follower<'_>,
    sent: &StartedDeployment,
    before: Option<Timestamp>,
) -> Result<Option<bool>, FleetError> {
    let marathon = Arc::clone(follow.marathon());
    let back = match marathon.roll_back(&sent.deployment).await? {
        Some(back) => back,
        // The deployment has ended: what it brought was well for a moment.
        None => match before {
            Some(version) => {
                let body = json!({ "version": version });
                marathon
                    .put_group(&follow.group().clone(), &body, true)
                    .await?
            }
            None => return Ok(None),
        },
    };
    let undone = follow.again().until_ended(&[back.deployment]).await;
    Ok(Some(undone.is_ok()))
}

/// The peers of which several would be replaced at once, by the name of their cluster.
fn rolls(planned: &DryRunPlan, apps: &[App]) -> BTreeMap<String, Vec<PathId>> {
    let replaced = |app: &App| {
        let mut actions = planned.steps.iter().flat_map(|step| &step.actions);
        actions.any(|action| action.action == ActionName::Restart && action.app == app.id)
    };
    let mut rolls: BTreeMap<String, Vec<PathId>> = BTreeMap::new();
    for app in apps.iter().filter(|app| replaced(app)) {
        if let Some(peers) = app.labels.get(PEERS_LABEL) {
            rolls.entry(peers.clone()).or_default().push(app.id.clone());
        }
    }
    rolls.retain(|_, ids| ids.len() > 1);
    rolls
}

impl std::fmt::Display for UpReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = |at: Option<Duration>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{:.1}", at.as_secs_f64()))
        };
        let mut table = Table::new(&[
            "app",
            ">instances",
            ">launched s",
            ">running s",
            ">healthy s",
            ">ready s",
            ">failures",
        ]);
        for app in &self.apps {
            let mut cells = vec![app.id.last().to_owned(), app.wanted.to_string()];
            if app.stage == Stage::Ready && !app.moved() {
                cells.push("as it was".to_owned());
            } else {
                cells.extend(app.reached.iter().map(|at| seconds(*at)));
                cells.push(app.failures.len().to_string());
            }
            table.row(cells);
        }
        write!(f, "{table}")?;
        for (step, took) in &self.steps {
            writeln!(f, "{step}: {:.1} s", took.as_secs_f64())?;
        }
        writeln!(f, "all: {:.1} s", self.total.as_secs_f64())
    }
}
