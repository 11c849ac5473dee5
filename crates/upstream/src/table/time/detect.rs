//! Finds the format of a table's times from a sample.

use std::fmt;

use chrono_tz::Tz;

use super::named::NamedFormat;
use super::zone::ParsedTime;
use super::{Repr, TimeFormat};
use crate::format::excerpt;
use crate::table::TableError;

/// How many rows are enough for a sample.
pub const SAMPLE_ROWS: usize = 1_000;
/// How many times an error shows.
const SHOWN: usize = 3;
/// Unix times from 1973 to 2286 in seconds; the same in milliseconds.
const UNIX_SECONDS: std::ops::Range<f64> = 1e8..1e10;
/// Days from 1970 to 2173 in a spreadsheet.
const EXCEL_DAYS: std::ops::Range<f64> = 25_569.0..100_000.0;

/// The format that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedTimes {
    /// The format.
    pub format: TimeFormat,
    /// The first time of the sample.
    pub example: String,
    /// The number of times in the sample.
    pub sampled: usize,
    /// How many of them have the format.
    pub fitting: usize,
    /// Whether one of them states neither an offset nor a zone.
    pub has_local_times: bool,
}

impl fmt::Display for DetectedTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format.name())?;
        match self.format.zone {
            Some(zone) if self.has_local_times => write!(f, ", local times in {}", zone.name())?,
            None if self.has_local_times => {
                write!(f, ", local times in UTC because no zone is set")?;
            }
            _ => {}
        }
        let Self {
            example,
            sampled,
            fitting,
            ..
        } = self;
        write!(
            f,
            ", as \"{example}\" ({fitting} of {sampled} sampled times)"
        )
    }
}

impl TimeFormat {
    /// Finds the format that reads most of the times of a sample, which are of `column`. A number
    /// counts as a time of this century or near it.
    ///
    /// # Errors
    /// [`TableError::UnknownTimes`] if no format reads more than half of them;
    /// [`TableError::AmbiguousTimes`] if two read equally many, as when no day is above 12.
    pub fn detect<'t>(
        zone: Option<Tz>,
        column: &str,
        sample: impl IntoIterator<Item = &'t str>,
    ) -> Result<DetectedTimes, TableError> {
        let texts: Vec<&str> = sample
            .into_iter()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        let shown = || texts.iter().take(SHOWN).map(|t| excerpt(t)).collect();
        let candidates = std::iter::once(Repr::Rfc3339)
            .chain(NamedFormat::ALL.map(Repr::Named))
            .map(|repr| {
                let format = TimeFormat { repr, zone };
                let fitting = texts.iter().filter(|text| format.fits(text)).count();
                (fitting, format)
            });
        // A stable sort keeps the narrower format first where both fit.
        let mut candidates: Vec<_> = candidates.collect();
        candidates.sort_by_key(|(fitting, _)| std::cmp::Reverse(*fitting));
        let mut ranked = candidates.into_iter();
        let best = ranked
            .next()
            .filter(|(fitting, _)| fitting * 2 > texts.len());
        let Some((fitting, format)) = best else {
            return Err(TableError::UnknownTimes {
                column: column.to_owned(),
                examples: shown(),
            });
        };
        let is_dated_either_way = format.repr == Repr::Named(NamedFormat::ExcelUs);
        if let Some((second, other)) = ranked.next()
            && is_dated_either_way
            && second == fitting
        {
            return Err(TableError::AmbiguousTimes {
                column: column.to_owned(),
                formats: format!("{} and {}", format.name(), other.name()),
                examples: shown(),
            });
        }
        Ok(DetectedTimes {
            has_local_times: texts.iter().any(|text| format.reads_local(text)),
            format,
            example: texts.first().map(|t| excerpt(t)).unwrap_or_default(),
            sampled: texts.len(),
            fitting,
        })
    }

    /// Whether a text is a time that states neither an offset nor a zone.
    fn reads_local(&self, text: &str) -> bool {
        let Repr::Named(named) = &self.repr else {
            return false;
        };
        match named.parse(text) {
            Some(ParsedTime::Local { offset, zones, .. }) => offset.is_none() && zones.is_empty(),
            Some(ParsedTime::Utc(_)) | None => false,
        }
    }

    /// Whether a text has this format. A repeated or missing local time has it.
    fn fits(&self, text: &str) -> bool {
        let plausible = |range: std::ops::Range<f64>, unit: f64| {
            let number = text.parse::<f64>();
            number.is_ok_and(|number| range.contains(&(number / unit)))
        };
        match &self.repr {
            Repr::Auto | Repr::Pattern(_) => false,
            Repr::Rfc3339 => self.parse(text).is_ok(),
            Repr::Named(NamedFormat::UnixSeconds) => plausible(UNIX_SECONDS, 1.0),
            Repr::Named(NamedFormat::UnixMillis) => plausible(UNIX_SECONDS, 1_000.0),
            Repr::Named(NamedFormat::Excel) => plausible(EXCEL_DAYS, 1.0),
            Repr::Named(named) => named.parse(text).is_some(),
        }
    }
}
