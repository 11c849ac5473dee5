//! Measures the coverage of confidence intervals on series with a known correlation.
//! `study/coverage.md` contains the output:
//!
//! ```sh
//! cargo run --release -p moodvane-analysis --features study --example coverage
//! ```
#![allow(missing_docs)]

#[path = "../study/series.rs"]
mod series;

use moodvane_analysis::study::{METHODS, intervals};
use moodvane_analysis::{RelationOptions, relate};
use series::{PROCESSES, Process};

const LENGTHS: [usize; 2] = [168, 720];

fn main() {
    let count = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let count = count.unwrap_or(1000);
    println!("{count} series per row, nominal 95 %.\n\n## The interval of `relate`\n");
    println!(
        "| process | n | refused | coverage, % | mean width of r's interval | mean block, h |"
    );
    println!("|---|---|---|---|---|---|");
    cells().for_each(|(process, n)| relate_coverage(process, n, count));
    println!("\n## Other methods: coverage, %\n");
    println!("| process | n | {} |", METHODS.join(" | "));
    println!("|---|---|{}", "---|".repeat(METHODS.len()));
    cells().for_each(|(process, n)| method_coverage(process, n, count));
}

fn cells() -> impl Iterator<Item = (&'static Process, usize)> {
    PROCESSES
        .iter()
        .flat_map(|process| LENGTHS.map(|n| (process, n)))
}

fn relate_coverage(process: &Process, n: usize, count: u64) {
    let (mut covered, mut width, mut block, mut estimated) = (0, 0.0, 0, 0u32);
    for seed in 0..count {
        let Ok(relation) = relate(&process.series(seed, n), RelationOptions::UNADJUSTED) else {
            continue;
        };
        let r = relation.pearson;
        estimated += 1;
        covered += u32::from((r.low..=r.high).contains(&process.truth));
        width += r.high - r.low;
        block += relation.block_hours;
    }
    let mean = |sum: f64| sum / f64::from(estimated);
    println!(
        "| {} | {n} | {} | {:.1} | {:.2} | {:.1} |",
        process.name,
        count - u64::from(estimated),
        mean(100.0 * f64::from(covered)),
        mean(width),
        mean(block as f64),
    );
}

fn method_coverage(process: &Process, n: usize, count: u64) {
    let truth = process.truth.atanh();
    let mut covered = [0u32; METHODS.len()];
    for seed in 0..count {
        let Some(found) = intervals(&process.series(seed, n)) else {
            continue;
        };
        for (covered, (low, high)) in covered.iter_mut().zip(found) {
            *covered += u32::from((low..=high).contains(&truth));
        }
    }
    let shares = covered.map(|c| format!("{:.1}", 100.0 * f64::from(c) / count as f64));
    println!("| {} | {n} | {} |", process.name, shares.join(" | "));
}
