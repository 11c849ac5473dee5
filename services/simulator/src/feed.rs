//! The events of the post stream as a closed-form sequence.
//!
//! Terms: an *event* is one message of the stream; its *mood* is the class 0 to 4 that it was
//! written with; *noise* is every event that is not an English post naming the city.
//!
//! How mood follows weather: with temperature T in °C and rain R in mm/h at the event's time, the
//! mean mood is
//!
//! ```text
//! mean = 2.0 + 0.05 · (T clamped to -10..30, less 10) - 0.9 · min(R, 1)
//! ```
//!
//! held within 0.4 to 3.6, and the mood is the number of successes of 4 draws of probability
//! mean / 4, so that its expectation is exactly the mean. Warm and dry is merry, wet is sad.
//!
//! Guarantee: event `i` depends on seed, configuration and `i` alone.

use moodvane_model::{Language, Timestamp};

use crate::config::{SimulatorConfig, nameless};
use crate::draws::{Draws, Purpose};
use crate::error::SimulatorError;
use crate::naming::Names;
use crate::phrases;
use crate::schedule::Schedule;
use crate::weather::Climate;

/// How long before its event a post may say that it was written, in milliseconds.
pub(crate) const MAX_LATENCY_MS: i64 = 4_000;
/// The share of posts whose author's clock cannot be believed.
const STRAY_CLOCKS: f64 = 0.005;
/// How many events back a deletion, an update or a like refers to at most.
const REACH: u64 = 200;
const AUTHORS: u64 = 20_000;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) time_us: i64,
    /// The number of its author.
    pub(crate) author: u64,
    pub(crate) kind: Kind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A new post.
    Post(Written),
    /// A post that exists is written anew.
    Update { time_us: i64, written: Written },
    /// The post of that time is gone.
    Delete { time_us: i64 },
    /// Somebody liked the post of that time and author.
    Like { time_us: i64, author: u64 },
    /// The author's handle changed.
    Identity,
    /// The author's account changed.
    Account,
}

/// The content of a post.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// The tag as the stream gives it.
    pub(crate) language: Option<&'static str>,
    pub(crate) created_at: Timestamp,
    /// The class it was written with; noise has none.
    pub(crate) mood: Option<u8>,
}

impl Written {
    /// The language in the vocabulary's terms.
    pub(crate) fn spoken(&self) -> Option<Language> {
        self.language.and_then(|tag| Language::parse(tag).ok())
    }
}

/// The whole sequence.
#[derive(Debug)]
pub(crate) struct Feed {
    seed: u64,
    noise_share: f64,
    schedule: Schedule,
    climate: Climate,
    names: Names,
    /// How far a stray clock is off, in milliseconds: always beyond what the pipeline believes.
    strays_ms: [i64; 2],
}

