//! The hours of each city, drawn from the events without texts, scorers or servers.

use moodvane_model::{CityId, HourRange, HourSlot};

use crate::local::LocalClock;
use crate::mood::MeanMood;
use crate::weather::Weather;
use crate::world::{Draw, World};

/// The moods of some posts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MoodSums {
    /// The number of posts.
    pub posts: u64,
    /// The sum of their classes.
    pub sum: u64,
    /// The sum of the squares of their classes.
    pub squares: u64,
}

impl MoodSums {
    fn add(&mut self, mood: u8) {
        let mood = u64::from(mood);
        self.posts += 1;
        self.sum += mood;
        self.squares += mood * mood;
    }

    /// The mean class, if there are posts.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.posts > 0).then(|| self.sum as f64 / self.posts as f64)
    }

    /// The standard error of the mean class, if there are at least two posts.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        let (n, sum) = (self.posts as f64, self.sum as f64);
        let variance = (self.squares as f64 - sum * sum / n) / (n - 1.0);
        (self.posts >= 2).then(|| (variance.max(0.0) / n).sqrt())
    }
}

/// An hour of a city.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawnHour {
    /// The hour.
    pub hour: HourSlot,
    /// Its local time.
    pub clock: LocalClock,
    /// The weather at its start.
    pub weather: Weather,
    /// All posts.
    pub all: MoodSums,
    /// The posts that do not speak of the weather.
    pub without_talk: MoodSums,
}

/// The hours of a city, in ascending order and without gaps: an hour without posts has weather.
#[derive(Debug, Clone, PartialEq)]
pub struct CityDraws {
    /// The city.
    pub city: CityId,
    /// Its hours.
    pub hours: Vec<DrawnHour>,
}

/// Draws every event of a range of hours and counts each post in the hour of its event, under the class
/// that it was drawn with: the moods of the simulator's posts before a scorer reads them.
#[must_use]
pub fn draw_hours(world: &World, range: HourRange) -> Vec<CityDraws> {
    let hour_us = |hour: HourSlot| hour.start().millis() * 1_000;
    let mut drawn: Vec<CityDraws> = world
        .cities()
        .iter()
        .map(|city| CityDraws {
            city: city.id,
            hours: Vec::with_capacity(range.hours() as usize),
        })
        .collect();
    let schedule = world.schedule();
    let mut first = schedule.first_at(hour_us(range.begin()));
    for hour in range.iter() {
        for (index, city) in drawn.iter_mut().enumerate() {
            city.hours.push(DrawnHour {
                hour,
                clock: LocalClock::new(&world.cities()[index], hour),
                weather: world.weather(index, hour.start()),
                all: MoodSums::default(),
                without_talk: MoodSums::default(),
            });
        }
        let next = schedule.first_at(hour_us(hour) + 3_600_000_000);
        add_posts(world, hour, first..next, &mut drawn);
        first = next;
    }
    drawn
}

fn add_posts(world: &World, hour: HourSlot, events: std::ops::Range<u64>, drawn: &mut [CityDraws]) {
    let cities = 0..drawn.len();
    let moods: Option<Vec<MeanMood>> = cities
        .clone()
        .map(|city| world.hour_mood(city, hour))
        .collect();
    let activity: Vec<f64> = cities.map(|city| world.activity(city, hour)).collect();
    for index in events {
        let draw = match &moods {
            Some(moods) => world.draw_with(index, |city| activity[city], |city| moods[city]),
            None => world.draw(index),
        };
        let Draw::Post(post) = draw else { continue };
        if let Some(hour) = drawn[post.city].hours.last_mut() {
            hour.all.add(post.mood);
            if !post.is_talk {
                hour.without_talk.add(post.mood);
            }
        }
    }
}
