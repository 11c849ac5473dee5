//! The result of a deployment as a table.

use std::fmt;
use std::time::Duration;

use comfy_table::CellAlignment::{Left, Right};

use crate::progress::{Progress, Stage};
use crate::table;

/// The result of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct UpReport {
    /// The steps and their durations.
    pub steps: Vec<(String, Duration)>,
    /// The progress of each app.
    pub apps: Vec<Progress>,
    /// The total duration.
    pub total: Duration,
}

impl fmt::Display for UpReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: Option<Duration>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{:.1}", at.as_secs_f64()))
        };
        let mut table = table::with_columns(&[
            ("app", Left),
            ("instances", Right),
            ("launched s", Right),
            ("running s", Right),
            ("healthy s", Right),
            ("ready s", Right),
            ("failures", Right),
        ]);
        for app in &self.apps {
            let mut cells = vec![app.id.last().to_owned(), app.instances.to_string()];
            if app.stage == Stage::Ready && !app.has_changed() {
                cells.push("unchanged".to_owned());
            } else {
                cells.extend(app.reached.iter().map(|at| seconds(*at)));
                cells.push(app.failures.len().to_string());
            }
            table.add_row(cells);
        }
        writeln!(f, "{}", table.trim_fmt())?;
        for (step, took) in &self.steps {
            writeln!(f, "{step}: {:.1} s", took.as_secs_f64())?;
        }
        writeln!(f, "total: {:.1} s", self.total.as_secs_f64())
    }
}
