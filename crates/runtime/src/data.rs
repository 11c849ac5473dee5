//! The section `[data]` of the configuration: where the process keeps what it must remember.

use std::path::PathBuf;

use crate::Settings;

/// Reads the data directory from `[data]`. `None` where it is wrong; `settings` then knows why.
/// Nothing is opened or made.
#[must_use]
pub fn read_data_dir(settings: &Settings) -> Option<PathBuf> {
    let section = settings.section("data");
    let dir = section.text("dir")?;
    if dir.is_empty() {
        section.fault("dir", "must name a directory");
        return None;
    }
    Some(PathBuf::from(dir))
}
