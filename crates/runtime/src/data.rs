//! The section `[data]`: where the process stores its files.

use std::path::PathBuf;

use crate::Settings;

/// Reads the data directory from `[data]`. Returns `None` on a fault, which `settings` then holds.
/// Does not access the file system.
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
