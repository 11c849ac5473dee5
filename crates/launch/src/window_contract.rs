//! The agreement of separate ingesters and processors about the duplicate window.
//!
//! An ingester and a processor share nothing but the log, so each writes its side of the agreement
//! to the log's metadata, by topic, and checks the other side at start: the *budget*, the records
//! that an ingester may repeat (see [`ResendBudget`]), and the *window* of the processors that
//! started last. Neither starts where the budget exceeds the window.
//!
//! The budget in the log only grows: records that an ingester wrote under a larger budget stay in
//! the log, and a fold with a smaller window would count their repeats twice.
//!
//! Guarantee: whichever side starts first, and also if both start at once, at least one of two that
//! disagree fails, and the value that it wrote is taken back.
//!
//! Not covered: two runs with different windows that fold at the same time. The log has the window
//! of the later one; the other is checked when it starts again.
//!
//! This module must not know which sources an ingester has, or what a run is.

use std::collections::BTreeMap;

use moodvane_eventlog::{EventLog, LogError};
use moodvane_model::{ContextError, DuplicateWindow, ResendBudget, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

/// Why an ingester or a processor must not work on a log.
#[derive(Debug, Error)]
pub enum WindowContractError {
    /// The log cannot be read or written.
    #[error("cannot agree with the other services on the duplicate window")]
    Log(#[from] LogError),
    /// The window of the processors does not cover this ingester.
    #[error(
        "{budget} of topic {topic} exceed the duplicate window of its processors, {window} offsets: lower \
         ingester.batch_posts, ingester.batches_in_flight or the rewind of a source, or restart the \
         processors with a larger processor.window"
    )]
    IngesterExceedsWindow {
        /// The topic.
        topic: Topic,
        /// What this ingester may repeat.
        budget: ResendBudget,
        /// The window of the processors.
        window: DuplicateWindow,
    },
    /// This window does not cover the ingesters of the log.
    #[error(
        "processor.window, {window} offsets, is too small for topic {topic}, whose ingesters may repeat \
         {budget} records after a crash: raise it to at least {budget}"
    )]
    WindowTooSmall {
        /// The topic.
        topic: Topic,
        /// The window of this processor.
        window: DuplicateWindow,
        /// The largest budget of an ingester of the log, in records.
        budget: u64,
    },
}

/// The end of the names of all declarations, which no cursor of a source has.
const SUFFIX: &str = ":window-contract";
/// As a declared value: neither a window nor a budget.
const NONE: u64 = 0;

/// The value of a declaration.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Declared {
    records: u64,
}

/// The side that declares.
#[derive(Debug, Clone, Copy)]
enum Side {
    /// The largest budget of an ingester, in records.
    Ingesters,
    /// The window of the processors, in offsets.
    Processors,
}

impl Side {
    /// The name of its declaration about a topic.
    fn name(self, topic: Topic) -> String {
        let side = match self {
            Self::Ingesters => "ingesters",
            Self::Processors => "processors",
        };
        format!("{topic}:{side}{SUFFIX}")
    }
}

/// All declarations of a log, read at once: a restart waits for it.
#[derive(Debug)]
struct Declarations(BTreeMap<String, u64>);

impl Declarations {
    async fn read(log: &dyn EventLog) -> Result<Self, LogError> {
        let texts = log.cursors_with_suffix(SUFFIX).await?;
        let values = texts.into_iter().map(|(name, text)| {
            let declared: Declared = serde_json::from_str(&text).map_err(|error| {
                let shown: String = text.chars().take(64).collect();
                let context = format!("metadata {name} is \"{shown}\"");
                LogError::Corrupt(ContextError::caused_by(context, error))
            })?;
            Ok((name, declared.records))
        });
        values.collect::<Result<_, _>>().map(Self)
    }

    fn value(&self, side: Side, topic: Topic) -> Option<u64> {
        self.0.get(&side.name(topic)).copied()
    }

    fn check_budget(&self, topic: Topic, budget: ResendBudget) -> Result<(), WindowContractError> {
        let declared = self.value(Side::Processors, topic);
        let window =
            declared.and_then(|offsets| DuplicateWindow::new(u32::try_from(offsets).ok()?));
        match window {
            Some(window) if window.check(budget).is_err() => {
                Err(WindowContractError::IngesterExceedsWindow {
                    topic,
                    budget,
                    window,
                })
            }
            _ => Ok(()),
        }
    }

