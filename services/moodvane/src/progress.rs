//! Progress bars, on standard error, and only where that is a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use moodvane_ingester::Ingester;
use tokio::task::JoinHandle;

const REFRESH: Duration = Duration::from_millis(200);

/// How much is done, told by whoever does it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share(Arc<AtomicU64>);

impl Share {
    /// So much is done.
    pub(crate) fn set(&self, done: u64) {
        self.0.store(done, Ordering::Relaxed);
    }
}

/// A bar that is moved by a task.
pub(crate) struct Moving {
    bar: ProgressBar,
    mover: JoinHandle<()>,
}

impl Moving {
    /// A bar of `total` steps that `done` says how many of are done.
    pub(crate) fn new(
        total: u64,
        template: &'static str,
        done: impl Fn(&ProgressBar) -> u64 + Send + 'static,
    ) -> Self {
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let moved = bar.clone();
        let mover = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(REFRESH);
            loop {
                ticks.tick().await;
                moved.set_position(done(&moved));
            }
        });
        Self { bar, mover }
    }

    /// A bar of posts.
    pub(crate) fn of_share(total: u64, share: Share) -> Self {
        let template = "{bar:40} {percent:>3} % {human_pos} of {human_len} posts, {eta} left";
        Self::new(total, template, move |_| share.0.load(Ordering::Relaxed))
    }

    /// A bar of records.
    pub(crate) fn of_records(total: u64, share: Share) -> Self {
        let template = "{bar:40} {percent:>3} % {human_pos} of {human_len} records, {eta} left";
        Self::new(total, template, move |_| share.0.load(Ordering::Relaxed))
    }

    /// Ends the bar where it is.
    pub(crate) fn finish(self) {
        self.mover.abort();
        self.bar.finish_and_clear();
    }
}

/// The bytes of all files that an ingester reads.
pub(crate) fn of_files(ingester: &Ingester) -> Moving {
    let ingester = ingester.clone();
    Moving::new(
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
