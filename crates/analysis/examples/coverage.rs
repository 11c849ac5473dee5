//! How often an interval has the truth. `study/coverage.md` has what this prints:
//!
//! ```sh
//! cargo run --release -p moodvane-analysis --features study --example coverage
//! ```
#![allow(missing_docs)]

#[path = "../study/series.rs"]
mod series;

use std::time::Instant;

use moodvane_analysis::study::{METHODS, intervals};
use moodvane_analysis::{Options, relate};
use series::{WORLDS, World};

const LENGTHS: [usize; 2] = [168, 720];

fn main() {
    let count = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let count = count.unwrap_or(1000);
    println!("{count} series per row, nominal 95 %.\n\n## The interval of `relate`\n");
    println!("| world | n | refused | coverage, % | mean width of r's interval | mean block, h |");
    println!("|---|---|---|---|---|---|");
    cells().for_each(|(world, n)| chosen(world, n, count));
    println!("\n## Year's hours: time for relation and bootstrap\n");
    WORLDS[..6].iter().for_each(year);
    println!("\n## Other methods: coverage, %\n");
    println!("| world | n | {} |", METHODS.join(" | "));
    println!("|---|---|{}", "---|".repeat(METHODS.len()));
    cells().for_each(|(world, n)| others(world, n, count));
}

fn cells() -> impl Iterator<Item = (&'static World, usize)> {
    WORLDS.iter().flat_map(|world| LENGTHS.map(|n| (world, n)))
}

fn chosen(world: &World, n: usize, count: u64) {
    let (mut covered, mut width, mut block, mut said) = (0, 0.0, 0, 0u32);
    for seed in 0..count {
        let Ok(relation) = relate(&world.series(seed, n), Options::PLAIN) else {
            continue;
        };
        let r = relation.pearson;
        said += 1;
        covered += u32::from((r.low..=r.high).contains(&world.truth));
        width += r.high - r.low;
        block += relation.block_hours;
    }
    let mean = |sum: f64| sum / f64::from(said);
    println!(
        "| {} | {n} | {} | {:.1} | {:.2} | {:.1} |",
        world.name,
        count - u64::from(said),
        mean(100.0 * f64::from(covered)),
        mean(width),
        mean(block as f64),
    );
}

fn others(world: &World, n: usize, count: u64) {
    let truth = world.truth.atanh();
    let mut covered = [0u32; METHODS.len()];
    for seed in 0..count {
        let Some(found) = intervals(&world.series(seed, n)) else {
            continue;
        };
        for (covered, (low, high)) in covered.iter_mut().zip(found) {
            *covered += u32::from((low..=high).contains(&truth));
        }
    }
    let shares = covered.map(|c| format!("{:.1}", 100.0 * f64::from(c) / count as f64));
    println!("| {} | {n} | {} |", world.name, shares.join(" | "));
}

/// A year of hours, as `GET /v1/relation` has them.
fn year(world: &World) {
    let hours = world.series(7, 8760);
    let began = Instant::now();
    let relation = relate(&hours, Options::PLAIN);
    let took = began.elapsed();
    let block = relation.map_or(0, |relation| relation.block_hours);
    println!("- {}: {took:.0?}, blocks of {block} hours", world.name);
}
