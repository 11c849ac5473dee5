//! Measures, on simulated worlds with all confounders at once, how often intervals contain the planted effects,
//! and how often there are false claims. `benches/results/world.md` contains the output:
//!
//! ```sh
//! cargo run --release -p moodvane-world --example effects -- 500
//! ```
//!
//! The first number is the seeds; a second one selects a setting.
#![allow(missing_docs)]

#[path = "../study/study.rs"]
mod study;

use moodvane_effect::EffectOptions;
use study::{Coverage, Place, Setting, Share};

const NEW_YORK: Place = ("new-york", 40.71, -74.01, "America/New_York");
const LONDON: Place = ("london", 51.51, -0.13, "Europe/London");
const SINGAPORE: Place = ("singapore", 1.35, 103.82, "Asia/Singapore");
const SYDNEY: Place = ("sydney", -33.87, 151.21, "Australia/Sydney");

const WEEK: u32 = 168;
const YEAR: u32 = 8_760;
/// A wet hour, each wet hour before, heat, cold, in thousandths of a class.
const EFFECTS: [i16; 4] = [-80, -20, -100, -50];

const fn setting(name: &'static str, hours: u32, cities: &'static [(Place, [i16; 4])]) -> Setting {
    Setting {
        name,
        cities,
        hours,
        has_effects: true,
    }
}

const SETTINGS: [Setting; 7] = [
    setting("New York, 13 weeks", 13 * WEEK, &[(NEW_YORK, EFFECTS)]),
    setting("New York, a year", YEAR, &[(NEW_YORK, EFFECTS)]),
    setting(
        "London, wetter in winter, 26 weeks",
        26 * WEEK,
        &[(LONDON, [-150, -40, -200, -100])],
    ),
    setting("London, a year", YEAR, &[(LONDON, [-150, -40, -200, -100])]),
    setting(
        "Singapore, hot, 26 weeks",
        26 * WEEK,
        &[(SINGAPORE, [100, 0, -150, 0])],
    ),
    setting(
        "three cities, equal effects, 13 weeks",
        13 * WEEK,
        &[(NEW_YORK, EFFECTS), (LONDON, EFFECTS), (SYDNEY, EFFECTS)],
    ),
    setting(
        "the demo's cities and effects, 12 weeks",
        12 * WEEK,
        &[
            (NEW_YORK, [-250, -50, -150, -100]),
            (LONDON, [-120, -30, -200, -50]),
            (SINGAPORE, [100, 0, -100, 0]),
        ],
    ),
];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|n| n.parse().ok());
    let seeds: usize = numbers.next().unwrap_or(500);
    let selected = numbers.next();
    let is_selected = |index: usize| selected.is_none_or(|wanted| wanted == index);
    let options = EffectOptions {
        shifts: 199,
        draws: 999,
        ..EffectOptions::STANDARD
    };
    let all = SETTINGS.iter().enumerate().filter(|(i, _)| is_selected(*i));
    let settings: Vec<&Setting> = all.map(|(_, setting)| setting).collect();
    println!("## Planted effects: coverage of 95 % intervals, %\n");
    print_coverage_head();
    for setting in &settings {
        let coverage = Coverage::measure(setting, 0..seeds as u64, &options);
        print_coverage(setting.name, &coverage);
    }
    println!("\n## No effects: claims and checks, %\n");
    print_claims_head();
    for setting in &settings {
        let none = Setting {
            has_effects: false,
            ..**setting
        };
        let coverage = Coverage::measure(&none, 0..seeds as u64, &options);
        print_claims(setting.name, &coverage);
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

fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        "–".to_owned()
    }
}

fn print_coverage_head() {
    println!(
        "| | too little | rain: planted, estimate, simple | heat: planted, estimate, simple | rain | rain 1-3 h before | farther | cumulative | classes | heat | cold | mild | others | placebo quiet | simple difference |"
    );
    println!("|---|{}", "---|".repeat(14));
}

fn print_coverage(name: &str, c: &Coverage) {
    let triple = |values: [f64; 3]| values.map(number).join(", ");
    let mut cells = vec![
        name.to_owned(),
        c.insufficient.to_string(),
        triple([c.planted, c.estimate, c.simple].map(study::Mean::value)),
        triple(c.heat.map(study::Mean::value)),
    ];
    let shares = [
        c.wet,
        c.before,
        c.farther,
        c.cumulative,
        c.classes,
        c.hot,
        c.cold,
        c.mild,
        c.others,
        c.quiet_placebo,
        c.simple_covers,
    ];
    cells.extend(shares.map(percent));
    row(&cells);
}

fn print_claims_head() {
    println!(
        "| | mean simple difference | rain | any variable, Holm | shifts | placebo quiet | rain covered | simple difference covers |"
    );
    println!("|---|{}", "---|".repeat(7));
}

fn print_claims(name: &str, c: &Coverage) {
    let mut cells = vec![name.to_owned(), number(c.simple.value())];
    let shares = [
        c.significant_rain,
        c.any_claim,
        c.significant_shifts,
        c.quiet_placebo,
        c.wet,
        c.simple_covers,
    ];
    cells.extend(shares.map(percent));
    row(&cells);
}
