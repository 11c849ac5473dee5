//! The formats of common exports, by name.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use super::pattern::Pattern;
use super::zone::ParsedTime;

/// A format of common exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedFormat {
    /// `2009-04-06 22:19:45`: ISO 8601 with a space or a `T`, with or without a fraction and an offset.
    Pandas,
    /// `Mon Apr 06 22:19:45 PDT 2009`, with a zone or an offset before the year.
    Sentiment140,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Days since 1899-12-30, the number behind a date in a spreadsheet.
    Excel,
    /// `4/6/2009 22:19`, the month first.
    ExcelUs,
    /// `6/4/2009 22:19` or `06.04.2009 22:19`, the day first.
    ExcelEu,
}

impl NamedFormat {
    /// All formats.
    pub(super) const ALL: [Self; 7] = [
        Self::Pandas,
        Self::Sentiment140,
        Self::UnixSeconds,
        Self::UnixMillis,
        Self::Excel,
        Self::ExcelUs,
        Self::ExcelEu,
    ];

    /// The name in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pandas => "pandas",
            Self::Sentiment140 => "sentiment140",
            Self::UnixSeconds => "unix_s",
            Self::UnixMillis => "unix_ms",
            Self::Excel => "excel",
            Self::ExcelUs => "excel_us",
            Self::ExcelEu => "excel_eu",
        }
    }

    /// The expected form, for an error message.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Pandas => "a time such as 2009-04-06 22:19:45",
            Self::Sentiment140 => "a time such as Mon Apr 06 22:19:45 PDT 2009",
            Self::UnixSeconds => "Unix seconds",
            Self::UnixMillis => "Unix milliseconds",
            Self::Excel => "a number of days since 1899-12-30",
            Self::ExcelUs => "a time such as 4/6/2009 22:19, the month first",
            Self::ExcelEu => "a time such as 6/4/2009 22:19, the day first",
        }
    }

    /// Whether its times may need a zone.
    pub(super) fn has_local_times(self) -> bool {
        !matches!(self, Self::UnixSeconds | Self::UnixMillis)
    }

    /// Parses a text without surrounding white space.
    pub(super) fn parse(self, text: &str) -> Option<ParsedTime> {
        match self {
            Self::UnixSeconds => since_1970(text, 1000).map(ParsedTime::Utc),
            Self::UnixMillis => since_1970(text, 1).map(ParsedTime::Utc),
            Self::Excel => since_1899(text).map(ParsedTime::local),
            Self::Pandas => first_match(&PANDAS, &pandas_text(text)),
            Self::Sentiment140 => first_match(&SENTIMENT140, text),
            Self::ExcelUs => first_match(&EXCEL_US, text),
            Self::ExcelEu => first_match(&EXCEL_EU, text),
        }
    }
}

type Patterns = LazyLock<Vec<Pattern>>;

static PANDAS: Patterns = LazyLock::new(|| {
    patterns(&[
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f%z",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M%z",
        "%Y-%m-%d",
    ])
});
static SENTIMENT140: Patterns = LazyLock::new(|| patterns(&["%a %b %d %H:%M:%S %Z %Y"]));
static EXCEL_US: Patterns = LazyLock::new(|| {
    let dates = ["%m/%d/%Y", "%m/%d/%y"];
    patterns(&with_times(&dates))
});
static EXCEL_EU: Patterns = LazyLock::new(|| {
    let dates = ["%d/%m/%Y", "%d.%m.%Y", "%d/%m/%y", "%d.%m.%y"];
    patterns(&with_times(&dates))
});

/// Each date alone and with each form of a time of day. The form with AM and PM comes first, because
/// the others do not end where it does.
fn with_times(dates: &[&str]) -> Vec<String> {
    let times = ["", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S", " %H:%M"];
    let with = |date: &&str| times.map(|time| format!("{date}{time}"));
    dates.iter().flat_map(with).collect()
}

fn patterns(texts: &[impl AsRef<str>]) -> Vec<Pattern> {
    let parse = |text: &_| Pattern::parse(AsRef::<str>::as_ref(text)).ok();
    texts.iter().filter_map(parse).collect()
}

/// The first result of a pattern that is not before 1970: `%Y` reads `09` as the year 9.
fn first_match(patterns: &[Pattern], text: &str) -> Option<ParsedTime> {
    let is_plausible = |time: &ParsedTime| match time {
        ParsedTime::Utc(at) | ParsedTime::Local { at, .. } => at.and_utc().timestamp() > -86_400,
    };
    let mut found = patterns.iter().filter_map(|pattern| pattern.read(text));
    found.find(is_plausible)
}

/// The text with a space for `T`, and with offsets of four digits.
fn pandas_text(text: &str) -> String {
    let text = text.replacen(['T', 't'], " ", 1);
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return format!("{local}+0000");
    }
    // PostgreSQL writes whole hours without minutes.
    let mut end = text.bytes().rev();
    let has_hours = end.by_ref().take(2).all(|b| b.is_ascii_digit());
    let has_sign = end.next().is_some_and(|b| b == b'+' || b == b'-');
    match text.contains(':') && has_hours && has_sign {
        true => format!("{text}00"),
        false => text,
    }
}

/// Parses a number of units of `unit_ms` milliseconds since 1970.
fn since_1970(text: &str, unit_ms: i64) -> Option<NaiveDateTime> {
    // Whole numbers stay exact; fractions are within the precision of a double.
    let ms = match text.parse::<i64>() {
        Ok(whole) => whole.checked_mul(unit_ms)?,
        Err(_) => {
            let ms = text.parse::<f64>().ok()? * unit_ms as f64;
            ms.is_finite().then(|| ms.round() as i64)?
        }
    };
    Some(chrono::DateTime::from_timestamp_millis(ms)?.naive_utc())
}

/// Parses a number of days since 1899-12-30, with the time of day as the fraction.
fn since_1899(text: &str) -> Option<NaiveDateTime> {
    let days = text.parse::<f64>().ok()?;
    // Up to the year 9999, the last of a spreadsheet.
    (0.0..2_958_466.0).contains(&days).then_some(())?;
    let start = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    // A double of that size is precise to some microseconds.
    start.checked_add_signed(TimeDelta::milliseconds((days * 86_400_000.0).round() as i64))
}
