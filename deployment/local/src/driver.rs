//! Runs the state machine in real time: passes inputs in, executes effects, and publishes events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use moodvane_marathon_api::{Event, Timestamp};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::core::{Core, Effect, Input};
use crate::probe::Prober;
use crate::runtime::{Runtime, Signal};

/// A client that lags further behind the event stream than this loses its connection.
const EVENT_BUFFER: usize = 4096;
/// The longest wait between two steps of an idle state machine.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Time to stop all tasks at shutdown, added to their longest kill grace period.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// The state machine with its clock, its runtime and its subscribers.
pub(crate) struct Driver {
    core: Mutex<Core>,
    runtime: Arc<dyn Runtime>,
    prober: Arc<Prober>,
    events: broadcast::Sender<Arc<Event>>,
    inputs: mpsc::Sender<Input>,
    wake: Notify,
    /// Counts possible changes, for subscribers that follow the tasks.
    changes: watch::Sender<u64>,
}

impl Driver {
    pub(crate) fn new(
        core: Core,
        runtime: Arc<dyn Runtime>,
        prober: Prober,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self {
            core: Mutex::new(core),
            runtime,
            prober: Arc::new(prober),
            events: broadcast::Sender::new(EVENT_BUFFER),
            inputs,
            wake: Notify::new(),
            changes: watch::Sender::new(0),
        }
    }

    /// Changes the state machine, advances it, executes the effects and publishes the events.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut Core, Timestamp) -> R) -> R {
        let (result, effects, events) = {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Timestamp::new(Utc::now());
            let result = change(&mut core, now);
            core.advance(now);
            (result, core.take_effects(), core.take_events())
        };
        // Always notify: Marathon has no event for a task that becomes ready.
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
        for event in events {
            // An error means that there is no subscriber.
            let _ = self.events.send(Arc::new(event));
        }
        for effect in effects {
            self.execute(effect);
        }
        self.wake.notify_one();
        result
    }

    /// Reads the state machine without changing it.
    pub(crate) fn read<R>(&self, view: impl FnOnce(&Core, Timestamp) -> R) -> R {
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        view(&core, Timestamp::new(Utc::now()))
    }

    /// Subscribes to all events from now on.
    pub(crate) fn subscribe_events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Notifies after every possible change of a task or an app; the subscriber compares.
    pub(crate) fn watch_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        self.runtime.as_ref()
    }

    /// Handles inputs and does what is due, until `shutdown`.
    pub(crate) async fn run(
        &self,
        inputs: &mut mpsc::Receiver<Input>,
        shutdown: &CancellationToken,
    ) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = self.step(inputs) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Stops all tasks. Returns whether all of them ended within their grace period and a margin.
    pub(crate) async fn stop_all(&self, inputs: &mut mpsc::Receiver<Input>) -> bool {
        self.update(|core, now| core.stop_all(now));
        let ended = async {
            while !self.read(|core, _| core.is_idle()) {
                self.step(inputs).await;
            }
        };
        let grace = self.read(|core, _| core.longest_kill_grace());
        tokio::time::timeout(grace + STOP_MARGIN, ended)
            .await
            .is_ok()
    }

    async fn step(&self, inputs: &mut mpsc::Receiver<Input>) {
        let wait = self.read(|core, now| {
            core.next_wake(now)
                .map_or(MAX_WAIT, |wake| wake.since(now).min(MAX_WAIT))
        });
        tokio::select! {
            Some(input) = inputs.recv() => self.update(|core, now| core.handle_input(input, now)),
            () = tokio::time::sleep(wait) => self.update(|_, _| ()),
            // A request changed the state machine, so the next wake may be earlier.
            () = self.wake.notified() => {}
        }
    }

    fn execute(&self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => {
                tracing::info!(task = %launch.task, ports = ?launch.ports, "launching task");
                self.runtime.launch(*launch);
            }
            Effect::Terminate { task } => {
                tracing::info!(%task, "terminating task");
                self.runtime.signal(task, Signal::Terminate);
            }
            Effect::Kill { task } => {
                tracing::warn!(%task, "killing task after its grace period");
                self.runtime.signal(task, Signal::Kill);
            }
            Effect::RemoveVolumes { names } => {
                let runtime = Arc::clone(&self.runtime);
                tokio::spawn(async move { runtime.remove_volumes(&names).await });
            }
            Effect::Probe {
                task,
                probe,
                request,
                timeout,
            } => {
                let (runtime, prober, inputs) = (
                    Arc::clone(&self.runtime),
                    Arc::clone(&self.prober),
                    self.inputs.clone(),
                );
                tokio::spawn(async move {
                    let outcome = prober
                        .probe(runtime.as_ref(), &task, &request, timeout)
                        .await;
                    // The receiver is gone after shutdown.
                    let _ = inputs
                        .send(Input::Probed {
                            task,
                            probe,
                            outcome,
                        })
                        .await;
                });
            }
        }
    }
}
