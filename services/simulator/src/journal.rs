//! A file with the times of served weather, so that the truth survives a restart.
//!
//! Values are functions of time, so the file contains only times: a line each, `current` or `hourly`,
//! milliseconds since 1970, and the city unless it is the first of the configuration. A line is written before its value is sent. An incomplete last line after a
//! crash is ignored, because its value was never sent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use moodvane_model::{CityId, Timestamp};

/// The kind of request that a temperature was served for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeatherKind {
    Current,
    Hourly,
}

impl WeatherKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Hourly => "hourly",
        }
    }
}

/// Weather that was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServedWeather {
    pub(crate) kind: WeatherKind,
    /// `None` for the first city.
    pub(crate) city: Option<CityId>,
    pub(crate) at: Timestamp,
}

/// The open file.
pub(crate) struct Journal(File);

impl Journal {
    /// Opens or creates the file and reads its entries.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<ServedWeather>)> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        let served = text[..complete].lines().filter_map(parse).collect();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // Removes an incomplete last line, which an append would continue.
        file.set_len(complete as u64)?;
        Ok((Self(file), served))
    }

    /// Appends the times of served temperatures of a city, `None` for the first.
    pub(crate) fn append(
        &mut self,
        kind: WeatherKind,
        city: Option<CityId>,
        times: &[Timestamp],
    ) -> io::Result<()> {
        let city = city.map(|city| format!(" {city}")).unwrap_or_default();
        let line = |at: &Timestamp| format!("{} {}{city}\n", kind.name(), at.millis());
        let lines: String = times.iter().map(line).collect();
        self.0.write_all(lines.as_bytes())
    }
}

fn parse(line: &str) -> Option<ServedWeather> {
    let mut words = line.split(' ');
    let (name, ms) = (words.next()?, words.next()?);
    let kind = [WeatherKind::Current, WeatherKind::Hourly]
        .into_iter()
        .find(|kind| kind.name() == name)?;
    Some(ServedWeather {
        kind,
        city: words.next().map(CityId::parse).transpose().ok()?,
        at: Timestamp::from_millis(ms.parse().ok()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries_back_without_incomplete_line() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("served");
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        let london = CityId::parse("london").ok();
        let entry = |kind, city, ms| ServedWeather {
            kind,
            city,
            at: at(ms),
        };
        let (mut journal, served) = Journal::open(&path).unwrap();
        assert_eq!(served, []);
        journal
            .append(WeatherKind::Hourly, None, &[at(0), at(3_600_000)])
            .unwrap();
        journal
            .append(WeatherKind::Current, london, &[at(60_000)])
            .unwrap();
        journal.0.write_all(b"current 12").unwrap();
        drop(journal);
        let before = [
            entry(WeatherKind::Hourly, None, 0),
            entry(WeatherKind::Hourly, None, 3_600_000),
            entry(WeatherKind::Current, london, 60_000),
        ];
        let (mut journal, served) = Journal::open(&path).unwrap();
        assert_eq!(served, before);
        journal
            .append(WeatherKind::Current, None, &[at(120_000)])
            .unwrap();
        let (_, served) = Journal::open(&path).unwrap();
        let last = entry(WeatherKind::Current, None, 120_000);
        assert_eq!(served.last(), Some(&last));
    }
}
