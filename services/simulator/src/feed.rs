//! The events of the post stream as a closed-form sequence.
//!
//! Terms: an *event* is one message of the stream; the *mood* of a post is the class 0 to 4 that its
//! text was chosen for; *noise* is every event that is not an English post naming the city.
//!
//! Mood depends on weather: with temperature T in °C and rain R in mm/h at the event's time, the mean
//! mood is
//!
//! ```text
//! mean = 2.0 + 0.05 · (T clamped to -10..30, less 10) - 0.9 · min(R, 1)
//! ```
//!
//! clamped to 0.4..3.6. The mood is binomial with n = 4 and p = mean / 4, so its expectation is the mean.
//! Warm and dry weather raises it, rain lowers it.
//!
//! Guarantee: event `i` depends on seed, configuration and `i` alone.

use moodvane_model::{Language, Timestamp};

use crate::city_names::CityNames;
use crate::config::{SimulatorConfig, missing_name};
use crate::error::SimulatorError;
use crate::phrases;
use crate::rng::{KeyedRng, Purpose};
use crate::schedule::Schedule;
use crate::weather::Climate;

/// Maximum time from a post's `created_at` to its event, in milliseconds.
pub(crate) const MAX_LATENCY_MS: i64 = 4_000;
/// The share of posts with a creation time outside the plausible bounds.
const WRONG_CLOCK_SHARE: f64 = 0.005;
/// Maximum distance in events from a deletion, an update or a like to its post.
const MAX_REFERENCE_DISTANCE: u64 = 200;
const AUTHORS: u64 = 20_000;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) time_us: i64,
    pub(crate) author: u64,
    pub(crate) kind: EventKind,
}

/// The type of an event, with its content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EventKind {
    /// A new post.
    Post(PostContent),
    /// New content of the post of that time.
    Update { time_us: i64, content: PostContent },
    /// Deletion of the post of that time.
    Delete { time_us: i64 },
    /// A like of the post of that time and author.
    Like { time_us: i64, author: u64 },
    /// The author's handle changed.
    Identity,
    /// The author's account changed.
    Account,
}

/// The content of a post.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostContent {
    pub(crate) text: String,
    /// The language tag in the stream's format.
    pub(crate) language_tag: Option<&'static str>,
    pub(crate) created_at: Timestamp,
    /// The class that the text was chosen for; `None` for noise.
    pub(crate) mood: Option<u8>,
}

impl PostContent {
    /// The parsed language.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language_tag.and_then(|tag| Language::parse(tag).ok())
    }
}

/// The sequence of events.
#[derive(Debug)]
pub(crate) struct Feed {
    seed: u64,
    noise_share: f64,
    schedule: Schedule,
    climate: Climate,
    names: CityNames,
    /// Errors of a wrong clock in milliseconds, beyond the pipeline's plausible bounds.
    clock_errors_ms: [i64; 2],
}

