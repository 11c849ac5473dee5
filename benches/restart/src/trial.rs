//! One trial: kills a task, then waits until its replacement is launched, healthy and answering.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use moodvane_fleet::client::MarathonClient;
use moodvane_marathon_api::{AppInfo, PathId, Task, TaskState};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::availability::{Availability, AvailabilityMonitor};
use crate::kill::kill;
use crate::options::KillMethod;
use crate::probe::Probe;

/// The resolution of the measured times.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The result of one trial.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    pub(crate) app: String,
    pub(crate) method: KillMethod,
    /// The request that the replacement answered.
    pub(crate) probe: &'static str,
    pub(crate) times: RecoveryTimes,
    pub(crate) availability: Availability,
}

/// Times since the kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecoveryTimes {
    /// Marathon reported the replacement as running.
    pub(crate) launched: Duration,
    /// Marathon reported it as healthy.
    pub(crate) healthy: Duration,
    /// It answered the first probe successfully.
    pub(crate) answered: Duration,
}

/// A finished recovery.
pub(crate) struct Recovery {
    pub(crate) probe: &'static str,
    pub(crate) times: RecoveryTimes,
}

/// Runs trials.
pub(crate) struct TrialRunner<'b> {
    pub(crate) marathon: &'b MarathonClient,
    pub(crate) http: &'b reqwest::Client,
    pub(crate) group: &'b PathId,
    pub(crate) timeout: Duration,
    pub(crate) settle: Duration,
    pub(crate) proxy: Option<&'b str>,
    pub(crate) forget_image: &'b str,
}

