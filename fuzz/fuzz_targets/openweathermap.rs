//! Parses any bytes as a response of OpenWeatherMap.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moodvane_fuzz::check_answer;
use moodvane_upstream::openweathermap::parse_current;

fuzz_target!(|bytes: &[u8]| {
    check_answer(parse_current(bytes));
});
