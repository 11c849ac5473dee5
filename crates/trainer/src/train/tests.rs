//! A whole training on a small folder of texts of ours.

use std::fs;

use moodvane_sentiment::{Rule, Scorer, TrainedScorer};
use tempfile::TempDir;

use super::*;
use crate::corpus::names;

const GOOD: [&str; 4] = ["lovely", "great", "wonderful", "happy"];
const BAD: [&str; 4] = ["awful", "terrible", "sad", "horrible"];
const THINGS: [&str; 5] = ["bus", "park", "coffee", "song", "river"];

/// Every training and development file, with a few sentences each.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (part, names) in [("train", names()), ("dev", crate::choose::NAMES.to_vec())] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for name in names {
            let path = folder.path().join(part).join(format!("{name}.tsv"));
            fs::write(path, file(name)).unwrap();
        }
    }
    folder
}

fn file(name: &str) -> String {
    let [bad, neutral, good] = match name {
        _ if name.contains("real") => ["-2.5", "0.1", "2.5"],
        _ if name.contains("3class") || name.contains("2class") => ["0", "1", "2"],
        _ => ["0", "2", "4"],
    };
    let mut text = "id\tlabel\ttext\n".to_owned();
    for (n, thing) in THINGS.iter().enumerate() {
        for (k, (plus, minus)) in GOOD.iter().zip(BAD).enumerate() {
            let topic = if n % 2 == 0 { "a" } else { "b" };
            text += &format!("{n}-{k}-g|{topic}\t{good}\tthis {thing} is {plus} today\n");
            text += &format!("{n}-{k}-b|{topic}\t{bad}\tthis {thing} is {minus} today\n");
            text += &format!("{n}-{k}-n|{topic}\t{neutral}\tthis {thing} has number {k} today\n");
        }
    }
    text
}

fn small(fits: u64) -> Recipe {
    Recipe {
        bits: 12,
        fits,
        ..Recipe::default()
    }
}

fn trained(folder: &TempDir, recipe: &Recipe) -> Vec<u8> {
    let files = Files::read(folder.path()).unwrap();
    train(&files, recipe, folder.path()).unwrap().bytes
}

#[test]
fn the_same_files_give_the_same_bytes_and_others_do_not() {
    let folder = folder();
    let first = trained(&folder, &small(2));
    assert_eq!(trained(&folder, &small(2)), first);
    let other = folder.path().join("train/sanders_3class.tsv");
    let changed = fs::read_to_string(&other)
        .unwrap()
        .replace("wonderful", "splendid");
    fs::write(&other, changed).unwrap();
    assert_ne!(trained(&folder, &small(2)), first);
}

#[test]
fn what_is_trained_scores_what_it_was_taught() {
    let folder = folder();
    let weights = Weights::read(trained(&folder, &small(1))).unwrap();
    let mut scorer = TrainedScorer::new(weights, Rule::Likely);
    assert!(scorer.score("this door is wonderful today").value() > 2.3);
    assert!(scorer.score("this door is horrible today").value() < 1.7);
}

#[test]
fn every_choice_changes_the_weights() {
    let folder = folder();
    let base = small(2);
    let shipped = trained(&folder, &base);
    let mix = |change: fn(&mut crate::recipe::Mix)| {
        let mut recipe = base;
        change(&mut recipe.mix);
        recipe
    };
    let recipes = [
        base.without("chars").unwrap(),
        Recipe { l2: 1.0, ..base },
        Recipe { epochs: 2, ..base },
        Recipe { rate: 0.01, ..base },
        Recipe {
            shared: false,
            ..base
        },
        Recipe { fits: 1, ..base },
        Recipe {
            whole_hashtags: true,
            ..base
        },
        mix(|mix| mix.registers = false),
        mix(|mix| mix.weighed = false),
        mix(|mix| mix.phrases = false),
        mix(|mix| mix.prose = false),
        mix(|mix| mix.unsure = 1.0),
    ];
    for recipe in recipes {
        assert_ne!(trained(&folder, &recipe), shipped, "{recipe:?}");
    }
    assert!(base.without("nothing").is_err());
}

#[test]
fn a_file_that_is_absent_or_wrong_is_named() {
    let folder = folder();
    fs::write(
        folder.path().join("train/airline_3class.tsv"),
        "id\tlabel\ttext\n1\t7\tx\n",
    )
    .unwrap();
    let files = Files::read(folder.path()).unwrap();
    let error = train(&files, &small(1), folder.path()).err().unwrap();
    assert!(
        format!("{error:#}").contains("airline_3class: line 2"),
        "{error:#}"
    );
    fs::remove_file(folder.path().join("train/sanders_3class.tsv")).unwrap();
    let error = Files::read(folder.path()).err().unwrap();
    assert!(
        error.to_string().contains("sanders_3class.tsv"),
        "{error:#}"
    );
}
