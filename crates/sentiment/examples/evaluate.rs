//! Scores labelled texts and says how near the scorer comes to the labels.
//!
//! `evaluate FILE...` takes tab-separated files with the header `id label text`; the file's name
//! says what the labels are: `_3class` (or `_2class`) 0 to 2, else 0 to 4. `evaluate --speed
//! FILE...` scores the last column of each file over and over instead, and prints texts per second.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use moodvane_sentiment::{LexiconScorer, Scorer};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let speed = paths.iter().any(|path| path == "--speed");
    paths.retain(|path| path != "--speed");
    if paths.is_empty() {
        return Err("no file named; expected: evaluate [--speed] FILE...".into());
    }
    let mut scorer = LexiconScorer::new();
    println!("scorer {}", scorer.fingerprint());
    for path in &paths {
        let file = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        if speed {
            measure(path, &file, &mut scorer);
        } else {
            judge(path, &file, &mut scorer).map_err(|e| format!("{path}: {e}"))?;
        }
    }
    Ok(())
}

/// Scores the file's texts for two seconds, after one round to warm up.
fn measure(path: &str, file: &str, scorer: &mut LexiconScorer) {
    let texts: Vec<&str> = file
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit('\t').next())
        .collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    let mut round = || {
        for text in &texts {
            black_box(scorer.score(text));
        }
    };
    round();
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < Duration::from_secs(2) {
        round();
        rounds += 1;
    }
    let per_second = f64::from(rounds) / start.elapsed().as_secs_f64();
    println!(
        "{path}: {:.0} texts/s, {:.0} MB/s, {} texts",
        texts.len() as f64 * per_second,
        bytes as f64 * per_second / 1e6,
        texts.len()
    );
}

fn judge(path: &str, file: &str, scorer: &mut LexiconScorer) -> Result<(), String> {
    let folded = path.contains("_3class") || path.contains("_2class");
    let mut tally = Tally::default();
    for (number, line) in file.lines().enumerate().skip(1) {
        let fault = || format!("line {}: expected id, label 0 to 4 and text", number + 1);
        let mut fields = line.splitn(3, '\t');
        let (Some(_), Some(label), Some(text)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(fault());
        };
        let label: usize = label.parse().map_err(|_| fault())?;
        let score = scorer.score(text);
        let class = usize::from(score.sentiment.class());
        let class = if folded { fold(class) } else { class };
        let cell = tally.counts.get_mut(label).ok_or_else(fault)?;
        cell[class] += 1;
        tally.value += score.value();
    }
    tally.print(path, folded);
    Ok(())
}

fn fold(class: usize) -> usize {
    match class {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    }
}

/// How often each class was given, by label.
#[derive(Default)]
struct Tally {
    counts: [[u32; 5]; 5],
    value: f64,
}

impl Tally {
    fn print(&self, path: &str, folded: bool) {
        let cells = || {
            let rows = self.counts.iter().enumerate();
            rows.flat_map(|(y, row)| {
                row.iter()
                    .enumerate()
                    .map(move |(c, n)| (y, c, f64::from(*n)))
            })
        };
        let n: f64 = cells().map(|(_, _, n)| n).sum();
        let mean = |of: &dyn Fn(usize, usize) -> usize| {
            cells().map(|(y, c, n)| of(y, c) as f64 * n).sum::<f64>() / n
        };
        let of_label = |label: usize, of: &dyn Fn(usize) -> usize| {
            let row = self.counts[label].iter().enumerate();
            let all: u32 = self.counts[label].iter().sum();
            let sum: f64 = row.map(|(c, n)| of(c) as f64 * f64::from(*n)).sum();
            (all > 0).then(|| sum / f64::from(all))
        };
        let absolute: Vec<f64> = (0..5)
            .filter_map(|y| of_label(y, &|c| c.abs_diff(y)))
            .collect();
        println!("{path}");
        println!(
            "  n {n}  accuracy {:.3}  macro recall (3 classes) {:.3}  MAE {:.3}  macro MAE {:.3}",
            mean(&|y, c| usize::from(y == c)),
            self.recall(folded),
            mean(&|y, c| c.abs_diff(y)),
            absolute.iter().sum::<f64>() / absolute.len().max(1) as f64,
        );
        println!(
            "  mean label {:.3}  mean class {:.3}  mean value {:.3}",
            mean(&|y, _| y),
            mean(&|_, c| c),
            self.value / n
        );
        for (label, row) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, r)| r.iter().any(|n| *n > 0))
        {
            println!("  label {label}: classes {row:?}");
        }
    }

    /// The mean, over negative, neutral and positive labels, of the share found.
    fn recall(&self, folded: bool) -> f64 {
        let three = |class: usize| if folded { class } else { fold(class) };
        let (mut hits, mut all) = ([0_u32; 3], [0_u32; 3]);
        for (label, row) in self.counts.iter().enumerate() {
            for (class, n) in row.iter().enumerate().filter(|(_, n)| **n > 0) {
                all[three(label)] += n;
                hits[three(label)] += if three(label) == three(class) { *n } else { 0 };
            }
        }
        let recalls: Vec<f64> = (0..3)
            .filter(|c| all[*c] > 0)
            .map(|c| f64::from(hits[c]) / f64::from(all[c]))
            .collect();
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
    }
}
