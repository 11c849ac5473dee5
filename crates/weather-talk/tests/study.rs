//! Reproduces the precision and recall of the README on the optional labelled tweets.
//!
//! The sample is stratified (`study/sample.py`), so a tweet has the weight of its stratum: the stratum's tweets per
//! labelled tweet. The intervals are Wilson's (Wilson 1927, JASA 22: 209) with Kish's effective sample size
//! (Σw)² / Σw² (Kish 1965, Survey Sampling, section 11.7).

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use moodvane_weather_talk::WeatherTalk;

/// How many of the 68,429 tweets are in each stratum, by `study/sample.py`.
const STRATA: [(&str, f64); 4] = [
    ("strong", 1_297.0),
    ("broad", 2_236.0),
    ("loose", 7_021.0),
    ("none", 57_875.0),
];

/// The folder of the optional labelled files. Without it, the test reports on stderr that it is skipped; where `CI`
/// is set, it fails.
fn labelled_files() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../../../shared/data/labelled");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the optional data set {} is required where CI is set",
        folder.display()
    );
    // Written to the stream itself, because the test harness captures `eprintln!`.
    let reason = "optional data set ../shared/data/labelled is missing";
    let message = format!("SKIPPED precision_and_recall_are_as_stated: {reason}\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

/// The texts of a file by id; of two with one id the first.
fn texts(file: &Path) -> HashMap<String, String> {
    let mut texts = HashMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
        let mut fields = line.splitn(3, '\t');
        let (id, _, text) = (fields.next(), fields.next(), fields.next());
        texts
            .entry(id.unwrap().to_owned())
            .or_insert_with(|| text.unwrap().to_owned());
    }
    texts
}

struct Labelled {
    id: String,
    stratum: String,
    is_held_out: bool,
    is_weather: bool,
    is_marked: bool,
}

fn read(folder: &Path) -> Vec<Labelled> {
    let labels = Path::new(env!("CARGO_MANIFEST_DIR")).join("study/labels.tsv");
    let mut files: HashMap<String, HashMap<String, String>> = HashMap::new();
    let mut talk = WeatherTalk::english();
    let labels = std::fs::read_to_string(labels).unwrap();
    let rows = labels.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, id, stratum, part, label] = fields.try_into().unwrap();
        let texts = files
            .entry(file.to_owned())
            .or_insert_with(|| texts(&folder.join(file)));
        Labelled {
            id: id.to_owned(),
            stratum: stratum.to_owned(),
            is_held_out: part == "held-out",
            is_weather: label == "1",
            is_marked: talk.mentions_weather(&texts[id]),
        }
    });
    rows.collect()
}

/// The weighted share of the tweets for which `holds`, with its interval at 95 %.
fn share(tweets: &[(f64, bool)]) -> [f64; 3] {
    let sum: f64 = tweets.iter().map(|(weight, _)| weight).sum();
    let squares: f64 = tweets.iter().map(|(weight, _)| weight * weight).sum();
    let held = tweets.iter().filter(|(_, holds)| *holds);
    let p = held.map(|(weight, _)| weight).sum::<f64>() / sum;
    let n = sum * sum / squares;
    let z = 1.959_963_984_540_054;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    [p, centre - half, centre + half]
}

/// Precision and recall, each with its interval, of the tweets for which `counts`.
fn measure(tweets: &[Labelled], counts: impl Fn(&Labelled) -> bool) -> String {
    let weight = |tweet: &Labelled| {
        let in_sample = |other: &&Labelled| {
            other.stratum == tweet.stratum && other.is_held_out == tweet.is_held_out
        };
        let labelled = tweets.iter().filter(in_sample).count() as f64;
        let (_, size) = STRATA
            .iter()
            .find(|(name, _)| *name == tweet.stratum)
            .unwrap();
        size / labelled
    };
    let of = |select: fn(&Labelled) -> bool, holds: fn(&Labelled) -> bool| {
        let selected = tweets.iter().filter(|tweet| counts(tweet) && select(tweet));
        let weighted: Vec<_> = selected
            .map(|tweet| (weight(tweet), holds(tweet)))
            .collect();
        let [p, low, high] = share(&weighted);
        format!("{p:.3} ({low:.3} to {high:.3})")
    };
    let precision = of(|tweet| tweet.is_marked, |tweet| tweet.is_weather);
    let recall = of(|tweet| tweet.is_weather, |tweet| tweet.is_marked);
    format!("precision {precision}, recall {recall}")
}

#[test]
fn precision_and_recall_are_as_stated() {
    let Some(folder) = labelled_files() else {
        return;
    };
    let tweets = read(&folder);
    let is_airline = |tweet: &Labelled| tweet.id.starts_with("airline:");
    let development = measure(&tweets, |tweet| !tweet.is_held_out);
    let held_out = measure(&tweets, |tweet| tweet.is_held_out);
    let others = measure(&tweets, |tweet| tweet.is_held_out && !is_airline(tweet));
    let expected = [
        "precision 0.917 (0.890 to 0.938), recall 0.932 (0.906 to 0.951)",
        "precision 0.903 (0.836 to 0.944), recall 0.874 (0.802 to 0.922)",
        "precision 0.865 (0.771 to 0.924), recall 0.855 (0.760 to 0.916)",
    ];
    assert_eq!([development, held_out, others], expected);
}
