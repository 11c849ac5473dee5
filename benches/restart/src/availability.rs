//! Availability of the other tasks and of the load balancer during a trial: probes each at a fixed
//! interval and counts failures.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::probe::{Probe, is_weather_served};

/// Short enough to show a gap that a user notices, long enough to cost no measurable processor time.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// Counts of one trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Availability {
    /// Probes of other tasks.
    pub(crate) task_probes: u32,
    /// Those of them that failed.
    pub(crate) task_failures: u32,
    /// Requests to the load balancer.
    pub(crate) proxy_requests: u32,
    /// Those of them that failed.
    pub(crate) proxy_failures: u32,
    /// The longest time between two successful responses of the load balancer.
    pub(crate) proxy_gap: Duration,
}

/// Probes in the background until [`stop`](Self::stop).
pub(crate) struct AvailabilityMonitor {
    counts: Arc<Mutex<Availability>>,
    probers: JoinSet<()>,
}

impl AvailabilityMonitor {
    pub(crate) fn start(http: &reqwest::Client, tasks: Vec<Probe>, proxy: Option<&str>) -> Self {
        let counts = Arc::new(Mutex::new(Availability::default()));
        let mut probers = JoinSet::new();
        for probe in tasks {
            probers.spawn(probe_task(http.clone(), probe, Arc::clone(&counts)));
        }
        if let Some(proxy) = proxy {
            probers.spawn(probe_proxy(
                http.clone(),
                proxy.to_owned(),
                Arc::clone(&counts),
            ));
        }
        Self { counts, probers }
    }

    /// Stops probing and returns the counts.
    pub(crate) async fn stop(mut self) -> Availability {
        self.probers.shutdown().await;
        *self.counts.lock().await
    }
}

async fn probe_task(http: reqwest::Client, probe: Probe, counts: Arc<Mutex<Availability>>) {
    let mut interval = probe_interval();
    loop {
        interval.tick().await;
        let succeeded = probe.succeeds(&http).await;
        let mut counts = counts.lock().await;
        counts.task_probes += 1;
        counts.task_failures += u32::from(!succeeded);
    }
}

async fn probe_proxy(http: reqwest::Client, proxy: String, counts: Arc<Mutex<Availability>>) {
    let mut interval = probe_interval();
    let mut last_success = Instant::now();
    loop {
        interval.tick().await;
        let succeeded = is_weather_served(&http, &proxy).await;
        let mut counts = counts.lock().await;
        counts.proxy_requests += 1;
        counts.proxy_failures += u32::from(!succeeded);
        if succeeded {
            counts.proxy_gap = counts.proxy_gap.max(last_success.elapsed());
            last_success = Instant::now();
        }
    }
}

fn probe_interval() -> Interval {
    let mut interval = interval(PROBE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
