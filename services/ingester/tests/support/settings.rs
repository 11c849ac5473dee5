//! Configurations as the ingester reads them.

use std::fs;

use moodvane_ingester::IngesterConfig;
use moodvane_runtime::Settings;
use tempfile::TempDir;

use super::new_york;

/// What is read from the defaults and `text`, and every fault.
pub fn read(text: &str) -> (Option<IngesterConfig>, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodvane.toml");
    fs::write(&path, text).unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&path);
    let config = IngesterConfig::read(&settings, &[new_york()]);
    // Keys of other parts are not asked for here, so only those of ours are looked at.
    let faults = settings
        .finish()
        .map_or_else(|e| e.to_string(), |()| String::new());
    let ours = |line: &&str| line.contains("source") || line.contains("ingester");
    (
        config,
        faults.lines().filter(ours).collect::<Vec<_>>().join("\n"),
    )
}
