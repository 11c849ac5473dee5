//! The note by which an ingester tells other services that a source's weather is stale.
//!
//! Terms: the weather of a source is *stale* while its provider has no observation that is newer
//! than [`STALE_AFTER_MS`]. The ingester notes it in the log as a cursor, since only what counts in
//! an hour is in the store.

use crate::{CityId, SourceId, Timestamp};

/// The age at which a provider's latest observation is stale, in milliseconds: three hours. Most
/// stations report each hour, and some reports are late.
pub const STALE_AFTER_MS: i64 = 3 * 3_600_000;

/// A source's weather of a city is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleNote {
    /// The source.
    pub source: SourceId,
    /// The city.
    pub city: CityId,
    /// The time of the provider's latest observation.
    pub since: Timestamp,
    /// When the ingester last asked the provider.
    pub noted_at: Timestamp,
}

impl StaleNote {
    /// The end of the names of the cursors that hold notes.
    pub const SUFFIX: &str = ":stale";
    /// The value of such a cursor while the weather is fresh.
    pub const FRESH: &str = "fresh";

    /// The name of the cursor that holds the note.
    #[must_use]
    pub fn cursor_name(source: SourceId, city: CityId) -> String {
        format!("{source}:{city}{}", Self::SUFFIX)
    }

    /// The value of the cursor that holds the note.
    #[must_use]
    pub fn cursor_value(&self) -> String {
        format!("{}:{}", self.since.millis(), self.noted_at.millis())
    }

    /// The note of a cursor; `None` for another cursor, and while the weather is fresh.
    #[must_use]
    pub fn from_cursor(name: &str, value: &str) -> Option<Self> {
        let (source, city) = name.strip_suffix(Self::SUFFIX)?.split_once(':')?;
        let (since, noted_at) = value.split_once(':')?;
        let time = |ms: &str| Timestamp::from_millis(ms.parse().ok()?).ok();
        Some(Self {
            source: SourceId::parse(source).ok()?,
            city: CityId::parse(city).ok()?,
            since: time(since)?,
            noted_at: time(noted_at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_survives_its_cursor() {
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        let (source, city) = (
            SourceId::parse("nws").unwrap(),
            CityId::parse("new-york").unwrap(),
        );
        let note = StaleNote {
            source,
            city,
            since: at(1_514_772_000_000),
            noted_at: at(1_514_782_800_000),
        };
        let name = StaleNote::cursor_name(source, city);
        assert_eq!(name, "nws:new-york:stale");
        assert_eq!(
            StaleNote::from_cursor(&name, &note.cursor_value()),
            Some(note)
        );
        for (name, value) in [
            (name.as_str(), StaleNote::FRESH),
            (name.as_str(), "1:x"),
            (name.as_str(), "-1:1"),
            ("nws:new-york", "1:2"),
            ("nws:new-york:asked", "1:2"),
            (":stale", "1:2"),
        ] {
            assert_eq!(StaleNote::from_cursor(name, value), None, "{name} {value}");
        }
    }
}