impl TrialRunner<'_> {
    /// Kills one task of the app and waits for its replacement.
    pub(crate) async fn run_kill(
        &self,
        app: &PathId,
        method: KillMethod,
        number: usize,
    ) -> anyhow::Result<Trial> {
        self.wait_until_settled().await?;
        let before = running(self.marathon.tasks(app).await?);
        // Rotates through the instances.
        let victim = before
            .get(number % before.len().max(1))
            .with_context(|| format!("{app} has no running task"))?
            .clone();
        let others = self.probes_except(&victim).await?;
        let monitor = AvailabilityMonitor::start(self.http, others, self.proxy);
        let killed_at = Instant::now();
        kill(self.marathon, &victim, method).await?;
        let recovery = self
            .wait_for_replacement(app, &task_ids(&before), killed_at)
            .await;
        let availability = monitor.stop().await;
        if method == KillMethod::Sigkill {
            self.reset_launch_delay(app).await?;
        }
        let Recovery { probe, times } = recovery?;
        Ok(Trial {
            app: app.last().to_owned(),
            method,
            probe,
            times,
            availability,
        })
    }

    /// Waits until a task that is not in `before` is launched, healthy and answering.
    pub(crate) async fn wait_for_replacement(
        &self,
        app: &PathId,
        before: &BTreeSet<&str>,
        killed_at: Instant,
    ) -> anyhow::Result<Recovery> {
        let (mut launched, mut healthy, mut answered) = (None, None, None);
        let mut interval = poll_interval();
        loop {
            interval.tick().await;
            let info = self.marathon.app(app).await?;
            let info = info.with_context(|| format!("app {app} no longer exists"))?;
            let tasks = running(info.tasks.unwrap_or_default());
            let new = tasks.iter().find(|task| !before.contains(task.id.as_str()));
            if let Some(task) = new {
                let probe = Probe::new(&info.app, task)
                    .with_context(|| format!("no probe for {app}: its tasks have no port"))?;
                launched.get_or_insert_with(|| killed_at.elapsed());
                if answered.is_none() && probe.succeeds(self.http).await {
                    answered = Some(killed_at.elapsed());
                }
                if task.is_healthy() {
                    healthy.get_or_insert_with(|| killed_at.elapsed());
                }
                if let (Some(launched), Some(healthy), Some(answered)) =
                    (launched, healthy, answered)
                {
                    return Ok(Recovery {
                        probe: probe.name(),
                        times: RecoveryTimes {
                            launched,
                            healthy,
                            answered,
                        },
                    });
                }
            }
            if killed_at.elapsed() > self.timeout {
                bail!(
                    "{app} has not recovered after {:?}: launched {launched:?}, healthy {healthy:?}, answered {answered:?}",
                    self.timeout
                );
            }
        }
    }

    /// Resets Marathon's launch delay after a crash, so that the next trial does not wait longer.
    ///
    /// Marathon resets it only while a task of the app waits to be launched. So this kills one task
    /// through the API, which does not count as a crash, and repeats the reset until the
    /// replacement is launched.
    async fn reset_launch_delay(&self, app: &PathId) -> anyhow::Result<()> {
        self.wait_until_settled().await?;
        let before = running(self.marathon.tasks(app).await?);
        let Some(task) = before.first() else {
            return Ok(());
        };
        self.marathon.kill_task(app, &task.id).await?;
        let before = task_ids(&before);
        let started = Instant::now();
        let mut interval = poll_interval();
        loop {
            interval.tick().await;
            let was_reset = self.marathon.reset_launch_delay(app).await?;
            let tasks = self.marathon.tasks(app).await?;
            let is_launched = tasks.iter().any(|task| !before.contains(task.id.as_str()));
            if was_reset || is_launched {
                return Ok(());
            }
            if started.elapsed() > self.timeout {
                bail!("{app} has no new task after {:?}", self.timeout);
            }
        }
    }

    /// Waits until every task has been healthy for the settle time, so that followers of Marathon,
    /// such as the load balancer, have caught up.
    async fn wait_until_settled(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut healthy_since: Option<Instant> = None;
        let mut interval = poll_interval();
        loop {
            interval.tick().await;
            let pending = self.pending_apps().await?;
            if !pending.is_empty() {
                healthy_since = None;
            } else if healthy_since.get_or_insert_with(Instant::now).elapsed() >= self.settle {
                return Ok(());
            }
            self.check_deadline(started, &pending)?;
        }
    }

    /// Waits until no deployment runs and every task of the group is healthy.
    pub(crate) async fn wait_until_healthy(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut interval = poll_interval();
        loop {
            interval.tick().await;
            let pending = self.pending_apps().await?;
            if pending.is_empty() {
                return Ok(());
            }
            self.check_deadline(started, &pending)?;
        }
    }

    fn check_deadline(&self, started: Instant, pending: &[String]) -> anyhow::Result<()> {
        ensure!(
            started.elapsed() <= self.timeout + self.settle,
            "{} is not healthy after {:?}; pending: {}",
            self.group,
            self.timeout,
            pending.join(", ")
        );
        Ok(())
    }

    /// The apps with a deployment or with tasks that are not healthy; the group itself if it is empty.
    async fn pending_apps(&self) -> anyhow::Result<Vec<String>> {
        let apps = self.marathon.apps(self.group).await?;
        if apps.is_empty() {
            return Ok(vec![self.group.to_string()]);
        }
        let is_pending = |info: &&AppInfo| {
            let tasks = info.tasks.as_deref().unwrap_or_default();
            let healthy = tasks.iter().filter(|task| task.is_healthy()).count();
            healthy < info.app.instances as usize || !info.deployments.is_empty()
        };
        let pending = apps.iter().filter(is_pending);
        Ok(pending.map(|info| info.app.id.to_string()).collect())
    }

    /// Probes of every running task except the victim.
    async fn probes_except(&self, victim: &Task) -> anyhow::Result<Vec<Probe>> {
        let mut probes = Vec::new();
        for info in self.marathon.apps(self.group).await? {
            for task in running(info.tasks.unwrap_or_default()) {
                if task.id != victim.id {
                    probes.extend(Probe::new(&info.app, &task));
                }
            }
        }
        Ok(probes)
    }
}

pub(crate) fn poll_interval() -> Interval {
    let mut interval = interval(POLL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn task_ids(tasks: &[Task]) -> BTreeSet<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}

fn running(tasks: Vec<Task>) -> Vec<Task> {
    tasks
        .into_iter()
        .filter(|task| task.state == TaskState::Running)
        .collect()
}
