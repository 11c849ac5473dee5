//! Marks the lines of a file that speak of the weather.
//!
//!     cargo run --release --example mark_file -p moodvane-weather-talk -- FILE
//!
//! Prints a line for each line: 1 or 0, and the pattern that decided. With `--time` it prints the mean time per line
//! in nanoseconds instead, of the fastest of 100 passes.

use std::time::{Duration, Instant};

use moodvane_weather_talk::WeatherTalk;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_timed = arguments.iter().any(|argument| argument == "--time");
    arguments.retain(|argument| argument != "--time");
    let [file] = arguments.as_slice() else {
        return Err("usage: mark_file [--time] FILE".into());
    };
    let content = std::fs::read_to_string(file)?;
    let lines: Vec<&str> = content.lines().collect();
    let mut talk = WeatherTalk::english();
    if is_timed {
        let mut best = Duration::MAX;
        let mut marked = 0;
        for _ in 0..100 {
            let start = Instant::now();
            marked = lines
                .iter()
                .filter(|line| talk.mentions_weather(line))
                .count();
            best = best.min(start.elapsed());
        }
        let count = lines.len().max(1) as f64;
        let ns = best.as_nanos() as f64 / count;
        println!("{ns:.0} ns per line, {:.4} marked", marked as f64 / count);
        return Ok(());
    }
    for line in lines {
        match talk.explain(line) {
            Some(mention) => println!("1\t{}", mention.term),
            None => println!("0\t"),
        }
    }
    Ok(())
}
