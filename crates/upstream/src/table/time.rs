//! Time formats of tables.
//!
//! Terms: a *local* time states neither an offset nor a zone; it is a time of the zone that the format
//! is given, or of UTC. A *repeated* local time occurs twice, when clocks are put back; a *missing* one
//! never, when clocks are put forward.
//!
//! Guarantees: a format reads every part of a text or rejects the text, and a pattern that cannot do
//! so is refused when it is created. A zone or an offset in a text is honoured. A repeated or a missing
//! local time is rejected, because its hour is not known. A zone that could have no effect is refused.

mod detect;
mod named;
mod pattern;
mod zone;

use std::str::FromStr;

use chrono_tz::Tz;
use moodvane_model::{ErrorChain, Timestamp};
use thiserror::Error;

use self::named::NamedFormat;
use self::pattern::Pattern;
use self::zone::ParsedTime;
use super::error::TableError;
use crate::format::excerpt;

pub use self::detect::{DetectedTimes, SAMPLE_ROWS};

/// The name of the format that is chosen by looking at the times.
const AUTO: &str = "auto";

/// The format of a table's times, and the zone of those that state none.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFormat {
    repr: Repr,
    zone: Option<Tz>,
}

#[derive(Debug, Clone, PartialEq)]
enum Repr {
    Auto,
    Rfc3339,
    Named(NamedFormat),
    Pattern(Pattern),
}

/// The reason why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// The text does not have the format.
    #[error("{0}")]
    Invalid(String),
    /// The text names a zone or an abbreviation that is not known.
    #[error(
        "\"{text}\" has the zone \"{zone}\", expected UTC, an offset such as +05:30, an abbreviation of North America or Europe such as PST or CEST, a name such as America/New_York, or an abbreviation of the table's zone"
    )]
    UnknownZone {
        /// The start of the text.
        text: String,
        /// The zone in the text.
        zone: String,
    },
    /// The text states two offsets that differ.
    #[error("\"{0}\" states two different offsets from UTC")]
    OffsetsDiffer(String),
    /// The local time occurs twice in the zone.
    #[error("\"{text}\" occurs twice in {zone}, when clocks are put back")]
    Repeated {
        /// The start of the text.
        text: String,
        /// The zone.
        zone: &'static str,
    },
    /// The local time does not occur in the zone.
    #[error("\"{text}\" does not occur in {zone}, when clocks are put forward")]
    Missing {
        /// The start of the text.
        text: String,
        /// The zone.
        zone: &'static str,
    },
}

impl TimeFormat {
    /// For example `2015-02-17T07:36:05Z`.
    pub const RFC3339: Self = Self::new(Repr::Rfc3339);
    /// Seconds since 1970-01-01 UTC, with or without decimals.
    pub const UNIX_SECONDS: Self = Self::new(Repr::Named(NamedFormat::UnixSeconds));
    /// Milliseconds since 1970-01-01 UTC.
    pub const UNIX_MILLIS: Self = Self::new(Repr::Named(NamedFormat::UnixMillis));
    /// The format that fits the times of the table; [`Self::detect`] finds it.
    pub const AUTO: Self = Self::new(Repr::Auto);

    const fn new(repr: Repr) -> Self {
        Self { repr, zone: None }
    }

    /// A strftime pattern such as `%d/%m/%Y %H:%M`. A pattern without a time of day means midnight, one
    /// with the hour alone its beginning. `%Z` reads a zone.
    ///
    /// # Errors
    /// [`TableError::TimeFormat`] if the pattern is invalid, does not determine a time, or ignores a
    /// part of the text.
    pub fn pattern(pattern: &str) -> Result<Self, TableError> {
        let read = Pattern::parse(pattern).map_err(|fault| TableError::TimeFormat {
            given: excerpt(pattern),
            fault,
            names: Self::names(),
        })?;
        Ok(Self::new(Repr::Pattern(read)))
    }

