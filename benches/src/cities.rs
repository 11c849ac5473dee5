//! A year of hours of many cities, for the effect of the weather. The rows are deterministic.

use anyhow::Context;
use moodvane_model::{
    City, CityId, HourSlot, Incarnation, Observation, Offset, PartialHour, PartialKey, Partition,
    Readings, RunId, Score, Sentiment, SourceId, Sums, Topic, Variable,
};

use crate::year;

const POSTS_PER_HOUR: usize = 30;
/// The mean class of a wet hour minus that of a dry one.
const RAIN: f64 = -0.2;

/// The first `count` cities of the gazetteer, the largest.
///
/// # Errors
/// If the gazetteer has fewer.
pub fn cities(count: usize) -> anyhow::Result<Vec<City>> {
    let all = moodvane_gazetteer::cities();
    anyhow::ensure!(all.len() >= count, "the gazetteer has {} cities", all.len());
    Ok(all[..count]
        .iter()
        .map(|city| city.city().clone())
        .collect())
}

/// The SplitMix64 generator (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The year's rows of one city. Rain comes in spells of three to eight hours.
///
/// # Errors
/// Never fails: all values are within the model's limits.
pub fn rows(run: &RunId, city: CityId, seed: u64) -> anyhow::Result<Vec<PartialHour>> {
    let mut random = Random(seed);
    let (posts, weather) = (SourceId::parse("bluesky")?, SourceId::parse("open-meteo")?);
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
    let mut wet_left = 0_u32;
    for hour in year::hours(year::HOURS)?.iter() {
        if wet_left == 0 && random.unit() < 0.03 {
            wet_left = 3 + (random.unit() * 6.0) as u32;
        }
        let is_wet = wet_left > 0;
        wet_left = wet_left.saturating_sub(1);
        let sums = post_sums(hour, is_wet, &mut random)?;
        rows.push(row(hour, Topic::Tweet, posts, sums));
        let sums = weather_sums(city, weather, hour, is_wet, &mut random)?;
        rows.push(row(hour, Topic::Temperature, weather, sums));
    }
    Ok(rows)
}

fn post_sums(hour: HourSlot, is_wet: bool, random: &mut Random) -> anyhow::Result<Sums> {
    let mean = 2.0 + if is_wet { RAIN } else { 0.0 };
    let mut sums = Sums::default();
    for post in 0..POSTS_PER_HOUR {
        let class = (0..4).filter(|_| random.unit() < mean / 4.0).count();
        let class = u8::try_from(class).context("a class is 0 to 4")?;
        let score = Score::new(Sentiment::try_from(class)?, f64::from(class));
        let score = score.with_weather_talk(is_wet && post % 10 == 0);
        sums.add_post(hour.start(), Some(score));
    }
    Ok(sums)
}

fn weather_sums(
    city: CityId,
    source: SourceId,
    hour: HourSlot,
    is_wet: bool,
    random: &mut Random,
) -> anyhow::Result<Sums> {
    let season = (f64::from(hour.index() % 8_766) / 8_766.0 * std::f64::consts::TAU).sin();
    let day = (f64::from(hour.index() % 24) / 24.0 * std::f64::consts::TAU).sin();
    let temperature = 12.0 + 12.0 * season + 5.0 * day + 6.0 * (random.unit() - 0.5);
    let rain = if is_wet {
        0.1 + 4.0 * random.unit()
    } else {
        0.0
    };
    let values = [
        (Variable::Humidity, 30.0 + 65.0 * random.unit()),
        (Variable::Precipitation, rain),
        (Variable::Wind, 8.0 * random.unit()),
        (Variable::Cloud, 100.0 * random.unit()),
        (Variable::Pressure, 1_005.0 + 20.0 * random.unit()),
    ];
    let mut readings = Readings::new(temperature)?;
    for (variable, value) in values {
        readings = readings.with(variable, Some(value))?;
    }
    let observation = Observation {
        city,
        source,
        observed_at: hour.start(),
        received_at: hour.start(),
        readings,
    };
    let mut sums = Sums::default();
    sums.add_observation(hour.start(), &observation);
    Ok(sums)
}
