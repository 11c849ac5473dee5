//! Measures how often intervals contain planted effects, and how often there are false claims.
//! `benches/results/effect.md` contains the output:
//!
//! ```sh
//! cargo run --release -p moodvane-effect --example coverage -- 500 100
//! ```
//!
//! The numbers are the seeds of the answer and of the other methods; a third one selects a world.
#![allow(missing_docs)]

#[path = "../study/coverage.rs"]
mod coverage;
#[path = "../study/world.rs"]
mod world;

use coverage::{Coverage, Share};
use moodvane_effect::{EffectOptions, Inference, Season, Weighting};
use world::World;

const fn world(name: &'static str, cities: usize, hours: usize, persistence: f64) -> World {
    World {
        name,
        cities,
        hours,
        has_effects: true,
        persistence,
    }
}

const WORLDS: [World; 6] = [
    world("one city, 12 weeks", 1, 2016, 0.8),
    world("one city, 26 weeks", 1, 4368, 0.8),
    world("one city, a year", 1, 8760, 0.8),
    world("one city, a year, φ = 0.95", 1, 8760, 0.95),
    world("three cities, 13 weeks", 3, 2184, 0.8),
    world("five cities, 26 weeks", 5, 4368, 0.8),
];

const METHODS: [(&str, Season, Inference, Weighting); 7] = [
    (
        "weeks, jackknife by weeks",
        Season::Week,
        Inference::Weeks,
        Weighting::StandardError,
    ),
    (
        "the same, by posts",
        Season::Week,
        Inference::Weeks,
        Weighting::Posts,
    ),
    (
        "months, jackknife by weeks",
        Season::Month,
        Inference::Weeks,
        Weighting::StandardError,
    ),
    (
        "months, Driscoll-Kraay",
        Season::Month,
        Inference::Hours,
        Weighting::StandardError,
    ),
    (
        "months with trends, Driscoll-Kraay",
        Season::MonthTrend,
        Inference::Hours,
        Weighting::StandardError,
    ),
    (
        "months, clusters of dates",
        Season::Month,
        Inference::Dates,
        Weighting::StandardError,
    ),
    (
        "months, HC1",
        Season::Month,
        Inference::Independent,
        Weighting::StandardError,
    ),
];

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    let number = |i: usize, default: usize| numbers.get(i).copied().unwrap_or(default);
    let (seeds, other_seeds) = (number(0, 500) as u64, number(1, 100) as u64);
    let worlds: Vec<World> = match numbers.get(2) {
        Some(index) => WORLDS.into_iter().skip(*index).take(1).collect(),
        None => WORLDS.to_vec(),
    };
    let options = EffectOptions {
        shifts: 199,
        draws: 999,
        ..EffectOptions::STANDARD
    };
    println!("## Planted effects: coverage of 95 % intervals, %\n");
    print_coverage_head();
    for world in &worlds {
        print_coverage(world.name, &Coverage::measure(world, 0..seeds, &options));
    }
    println!("\n## No effects: claims and checks, %\n");
    print_claims_head();
    for world in &worlds {
        let none = World {
            has_effects: false,
            ..*world
        };
        print_claims(world.name, &Coverage::measure(&none, 0..seeds, &options));
    }
    if other_seeds > 0 {
        methods(&worlds, other_seeds, &options);
    }
}

fn methods(worlds: &[World], seeds: u64, options: &EffectOptions) {
    for world in worlds {
        println!("\n## Other methods: {}\n", world.name);
        print_coverage_head();
        let none = World {
            has_effects: false,
            ..*world
        };
        let measured: Vec<(&str, Coverage)> = METHODS
            .into_iter()
            .map(|(name, season, inference, weighting)| {
                let options = EffectOptions {
                    season,
                    inference,
                    weighting,
                    ..*options
                };
                (name, Coverage::measure(&none, 0..seeds, &options))
            })
            .collect();
        measured
            .iter()
            .for_each(|(name, c)| print_coverage(name, c));
        println!();
        print_claims_head();
        measured.iter().for_each(|(name, c)| print_claims(name, c));
    }
}

fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

fn percent(share: Share) -> String {
    if share.of == 0 {
        "–".to_owned()
    } else {
        format!("{:.1}", share.percent())
    }
}

fn print_coverage_head() {
    println!(
        "| | too little | mean estimate | mean simple difference | rain | past rain | cumulative | classes | heat, cold | mild | curve in band | others | simple difference |"
    );
    println!("|---|{}", "---|".repeat(12));
}

fn print_coverage(name: &str, c: &Coverage) {
    let mut cells = vec![
        name.to_owned(),
        c.insufficient.to_string(),
        format!("{:.4}", c.mean_estimate()),
        format!("{:.4}", c.mean_simple()),
    ];
    let shares = [
        c.rain,
        c.past,
        c.cumulative,
        c.classes,
        c.extremes,
        c.mild,
        c.band,
        c.others,
        c.simple_covers,
    ];
    cells.extend(shares.map(percent));
    row(&cells);
}

fn print_claims_head() {
    println!("| | rain | any variable, Holm | shifts | placebo quiet |");
    println!("|---|---|---|---|---|");
}

fn print_claims(name: &str, c: &Coverage) {
    let shares = [
        c.significant_rain,
        c.any_claim,
        c.significant_shifts,
        c.quiet_placebo,
    ];
    let mut cells = vec![name.to_owned()];
    cells.extend(shares.map(percent));
    row(&cells);
}
