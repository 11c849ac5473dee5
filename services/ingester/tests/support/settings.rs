//! Reads configurations of the ingester.

use std::fs;

use moodvane_ingester::IngesterConfig;
use moodvane_runtime::Settings;
use tempfile::TempDir;

use super::new_york;

/// Reads the defaults and `text`; returns the configuration and every fault.
pub fn read(text: &str) -> (Option<IngesterConfig>, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodvane.toml");
    fs::write(&path, text).unwrap();
    let mut settings = Settings::new();
    settings.merge_file(&path);
    let config = IngesterConfig::read(&settings, &[new_york()]);
    // Nothing reads the keys of other components here: ignore their faults.
    let faults = settings
        .finish()
        .map_or_else(|e| e.to_string(), |()| String::new());
    let is_ingester = |line: &&str| line.contains("source") || line.contains("ingester");
    (
        config,
        faults
            .lines()
            .filter(is_ingester)
            .collect::<Vec<_>>()
            .join("\n"),
    )
}
