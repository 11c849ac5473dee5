//! Logs to standard error, as text or as JSON.

use std::io::IsTerminal;
use std::str::FromStr;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

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

/// Level and format of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggingConfig {
    /// A level such as `info`, or directives such as `info,moodvane_ingester=debug`.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// Why logging cannot start.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The directives are invalid.
    #[error("cannot parse logging.level \"{level}\"")]
    Level {
        /// The directives.
        level: String,
        /// What is wrong with them.
        source: ParseError,
    },
    /// The process has a logger already.
    #[error("cannot start logging")]
    Init(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LoggingConfig {
    /// Reads `[logging]`. Returns `None` on a fault, which `settings` then holds.
    #[must_use]
    pub fn read(settings: &Settings) -> Option<Self> {
        let section = settings.section("logging");
        let level = section.text("level").filter(|level| {
            validate_level(level)
                .map_err(|reason| {
                    let expected = "expected a level or directives, such as info or info,moodvane_ingester=debug";
                    section.fault("level", format!("{reason}; {expected}"));
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

fn validate_level(level: &str) -> Result<(), String> {
    // The parser accepts a single word that is no level as a module name and logs that module
    // alone: a misspelt level would silence the log.
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
/// [`LoggingError`] if the directives are invalid or logging is started already.
pub fn init_logging(config: &LoggingConfig) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(&config.level).map_err(|source| LoggingError::Level {
        level: config.level.clone(),
        source,
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A closed standard error must not end the process.
        .log_internal_errors(false);
    let started = match config.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    started.map_err(LoggingError::Init)
}
