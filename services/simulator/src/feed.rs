//! The events of the post stream as a closed-form sequence.
//!
//! Terms: an *event* is one message of the stream; the *mood* of a post is the class 0 to 4 that its
//! text was chosen for; *noise* is every event that is not an English post naming a city.
//!
//! Which event is a post of which city, and its mood, is drawn by `crates/world`; this module gives it a
//! text, an author and a creation time. In a world of planted effects a text speaks of the weather exactly
//! if it was drawn so.
//!
//! Guarantee: event `i` depends on seed, configuration and `i` alone.

use moodvane_model::{Language, Timestamp};
use moodvane_world::{Draw, KeyedRng, PostDraw, Purpose, Schedule, World, WorldModel};

use crate::city_names::CityNames;
use crate::config::{SimulatorConfig, missing_name};
use crate::error::SimulatorError;
use crate::phrases;
use crate::rain_phrases::{RAIN_TALK, WEATHER_TEMPLATES};

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
    world: World,
    /// The names of each city, in the order of the world's cities.
    names: Vec<CityNames>,
    /// The templates of each mood.
    templates: [Vec<&'static str>; 5],
    /// Errors of a wrong clock in milliseconds, beyond the pipeline's plausible bounds.
    clock_errors_ms: [i64; 2],
}

impl Feed {
    pub(crate) fn new(config: &SimulatorConfig) -> Result<Self, SimulatorError> {
        let names =
            |city| CityNames::new(city).ok_or_else(|| SimulatorError::Config(missing_name(city)));
        let has_talk = config.model != WorldModel::Simple;
        let is_used = |template: &&str| !(has_talk && WEATHER_TEMPLATES.contains(template));
        Ok(Self {
            seed: config.seed,
            world: config.world(),
            names: config.cities.iter().map(names).collect::<Result<_, _>>()?,
            templates: phrases::MOODS.map(|all| all.iter().copied().filter(is_used).collect()),
            clock_errors_ms: [
                i64::from(config.bounds.ahead_ms) + 3_600_000,
                -i64::from(config.bounds.behind_ms) - 86_400_000,
            ],
        })
    }

    /// The weather and the moods.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        self.world.schedule()
    }

    /// The names of each city.
    pub(crate) fn names(&self) -> &[CityNames] {
        &self.names
    }

    /// Returns event `index`.
    pub(crate) fn event(&self, index: u64) -> Event {
        let time_us = self.schedule().time_of(index);
        let kind = match self.world.draw(index) {
            Draw::Noise(mut rng) => self.noise(index, time_us, &mut rng),
            Draw::Quiet => EventKind::Post(self.quiet_post(index, time_us)),
            Draw::Post(post) => EventKind::Post(self.city_post(index, time_us, post)),
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
        let earlier_us = self.schedule().time_of(earlier);
        let city = self.world.noise_city(index);
        let post = |(language, template): (&'static str, &'static str)| {
            self.render_post(index, time_us, template, Some(language), (city, None))
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
                content: self.city_post(index, time_us, self.world.draw_post(index, city)),
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

    /// An English post that names no city, at a time when people of the cities are silent.
    fn quiet_post(&self, index: u64, time_us: i64) -> PostContent {
        let mut rng = KeyedRng::new(self.seed, Purpose::Text, index);
        let template = rng.choose(phrases::ENGLISH_WITHOUT_CITY);
        self.render_post(index, time_us, template, Some("en"), (0, None))
    }

    /// An English post that names a city, with its mood.
    fn city_post(&self, index: u64, time_us: i64, post: PostDraw) -> PostContent {
        let mut rng = post.rng;
        let mood = usize::from(post.mood);
        let template = match post.is_talk {
            true => rng.choose(RAIN_TALK[mood]),
            false => rng.choose(&self.templates[mood]),
        };
        let language = rng.choose(&[Some("en"), Some("en"), Some("en"), Some("en-US"), None]);
        let subject = (post.city, Some(post.mood));
        self.render_post(index, time_us, template, language, subject)
    }

    /// Fills the slots of a template, of a city and with a mood.
    fn render_post(
        &self,
        index: u64,
        time_us: i64,
        template: &str,
        language: Option<&'static str>,
        (city, mood): (usize, Option<u8>),
    ) -> PostContent {
        let mut rng = KeyedRng::new(self.seed.wrapping_add(1), Purpose::Text, index);
        let name = self.names[city].choose(&mut rng);
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
        self.author(self.schedule().first_at(time_us))
    }
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
    use moodvane_model::CityId;
    use moodvane_world::EffectSizes;

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
        let world = config.world();
        let (mut wet, mut dry, mut cold, mut warm) = (vec![], vec![], vec![], vec![]);
        for event in events(&config, 0..60_000) {
            let EventKind::Post(PostContent {
                mood: Some(mood), ..
            }) = event.kind
            else {
                continue;
            };
            let weather = world.weather(0, timestamp(event.time_us / 1_000));
            let (temperature, rain) = (weather.temperature_c, weather.precipitation_mm_h);
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
    fn confounded_posts_speak_of_rain_in_wet_hours_only_and_name_their_city() {
        let mut london = config().cities.remove(0);
        london.id = CityId::parse("london").unwrap();
        london.names = vec!["london".to_owned()];
        let mut config = config();
        config.cities.push(london);
        config.model = WorldModel::Confounded(EffectSizes::Drawn);
        let (feed, world) = (Feed::new(&config).unwrap(), config.world());
        let mut detector = moodvane_weather_talk::WeatherTalk::english();
        let (mut talk, mut wet, mut posts) = (0, 0, [0; 2]);
        for event in events(&config, 0..60_000) {
            let EventKind::Post(content) = event.kind else {
                continue;
            };
            let named = |city: usize| feed.names()[city].occur_in(&content.text);
            assert!(!(named(0) && named(1)), "{}", content.text);
            if content.mood.is_none() {
                continue;
            }
            let city = usize::from(named(1));
            let at = timestamp(event.time_us / 1_000);
            let is_wet = world.weather(city, at).precipitation_mm_h > 0.0;
            let is_talk = detector.mentions_weather(&content.text);
            assert!(is_wet || !is_talk, "{}", content.text);
            posts[city] += 1;
            wet += u32::from(is_wet);
            talk += u32::from(is_talk);
        }
        assert!(posts.iter().all(|n| *n > 9_000), "{posts:?}");
        let share = f64::from(talk) / f64::from(wet);
        assert!((0.17..0.23).contains(&share), "{talk} of {wet}");
    }

    #[test]
    fn noise_kinds_have_documented_shares() {
        let config = config();
        let names = CityNames::new(&config.cities[0]).unwrap();
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