impl Feed {
    /// The sequence that a configuration describes.
    pub(crate) fn new(config: &SimulatorConfig) -> Result<Self, SimulatorError> {
        let names = Names::of(&config.city)
            .ok_or_else(|| SimulatorError::Config(nameless(&config.city)))?;
        Ok(Self {
            seed: config.seed,
            noise_share: config.noise_share,
            schedule: Schedule::new(config.seed, config.start, config.posts_per_hour),
            climate: config.climate(),
            names,
            strays_ms: [
                i64::from(config.bounds.ahead_ms) + 3_600_000,
                -i64::from(config.bounds.behind_ms) - 86_400_000,
            ],
        })
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Event `index`.
    pub(crate) fn event(&self, index: u64) -> Event {
        let mut draws = Draws::new(self.seed, Purpose::Event, index);
        let time_us = self.schedule.time_of(index);
        let kind = if draws.happens(self.noise_share) {
            self.noise(index, time_us, &mut draws)
        } else {
            Kind::Post(self.mooded(index, time_us))
        };
        let author = match kind {
            // Only the author of a post can change or delete it.
            Kind::Update { time_us, .. } | Kind::Delete { time_us } => self.author_at(time_us),
            _ => self.author(index),
        };
        Event {
            time_us,
            author,
            kind,
        }
    }

    fn noise(&self, index: u64, time_us: i64, draws: &mut Draws) -> Kind {
        let earlier = index.saturating_sub(1 + draws.below(REACH));
        let earlier_us = self.schedule.time_of(earlier);
        let plain = |(language, template): (&'static str, &'static str)| {
            self.written(index, time_us, template, Some(language), None)
        };
        match draws.below(100) {
            0..37 => Kind::Post(plain(("en", draws.pick(phrases::ELSEWHERE)))),
            37..40 => Kind::Post(self.picture(index, time_us)),
            40..60 => Kind::Post(plain(draws.pick(phrases::ABROAD))),
            60..70 => Kind::Post(plain(draws.pick(phrases::ELSEWHERE_ABROAD))),
            70..75 => Kind::Post(plain(("en", draws.pick(phrases::MISTAKABLE)))),
            75..82 if index > 0 => Kind::Delete {
                time_us: earlier_us,
            },
            82..87 if index > 0 => Kind::Update {
                time_us: earlier_us,
                written: self.mooded(index, time_us),
            },
            87..92 if index > 0 => Kind::Like {
                time_us: earlier_us,
                author: self.author(earlier),
            },
            92..96 => Kind::Account,
            _ => Kind::Identity,
        }
    }

    /// A post of a picture alone: it has no text, so that it is no city's and has no mood.
    fn picture(&self, index: u64, time_us: i64) -> Written {
        let mut draws = Draws::new(self.seed, Purpose::Text, index);
        Written {
            text: String::new(),
            language: draws.pick(&[Some("en"), None]),
            created_at: self.created_at(time_us / 1_000, &mut draws),
            mood: None,
        }
    }

    /// An English post about the city, with the mood of the weather.
    fn mooded(&self, index: u64, time_us: i64) -> Written {
        let mut draws = Draws::new(self.seed, Purpose::Text, index);
        let (temperature, rain) = self.climate.felt(moment(time_us / 1_000));
        let success = mean_mood(temperature, rain) / 4.0;
        let mood = (0..4).filter(|_| draws.happens(success)).count();
        let template = draws.pick(phrases::MOODS[mood]);
        let language = draws.pick(&[Some("en"), Some("en"), Some("en"), Some("en-US"), None]);
        self.written(index, time_us, template, language, Some(mood as u8))
    }

    fn written(
        &self,
        index: u64,
        time_us: i64,
        template: &str,
        language: Option<&'static str>,
        mood: Option<u8>,
    ) -> Written {
        let mut draws = Draws::new(self.seed.wrapping_add(1), Purpose::Text, index);
        let name = self.names.draw(&mut draws);
        let mut text = template
            .replace("{city}", name)
            .replace("{joined}", &name.replace(' ', ""))
            .replace("{place}", draws.pick(phrases::PLACES))
            .replace("{thing}", draws.pick(phrases::THINGS));
        text.push_str(draws.pick(phrases::TAILS));
        Written {
            text,
            language,
            created_at: self.created_at(time_us / 1_000, &mut draws),
            mood,
        }
    }

    /// When a post says that it was written: a moment before its event, unless its author's clock
    /// is astray.
    fn created_at(&self, event_ms: i64, draws: &mut Draws) -> Timestamp {
        if draws.happens(STRAY_CLOCKS) {
            return moment(event_ms + draws.pick(&self.strays_ms));
        }
        moment(event_ms - 50 - draws.below(MAX_LATENCY_MS as u64 - 50) as i64)
    }

    fn author(&self, index: u64) -> u64 {
        Draws::new(self.seed, Purpose::Author, index).below(AUTHORS)
    }

    fn author_at(&self, time_us: i64) -> u64 {
        self.author(self.schedule.first_at(time_us))
    }
}

/// The mean mood of posts in this weather, 0.0 to 4.0.
pub(crate) fn mean_mood(temperature_c: f64, rain_mm_h: f64) -> f64 {
    let warmth = 0.05 * (temperature_c.clamp(-10.0, 30.0) - 10.0);
    (2.0 + warmth - 0.9 * rain_mm_h.min(1.0)).clamp(0.4, 3.6)
}

/// The moment nearest to `ms` that can be named.
pub(crate) fn moment(ms: i64) -> Timestamp {
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn events(config: &SimulatorConfig, range: std::ops::Range<u64>) -> Vec<Event> {
        let feed = Feed::new(config).unwrap();
        range.map(|index| feed.event(index)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_events_wherever_one_begins() {
        let config = config();
        let all = events(&config, 0..2_000);
        assert_eq!(all[1_500..], events(&config, 1_500..2_000));
        let other = SimulatorConfig { seed: 99, ..config };
        assert_ne!(all, events(&other, 0..2_000));
    }

    #[test]
    fn rain_makes_posts_sadder_and_warmth_merrier() {
        let config = config();
        let climate = config.climate();
        let (mut wet, mut dry, mut cold, mut warm) = (vec![], vec![], vec![], vec![]);
        for event in events(&config, 0..60_000) {
            let Kind::Post(Written {
                mood: Some(mood), ..
            }) = event.kind
            else {
                continue;
            };
            let (temperature, rain) = climate.felt(moment(event.time_us / 1_000));
            if rain > 0.5 { &mut wet } else { &mut dry }.push(mood);
            if rain == 0.0 {
                if temperature < 2.0 {
                    &mut cold
                } else {
                    &mut warm
                }
                .push(mood);
            }
        }
        let mean =
            |moods: &[u8]| moods.iter().map(|m| f64::from(*m)).sum::<f64>() / moods.len() as f64;
        assert!(wet.len() > 1_000 && cold.len() > 1_000 && warm.len() > 1_000);
        assert!(
            mean(&wet) < mean(&dry) - 0.3,
            "{} {}",
            mean(&wet),
            mean(&dry)
        );
        assert!(
            mean(&cold) < mean(&warm) - 0.1,
            "{} {}",
            mean(&cold),
            mean(&warm)
        );
    }

    #[test]
    fn the_mean_mood_is_the_documented_formula() {
        for (temperature, rain, mean) in [
            (10.0, 0.0, 2.0),
            (30.0, 0.0, 3.0),
            (45.0, 0.0, 3.0),
            (-10.0, 0.0, 1.0),
            (10.0, 0.5, 1.55),
            (10.0, 8.0, 1.1),
            (-20.0, 8.0, 0.4),
        ] {
            assert!((mean_mood(temperature, rain) - mean).abs() < 1e-12);
        }
    }

    #[test]
    fn every_kind_of_noise_occurs_in_its_share() {
        let config = config();
        let names = Names::of(&config.city).unwrap();
        let all = events(&config, 0..20_000);
        let (mut about, mut abroad, mut elsewhere, mut pictures, mut other) = (0, 0, 0, 0, 0);
        for event in &all {
            match &event.kind {
                Kind::Post(w) if w.mood.is_some() => {
                    assert!(names.named_in(&w.text), "{}", w.text);
                    about += 1;
                }
                Kind::Post(w) if names.named_in(&w.text) => {
                    assert_ne!(w.spoken().unwrap().as_str(), "en", "{}", w.text);
                    abroad += 1;
                }
                Kind::Post(w) if w.text.is_empty() => pictures += 1,
                Kind::Post(_) => elsewhere += 1,
                _ => other += 1,
            }
        }
        assert!((13_600..14_400).contains(&about), "{about}");
        assert!((1_000..1_400).contains(&abroad), "{abroad}");
        assert!((2_700..3_500).contains(&elsewhere), "{elsewhere}");
        assert!((120..240).contains(&pictures), "{pictures}");
        assert!((1_200..1_800).contains(&other), "{other}");
    }

    #[test]
    fn every_slot_of_a_template_is_filled() {
        for event in events(&config(), 0..20_000) {
            if let Kind::Post(written) | Kind::Update { written, .. } = event.kind {
                assert!(!written.text.contains(['{', '}']), "{}", written.text);
            }
        }
    }
}
