//! `processor.window`, which processors fold by and ingesters must not exceed.

use moodvane_model::DuplicateWindow;

use crate::Settings;

/// Reads the duplicate window from `[processor]`. Returns `None` on a fault, which `settings` then
/// holds.
#[must_use]
pub fn read_duplicate_window(settings: &Settings) -> Option<DuplicateWindow> {
    let section = settings.section("processor");
    let offsets = section.number("window", 1..=DuplicateWindow::MAX.offsets())?;
    DuplicateWindow::new(offsets)
}
