//! Reports of apps that did not become ready.

use std::fmt;

use moodvane_marathon_api::PathId;

use crate::progress::Stage;

/// Why a deployment failed, with the state of each affected app.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureReport {
    /// The reason, in one line.
    pub reason: String,
    /// The apps that are not ready.
    pub apps: Vec<AppFailure>,
    /// What to do, one line each.
    pub advice: Vec<String>,
}

/// The state of one app that did not become ready.
#[derive(Debug, Clone, PartialEq)]
pub struct AppFailure {
    /// The app.
    pub app: PathId,
    /// The stage that it reached.
    pub stage: Stage,
    /// The running deployments that hold it.
    pub deployments: Vec<String>,
    /// Its tasks, one per line.
    pub tasks: Vec<String>,
    /// The last task failure.
    pub last_failure: Option<String>,
    /// Why Marathon launches no further task.
    pub launch_blocker: Option<String>,
    /// The end of the log, or why it is missing.
    pub log: Vec<String>,
}

impl FailureReport {
    pub(crate) fn without_apps(reason: String) -> Self {
        Self {
            reason,
            apps: Vec::new(),
            advice: Vec::new(),
        }
    }
}

impl fmt::Display for FailureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        let mut apps = self.apps.iter();
        apps.try_for_each(|app| write!(f, "\n\n{app}"))?;
        if self.advice.is_empty() {
            return Ok(());
        }
        f.write_str("\n\nwhat to do:")?;
        let mut advice = self.advice.iter();
        advice.try_for_each(|line| write!(f, "\n  - {line}"))
    }
}

impl fmt::Display for AppFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.app, self.stage)?;
        for deployment in &self.deployments {
            write!(f, "\n  held by {deployment}")?;
        }
        for task in &self.tasks {
            write!(f, "\n  task {task}")?;
        }
        if let Some(failure) = &self.last_failure {
            write!(f, "\n  last failure: {failure}")?;
        }
        if let Some(blocker) = &self.launch_blocker {
            write!(f, "\n  not launched: {blocker}")?;
        }
        self.log
            .iter()
            .try_for_each(|line| write!(f, "\n  | {line}"))
    }
}
