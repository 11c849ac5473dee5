//! Follows deployments until every app of a group is healthy and ready.
//!
//! Words: an app is *ready* when all its instances run the version that was asked for, their health
//! checks succeed, and no deployment acts on it any more; a deployment leaves an app only when its
//! readiness checks have succeeded.
//!
//! Guarantee: the wait ends: in readiness, in [`FailureReport`] when an app fails again and again or the time is
//! over, or with the error of a Marathon that does not come back.

mod progress;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moodvane_marathon_api::{App, Deployment, PathId};
use tokio::time::Instant;

pub(crate) use self::progress::is_living;
pub use self::progress::{Progress, Stage};
pub use self::trouble::{AppFailure, FailureReport};
use crate::client::{AppInfo, ClientError, MarathonClient};
use crate::error::FleetError;
use crate::events::EventListener;

/// How long is waited, and for how many failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowLimits {
    /// For everything.
    pub timeout: Duration,
    /// An app whose tasks failed so often does not come up.
    pub max_failures: usize,
}

/// Takes a line about what has just happened.
pub type Reporter<'s> = &'s (dyn Fn(&str) + Send + Sync);

/// A group that is watched.
pub struct Follower<'s> {
    marathon: Arc<MarathonClient>,
    events: EventListener,
    group: PathId,
    limits: FollowLimits,
    begun: Instant,
    apps: BTreeMap<PathId, Progress>,
    say: Reporter<'s>,
}

/// What Marathon said at one moment.
struct Snapshot {
    apps: Vec<AppInfo>,
    deployments: Vec<Deployment>,
}

impl<'s> Follower<'s> {
    /// Begins to watch `group`.
    ///
    /// # Errors
    /// [`FleetError::Client`] where Marathon does not answer.
    pub async fn begin(
        marathon: &Arc<MarathonClient>,
        group: &PathId,
        limits: FollowLimits,
        say: Reporter<'s>,
    ) -> Result<Self, FleetError> {
        let mut follow = Self {
            marathon: Arc::clone(marathon),
            events: EventListener::start(marathon),
            group: group.clone(),
            limits,
            begun: Instant::now(),
            apps: BTreeMap::new(),
            say,
        };
        let look = follow.look().await?;
        for info in &look.apps {
            // What failed before is not the fault of what comes now.
            let progress = Progress::before(info, &look.deployments);
            follow.apps.insert(info.app.id.clone(), progress);
        }
        Ok(follow)
    }

    /// What is watched.
    #[must_use]
    pub fn group(&self) -> &PathId {
        &self.group
    }

    pub(crate) fn marathon(&self) -> &Arc<MarathonClient> {
        &self.marathon
    }

    pub(crate) fn tell(&self, line: &str) {
        (self.say)(line);
    }

    /// The same with as much patience as at the beginning, for what comes after a failure.
    pub fn again(&mut self) -> &mut Self {
        self.limits.timeout += self.begun.elapsed();
        self.apps.values_mut().for_each(Progress::forgive);
        self
    }

    /// How long it has been watched.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How each app came up so far.
    #[must_use]
    pub fn progress(&self) -> Vec<&Progress> {
        self.apps.values().collect()
    }

    /// Waits until every app below the group is ready.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] where one does not become so.
    pub async fn until_ready(&mut self) -> Result<(), FleetError> {
        let group = self.group.clone();
        self.until(&|id: &PathId| id.is_below(&group)).await
    }

    /// Waits until one app is ready.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] where it does not become so.
    pub async fn until_app_ready(&mut self, app: &PathId) -> Result<(), FleetError> {
        self.until(&|id: &PathId| id == app).await
    }

