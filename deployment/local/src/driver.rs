//! Between the state machine and the world: it has the clock, does the effects and tells the events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use moodvane_marathon_api::{Event, Timestamp};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::core::{Core, Effect, Input};
use crate::probe::Prober;
use crate::runtime::{Runtime, Signal};

/// A client of the event stream that is more events behind than this is cut off.
const EVENTS: usize = 4096;
/// Without anything to do, the clock is looked at this often.
const IDLE: Duration = Duration::from_secs(60);
/// At the end tasks get this long, beyond their own graces.
const LAST_WAIT: Duration = Duration::from_secs(30);

/// The state machine in the world.
pub(crate) struct Driver {
    core: Mutex<Core>,
    runtime: Arc<dyn Runtime>,
    prober: Arc<Prober>,
    events: broadcast::Sender<Arc<Event>>,
    inputs: mpsc::Sender<Input>,
    wake: Notify,
    /// Counts what may have changed something, for whoever follows the tasks.
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
            events: broadcast::Sender::new(EVENTS),
            inputs,
            wake: Notify::new(),
            changes: watch::Sender::new(0),
        }
    }

    /// Uses the state machine, lets it draw its conclusions, and does what follows.
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut Core, Timestamp) -> R) -> R {
        let (result, effects, events) = {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Timestamp::new(Utc::now());
            let result = use_it(&mut core, now);
            core.advance(now);
            (result, core.take_effects(), core.take_events())
        };
        // Not only where there are events: that a task became ready is none of Marathon's.
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
        for event in events {
            // Nobody may be listening.
            let _ = self.events.send(Arc::new(event));
        }
        for effect in effects {
            self.perform(effect);
        }
        self.wake.notify_one();
        result
    }

    /// Looks at the state machine, and changes nothing.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Core, Timestamp) -> R) -> R {
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        look(&core, Timestamp::new(Utc::now()))
    }

    /// Everything that happens from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Tells whenever a task or an app may have changed; whoever follows looks whether it did.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        self.runtime.as_ref()
    }

    /// Takes in what the world tells, and does what is due, until `shutdown`.
    pub(crate) async fn drive(
        &self,
        inputs: &mut mpsc::Receiver<Input>,
        shutdown: &CancellationToken,
    ) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = self.turn(inputs) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Ends all tasks, and waits until they have ended or their time is over. Whether they have.
    pub(crate) async fn end_all(&self, inputs: &mut mpsc::Receiver<Input>) -> bool {
        self.with(|core, now| core.end_all(now));
        let ended = async {
            while !self.look(|core, _| core.is_idle()) {
                self.turn(inputs).await;
            }
        };
        let longest = self.look(|core, _| core.longest_grace());
        tokio::time::timeout(longest + LAST_WAIT, ended)
            .await
            .is_ok()
    }

    async fn turn(&self, inputs: &mut mpsc::Receiver<Input>) {
        let wait = self.look(|core, now| {
            core.next_wake(now)
                .map_or(IDLE, |wake| wake.since(now).min(IDLE))
        });
        tokio::select! {
            Some(input) = inputs.recv() => self.with(|core, now| core.input(input, now)),
            () = tokio::time::sleep(wait) => self.with(|_, _| ()),
            // Somebody used the state machine: what is due next may be sooner now.
            () = self.wake.notified() => {}
        }
    }

    fn perform(&self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => {
                tracing::info!(task = %launch.task, ports = ?launch.ports, "launching");
                self.runtime.launch(*launch);
            }
            Effect::Terminate { task } => {
                tracing::info!(%task, "asking a task to end");
                self.runtime.signal(task, Signal::Terminate);
            }
            Effect::Kill { task } => {
                tracing::warn!(%task, "killing a task that did not end in time");
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
                    let outcome = prober.ask(runtime.as_ref(), &task, &request, timeout).await;
                    // At the end nobody asks any more.
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
