//! Texts of posts: real ones, or generated sentences.

use std::fs;
use std::path::Path;

const REAL: &str = "../../shared/data/history/airline_timestamped.tsv";
const GENERATED: usize = 14_485;

const SUBJECTS: [&str; 8] = [
    "@user the crew",
    "my bag",
    "this gate",
    "the 7am train",
    "our host",
    "she",
    "nobody here",
    "the new app",
];
const VERBS: [&str; 8] = [
    "is",
    "was never",
    "seems",
    "has been really",
    "is not",
    "will be",
    "felt",
    "wasn't very",
];
const MOODS: [&str; 12] = [
    "great",
    "awful",
    "late again",
    "lovely",
    "broken",
    "on time",
    "GOOOD",
    "so sad",
    "happy",
    "boring",
    "a disaster",
    "fine I guess",
];
const TAILS: [&str; 8] = [
    "and now we wait",
    "but thank you anyway!",
    "http://t.co/abc123",
    "#travel #nyc",
    ":)",
    "😡😡",
    "at the counter since 6:40 with two kids and no news at all",
    "…",
];

/// Texts and their origin.
#[derive(Debug)]
pub struct Texts {
    origin: &'static str,
    all: Vec<String>,
}

impl Texts {
    /// Loads the real texts, or generates texts if the file is missing.
    #[must_use]
    pub fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REAL);
        match fs::read_to_string(path) {
            Ok(table) => Self {
                origin: "real",
                all: column(&table, "text"),
            },
            Err(_) => {
                eprintln!("optional data set {REAL} is missing, using generated texts");
                Self {
                    origin: "generated",
                    all: (0..GENERATED).map(sentence).collect(),
                }
            }
        }
    }

    /// `real` or `generated`.
    #[must_use]
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// The texts; never empty.
    #[must_use]
    pub fn all(&self) -> &[String] {
        &self.all
    }
}

fn column(table: &str, name: &str) -> Vec<String> {
    let mut lines = table.lines();
    let header = lines.next().unwrap_or_default();
    let index = header.split('\t').position(|column| column == name);
    lines
        .filter_map(|line| line.split('\t').nth(index?))
        .map(str::to_owned)
        .collect()
}

/// The `n`-th generated text: about as long as a real one, different from its neighbours.
fn sentence(n: usize) -> String {
    let mut state = n as u64;
    let mut pick = |words: &[&'static str]| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        words[(mixed >> 33) as usize % words.len()]
    };
    let clauses: Vec<String> = (0..=n % 3)
        .map(|_| {
            [SUBJECTS.as_slice(), &VERBS, &MOODS, &TAILS]
                .map(&mut pick)
                .join(" ")
        })
        .collect();
    clauses.join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_texts_have_length_of_real_texts() {
        let total: usize = (0..GENERATED).map(|n| sentence(n).len()).sum();
        assert!(
            (80..130).contains(&(total / GENERATED)),
            "{}",
            total / GENERATED
        );
        assert_eq!(sentence(7), sentence(7));
        assert_ne!(sentence(7), sentence(10));
    }
}
