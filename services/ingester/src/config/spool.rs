//! `[ingester.spool]`.

use moodvane_runtime::{Settings, read_data_dir};

use crate::spool::SpoolConfig;

const MIB: u64 = 1 << 20;

/// Reads the section; `Some(None)` if the spool is disabled.
pub(super) fn read(settings: &Settings) -> Option<Option<SpoolConfig>> {
    let section = settings.section("ingester.spool");
    let max_bytes = section.number("max_bytes", 0..=1 << 40);
    let segment_bytes = section.number("segment_bytes", MIB / 16..=1024 * MIB);
    let dir = section.text("dir");
    let data = read_data_dir(settings);
    let (max_bytes, segment_bytes) = (max_bytes?, segment_bytes?);
    if max_bytes != 0 && max_bytes / 2 < segment_bytes {
        let fault = format!(
            "must be 0 (disabled), or at least twice segment_bytes, {}",
            2 * segment_bytes
        );
        section.fault("max_bytes", fault);
        return None;
    }
    let dir = dir?;
    if dir.is_empty() {
        section.fault("dir", "must name a directory");
        return None;
    }
    Some((max_bytes > 0).then_some(SpoolConfig {
        dir: data?.join(dir),
        max_bytes,
        segment_bytes,
    }))
}
