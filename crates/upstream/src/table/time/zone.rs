//! From a local time and what a text says about its offset to UTC.

use chrono::{FixedOffset, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::TimeError;
use crate::format::excerpt;

/// Abbreviations with one meaning: those of RFC 2822 and of Europe, in hours east of UTC. The zone of
/// a table adds its own.
const ABBREVIATIONS: [(&str, i32); 18] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("EET", 2),
    ("EEST", 3),
];

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParsedTime {
    /// A time in UTC, as the text states its offset or needs none.
    Utc(NaiveDateTime),
    /// A local time.
    Local {
        /// The local time.
        at: NaiveDateTime,
        /// The offset that the text states.
        offset: Option<FixedOffset>,
        /// The zones that the text names, such as `PDT`.
        zones: Vec<String>,
    },
}

impl ParsedTime {
    pub(super) fn local(at: NaiveDateTime) -> Self {
        Self::Local {
            at,
            offset: None,
            zones: Vec::new(),
        }
    }

    /// The time in UTC. `zone` is that of local times, UTC by default; `text` is for errors.
    pub(super) fn to_utc(&self, zone: Option<Tz>, text: &str) -> Result<NaiveDateTime, TimeError> {
        let (at, offset, zones) = match self {
            Self::Utc(at) => return Ok(*at),
            Self::Local { at, offset, zones } => (*at, *offset, zones),
        };
        let mut stated: Vec<NaiveDateTime> = offset.map(|by| at - by).into_iter().collect();
        for name in zones {
            stated.push(in_named_zone(at, name, zone, text)?);
        }
        match stated.split_first() {
            None => in_zone(at, zone.unwrap_or(Tz::UTC), text),
            Some((first, others)) if others.iter().all(|other| other == first) => Ok(*first),
            Some(_) => Err(TimeError::OffsetsDiffer(excerpt(text))),
        }
    }
}

fn in_zone(at: NaiveDateTime, zone: Tz, text: &str) -> Result<NaiveDateTime, TimeError> {
    let (text, name) = (excerpt(text), zone.name());
    match zone.offset_from_local_datetime(&at) {
        MappedLocalTime::Single(offset) => Ok(at - offset.fix()),
        MappedLocalTime::Ambiguous(..) => Err(TimeError::Repeated { text, zone: name }),
        MappedLocalTime::None => Err(TimeError::Missing { text, zone: name }),
    }
}

/// The time in UTC of a local time in the zone that a text names.
fn in_named_zone(
    at: NaiveDateTime,
    name: &str,
    zone: Option<Tz>,
    text: &str,
) -> Result<NaiveDateTime, TimeError> {
    if let Some(offset) = offset_of_abbreviation(at, name, zone) {
        return Ok(at - offset);
    }
    // Names without a slash, such as EST5EDT and Cuba, are not in use and may be abbreviations.
    let named = name.parse::<Tz>().ok().filter(|_| name.contains('/'));
    match named {
        Some(named) => in_zone(at, named, text),
        None => Err(TimeError::UnknownZone {
            text: excerpt(text),
            zone: excerpt(name),
        }),
    }
}

fn offset_of_abbreviation(at: NaiveDateTime, name: &str, zone: Option<Tz>) -> Option<FixedOffset> {
    // In a repeated hour the abbreviation tells which of the two is meant.
    let offsets = match zone.map(|zone| zone.offset_from_local_datetime(&at)) {
        Some(MappedLocalTime::Single(offset)) => vec![offset],
        Some(MappedLocalTime::Ambiguous(first, second)) => vec![first, second],
        Some(MappedLocalTime::None) | None => Vec::new(),
    };
    let of_zone = offsets
        .iter()
        .find(|offset| offset.abbreviation() == Some(name));
    let common = || {
        let found = ABBREVIATIONS
            .iter()
            .find(|(abbreviation, _)| abbreviation.eq_ignore_ascii_case(name));
        FixedOffset::east_opt(found?.1 * 3600)
    };
    of_zone
        .map(Offset::fix)
        .or_else(common)
        .or_else(|| numeric_offset(name))
}

/// Parses `+0530`, `+05:30` or `-08`, also after `UTC` or `GMT`.
fn numeric_offset(name: &str) -> Option<FixedOffset> {
    let digits = ["UTC", "GMT"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let (sign, digits) = match digits.as_bytes().first()? {
        b'+' => (1, &digits[1..]),
        b'-' => (-1, &digits[1..]),
        _ => return None,
    };
    let digits = digits.replacen(':', "", 1);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let is_valid = hours <= 15 && minutes < 60;
    is_valid.then_some(())?;
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}
