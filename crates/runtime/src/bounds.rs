//! The plausible event times of `[processor]`, which several services share.

use std::time::Duration;

use moodvane_model::EventTimeBounds;

use crate::Settings;

/// Reads `processor.ahead_s` and `processor.behind_s`. Returns `None` on a fault, which `settings`
/// then holds. The processor decides by them which records count; the ingester and the simulator
/// must agree with it.
#[must_use]
pub fn read_event_time_bounds(settings: &Settings) -> Option<EventTimeBounds> {
    let section = settings.section("processor");
    let ahead = section.seconds("ahead_s", 0..=86_400);
    let behind = section.seconds("behind_s", 0..=2_592_000);
    let millis = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
    Some(EventTimeBounds {
        ahead_ms: millis(ahead?),
        behind_ms: millis(behind?),
    })
}
