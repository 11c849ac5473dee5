//! The time and memory of an estimate without and with all checks, on two threads.
//!
//! ```sh
//! cargo run --release -p moodvane-effect --example timing -- 50 8760
//! ```
#![allow(missing_docs)]

#[path = "../study/world.rs"]
mod world;

use std::time::Instant;

use moodvane_effect::{Checks, EffectOptions, estimate_effect};
use world::World;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    let number = |i: usize, default: usize| numbers.get(i).copied().unwrap_or(default);
    let world = World {
        name: "timing",
        cities: number(0, 1),
        hours: number(1, 8760),
        has_effects: true,
        persistence: 0.8,
    };
    let hours = world.hours(1).without_talk;
    println!("input: {}", peak_memory());
    for checks in [Checks::None, Checks::All] {
        let options = EffectOptions {
            checks,
            ..EffectOptions::STANDARD
        };
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        match estimate_effect(&hours, &options) {
            Ok(answer) => println!(
                "{checks:?}: {:.2} s, {:.2} s of CPU, {} hours, rain {:.4}, {}",
                begin.elapsed().as_secs_f64(),
                cpu_seconds() - cpu,
                answer.sample.hours,
                answer.wet.estimate.value,
                peak_memory()
            ),
            Err(error) => println!("{error}"),
        }
    }
}

/// The peak of the resident memory, on Linux.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("no peak memory").to_owned()
}

/// The seconds that all threads have computed, on Linux with 100 ticks a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat
        .split(' ')
        .nth(13)
        .and_then(|ticks| ticks.parse::<f64>().ok());
    ticks.unwrap_or_default() / 100.0
}
