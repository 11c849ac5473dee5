//! The other parts, and the load balancer, while one is being restarted: each is asked again and again, and
//! what is not answered well is counted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::probe::{Probe, weather};

/// Often enough to see a gap that a person would, seldom enough to cost nothing.
const PACE: Duration = Duration::from_millis(50);

/// What was seen of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Questions to other tasks.
    pub(crate) asked: u32,
    /// Those that were not answered well.
    pub(crate) failed: u32,
    /// Requests to the load balancer.
    pub(crate) proxied: u32,
    /// Those that were not answered well.
    pub(crate) proxied_failed: u32,
    /// The longest time from one good answer of the balancer to the next.
    pub(crate) proxied_gap: Duration,
}

/// The watch on the others; it ends when it is asked what was seen.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    watchers: JoinSet<()>,
}

impl Watch {
    /// Begins to ask.
    pub(crate) fn begin(http: &reqwest::Client, others: Vec<Probe>, proxy: Option<&str>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut watchers = JoinSet::new();
        for probe in others {
            watchers.spawn(ask(http.clone(), probe, Arc::clone(&seen)));
        }
        if let Some(proxy) = proxy {
            watchers.spawn(ask_proxy(http.clone(), proxy.to_owned(), Arc::clone(&seen)));
        }
        Self { seen, watchers }
    }

    /// Ends, and tells what was seen.
    pub(crate) async fn end(mut self) -> Seen {
        self.watchers.shutdown().await;
        *self.seen.lock().await
    }
}

async fn ask(http: reqwest::Client, probe: Probe, seen: Arc<Mutex<Seen>>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let good = probe.is_good(&http).await;
        let mut seen = seen.lock().await;
        seen.asked += 1;
        seen.failed += u32::from(!good);
    }
}

async fn ask_proxy(http: reqwest::Client, proxy: String, seen: Arc<Mutex<Seen>>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        pace.tick().await;
        let good = weather(&http, &proxy).await;
        let mut seen = seen.lock().await;
        seen.proxied += 1;
        seen.proxied_failed += u32::from(!good);
        if good {
            seen.proxied_gap = seen.proxied_gap.max(last.elapsed());
            last = Instant::now();
        }
    }
}
