//! Parses any bytes as responses of Open-Meteo: current weather and past hours.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::{check_answer, check_error, check_weather, now};
use moodvane_upstream::open_meteo::{parse_current, parse_history};

fuzz_target!(|bytes: &[u8]| {
    check_answer(parse_current(bytes));
    match parse_history(bytes, now()) {
        Ok(hours) => hours.iter().for_each(check_weather),
        Err(error) => check_error(&error),
    }
});
