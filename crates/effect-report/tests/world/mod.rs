//! Hour rows with a planted effect of rain.

use moodvane_model::{
    City, CityId, HourRow, HourSlot, Observation, Readings, Score, Sentiment, SourceId, Sums,
    ValueHistogram, Variable,
};

/// What is planted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    /// The effect of a wet hour on the mean class.
    pub(crate) rain: f64,
    /// Whether posts about the weather are kept apart; a tenth of a wet hour's posts are.
    pub(crate) has_talk: bool,
    /// The number of weeks.
    pub(crate) weeks: u32,
}

impl World {
    pub(crate) const RAIN: Self = Self {
        rain: -0.3,
        has_talk: true,
        weeks: 16,
    };
}

pub(crate) fn city(id: &str, name: &str) -> City {
    let id = CityId::parse(id).unwrap();
    City::new(
        id,
        name,
        &[name.to_lowercase()],
        (40.7, -74.0),
        "America/New_York",
    )
    .unwrap()
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

/// The rows of a city. Rain comes in spells, and the temperature has a daily cycle and a drift.
pub(crate) fn rows(world: World, city: &City, seed: u64) -> Vec<HourRow> {
    let mut random = Random(seed);
    let begin: HourSlot = "2018-01-01 00".parse().unwrap();
    let mut wet_left = 0;
    let hours = 0..(world.weeks * 168) as i32;
    hours
        .map(|index| {
            let hour = begin.checked_add(index).unwrap();
            if wet_left == 0 && random.unit() < 0.03 {
                wet_left = 3 + (random.unit() * 6.0) as i32;
            }
            let is_wet = wet_left > 0;
            wet_left -= i32::from(is_wet);
            row(world, city, hour, is_wet, &mut random)
        })
        .collect()
}

fn row(world: World, city: &City, hour: HourSlot, is_wet: bool, random: &mut Random) -> HourRow {
    let mut row = HourRow::empty(city.id, hour);
    let day = (f64::from(hour.index() % 24) / 24.0 * std::f64::consts::TAU).sin();
    let readings = Readings::new(15.0 + 6.0 * day + 6.0 * (random.unit() - 0.5))
        .and_then(|r| r.with(Variable::Humidity, Some(30.0 + 60.0 * random.unit())))
        .and_then(|r| {
            let rain = if is_wet {
                0.1 + 3.0 * random.unit()
            } else {
                0.0
            };
            r.with(Variable::Precipitation, Some(rain))
        })
        .and_then(|r| r.with(Variable::Wind, Some(6.0 * random.unit())))
        .and_then(|r| r.with(Variable::Cloud, Some(100.0 * random.unit())))
        .and_then(|r| r.with(Variable::Pressure, Some(1_010.0 + 8.0 * random.unit())))
        .unwrap();
    let source = SourceId::parse("station").unwrap();
    let observation = Observation {
        city: city.id,
        source,
        observed_at: hour.start(),
        received_at: hour.start(),
        readings,
    };
    let mut weather = Sums::default();
    weather.add_observation(hour.start(), &observation);
    row.add(source, &weather);
    let mut posts = Sums::default();
    let effect = if is_wet { world.rain } else { 0.0 };
    let weekend = if (hour.index() / 24 + 3) % 7 >= 5 {
        0.1
    } else {
        0.0
    };
    let mean = 2.0 + effect + weekend + 0.2 * day;
    for post in 0..30 {
        let class = (0..4).filter(|_| random.unit() < mean / 4.0).count() as u8;
        let is_talk = is_wet && post % 10 == 0;
        let class = if is_talk { 0 } else { class };
        let score = Score::new(Sentiment::try_from(class).unwrap(), f64::from(class));
        let score = score.with_weather_talk(is_talk && world.has_talk);
        posts.add_post(hour.start(), Some(score));
    }
    if !world.has_talk {
        // As a fold of version 1 wrote it.
        posts.posts.values = ValueHistogram::default();
    }
    row.add(SourceId::parse("posts").unwrap(), &posts);
    row
}
