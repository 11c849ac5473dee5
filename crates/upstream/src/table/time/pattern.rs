//! strftime patterns.
//!
//! chrono reads and ignores some parts of a text, such as the zone of `%Z`. A pattern is therefore
//! tried before it is accepted: two texts that differ must be two times.

use std::fmt::Write as _;

use chrono::format::{Fixed, Item, Numeric, Pad, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

use super::zone::ParsedTime;

/// A pattern that reads every part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
    has_local_times: bool,
}

impl Pattern {
    /// Parses a pattern; fails with what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // As in Python, from which many patterns come: `.%f` is a fraction of any length. chrono's
        // own `%f` is a number of nanoseconds.
        let items = StrftimeItems::new(&text.replace(".%f", "%.f"))
            .parse_to_owned()
            .map_err(|_| "it is not a strftime pattern".to_owned())?;
        if items.contains(&Item::Numeric(Numeric::Nanosecond, Pad::Zero)) {
            return Err("write the fraction of a second as %.f".to_owned());
        }
        let mut pattern = Self {
            text: text.to_owned(),
            items,
            has_local_times: false,
        };
        pattern.has_local_times = pattern.check()?;
        Ok(pattern)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern reads times that need a zone: without an offset, or with an abbreviation
    /// that the zone may define.
    pub(super) fn has_local_times(&self) -> bool {
        self.has_local_times
    }

    /// Checks that the pattern determines a time and ignores nothing; returns whether its times may
    /// need a zone.
    fn check(&self) -> Result<bool, String> {
        let base = sample(5).ok_or("there is no sample")?;
        let read = |at: DateTime<FixedOffset>| {
            let mut text = String::new();
            write!(text, "{}", at.format_with_items(self.items.iter())).ok()?;
            let parsed = self.read(&text)?;
            let utc = parsed.to_utc(None, &text).ok()?;
            Some((text, parsed, utc))
        };
        let undetermined = || "it does not determine a date and a time".to_owned();
        let (base_text, parsed, base_utc) = read(base).ok_or_else(undetermined)?;
        let other_offset = sample(6).ok_or("there is no sample")?;
        let variants = [
            ("day", base + TimeDelta::days(1)),
            ("month", base + TimeDelta::days(31)),
            ("year", base + TimeDelta::days(365)),
            ("hour", base + TimeDelta::hours(1)),
            ("half of the day", base - TimeDelta::hours(12)),
            ("minute", base + TimeDelta::minutes(1)),
            ("second", base + TimeDelta::seconds(1)),
            ("fraction of a second", base + TimeDelta::milliseconds(1)),
            ("offset or zone", other_offset),
        ];
        for (part, variant) in variants {
            let (text, _, utc) = read(variant).ok_or_else(undetermined)?;
            if text != base_text && utc == base_utc {
                return Err(format!("it would ignore the {part} of a time"));
            }
        }
        Ok(match parsed {
            ParsedTime::Utc(_) => false,
            ParsedTime::Local { offset, .. } => offset.is_none(),
        })
    }

    /// Parses a whole text.
    pub(super) fn read(&self, text: &str) -> Option<ParsedTime> {
        let (mut parsed, mut zones, mut rest) = (Parsed::new(), Vec::new(), text);
        let is_zone = |item: &Item<'_>| *item == Item::Fixed(Fixed::TimezoneName);
        for (n, items) in self.items.split(is_zone).enumerate() {
            if n > 0 {
                let (zone, after) = split_zone(rest)?;
                zones.push(zone.to_owned());
                rest = after;
            }
            rest = parse_and_remainder(&mut parsed, rest, items.iter()).ok()?;
        }
        rest.is_empty().then_some(())?;
        if parsed.timestamp().is_some() {
            // A timestamp needs no zone. Also checks the other fields against the timestamp.
            zones.is_empty().then_some(())?;
            let offset = parsed.offset().unwrap_or(0);
            let local = parsed.to_naive_datetime_with_offset(offset).ok()?;
            return Some(ParsedTime::Utc(local - FixedOffset::east_opt(offset)?));
        }
        Some(ParsedTime::Local {
            at: local_time(&mut parsed)?,
            offset: match parsed.offset() {
                Some(seconds) => Some(FixedOffset::east_opt(seconds)?),
                None => None,
            },
            zones,
        })
    }
}

/// The local time of the fields. Without a time of day it is midnight, and the hour alone is its
/// beginning; any other incomplete time of day is none.
fn local_time(parsed: &mut Parsed) -> Option<NaiveDateTime> {
    let has_finer =
        parsed.minute().is_some() || parsed.second().is_some() || parsed.nanosecond().is_some();
    let has_hour = parsed.hour_div_12().is_some() || parsed.hour_mod_12().is_some();
    if !has_finer && !has_hour {
        return Some(parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN));
    }
    if !has_finer && has_hour {
        parsed.set_minute(0).ok()?;
    }
    parsed
        .to_naive_datetime_with_offset(parsed.offset().unwrap_or(0))
        .ok()
}

/// Splits the name of a zone from the start of a text.
fn split_zone(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+-:/_".contains(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// An afternoon, `hours` east of UTC, with a different number in every field.
fn sample(hours: i32) -> Option<DateTime<FixedOffset>> {
    let date = NaiveDate::from_ymd_opt(2018, 5, 3)?;
    let local = date.and_hms_milli_opt(16, 27, 38, 519)?;
    let offset = FixedOffset::east_opt(hours * 3600)?;
    offset.from_local_datetime(&local).single()
}