    async fn until(&mut self, chosen: &(dyn Fn(&PathId) -> bool + Sync)) -> Result<(), FleetError> {
        loop {
            let look = match self.look().await {
                Ok(look) => look,
                Err(error) if error.is_transient() && !self.is_over() => {
                    (self.say)(&format!("{error}; asking again"));
                    self.events.wait().await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.note(&look);
            let open = look
                .deployments
                .iter()
                .any(|one| one.affected_apps.iter().any(chosen));
            let watched = || look.apps.iter().filter(|info| chosen(&info.app.id));
            let ready = watched().all(|info| self.is_at(&info.app.id, Stage::Ready));
            if ready && !open {
                return Ok(());
            }
            if let Some(why) = self.hopeless(chosen) {
                let why = format!("{why} after {:.1} s", self.elapsed().as_secs_f64());
                let trouble = trouble::gather(&self.marathon, why, &look, &self.apps, chosen).await;
                return Err(FleetError::NotReady(Box::new(trouble)));
            }
            self.events.wait().await;
        }
    }

    /// Waits until these deployments have ended, one way or the other.
    ///
    /// # Errors
    /// [`FleetError::NotReady`] where they do not end in time.
    pub async fn until_ended(&mut self, deployments: &[String]) -> Result<(), FleetError> {
        loop {
            let look = self.look().await?;
            self.note(&look);
            let open = |id: &String| look.deployments.iter().any(|one| one.id == *id);
            if !deployments.iter().any(open) {
                return Ok(());
            }
            let failing = self.hopeless(&|id: &PathId| id.is_below(&self.group));
            if let Some(why) = failing {
                let chosen = |id: &PathId| self.apps.contains_key(id);
                let trouble =
                    trouble::gather(&self.marathon, why, &look, &self.apps, &chosen).await;
                return Err(FleetError::NotReady(Box::new(trouble)));
            }
            self.events.wait().await;
        }
    }

    /// What differs between what was asked for and what Marathon has, once all is ready.
    ///
    /// # Errors
    /// [`FleetError::Client`] where Marathon does not answer.
    pub async fn changed_by_others(&self, asked: &[App]) -> Result<Vec<String>, ClientError> {
        let look = self.look().await?;
        let differs = |app: &App| match look.apps.iter().find(|info| info.app.id == app.id) {
            None => Some(format!("{} is not there", app.id)),
            Some(info) => progress::difference(app, &info.app)
                .map(|what| format!("{} has another {what}", app.id)),
        };
        Ok(asked.iter().filter_map(differs).collect())
    }

    async fn look(&self) -> Result<Snapshot, ClientError> {
        // Deployments first: one that ends between the two is seen as open, and looked at again.
        let deployments = self.marathon.deployments().await?;
        let apps = self.marathon.apps(&self.group).await?;
        Ok(Snapshot { apps, deployments })
    }

    fn note(&mut self, look: &Snapshot) {
        let elapsed = self.begun.elapsed();
        for info in &look.apps {
            let id = info.app.id.clone();
            let progress = self.apps.entry(id).or_insert_with(|| Progress::new(info));
            if let Some(news) = progress.note(info, &look.deployments, elapsed) {
                (self.say)(&format!(
                    "{:7.1} s  {:<24} {news}",
                    elapsed.as_secs_f64(),
                    info.app.id.last()
                ));
            }
        }
        self.apps
            .retain(|id, _| look.apps.iter().any(|info| info.app.id == *id));
    }

    fn is_at(&self, id: &PathId, stage: Stage) -> bool {
        self.apps
            .get(id)
            .is_some_and(|progress| progress.stage == stage)
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.limits.timeout
    }

    fn hopeless(&self, chosen: &(dyn Fn(&PathId) -> bool + Sync)) -> Option<String> {
        let failing = self.apps.values().find(|progress| {
            chosen(&progress.id) && progress.failures.len() >= self.limits.max_failures
        });
        if let Some(progress) = failing {
            let times = progress.failures.len();
            return Some(format!("{} failed {times} times, giving up", progress.id));
        }
        let late = || {
            self.apps
                .values()
                .filter(|one| chosen(&one.id) && one.stage < Stage::Ready)
                .count()
        };
        self.is_over().then(|| match late() {
            0 => "deployments are still under way".to_owned(),
            count => format!("{count} apps are not ready"),
        })
    }
}
