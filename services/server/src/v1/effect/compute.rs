//! Reads the hours of each city, and computes the report or finds it in the cache.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use moodvane_effect_report::{CitySeries, EffectReport, Origin, Question, Step, ask};
use moodvane_model::{City, HourRange};
use moodvane_store::RunInfo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::Xxh3;

use super::cache::Fingerprint;
use super::events::Progress;
use super::request::EffectRequest;
use crate::concurrency::acquire_permit;
use crate::deadline::Deadline;
use crate::problem::{Kind, Problem};
use crate::state::ServerState;
use crate::store_reads;

/// The cities whose hours are read at once.
const CONCURRENT_READS: usize = 2;

/// The report of a request; calls `on_progress` at the beginning of each step.
pub(super) async fn compute(
    state: &ServerState,
    request: &EffectRequest,
    deadline: Deadline,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Arc<EffectReport>, Problem> {
    // It covers the reads too: they hold all hours in memory.
    let limits = &state.deps.config.effect;
    let permit = acquire_permit(
        &state.effect_permits,
        (limits.max_concurrent, "effects"),
        deadline,
    )
    .await?;
    let total = request.cities.len() + Step::COUNT;
    let runs = store_reads::runs(&*state.deps.store, deadline).await?;
    let question = question(state, request, &runs);
    // The next city is read while the hours of the previous one are converted.
    let cities = request.cities.iter().cloned().enumerate();
    let reads = cities.map(|(done, city)| {
        let step = format!("reading hours of {}", city.name);
        on_progress(Progress { done, total, step });
        read_series(state, request, city, deadline)
    });
    let series: Vec<CitySeries> = stream::iter(reads)
        .buffered(CONCURRENT_READS)
        .try_collect()
        .await?;
    let key = fingerprint(&question, &series);
    if let Some(report) = state.effects.get(key) {
        return Ok(report);
    }
    let steps = Steps::new(request.cities.len(), total);
    let computing = start(state.clone(), series, question, key, permit, steps.sender());
    steps.run(computing, deadline, on_progress).await
}

fn question(state: &ServerState, request: &EffectRequest, runs: &[RunInfo]) -> Question {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = (cores / state.deps.config.effect.max_concurrent.max(1)).max(1);
    Question {
        range: request.range,
        talk: request.talk.into(),
        settings: request.settings,
        origin: Origin {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            runs: serving_runs(runs, request.range),
        },
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
    }
}

/// The runs that serve hours of the range, from the first hour on.
pub(in crate::v1) fn serving_runs(runs: &[RunInfo], range: HourRange) -> Vec<String> {
    let mut switched: Vec<_> = runs
        .iter()
        .filter_map(|run| Some((run.serves_from?, &run.id)))
        .filter(|(from, _)| *from <= range.end())
        .collect();
    switched.sort();
    let first = switched
        .iter()
        .rposition(|(from, _)| *from <= range.begin())
        .unwrap_or(0);
    let serving = switched[first..].iter();
    serving.map(|(_, id)| id.to_string()).collect()
}

async fn read_series(
    state: &ServerState,
    request: &EffectRequest,
    city: City,
    deadline: Deadline,
) -> Result<CitySeries, Problem> {
    let rows = store_reads::hours(&*state.deps.store, deadline, city.id, request.range).await?;
    let talk = request.talk.into();
    let bound = state.deps.config.stray_bound;
    spawn_blocking(move || CitySeries::new(&city, &rows, talk, bound))
        .await
        .map_err(|error| failed(&error))
}

/// A hash of the question and of the hours; the number of threads does not matter.
fn fingerprint(question: &Question, series: &[CitySeries]) -> Fingerprint {
    let mut hasher = Xxh3::new();
    let Question {
        range,
        talk,
        settings,
        origin,
        threads: _,
    } = question;
    hasher.update(format!("{range:?} {talk:?} {settings:?} {origin:?}").as_bytes());
    for city in series {
        hasher.update(&city.fingerprint().to_le_bytes());
    }
    hasher.digest128()
}

type Computing = tokio::task::JoinHandle<Result<Arc<EffectReport>, Problem>>;

/// Computes on a thread of its own, and keeps the report also if the client is gone. Holds the permit
/// until then.
fn start(
    state: ServerState,
    series: Vec<CitySeries>,
    question: Question,
    key: Fingerprint,
    permit: OwnedSemaphorePermit,
    steps: StepSender,
) -> Computing {
    spawn_blocking(move || {
        let _permit = permit;
        let report = ask(series, &question, &mut |step| {
            // After the time-out the receiver is gone.
            let _ = steps.send(step);
        });
        let report = report.map_err(|error| {
            // The request was checked against lower limits.
            tracing::error!(%error, "effect failed");
            Problem::internal()
        })?;
        let report = Arc::new(report);
        state.effects.insert(key, Arc::clone(&report));
        Ok(report)
    })
}

type StepSender = tokio::sync::mpsc::UnboundedSender<Step>;

/// The steps of a computation, in order; there are at most [`Step::COUNT`].
struct Steps {
    first: usize,
    total: usize,
    sender: StepSender,
    receiver: tokio::sync::mpsc::UnboundedReceiver<Step>,
}

impl Steps {
    fn new(first: usize, total: usize) -> Self {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        Self {
            first,
            total,
            sender,
            receiver,
        }
    }

    fn sender(&self) -> StepSender {
        self.sender.clone()
    }

    /// Reports steps until the computation ends.
    async fn run(
        self,
        mut computing: Computing,
        deadline: Deadline,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Arc<EffectReport>, Problem> {
        let Self {
            first,
            total,
            sender,
            mut receiver,
        } = self;
        drop(sender);
        let finished = deadline.run(async {
            loop {
                tokio::select! {
                    biased;
                    Some(step) = receiver.recv() => on_progress(Progress {
                        done: first + step.index(),
                        total,
                        step: step.label().to_owned(),
                    }),
                    finished = &mut computing => break finished,
                }
            }
        });
        match finished.await {
            Ok(finished) => finished.map_err(|error| failed(&error))?,
            Err(_) => Err(timed_out(deadline)),
        }
    }
}

fn timed_out(deadline: Deadline) -> Problem {
    let timeout_ms = deadline.timeout_ms();
    tracing::warn!(timeout_ms, "effect not computed in time");
    let detail = format!(
        "the effect was not computed within {timeout_ms} ms; the computation continues: repeat the request to get it, or request fewer hours"
    );
    Problem::new(Kind::Overloaded, detail)
}

fn failed(error: &tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "effect failed");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodvane_model::RunId;

    #[test]
    fn serving_runs_are_those_of_the_range() {
        let run = |id: &str, from: Option<&str>| RunInfo {
            id: RunId::new(id),
            serves_from: from.map(|from| from.parse().unwrap()),
        };
        let runs = [
            run("c", Some("2020-01-01 00")),
            run("a", Some("2010-01-01 00")),
            run("beside", None),
            run("b", Some("2015-01-01 00")),
        ];
        let cases: [(&str, &str, &[&str]); 5] = [
            ("2011-01-01 00", "2012-01-01 00", &["a"]),
            ("2011-01-01 00", "2015-01-01 00", &["a", "b"]),
            ("2015-01-01 00", "2019-01-01 00", &["b"]),
            ("2000-01-01 00", "2021-01-01 00", &["a", "b", "c"]),
            ("2000-01-01 00", "2001-01-01 00", &[]),
        ];
        for (begin, end, expected) in cases {
            let range = HourRange::new(begin.parse().unwrap(), end.parse().unwrap()).unwrap();
            assert_eq!(serving_runs(&runs, range), expected, "{begin} to {end}");
        }
    }
}