    fn check_window(
        &self,
        topic: Topic,
        window: DuplicateWindow,
    ) -> Result<(), WindowContractError> {
        let budget = self.value(Side::Ingesters, topic).unwrap_or(NONE);
        if budget > u64::from(window.offsets()) {
            return Err(WindowContractError::WindowTooSmall {
                topic,
                window,
                budget,
            });
        }
        Ok(())
    }
}

async fn write(log: &dyn EventLog, name: &str, records: u64) -> Result<(), LogError> {
    log.save_cursor(name, &json!(Declared { records }).to_string())
        .await
}

/// Declares a value, checks the other side once more, and takes the value back if the check fails.
async fn declare(
    log: &dyn EventLog,
    name: &str,
    (before, now): (Option<u64>, u64),
    check: impl Fn(&Declarations) -> Result<(), WindowContractError>,
) -> Result<(), WindowContractError> {
    if before == Some(now) {
        return Ok(());
    }
    write(log, name, now).await?;
    let after = Declarations::read(log).await;
    let checked = after.map_err(Into::into).and_then(|after| check(&after));
    if checked.is_err() {
        write(log, name, before.unwrap_or(NONE)).await?;
    }
    checked
}

/// Checks an ingester's budget against the processors of the log, and declares it to them.
///
/// # Errors
/// [`WindowContractError`] if the budget exceeds their window, or the log fails.
pub async fn declare_budget(
    log: &dyn EventLog,
    topic: Topic,
    budget: ResendBudget,
) -> Result<(), WindowContractError> {
    let declared = Declarations::read(log).await?;
    declared.check_budget(topic, budget)?;
    let before = declared.value(Side::Ingesters, topic);
    let now = budget.total().max(before.unwrap_or(NONE));
    let name = Side::Ingesters.name(topic);
    let check = |after: &Declarations| after.check_budget(topic, budget);
    declare(log, &name, (before, now), check).await
}

/// Checks the window of a processor of `topics` against the ingesters of the log, and declares it to
/// them.
///
/// # Errors
/// [`WindowContractError`] if the window is too small for their budgets, or the log fails.
pub async fn declare_window(
    log: &dyn EventLog,
    topics: &[Topic],
    window: DuplicateWindow,
) -> Result<(), WindowContractError> {
    let declared = Declarations::read(log).await?;
    for topic in topics {
        declared.check_window(*topic, window)?;
    }
    for topic in topics {
        let before = declared.value(Side::Processors, *topic);
        let values = (before, u64::from(window.offsets()));
        let name = Side::Processors.name(*topic);
        let check = |after: &Declarations| after.check_window(*topic, window);
        declare(log, &name, values, check).await?;
    }
    Ok(())
}

/// Checks a window against the ingesters of the log without declaring it, for a fold beside the
/// processors.
///
/// # Errors
/// As [`declare_window`].
pub async fn check_window(
    log: &dyn EventLog,
    topics: &[Topic],
    window: DuplicateWindow,
) -> Result<(), WindowContractError> {
    let declared = Declarations::read(log).await?;
    let mut topics = topics.iter();
    topics.try_for_each(|topic| declared.check_window(*topic, window))
}

#[cfg(test)]
mod tests {
    use moodvane_eventlog::{SqliteLog, SqliteLogConfig};
    use tempfile::TempDir;

    use super::*;

    const TOPIC: Topic = Topic::Tweet;

