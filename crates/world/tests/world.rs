//! Laws of a world: what it is at one time depends on seed, city and time alone.

#![allow(clippy::unwrap_used)]

use moodvane_model::{City, CityId, HourRange, HourSlot};
use moodvane_world::{CityDraws, Draw, EffectSizes, World, WorldConfig, WorldModel, draw_hours};
use proptest::prelude::*;

fn city(id: &str, latitude: f64, longitude: f64, zone: &str) -> City {
    City::new(
        CityId::parse(id).unwrap(),
        id,
        &[],
        (latitude, longitude),
        zone,
    )
    .unwrap()
}

fn cities() -> Vec<City> {
    vec![
        city("london", 51.5, -0.1, "Europe/London"),
        city("singapore", 1.4, 103.8, "Asia/Singapore"),
    ]
}

fn slot(index: u32) -> HourSlot {
    HourSlot::from_index(index).unwrap()
}

fn range(first: u32, last: u32) -> HourRange {
    HourRange::new(slot(first), slot(last)).unwrap()
}

/// 2025-01-01 00 UTC.
const START: u32 = 482_136;

fn world(seed: u64, cities: Vec<City>, model: WorldModel) -> World {
    World::new(&WorldConfig {
        seed,
        start: slot(START).start(),
        events_per_hour: 40,
        noise_share: 0.3,
        cities,
        model,
    })
}

fn models() -> [WorldModel; 2] {
    [
        WorldModel::Simple,
        WorldModel::Confounded(EffectSizes::Drawn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn hours_of_a_part_are_a_part_of_all_hours(seed: u64, first in 0u32..40, count in 1u32..8) {
        for model in models() {
            let world = world(seed, cities(), model);
            let all = draw_hours(&world, range(START, START + 47));
            let part = draw_hours(&world, range(START + first, START + first + count - 1));
            for (all, part) in all.iter().zip(&part) {
                let expected = &all.hours[first as usize..(first + count) as usize];
                prop_assert_eq!(&part.hours[..], expected);
            }
        }
    }

    #[test]
    fn hours_count_the_posts_of_single_draws(seed: u64) {
        for model in models() {
            let world = world(seed, cities(), model);
            let drawn = draw_hours(&world, range(START, START + 23));
            let mut posts = [0; 2];
            let mut moods = [0; 2];
            for index in 0..24 * 40 {
                if let Draw::Post(post) = world.draw(index) {
                    posts[post.city] += 1;
                    moods[post.city] += u64::from(post.mood);
                }
            }
            let sum = |city: &CityDraws, value: fn(&moodvane_world::MoodSums) -> u64| -> u64 {
                city.hours.iter().map(|hour| value(&hour.all)).sum()
            };
            prop_assert_eq!([0, 1].map(|city| sum(&drawn[city], |sums| sums.posts)), posts);
            prop_assert_eq!([0, 1].map(|city| sum(&drawn[city], |sums| sums.sum)), moods);
        }
    }

    #[test]
    fn city_of_confounded_world_does_not_depend_on_the_others(seed: u64, hour in 0u32..20_000) {
        let model = WorldModel::Confounded(EffectSizes::Drawn);
        let both = world(seed, cities(), model.clone());
        let alone = world(seed, cities().split_off(1), model);
        let at = slot(START + hour).start();
        prop_assert_eq!(both.weather(1, at), alone.weather(0, at));
        prop_assert_eq!(both.mean_mood(1, at), alone.mean_mood(0, at));
        prop_assert_eq!(both.effects(1), alone.effects(0));
    }
}

#[test]
fn simple_world_has_no_planted_steps_talk_or_silence() {
    let world = world(1, cities(), WorldModel::Simple);
    assert_eq!(world.effects(0), None);
    for city in draw_hours(&world, range(START, START + 500)) {
        for hour in city.hours {
            assert_eq!(hour.all, hour.without_talk);
            assert!(hour.all.posts > 0);
        }
    }
}

#[test]
fn confounded_world_has_fewer_posts_at_night_and_hours_of_silence() {
    let world = world(1, cities(), WorldModel::Confounded(EffectSizes::Drawn));
    for city in draw_hours(&world, range(START, START + 4_000)) {
        let posts = |hour: u8| -> u64 {
            let hours = city.hours.iter().filter(|h| h.clock.hour_of_day == hour);
            hours.map(|h| h.all.posts).sum()
        };
        assert!(posts(16) > 3 * posts(4), "{} {}", posts(16), posts(4));
        let silent = city.hours.iter().filter(|hour| hour.all.posts == 0).count();
        assert!((100..600).contains(&silent), "{silent}");
    }
}
