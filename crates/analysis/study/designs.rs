//! Hours without any relation of weather and feeling, in designs that mislead, and hours with the
//! effects that the simulator plants.
#![allow(dead_code, reason = "each study uses a part")]

use moodvane_analysis::{Adjustment, PairedHour, RelationOptions, Weighting};

use crate::series::{Random, hours};

/// How the weather varies. It never depends on the feeling.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Weather {
    /// Rain in this number of hours, drawn at random.
    Scattered(usize),
    /// Rain in this number of consecutive hours.
    OneSpell(usize),
    /// Rain in this number of spells of six hours.
    Spells(usize),
    /// Temperatures around 10 °C, and 60 °C in one hour.
    Spike,
    /// A normal AR(1) series with the coefficient of the feeling.
    Normal,
    /// A normal AR(1) series with φ = 0.9.
    PersistentNormal,
    /// The exponential of this multiple of a normal AR(1) series.
    LogNormal(f64),
    /// Student's t with two degrees of freedom, of three AR(1) series: infinite variance.
    StudentT2,
    /// Zero or the upper quarter of an AR(1) series with φ = 0.8.
    Showers,
}

pub(crate) const WEATHERS: [(&str, Weather); 20] = [
    ("1 wet hour", Weather::Scattered(1)),
    ("2 wet hours", Weather::Scattered(2)),
    ("3 wet hours", Weather::Scattered(3)),
    ("5 wet hours", Weather::Scattered(5)),
    ("10 wet hours", Weather::Scattered(10)),
    ("30 wet hours", Weather::Scattered(30)),
    ("2 in one spell", Weather::OneSpell(2)),
    ("3 in one spell", Weather::OneSpell(3)),
    ("5 in one spell", Weather::OneSpell(5)),
    ("10 in one spell", Weather::OneSpell(10)),
    ("30 in one spell", Weather::OneSpell(30)),
    ("5 spells of 6", Weather::Spells(5)),
    ("spike of 60 °C", Weather::Spike),
    ("normal", Weather::Normal),
    ("normal, φ = 0.9", Weather::PersistentNormal),
    ("log-normal", Weather::LogNormal(1.0)),
    ("log-normal, σ = 2", Weather::LogNormal(2.0)),
    ("Student's t, 2 d.f.", Weather::StudentT2),
    ("showers", Weather::Showers),
    ("showers of σ = 2", Weather::LogNormal(-2.0)),
];

/// The posts of an hour, and thus how much of the feeling is sampling error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posts {
    /// 1 to 5; the feeling is the mean of their classes.
    Few,
    /// So many that the feeling has no sampling error.
    Many,
    /// Pareto's distribution with a tail index of 1.25, 1 to 1,000.
    HeavyTailed,
}

/// Posts and options of a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) posts: Posts,
    pub(crate) options: RelationOptions,
}

const fn setting(
    name: &'static str,
    posts: Posts,
    weighting: Weighting,
    adjustment: Adjustment,
) -> Setting {
    let options = RelationOptions {
        min_posts: 1,
        weighting,
        adjustment,
    };
    Setting {
        name,
        posts,
        options,
    }
}

const BOTH: Adjustment = Adjustment::HourOfDayAndDayOfWeek;

pub(crate) const SETTINGS: [Setting; 9] = [
    setting("plain", Posts::Many, Weighting::Equal, Adjustment::None),
    setting("1-5 posts", Posts::Few, Weighting::Equal, Adjustment::None),
    setting(
        "1-5 posts, weighted",
        Posts::Few,
        Weighting::Posts,
        Adjustment::None,
    ),
    setting(
        "heavy weights",
        Posts::HeavyTailed,
        Weighting::Posts,
        Adjustment::None,
    ),
    setting(
        "daily",
        Posts::Many,
        Weighting::Equal,
        Adjustment::HourOfDay,
    ),
    setting(
        "weekly",
        Posts::Many,
        Weighting::Equal,
        Adjustment::DayOfWeek,
    ),
    setting("daily and weekly", Posts::Many, Weighting::Equal, BOTH),
    setting(
        "1-5 posts, weighted, daily and weekly",
        Posts::Few,
        Weighting::Posts,
        BOTH,
    ),
    setting(
        "heavy weights, daily and weekly",
        Posts::HeavyTailed,
        Weighting::Posts,
        BOTH,
    ),
];

/// The coefficients of the feeling's AR(1) series.
pub(crate) const PERSISTENCES: [f64; 3] = [0.0, 0.5, 0.9];
pub(crate) const LENGTHS: [usize; 2] = [240, 720];

impl Weather {
    /// Whether some of the series have enough wet and dry hours to compare.
    pub(crate) fn has_wet_and_dry(self) -> bool {
        match self {
            Self::Scattered(count) | Self::OneSpell(count) => count >= 10,
            Self::Spells(_) | Self::Showers | Self::Normal | Self::LogNormal(_) => true,
            Self::Spike | Self::PersistentNormal | Self::StudentT2 => false,
        }
    }