    /// A step of one side, in records or offsets.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ingester(u64),
        Processor(u32),
        Fold(u32),
    }
    use Step::{Fold, Ingester, Processor};

    fn open_log(dir: &TempDir) -> SqliteLog {
        let path = dir.path().join("moodvane.db");
        let partitions = 1;
        SqliteLog::open(SqliteLogConfig { path, partitions }).unwrap()
    }

    fn budget(records: u64) -> ResendBudget {
        ResendBudget {
            in_flight: records,
            ..ResendBudget::default()
        }
    }

    async fn take(log: &SqliteLog, step: Step) -> Result<(), WindowContractError> {
        let window = |offsets| DuplicateWindow::new(offsets).unwrap();
        match step {
            Ingester(records) => declare_budget(log, TOPIC, budget(records)).await,
            Processor(offsets) => declare_window(log, &[TOPIC], window(offsets)).await,
            Fold(offsets) => check_window(log, &[TOPIC], window(offsets)).await,
        }
    }

    #[tokio::test]
    async fn side_starts_only_where_budgets_fit_into_window() {
        // The steps in order, each with whether it may start.
        for steps in [
            vec![
                (Processor(100), true),
                (Ingester(100), true),
                (Ingester(101), false),
            ],
            vec![
                (Ingester(100), true),
                (Processor(99), false),
                (Processor(100), true),
            ],
            // Either side may change as long as both fit.
            vec![
                (Processor(100), true),
                (Processor(200), true),
                (Ingester(150), true),
            ],
            // The log keeps records of the larger budget.
            vec![
                (Ingester(100), true),
                (Ingester(10), true),
                (Processor(99), false),
            ],
            // A rejected side leaves nothing behind.
            vec![
                (Processor(100), true),
                (Ingester(101), false),
                (Processor(50), true),
            ],
            vec![
                (Ingester(100), true),
                (Processor(50), false),
                (Ingester(100), true),
            ],
            // A fold beside the processors declares nothing.
            vec![
                (Ingester(100), true),
                (Fold(99), false),
                (Fold(200), true),
                (Processor(100), true),
            ],
            vec![
                (Processor(200), true),
                (Fold(100), true),
                (Ingester(200), true),
            ],
        ] {
            let dir = TempDir::new().unwrap();
            let log = open_log(&dir);
            for (index, (step, expected)) in steps.iter().enumerate() {
                let result = take(&log, *step).await;
                assert_eq!(
                    result.is_ok(),
                    *expected,
                    "step {index} of {steps:?}: {result:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn topics_are_independent() {
        let dir = TempDir::new().unwrap();
        let log = open_log(&dir);
        declare_budget(&log, Topic::Temperature, budget(1_000))
            .await
            .unwrap();
        let window = DuplicateWindow::new(500).unwrap();
        declare_window(&log, &[Topic::Tweet], window).await.unwrap();
        let error = declare_window(&log, &Topic::ALL, window).await.unwrap_err();
        let expected = "processor.window, 500 offsets, is too small for topic temperature, whose ingesters \
                        may repeat 1000 records after a crash: raise it to at least 1000";
        assert_eq!(error.to_string(), expected);
    }

    /// Both sides checked before either wrote: the one that writes later takes its value back.
    #[tokio::test]
    async fn second_of_simultaneous_starts_fails_and_restores_metadata() {
        let dir = TempDir::new().unwrap();
        let log = open_log(&dir);
        let (window, budget) = (DuplicateWindow::new(100).unwrap(), budget(101));
        let nothing = Declarations::read(&log).await.unwrap();
        assert!(nothing.check_window(TOPIC, window).is_ok());
        assert!(nothing.check_budget(TOPIC, budget).is_ok());
        let name = Side::Processors.name(TOPIC);
        let check = |after: &Declarations| after.check_window(TOPIC, window);
        declare(&log, &name, (None, 100), check).await.unwrap();
        let name = Side::Ingesters.name(TOPIC);
        let check = |after: &Declarations| after.check_budget(TOPIC, budget);
        declare(&log, &name, (None, 101), check).await.unwrap_err();
        let after = Declarations::read(&log).await.unwrap();
        assert_eq!(after.value(Side::Ingesters, TOPIC), Some(NONE));
        take(&log, Processor(50)).await.unwrap();
    }

    #[tokio::test]
    async fn rejects_metadata_of_unknown_form() {
        let dir = TempDir::new().unwrap();
        let log = open_log(&dir);
        log.save_cursor("tweet:ingesters:window-contract", "many")
            .await
            .unwrap();
        let error = take(&log, Processor(100)).await.unwrap_err();
        let WindowContractError::Log(LogError::Corrupt(cause)) = error else {
            panic!("{error:?}");
        };
        assert_eq!(
            cause.to_string(),
            "metadata tweet:ingesters:window-contract is \"many\""
        );
    }
}
