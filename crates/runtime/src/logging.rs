//! Logs, to standard error: as text for people or as JSON for machines.

use std::io::IsTerminal;
use std::str::FromStr;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::Settings;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of text each.
    Text,
    /// A JSON object each.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json".to_owned()),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggingConfig {
    /// A level such as `info`, or directives such as `info,moodvane_ingester=debug`.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// Logging could not be started.
#[derive(Debug, Error)]
#[error("logging cannot start: {0}")]
pub struct LoggingError(String);

impl LoggingConfig {
    /// Reads `[logging]`. `None` where there is a fault; the settings then hold all of them.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("logging");
        let level = section.text("level").filter(|level| {
            check(level)
                .map_err(|why| {
                    let right = "right would be info, or info,moodvane_ingester=debug";
                    section.fault("level", format!("{why}; {right}"));
                })
                .is_ok()
        });
        let format = section.parse("format");
        Some(Self {
            level: level?,
            format: format?,
        })
    }
}

fn check(level: &str) -> Result<(), String> {
    // A lone word that is no level would be taken for a module of which all is logged, and nothing
    // else: a misspelt level would silence the log.
    for word in level.split(',').filter(|word| !word.contains(['=', '['])) {
        if word.trim().is_empty() || word.trim().parse::<LevelFilter>().is_err() {
            return Err(format!("\"{}\" is not a level", word.trim()));
        }
    }
    EnvFilter::try_new(level)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`LoggingError`] where the directives are wrong or logging was started before.
pub fn init_logging(config: &LoggingConfig) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(&config.level).map_err(|e| LoggingError(e.to_string()))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A standard error that was closed must not end the process.
        .log_internal_errors(false);
    let started = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| LoggingError(e.to_string()))
}
