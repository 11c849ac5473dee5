//! Progress bars on standard error, if it is a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use moodvane_ingester::Ingester;
use tokio::task::JoinHandle;

const REFRESH: Duration = Duration::from_millis(200);

/// The number of completed steps, shared with the task that performs them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done(Arc<AtomicU64>);

impl Done {
    /// Sets the number of completed steps.
    pub(crate) fn set(&self, done: u64) {
        self.0.store(done, Ordering::Relaxed);
    }
}

/// A progress bar that a task updates.
pub(crate) struct Progress {
    bar: ProgressBar,
    updater: JoinHandle<()>,
}

impl Progress {
    /// A bar of `total` steps; `done` returns the completed ones.
    pub(crate) fn new(
        total: u64,
        template: &'static str,
        done: impl Fn(&ProgressBar) -> u64 + Send + 'static,
    ) -> Self {
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let updated = bar.clone();
        let updater = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REFRESH);
            loop {
                ticks.tick().await;
                updated.set_position(done(&updated));
            }
        });
        Self { bar, updater }
    }

    /// A bar of posts.
    pub(crate) fn of_posts(total: u64, done: Done) -> Self {
        let template = "{bar:40} {percent:>3} % {human_pos} of {human_len} posts, {eta} left";
        Self::new(total, template, move |_| done.0.load(Ordering::Relaxed))
    }

    /// A bar of records.
    pub(crate) fn of_records(total: u64, done: Done) -> Self {
        let template = "{bar:40} {percent:>3} % {human_pos} of {human_len} records, {eta} left";
        Self::new(total, template, move |_| done.0.load(Ordering::Relaxed))
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        self.updater.abort();
        self.bar.finish_and_clear();
    }
}

/// A bar of the bytes of all files that an ingester reads.
pub(crate) fn of_files(ingester: &Ingester) -> Progress {
    let ingester = ingester.clone();
    Progress::new(
        0,
        "{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left",
        move |bar| {
            let files = ingester
                .status()
                .into_iter()
                .filter_map(|source| source.progress);
            let (done, total) = files.fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1));
            bar.set_length(total);
            done
        },
    )
}