impl Feed {
    pub(crate) fn new(config: &SimulatorConfig) -> Result<Self, SimulatorError> {
        let names = CityNames::new(&config.city)
            .ok_or_else(|| SimulatorError::Config(missing_name(&config.city)))?;
        Ok(Self {
            seed: config.seed,
            noise_share: config.noise_share,
            schedule: Schedule::new(config.seed, config.start, config.posts_per_hour),
            climate: config.climate(),
            names,
            clock_errors_ms: [
                i64::from(config.bounds.ahead_ms) + 3_600_000,
                -i64::from(config.bounds.behind_ms) - 86_400_000,
            ],
        })
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(crate) fn names(&self) -> &CityNames {
        &self.names
    }

    /// Returns event `index`.
    pub(crate) fn event(&self, index: u64) -> Event {
        let mut rng = KeyedRng::new(self.seed, Purpose::Event, index);
        let time_us = self.schedule.time_of(index);
        let kind = if rng.chance(self.noise_share) {
            self.noise(index, time_us, &mut rng)
        } else {
            EventKind::Post(self.city_post(index, time_us))
        };
        let author = match kind {
            // Only its author can update or delete a post.
            EventKind::Update { time_us, .. } | EventKind::Delete { time_us } => {
                self.author_at(time_us)
            }
            _ => self.author(index),
        };
        Event {
            time_us,
            author,
            kind,
        }
    }

    fn noise(&self, index: u64, time_us: i64, rng: &mut KeyedRng) -> EventKind {
        let earlier = index.saturating_sub(1 + rng.below(MAX_REFERENCE_DISTANCE));
        let earlier_us = self.schedule.time_of(earlier);
        let post = |(language, template): (&'static str, &'static str)| {
            self.render_post(index, time_us, template, Some(language), None)
        };
        match rng.below(100) {
            0..37 => EventKind::Post(post(("en", rng.choose(phrases::ENGLISH_WITHOUT_CITY)))),
            37..40 => EventKind::Post(self.image_post(index, time_us)),
            40..60 => EventKind::Post(post(rng.choose(phrases::FOREIGN_WITH_CITY))),
            60..70 => EventKind::Post(post(rng.choose(phrases::FOREIGN_WITHOUT_CITY))),
            70..75 => EventKind::Post(post(("en", rng.choose(phrases::NAME_INSIDE_WORD)))),
            75..82 if index > 0 => EventKind::Delete {
                time_us: earlier_us,
            },
            82..87 if index > 0 => EventKind::Update {
                time_us: earlier_us,
                content: self.city_post(index, time_us),
            },
            87..92 if index > 0 => EventKind::Like {
                time_us: earlier_us,
                author: self.author(earlier),
            },
            92..96 => EventKind::Account,
            _ => EventKind::Identity,
        }
    }

    /// A post with an image and no text, which names no city and has no mood.
    fn image_post(&self, index: u64, time_us: i64) -> PostContent {
        let mut rng = KeyedRng::new(self.seed, Purpose::Text, index);
        PostContent {
            text: String::new(),
            language_tag: rng.choose(&[Some("en"), None]),
            created_at: self.created_at(time_us / 1_000, &mut rng),
            mood: None,
        }
    }

    /// An English post that names the city, with a mood drawn by the weather.
    fn city_post(&self, index: u64, time_us: i64) -> PostContent {
        let mut rng = KeyedRng::new(self.seed, Purpose::Text, index);
        let (temperature, rain) = self
            .climate
            .temperature_and_rain(timestamp(time_us / 1_000));
        let probability = mean_mood(temperature, rain) / 4.0;
        let mood = (0..4).filter(|_| rng.chance(probability)).count();
        let template = rng.choose(phrases::MOODS[mood]);
        let language = rng.choose(&[Some("en"), Some("en"), Some("en"), Some("en-US"), None]);
        self.render_post(index, time_us, template, language, Some(mood as u8))
    }

    fn render_post(
        &self,
        index: u64,
        time_us: i64,
        template: &str,
        language: Option<&'static str>,
        mood: Option<u8>,
    ) -> PostContent {
        let mut rng = KeyedRng::new(self.seed.wrapping_add(1), Purpose::Text, index);
        let name = self.names.choose(&mut rng);
        let mut text = template
            .replace("{city}", name)
            .replace("{joined}", &name.replace(' ', ""))
            .replace("{place}", rng.choose(phrases::PLACES))
            .replace("{thing}", rng.choose(phrases::THINGS));
        text.push_str(rng.choose(phrases::TAILS));
        PostContent {
            text,
            language_tag: language,
            created_at: self.created_at(time_us / 1_000, &mut rng),
            mood,
        }
    }

    /// The creation time of a post: shortly before its event, unless its author's clock is wrong.
    fn created_at(&self, event_ms: i64, rng: &mut KeyedRng) -> Timestamp {
        if rng.chance(WRONG_CLOCK_SHARE) {
            return timestamp(event_ms + rng.choose(&self.clock_errors_ms));
        }
        timestamp(event_ms - 50 - rng.below(MAX_LATENCY_MS as u64 - 50) as i64)
    }

    fn author(&self, index: u64) -> u64 {
        KeyedRng::new(self.seed, Purpose::Author, index).below(AUTHORS)
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

/// Converts milliseconds since 1970; the epoch if they are outside the calendar.
pub(crate) fn timestamp(ms: i64) -> Timestamp {
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
    fn events_depend_on_seed_and_index_alone() {
        let config = config();
        let all = events(&config, 0..2_000);
        assert_eq!(all[1_500..], events(&config, 1_500..2_000));
        let other = SimulatorConfig { seed: 99, ..config };
        assert_ne!(all, events(&other, 0..2_000));
    }

    #[test]
    fn rain_lowers_mood_and_warmth_raises_it() {
        let config = config();
        let climate = config.climate();
        let (mut wet, mut dry, mut cold, mut warm) = (vec![], vec![], vec![], vec![]);
        for event in events(&config, 0..60_000) {
            let EventKind::Post(PostContent {
                mood: Some(mood), ..
            }) = event.kind
            else {
                continue;
            };
            let (temperature, rain) =
                climate.temperature_and_rain(timestamp(event.time_us / 1_000));
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
    fn mean_mood_follows_documented_formula() {
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
    fn noise_kinds_have_documented_shares() {
        let config = config();
        let names = CityNames::new(&config.city).unwrap();
        let all = events(&config, 0..20_000);
        let (mut about, mut abroad, mut elsewhere, mut pictures, mut other) = (0, 0, 0, 0, 0);
        for event in &all {
            match &event.kind {
                EventKind::Post(w) if w.mood.is_some() => {
                    assert!(names.occur_in(&w.text), "{}", w.text);
                    about += 1;
                }
                EventKind::Post(w) if names.occur_in(&w.text) => {
                    assert_ne!(w.language().unwrap().as_str(), "en", "{}", w.text);
                    abroad += 1;
                }
                EventKind::Post(w) if w.text.is_empty() => pictures += 1,
                EventKind::Post(_) => elsewhere += 1,
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
    fn fills_every_template_slot() {
        for event in events(&config(), 0..20_000) {
            if let EventKind::Post(content) | EventKind::Update { content, .. } = event.kind {
                assert!(!content.text.contains(['{', '}']), "{}", content.text);
            }
        }
    }
}
