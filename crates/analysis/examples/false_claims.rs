//! Counts relations that are claimed where there is none, and planted effects that are found.
//! `benches/results/coverage.md` contains the output:
//!
//! ```sh
//! cargo run --release -p moodvane-analysis --features study --example false_claims
//! ```
//!
//! The first argument is the number of series of a cell, the second one of the parts `time`, `power`,
//! `methods`, `relation`, `wet-dry` and `ranks`; without it the study runs all parts. The
//! third one is the number of designs that the last three parts skip.
#![allow(missing_docs)]

#[path = "../study/designs.rs"]
mod designs;
#[path = "../study/series.rs"]
mod series;

use std::time::Instant;

use designs::{LENGTHS, PERSISTENCES, Planted, SETTINGS, Setting, WEATHERS, Weather};
use moodvane_analysis::study::{Method, Question, claims};
use moodvane_analysis::{Adjustment, PairedHour, RelationOptions, compare_wet_dry, relate};

/// A cell that claims more often, in percent, is measured again with four times as many series.
const SUSPICIOUS: f64 = 6.5;
const METHODS: [(&str, Method); 4] = [
    ("0.1", Method::Uncorrected),
    ("leverage", Method::Corrected),
    ("shifts", Method::Shifts),
    ("both", Method::Both),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1000);
    let part = arguments.next();
    let skipped = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let is_wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if is_wanted("time") {
        times();
    }
    if is_wanted("power") {
        power(count / 10);
    }
    if is_wanted("methods") {
        methods(count / 10);
    }
    for (name, question, count) in [
        ("relation", Question::Relation, count),
        ("wet-dry", Question::WetDry, count / 2),
        ("ranks", Question::Ranks, count / 2),
    ] {
        if is_wanted(name) {
            grid(question, count, skipped);
        }
    }
}

/// Counts answers.
#[derive(Default)]
struct Tally {
    claims: u64,
    answers: u64,
    series: u64,
}

impl Tally {
    fn of(seeds: std::ops::Range<u64>, answer: impl Fn(u64) -> Option<bool>) -> Self {
        let mut tally = Self::default();
        for answer in seeds.map(answer) {
            tally.series += 1;
            tally.answers += u64::from(answer.is_some());
            tally.claims += u64::from(answer == Some(true));
        }
        tally
    }

    fn claimed(&self) -> f64 {
        100.0 * self.claims as f64 / self.series as f64
    }

    fn answered(&self) -> f64 {
        100.0 * self.answers as f64 / self.series as f64
    }
}

/// One cell of the grid.
#[derive(Clone, Copy)]
struct Cell {
    weather: Weather,
    setting: Setting,
    n: usize,
    phi: f64,
}

impl Cell {
    fn tally(self, seeds: std::ops::Range<u64>, question: Question, method: Method) -> Tally {
        Tally::of(seeds, |seed| {
            let posts = self.setting.posts;
            let hours = designs::unrelated(self.weather, posts, self.n, self.phi, seed);
            claims(&hours, self.setting.options, question, method)
        })
    }

    /// The claims of `count` series. Suspiciously many are counted again, in other series.
    fn measure(self, question: Question, count: u64) -> Tally {
        let tally = self.tally(0..count, question, Method::Both);
        if tally.claimed() <= SUSPICIOUS {
            return tally;
        }
        self.tally(count..5 * count, question, Method::Both)
    }
}

/// The methods beside each other, without options.
fn methods(count: u64) {
    println!("## Methods: claims, % of {count} series\n");
    let names = METHODS.map(|(name, _)| name).join(" | ");
    println!(
        "| weather | hours | φ | {names} |\n|---|---|---|{}",
        "---|".repeat(METHODS.len())
    );
    for (name, weather) in WEATHERS {
        for (n, phi) in [(240, 0.0), (240, 0.9), (720, 0.5)] {
            let cell = Cell {
                weather,
                setting: SETTINGS[0],
                n,
                phi,
            };
            let row = METHODS.map(|(_, method)| {
                let tally = cell.tally(0..count, Question::Relation, method);
                format!("{:.1}", tally.claimed())
            });
            println!("| {name} | {n} | {phi} | {} |", row.join(" | "));
        }
    }
}

