//! Parses any bytes as responses of the National Weather Service: point, stations, observations.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{CITY, check_answer, check_error};
use moodvane_upstream::nws::{parse_latest, parse_observations, parse_point, parse_stations};

fuzz_target!(|bytes: &[u8]| {
    check_answer(parse_latest(bytes));
    match parse_observations(bytes) {
        Ok(answers) => answers.into_iter().for_each(check_answer),
        Err(error) => check_error(&error),
    }
    if let Err(error) = parse_point(bytes) {
        check_error(&error);
    }
    match parse_stations(bytes, &CITY) {
        Ok(stations) => {
            assert!((1..=5).contains(&stations.len()));
            assert!(stations.iter().all(|(_, km)| km.is_finite() && *km >= 0.0));
        }
        Err(error) => check_error(&error),
    }
});