    fn series(self, random: &mut Random, n: usize, phi: f64) -> Vec<f64> {
        match self {
            Self::Scattered(count) => {
                let mut x = vec![0.0; n];
                let mut wet = 0;
                while wet < count {
                    let hour = random.below(n);
                    if x[hour] == 0.0 {
                        x[hour] = rain(random);
                        wet += 1;
                    }
                }
                x
            }
            Self::OneSpell(count) => {
                let begin = random.below(n - count + 1);
                let is_wet = |i| (begin..begin + count).contains(&i);
                (0..n)
                    .map(|i| if is_wet(i) { rain(random) } else { 0.0 })
                    .collect()
            }
            Self::Spells(count) => {
                let mut x = vec![0.0; n];
                for _ in 0..count {
                    let begin = random.below(n - 5);
                    x[begin..begin + 6]
                        .iter_mut()
                        .for_each(|x| *x = rain(random));
                }
                x
            }
            Self::Spike => {
                let mut x: Vec<f64> = random.ar(n, phi).iter().map(|x| 10.0 + 3.0 * x).collect();
                x[random.below(n)] = 60.0;
                x
            }
            Self::Normal => random.ar(n, phi),
            Self::PersistentNormal => random.ar(n, 0.9),
            Self::LogNormal(scale) if scale < 0.0 => {
                let series = random.ar(n, phi.max(0.8));
                let shower = |x: &f64| if *x > 0.7 { (-scale * x).exp() } else { 0.0 };
                series.iter().map(shower).collect()
            }
            Self::LogNormal(scale) => random
                .ar(n, phi)
                .iter()
                .map(|x| (scale * x).exp())
                .collect(),
            Self::StudentT2 => {
                let [z, a, b] = [0; 3].map(|_| random.ar(n, phi));
                let t = |i: usize| z[i] / ((a[i] * a[i] + b[i] * b[i]) / 2.0).sqrt();
                (0..n).map(t).collect()
            }
            Self::Showers => random
                .ar(n, 0.8)
                .iter()
                .map(|x| (x - 0.7).max(0.0))
                .collect(),
        }
    }
}

/// Between 0.5 and 6 mm/h.
fn rain(random: &mut Random) -> f64 {
    0.5 + 5.5 * random.uniform()
}

/// Hours whose feeling is an AR(1) series of its own, whatever the weather is.
pub(crate) fn unrelated(
    weather: Weather,
    posts: Posts,
    n: usize,
    phi: f64,
    seed: u64,
) -> Vec<PairedHour> {
    let key = seed.wrapping_mul(1_000_003) ^ (n as u64) << 8 ^ (phi * 100.0) as u64;
    let mut random = Random::new(key);
    let x = weather.series(&mut random, n, phi);
    let mood = random.ar(n, phi);
    let mut found = hours(&x, &vec![0.0; n]);
    for (hour, mood) in found.iter_mut().zip(mood) {
        let mean = 2.0 + 0.6 * mood;
        hour.posts = match posts {
            Posts::Few => 1 + random.below(5) as u64,
            Posts::Many => 1,
            Posts::HeavyTailed => random.uniform().powf(-0.8).min(1000.0) as u64,
        };
        hour.feeling = match posts {
            Posts::Many => mean,
            Posts::Few => {
                let classes = (0..hour.posts).map(|_| (mean + 1.1 * random.normal()).round());
                classes.map(|class| class.clamp(0.0, 4.0)).sum::<f64>() / hour.posts as f64
            }
            Posts::HeavyTailed => mean + 1.1 * random.normal() / (hour.posts as f64).sqrt(),
        };
    }
    found
}

/// An effect that the simulator plants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    Rain,
    Temperature,
}

/// Hours by the formulas of the simulator (`services/simulator`: `weather.rs` and `feed.rs`): episodes
/// of rain in cells of 16 hours, fronts, a daily cycle, and a mean mood of
/// 2 + 0.05 · (T - 10) - 0.9 · min(R, 1), of which each post's class is a binomial draw.
pub(crate) fn planted(effect: Planted, n: usize, posts: u64, seed: u64) -> Vec<PairedHour> {
    let mut random = Random::new(seed.wrapping_mul(1_000_003) ^ n as u64);
    let rain = episodes(&mut random, n);
    let node = |random: &mut Random| 2.0 * random.uniform() - 1.0;
    let fronts: Vec<f64> = (0..n / 36 + 2).map(|_| node(&mut random)).collect();
    let temperature: Vec<f64> = (0..n)
        .map(|i| {
            let (at, x) = (i / 36, (i % 36) as f64 / 36.0);
            let eased = x * x * (3.0 - 2.0 * x);
            let front = fronts[at] * (1.0 - eased) + fronts[at + 1] * eased;
            let day = (std::f64::consts::TAU * (i as f64 - 20.0) / 24.0).cos();
            8.0 + 4.0 * day + 5.0 * front - 2.5 * (rain[i] / 2.0).min(1.0)
        })
        .collect();
    let mut feeling = |i: usize| {
        let warmth = 0.05 * (temperature[i].clamp(-10.0, 30.0) - 10.0);
        let mean = (2.0 + warmth - 0.9 * rain[i].min(1.0)).clamp(0.4, 3.6);
        let draws = (0..4 * posts).filter(|_| random.uniform() < mean / 4.0);
        draws.count() as f64 / posts as f64
    };
    let feeling: Vec<f64> = (0..n).map(&mut feeling).collect();
    match effect {
        Planted::Rain => hours(&rain, &feeling),
        Planted::Temperature => hours(&temperature, &feeling),
    }
}

/// Rain in mm/h: in each cell of 16 hours, with a probability of 0.42, half a sine of 2 to 9 hours.
fn episodes(random: &mut Random, n: usize) -> Vec<f64> {
    let mut rain = vec![0.0; n];
    for cell in 0..=n / 16 {
        if random.uniform() >= 0.42 {
            continue;
        }
        let begin = (cell as f64 + random.uniform()) * 16.0;
        let length = 2.0 + 7.0 * random.uniform();
        let peak = 0.5 + 6.0 * random.uniform().powi(2);
        for (i, rain) in rain.iter_mut().enumerate() {
            let x = (i as f64 - begin) / length;
            if (0.0..1.0).contains(&x) {
                *rain += peak * (x * std::f64::consts::PI).sin();
            }
        }
    }
    rain
}
