//! A year of stored hours: posts, and weather with all six variables, of one partition each. The rows
//! are deterministic.

use anyhow::Context;
use moodvane_model::{
    Anchor, CityId, HourRange, HourSlot, Incarnation, Observation, Offset, PartialHour, PartialKey,
    Partition, Progress, ProgressKey, Readings, RunId, Score, Sentiment, SourceId, Sums, Topic,
    Variable,
};

/// Hours in the year.
pub const HOURS: i32 = 8_760;
const BEGIN: &str = "2017-01-01 00";
const POSTS_PER_HOUR: u32 = 200;

/// The city of all rows.
///
/// # Errors
/// Never fails: the name is valid.
pub fn city() -> anyhow::Result<CityId> {
    Ok(CityId::parse("new-york")?)
}

/// The first `count` hours of the year.
///
/// # Errors
/// Fails if `count` is below 1 or the range exceeds the calendar.
pub fn hours(count: i32) -> anyhow::Result<HourRange> {
    let begin: HourSlot = BEGIN.parse()?;
    let end = begin
        .checked_add(count - 1)
        .context("the range exceeds the calendar")?;
    Ok(HourRange::new(begin, end)?)
}

/// Builds the year's rows.
///
/// # Errors
/// Never fails: all values are within the model's limits.
pub fn rows(run: &RunId) -> anyhow::Result<Vec<PartialHour>> {
    let city = city()?;
    let bluesky = SourceId::parse("bluesky")?;
    let open_meteo = SourceId::parse("open-meteo")?;
    let row = |hour, topic, source, sums| PartialHour {
        key: PartialKey {
            run: run.clone(),
            city,
            hour,
            topic,
            incarnation: Incarnation(1),
            partition: Partition(0),
            source,
        },
        sums,
        through_offset: Offset(1),
    };
    let mut rows = Vec::new();
    for hour in hours(HOURS)?.iter() {
        rows.push(row(hour, Topic::Tweet, bluesky, post_sums(hour)?));
        let weather = weather_sums(city, hour, open_meteo)?;
        rows.push(row(hour, Topic::Temperature, open_meteo, weather));
    }
    Ok(rows)
}

/// The progress of the year's two partitions: all rows are complete, and the log has moved on.
///
/// # Errors
/// Fails if the year exceeds the calendar.
pub fn progress(run: &RunId) -> anyhow::Result<Vec<Progress>> {
    let next_year = hours(HOURS + 7 * 24)?.end();
    let anchor = Anchor {
        offset: Offset(1),
        written_at: next_year.start(),
        key_hash: 0,
    };
    let of_topic = |topic| Progress {
        key: ProgressKey {
            run: run.clone(),
            topic,
            incarnation: Incarnation(1),
            partition: Partition(0),
        },
        next: Offset(2),
        anchor: Some(anchor),
    };
    Ok(Topic::ALL.map(of_topic).to_vec())
}

/// Sums of one hour's posts.
fn post_sums(hour: HourSlot) -> anyhow::Result<Sums> {
    let mut sums = Sums::default();
    for n in 0..POSTS_PER_HOUR {
        let class = ((hour.index() * 7 + n * n) % 5) as u8;
        let score = Score::new(Sentiment::try_from(class)?, f64::from(class));
        let at = hour.start().checked_add_millis(i64::from(n) * 18_000)?;
        sums.add_post(at, Some(score));
    }
    Ok(sums)
}

/// Sums of one hour's four observations.
fn weather_sums(city: CityId, hour: HourSlot, source: SourceId) -> anyhow::Result<Sums> {
    let mut sums = Sums::default();
    let swing = f64::from(hour.index() % 97) / 97.0;
    for quarter in 0..4 {
        let mut readings = Readings::new(-5.0 + 30.0 * swing)?;
        for (variable, value) in [
            (Variable::Humidity, 40.0 + 50.0 * swing),
            (Variable::Precipitation, 2.0 * swing),
            (Variable::Wind, 8.0 * swing),
            (Variable::Cloud, 100.0 * swing),
            (Variable::Pressure, 1_000.0 + 20.0 * swing),
        ] {
            readings = readings.with(variable, Some(value))?;
        }
        let at = hour.start().checked_add_millis(quarter * 900_000)?;
        let observation = Observation {
            city,
            source,
            observed_at: at,
            received_at: at,
            readings,
        };
        sums.add_observation(at, &observation);
    }
    Ok(sums)
}
