//! Complete trainings on a small folder of generated texts.

use std::fs;

use moodvane_sentiment::{DecisionRule, Scorer, TrainedScorer};
use tempfile::TempDir;

use super::*;
use crate::corpus::names;
use crate::recipe::DataMix;

const GOOD: [&str; 4] = ["lovely", "great", "wonderful", "happy"];
const BAD: [&str; 4] = ["awful", "terrible", "sad", "horrible"];
const THINGS: [&str; 5] = ["bus", "park", "coffee", "song", "river"];

/// A folder with all training and development files, with a few sentences each.
fn data_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (part, names) in [("train", names()), ("dev", crate::tune::NAMES.to_vec())] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for name in names {
            let path = folder.path().join(part).join(format!("{name}.tsv"));
            fs::write(path, labelled_file(name)).unwrap();
        }
    }
    folder
}

fn labelled_file(name: &str) -> String {
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
            text += &format!(
                "{n}-{k}-n|{topic}\t{neutral}\twe saw Milton at {thing} number {k} today\n"
            );
        }
    }
    text
}

fn small_recipe(fits: u64) -> Recipe {
    Recipe {
        bits: 12,
        fits,
        ..Recipe::default()
    }
}

fn trained_bytes(folder: &TempDir, recipe: &Recipe) -> Vec<u8> {
    let files = TrainingFiles::read(folder.path()).unwrap();
    train(&files, recipe, folder.path()).unwrap().bytes
}

#[test]
fn training_is_deterministic_and_depends_on_files() {
    let folder = data_folder();
    let first = trained_bytes(&folder, &small_recipe(2));
    assert_eq!(trained_bytes(&folder, &small_recipe(2)), first);
    let other = folder.path().join("train/sanders_3class.tsv");
    let changed = fs::read_to_string(&other)
        .unwrap()
        .replace("wonderful", "splendid");
    fs::write(&other, changed).unwrap();
    assert_ne!(trained_bytes(&folder, &small_recipe(2)), first);
}

#[test]
fn trained_weights_score_similar_texts() {
    let folder = data_folder();
    let weights = Weights::read(trained_bytes(&folder, &small_recipe(1))).unwrap();
    let mut scorer = TrainedScorer::new(weights, DecisionRule::Likely);
    assert!(scorer.score("this door is wonderful today").value() > 2.3);
    assert!(scorer.score("this door is horrible today").value() < 1.7);
}

#[test]
fn every_recipe_option_changes_weights() {
    let folder = data_folder();
    let base = small_recipe(2);
    let shipped = trained_bytes(&folder, &base);
    let mix = |change: fn(&mut DataMix)| {
        let mut recipe = base;
        change(&mut recipe.mix);
        recipe
    };
    let recipes = [
        base.without_template("chars").unwrap(),
        Recipe { l2: 1.0, ..base },
        Recipe { epochs: 2, ..base },
        Recipe { rate: 0.01, ..base },
        Recipe {
            shared: true,
            ..base
        },
        Recipe {
            name_dropout: 0.0,
            ..base
        },
        Recipe {
            feature_dropout: 0.0,
            ..base
        },
        Recipe {
            topic_l2: f32::INFINITY,
            ..base
        },
        Recipe { fits: 1, ..base },
        Recipe {
            whole_hashtags: true,
            ..base
        },
        mix(|mix| mix.register_biases = false),
        mix(|mix| mix.source_weights = false),
        mix(|mix| mix.sst_phrases = false),
        mix(|mix| mix.prose = false),
        mix(|mix| mix.outer_step_weight = 1.0),
        mix(|mix| mix.neutral_weight = 0.0),
    ];
    for recipe in recipes {
        assert_ne!(trained_bytes(&folder, &recipe), shipped, "{recipe:?}");
    }
    assert!(base.without_template("nothing").is_err());
}

#[test]
fn errors_name_invalid_and_missing_files() {
    let folder = data_folder();
    fs::write(
        folder.path().join("train/airline_3class.tsv"),
        "id\tlabel\ttext\n1\t7\tx\n",
    )
    .unwrap();
    let files = TrainingFiles::read(folder.path()).unwrap();
    let error = train(&files, &small_recipe(1), folder.path())
        .err()
        .unwrap();
    assert!(
        format!("{error:#}").contains("airline_3class: line 2"),
        "{error:#}"
    );
    fs::remove_file(folder.path().join("train/sanders_3class.tsv")).unwrap();
    let error = TrainingFiles::read(folder.path()).err().unwrap();
    assert!(
        error.to_string().contains("sanders_3class.tsv"),
        "{error:#}"
    );
}