/// Every cell of the grid for one question.
fn grid(question: Question, count: u64, skipped: usize) {
    let began = Instant::now();
    println!("\n## {question:?}: claims, %\n");
    let names = SETTINGS.map(|setting| setting.name).join(" | ");
    println!(
        "| weather | hours | φ | series | {names} |\n|---|---|---|---|{}",
        "---|".repeat(SETTINGS.len())
    );
    let (mut worst, mut cells) = (0.0f64, 0);
    for (name, weather) in WEATHERS.into_iter().skip(skipped) {
        for (n, phi) in LENGTHS
            .into_iter()
            .flat_map(|n| PERSISTENCES.map(|phi| (n, phi)))
        {
            if question == Question::WetDry && !weather.has_wet_and_dry() {
                continue;
            }
            let count = if n > LENGTHS[0] { count / 2 } else { count };
            let row = SETTINGS.map(|setting| {
                let tally = Cell {
                    weather,
                    setting,
                    n,
                    phi,
                }
                .measure(question, count);
                worst = worst.max(tally.claimed());
                cells += 1;
                match tally.answers {
                    0 => "–".to_owned(),
                    _ if tally.answered() > 99.5 => format!("{:.1}", tally.claimed()),
                    _ => format!("{:.1} ({:.0})", tally.claimed(), tally.answered()),
                }
            });
            println!("| {name} | {n} | {phi} | {count} | {} |", row.join(" | "));
        }
    }
    let seconds = began.elapsed().as_secs();
    println!("\n{cells} cells, the largest {worst:.1} %; {seconds} s.");
}

/// How often the effects of the simulator are found.
fn power(count: u64) {
    println!("\n## Planted effects: found, % of {count} series\n");
    println!(
        "| effect | hours | posts an hour | cycles | 0.1 | both | too little |\n|---|---|---|---|---|---|---|"
    );
    let questions = [
        ("rain", Planted::Rain, Question::Relation),
        ("wet against dry", Planted::Rain, Question::WetDry),
        ("temperature", Planted::Temperature, Question::Relation),
    ];
    let adjustments = [
        ("keep", Adjustment::None),
        ("daily-and-weekly", Adjustment::HourOfDayAndDayOfWeek),
    ];
    for (name, effect, question) in questions {
        for n in [168, 240, 720] {
            for posts in [1, 3, 20] {
                for (cycles, adjustment) in adjustments {
                    let options = RelationOptions {
                        adjustment,
                        ..RelationOptions::UNADJUSTED
                    };
                    let found = |method| {
                        Tally::of(0..count, |seed| {
                            let hours = designs::planted(effect, n, posts, seed);
                            claims(&hours, options, question, method)
                        })
                    };
                    let (before, now) = (found(Method::Uncorrected), found(Method::Both));
                    println!(
                        "| {name} | {n} | {posts} | {cycles} | {:.0} | {:.0} | {:.0} |",
                        before.claimed(),
                        now.claimed(),
                        100.0 - now.answered()
                    );
                }
            }
        }
    }
}

/// Times the answers on the hours of a year, the usual maximum of `GET /v1/relation`.
fn times() {
    println!("\n## Time for a year of hours\n");
    for setting in SETTINGS {
        let hours = designs::unrelated(Weather::Showers, setting.posts, 8760, 0.5, 1);
        let took = |answer: &dyn Fn(&[PairedHour]) -> bool| {
            let began = Instant::now();
            let is_answered = answer(&hours);
            let took = began.elapsed();
            assert!(is_answered, "{}", setting.name);
            took
        };
        let relation = took(&|hours| relate(hours, setting.options).is_ok());
        let wet = took(&|hours| compare_wet_dry(hours, setting.options).is_ok());
        println!(
            "- {}: relation {relation:.0?}, wet against dry {wet:.0?}",
            setting.name
        );
    }
}