    /// The same format, with local times in `zone`.
    ///
    /// # Errors
    /// [`TableError::UnusedZone`] if the format has no local times.
    pub fn with_zone(self, zone: Tz) -> Result<Self, TableError> {
        let is_used = match &self.repr {
            Repr::Auto => true,
            Repr::Rfc3339 => false,
            Repr::Named(named) => named.has_local_times(),
            Repr::Pattern(pattern) => pattern.has_local_times(),
        };
        if !is_used {
            return Err(TableError::UnusedZone {
                zone: zone.name(),
                format: self.name().to_owned(),
            });
        }
        Ok(Self {
            zone: Some(zone),
            ..self
        })
    }

    /// As [`Self::with_zone`], with the name of a zone of the IANA database.
    ///
    /// # Errors
    /// [`TableError::UnknownZone`], and those of [`Self::with_zone`].
    pub fn with_zone_named(self, name: &str) -> Result<Self, TableError> {
        let zone = name
            .parse()
            .map_err(|_| TableError::UnknownZone(excerpt(name)))?;
        self.with_zone(zone)
    }

    /// Finds the format of a column if it is to be found: see [`Self::detect`].
    ///
    /// # Errors
    /// Those of [`Self::detect`].
    pub fn detect_auto<'t>(
        &mut self,
        column: &str,
        sample: impl IntoIterator<Item = &'t str>,
    ) -> Result<Option<DetectedTimes>, TableError> {
        if !self.is_auto() {
            return Ok(None);
        }
        let found = Self::detect(self.zone, column, sample)?;
        *self = found.format.clone();
        Ok(Some(found))
    }

    /// The name of the format, or its pattern.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.repr {
            Repr::Auto => AUTO,
            Repr::Rfc3339 => "rfc3339",
            Repr::Named(named) => named.name(),
            Repr::Pattern(pattern) => pattern.text(),
        }
    }

    /// Whether the format must be found by [`Self::detect`] before it can read a time.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        self.repr == Repr::Auto
    }

    /// Parses a time.
    ///
    /// # Errors
    /// [`TimeError`], with the expected form.
    pub fn parse(&self, text: &str) -> Result<Timestamp, TimeError> {
        let text = text.trim();
        let read = match &self.repr {
            Repr::Auto => None,
            Repr::Rfc3339 => {
                return Timestamp::parse_rfc3339(text)
                    .map_err(|e| TimeError::Invalid(ErrorChain(&e).to_string()));
            }
            Repr::Named(named) => named.parse(text),
            Repr::Pattern(pattern) => pattern.read(text),
        };
        let read = read.ok_or_else(|| self.invalid(text))?;
        self.resolve(&read, text)
    }

    fn resolve(&self, read: &ParsedTime, text: &str) -> Result<Timestamp, TimeError> {
        let utc = read.to_utc(self.zone, text)?;
        Timestamp::from_millis(utc.and_utc().timestamp_millis())
            .map_err(|e| TimeError::Invalid(e.to_string()))
    }

    fn invalid(&self, text: &str) -> TimeError {
        let expected = match &self.repr {
            Repr::Auto => "read, because its format is not known".to_owned(),
            Repr::Rfc3339 => "an RFC 3339 time".to_owned(),
            Repr::Named(named) => named.expected().to_owned(),
            Repr::Pattern(pattern) => format!("a time of the form {}", pattern.text()),
        };
        TimeError::Invalid(format!("\"{}\" is not {expected}", excerpt(text)))
    }

    /// The names of all formats, for an error message.
    fn names() -> String {
        let named = NamedFormat::ALL.iter().map(|named| named.name());
        let names: Vec<_> = [AUTO, "rfc3339"].into_iter().chain(named).collect();
        names.join(", ")
    }
}

impl FromStr for TimeFormat {
    type Err = TableError;

    /// Parses `auto`, `rfc3339`, the name of another format, or a strftime pattern.
    fn from_str(text: &str) -> Result<Self, TableError> {
        let named = NamedFormat::ALL.iter().find(|named| named.name() == text);
        match (text, named) {
            (AUTO, _) => Ok(Self::AUTO),
            ("rfc3339", _) => Ok(Self::RFC3339),
            (_, Some(named)) => Ok(Self::new(Repr::Named(*named))),
            (pattern, None) => Self::pattern(pattern),
        }
    }
}
