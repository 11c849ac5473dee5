//! One trial: kill, then healthy, then the first good answer.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use moodvane_fleet::client::MarathonClient;
use moodvane_marathon_api::{AppInfo, PathId, Task, TaskState};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::kill::kill;
use crate::options::How;
use crate::others::{Seen, Watch};
use crate::probe::Probe;

/// How exact the times are: Marathon and the task are asked this often.
const PACE: Duration = Duration::from_millis(20);

/// What one trial showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    /// The app.
    pub(crate) app: String,
    /// How its task was killed.
    pub(crate) how: How,
    /// The first good answer's kind.
    pub(crate) asked: &'static str,
    /// From the kill until Marathon told of the new task.
    pub(crate) launched: Duration,
    /// Until Marathon called it healthy.
    pub(crate) healthy: Duration,
    /// Until it first answered well.
    pub(crate) answered: Duration,
    /// What the others did meanwhile.
    pub(crate) others: Seen,
}

/// What every trial needs.
pub(crate) struct Bench<'b> {
    pub(crate) marathon: &'b MarathonClient,
    pub(crate) http: &'b reqwest::Client,
    pub(crate) group: &'b PathId,
    pub(crate) timeout: Duration,
    pub(crate) settle: Duration,
    pub(crate) proxy: Option<&'b str>,
    pub(crate) forget_image: &'b str,
}

impl Bench<'_> {
    /// Kills one task of the app and waits for its successor.
    pub(crate) async fn trial(
        &self,
        app: &PathId,
        how: How,
        number: usize,
    ) -> anyhow::Result<Trial> {
        self.until_settled().await?;
        let before = running(self.marathon.tasks(app).await?);
        // In turn, so that no instance is always the one.
        let victim = before
            .get(number % before.len().max(1))
            .context("it has no running task")?
            .clone();
        let watch = Watch::begin(self.http, self.others(&victim).await?, self.proxy);
        let begun = Instant::now();
        kill(self.marathon, &victim, how).await?;
        let known: BTreeSet<&str> = before.iter().map(|task| task.id.as_str()).collect();
        let back = self.until_back(app, &known, begun).await;
        let others = watch.end().await;
        if how == How::Sigkill {
            self.forget_delay(app).await?;
        }
        let (asked, [launched, healthy, answered]) = back?;
        Ok(Trial {
            app: app.last().to_owned(),
            how,
            asked,
            launched,
            healthy,
            answered,
            others,
        })
    }

    pub(crate) async fn until_back(
        &self,
        app: &PathId,
        known: &BTreeSet<&str>,
        begun: Instant,
    ) -> anyhow::Result<(&'static str, [Duration; 3])> {
        let (mut launched, mut healthy, mut answered) = (None, None, None);
        let mut pace = pace();
        loop {
            pace.tick().await;
            let info = self.marathon.app(app).await?.context("the app is gone")?;
            let tasks = running(info.tasks.unwrap_or_default());
            let new = tasks.iter().find(|task| !known.contains(task.id.as_str()));
            if let Some(task) = new {
                let probe = Probe::of(&info.app, task).context("nobody knows how to ask it")?;
                launched.get_or_insert_with(|| begun.elapsed());
                if answered.is_none() && probe.is_good(self.http).await {
                    answered = Some(begun.elapsed());
                }
                if task.is_healthy() {
                    healthy.get_or_insert_with(|| begun.elapsed());
                }
                if let (Some(launched), Some(healthy), Some(answered)) =
                    (launched, healthy, answered)
                {
                    return Ok((probe.name(), [launched, healthy, answered]));
                }
            }
            if begun.elapsed() > self.timeout {
                bail!(
                    "{app} is not back after {:?}: launched {launched:?}, healthy {healthy:?}, answered {answered:?}",
                    self.timeout
                );
            }
        }
    }

    /// Has Marathon forget that a task crashed, so that the next trial waits as long as this one did.
    ///
    /// It only does so while something of the app waits to be launched. So one task is killed by the API,
    /// which is no crash, and until its successor is launched the delay is reset.
    async fn forget_delay(&self, app: &PathId) -> anyhow::Result<()> {
        self.until_settled().await?;
        let before = running(self.marathon.tasks(app).await?);
        let Some(task) = before.first() else {
            return Ok(());
        };
        self.marathon.kill_task(app, &task.id).await?;
        let known: BTreeSet<&str> = before.iter().map(|task| task.id.as_str()).collect();
        let begun = Instant::now();
        let mut pace = pace();
        loop {
            pace.tick().await;
            let was_reset = self.marathon.reset_launch_delay(app).await?;
            let tasks = self.marathon.tasks(app).await?;
            let is_launched = tasks.iter().any(|task| !known.contains(task.id.as_str()));
            if was_reset || is_launched {
                return Ok(());
            }
            if begun.elapsed() > self.timeout {
                bail!("{app} is not launched again after {:?}", self.timeout);
            }
        }
    }

    /// Waits until all has been healthy for so long that whoever follows Marathon knows of it.
    async fn until_settled(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut since: Option<Instant> = None;
        let mut pace = pace();
        loop {
            pace.tick().await;
            let missing = self.missing().await?;
            if !missing.is_empty() {
                since = None;
            } else if since.get_or_insert_with(Instant::now).elapsed() >= self.settle {
                return Ok(());
            }
            self.ensure_patience(begun, &missing)?;
        }
    }

    /// Waits until nothing is being deployed and every task of the group is healthy.
    pub(crate) async fn until_all_healthy(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut pace = pace();
        loop {
            pace.tick().await;
            let missing = self.missing().await?;
            if missing.is_empty() {
                return Ok(());
            }
            self.ensure_patience(begun, &missing)?;
        }
    }

    fn ensure_patience(&self, begun: Instant, missing: &[String]) -> anyhow::Result<()> {
        ensure!(
            begun.elapsed() <= self.timeout + self.settle,
            "not all of {} is healthy after {:?}: {}",
            self.group,
            self.timeout,
            missing.join(", ")
        );
        Ok(())
    }

    /// The apps of which not every task is healthy, or that are being deployed; the group where it has none.
    async fn missing(&self) -> anyhow::Result<Vec<String>> {
        let apps = self.marathon.apps(self.group).await?;
        if apps.is_empty() {
            return Ok(vec![self.group.to_string()]);
        }
        let is_missing = |info: &&AppInfo| {
            let tasks = info.tasks.as_deref().unwrap_or_default();
            let healthy = tasks.iter().filter(|task| task.is_healthy()).count();
            healthy < info.app.instances as usize || !info.deployments.is_empty()
        };
        let missing = apps.iter().filter(is_missing);
        Ok(missing.map(|info| info.app.id.to_string()).collect())
    }

    /// How every task but the victim is asked.
    async fn others(&self, victim: &Task) -> anyhow::Result<Vec<Probe>> {
        let mut probes = Vec::new();
        for info in self.marathon.apps(self.group).await? {
            for task in running(info.tasks.unwrap_or_default()) {
                if task.id != victim.id {
                    probes.extend(Probe::of(&info.app, &task));
                }
            }
        }
        Ok(probes)
    }
}

pub(crate) fn pace() -> tokio::time::Interval {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

fn running(tasks: Vec<Task>) -> Vec<Task> {
    tasks
        .into_iter()
        .filter(|task| task.state == TaskState::Running)
        .collect()
}
