//! The flags that every binary accepts, and the layers of the configuration.

use std::path::PathBuf;

use clap::Args;
use moodvane_runtime::Settings;

use crate::marathon_env::expand_marathon_env;

/// Flags that every binary accepts.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// The configuration file (also MOODVANE_CONFIG).
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets one key of the configuration, for example --set server.port=8081; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl CommonArgs {
    /// Merges the default, the file, the environment and the flags, in this order.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        let file = self.config.clone();
        if let Some(path) = file.or_else(|| std::env::var_os("MOODVANE_CONFIG").map(PathBuf::from))
        {
            settings.merge_file(&path);
        }
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        settings.merge_env(expand_marathon_env(variables.collect()));
        for pair in &self.set {
            match pair.split_once('=') {
                Some((key, value)) => settings.set(key.trim(), value),
                None => settings.fault(pair, "(flag --set): must look like server.port=8081"),
            }
        }
        settings
    }
}
