//! Relates two columns of a CSV file, with a confidence interval that accounts for autocorrelation.
//!
//! ```sh
//! cargo run -p moodvane-analysis --example correlate
//! cargo run -p moodvane-analysis --example correlate -- FILE X Y
//! ```
//!
//! Without arguments the example relates the columns `temperature` and `feeling` of
//! `examples/correlate.csv`. The first row of a file names the columns. A column `hour` with values
//! such as `2018-01-01 02` places the rows in time, so that missing hours are gaps, and enables the
//! adjustment for hour of day; without it the rows are consecutive hours.

use std::fs;

use anyhow::{Context, bail};
use moodvane_analysis::{
    Adjustment, LocalHour, PairedHour, Relation, RelationOptions, r_squared, relate,
};
use moodvane_model::HourSlot;

const SAMPLE: &str = include_str!("correlate.csv");

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (text, x, y) = match arguments.as_slice() {
        [] => (SAMPLE.to_owned(), "temperature", "feeling"),
        [file, x, y] => {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
            (text, x.as_str(), y.as_str())
        }
        _ => bail!("expected no arguments, or FILE X Y: a CSV file and two of its columns"),
    };
    let hours = read_pairs(&text, x, y)?;
    let pairs: Vec<(f64, f64)> = hours.iter().map(|h| (h.weather, h.feeling)).collect();
    match r_squared(&pairs) {
        Some(r2) => println!("{y} by {x}: r² = {r2:.3} over {} rows", pairs.len()),
        None => println!("{y} by {x}: r² is undefined, a column does not vary"),
    }
    for (name, adjustment) in [
        ("unadjusted", Adjustment::None),
        ("adjusted for hour of day", Adjustment::HourOfDay),
    ] {
        let options = RelationOptions {
            adjustment,
            ..RelationOptions::UNADJUSTED
        };
        match relate(&hours, options) {
            Ok(relation) => print_relation(name, &relation),
            Err(insufficient) => println!("\n{name}: {insufficient}"),
        }
    }
    Ok(())
}

/// The pairs of two columns. Rows without a number in both are skipped, as gaps in time.
fn read_pairs(text: &str, x: &str, y: &str) -> anyhow::Result<Vec<PairedHour>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let required = |name: &str| {
        let columns = headers.iter().collect::<Vec<_>>().join(", ");
        column(name).with_context(|| format!("no column \"{name}\": the columns are {columns}"))
    };
    let (x, y, hour) = (required(x)?, required(y)?, column("hour"));
    let mut pairs = Vec::new();
    for (index, row) in (0..).zip(reader.records()) {
        let row = row?;
        let number = |column: usize| row.get(column).and_then(|field| field.trim().parse().ok());
        let (Some(weather), Some(feeling)) = (number(x), number(y)) else {
            continue;
        };
        let hour: HourSlot = match hour.and_then(|column| row.get(column)) {
            Some(text) => text.parse()?,
            None => HourSlot::from_index(index)?,
        };
        pairs.push(PairedHour {
            hour,
            local: LocalHour::from_utc(hour, 0),
            weather,
            feeling,
            posts: 1,
        });
    }
    Ok(pairs)
}

fn print_relation(name: &str, relation: &Relation) {
    let r = relation.pearson;
    let slope = relation.slope;
    println!("\n{name}: {:?}", relation.conclusion());
    println!(
        "  correlation      {:.3} (95 % {:.3} to {:.3}), p = {:.4}",
        r.value, r.low, r.high, relation.p_value
    );
    println!("  rank correlation {:.3}", relation.spearman);
    println!(
        "  slope            {:.4} (95 % {:.4} to {:.4})",
        slope.value, slope.low, slope.high
    );
    println!(
        "  sample           {} hours, effective sample size {:.0}",
        relation.hours, relation.effective_sample_size
    );
}
