//! The ablation: trains with one choice of the recipe changed, measures on the development files, and
//! prints a table in Markdown.
//!
//! Guarantee: equal labelled files give equal tables.

use std::path::Path;

use moodvane_sentiment::trained::{DecisionRule, RuleParameters, Template, TemplateSet};

use crate::corpus::TrainingFiles;
use crate::recipe::{DataMix, Recipe};
use crate::train::{Trained, train};
use crate::tune::DevSet;

/// A name and the recipe with one choice changed.
type Variant = (String, Recipe);

fn variants(fits: u64) -> Vec<Variant> {
    let base = Recipe {
        fits,
        cross_fit: false,
        ..Recipe::default()
    };
    let mut variants = vec![("as shipped".to_owned(), base)];
    let templates = Template::ALL.into_iter().filter(|t| base.templates.has(*t));
    variants.extend(templates.map(|template| {
        let name = format!("without features `{}`", template.name());
        let templates = base.templates.without(template);
        (name, Recipe { templates, ..base })
    }));
    let changed = model_changes().into_iter().map(|(name, change)| {
        let mut recipe = base;
        change(&mut recipe);
        (name.to_owned(), recipe)
    });
    variants.extend(changed);
    let changed = data_changes().into_iter().map(|(name, change)| {
        let mut recipe = base;
        change(&mut recipe.mix);
        (name.to_owned(), recipe)
    });
    variants.extend(changed);
    variants
}

type ModelChange = (&'static str, fn(&mut Recipe));

fn model_changes() -> [ModelChange; 14] {
    [
        ("with features `three`", |r| r.templates = TemplateSet::ALL),
        ("whole hashtags", |r| r.whole_hashtags = true),
        ("2^18 rows (1 MB)", |r| r.bits = 18),
        ("2^22 rows (17 MB)", |r| r.bits = 22),
        ("one fit", |r| r.fits = 1),
        ("three fits", |r| r.fits = 3),
        ("L2 of 5", |r| r.l2 = 5.0),
        ("L2 of 30", |r| r.l2 = 30.0),
        ("10 epochs", |r| r.epochs = 10),
        ("a common part of the steps", |r| r.shared = true),
        ("without dropout of names", |r| r.name_dropout = 0.0),
        ("names left out at every visit", |r| r.name_dropout = 1.0),
        ("without dropout of other features", |r| {
            r.feature_dropout = 0.0;
        }),
        ("without biases of topics", |r| r.topic_l2 = f32::INFINITY),
    ]
}

type DataChange = (&'static str, fn(&mut DataMix));

fn data_changes() -> [DataChange; 9] {
    [
        ("one bias for all registers", |m| m.register_biases = false),
        ("equal weights of files", |m| m.source_weights = false),
        ("without SST's phrases", |m| m.sst_phrases = false),
        ("tweets only", |m| m.prose = false),
        ("three-class labels: middle steps only", |m| {
            m.outer_step_weight = 0.0;
        }),
        ("three-class labels: all steps in full", |m| {
            m.outer_step_weight = 1.0;
        }),
        ("without invented neutral texts", |m| m.neutral_weight = 0.0),
        ("classes balanced by half", |m| m.class_balance = 0.5),
        ("classes balanced", |m| m.class_balance = 1.0),
    ]
}

/// Trains every variant and prints the tables.
///
/// # Errors
/// If a file cannot be read or parsed.
pub(crate) fn run(data: &Path, fits: u64) -> anyhow::Result<()> {
    let files = TrainingFiles::read(data)?;
    println!("| training | {} |", COLUMNS.join(" | "));
    println!("| --- |{}", " ---: |".repeat(COLUMNS.len()));
    let mut shipped = None;
    for (name, recipe) in variants(fits) {
        let trained = train(&files, &recipe, data)?;
        println!("| {name} | {} |", cells(&trained));
        shipped.get_or_insert(trained);
    }
    if let Some(trained) = shipped {
        println!();
        print_rules(&trained);
    }
    Ok(())
}

/// The measures, each of the rule that optimises it.
const COLUMNS: [&str; 7] = [
    "`ALL_3class` macro recall",
    "`tweeteval_val` macro recall",
    "`ALL_5class` macro MAE ↓",
    "`semeval2016_CE` macro MAE ↓",
    "`sst5` accuracy",
    "topic EMD ↓",
    "topic r",
];

fn cells(trained: &Trained) -> String {
    let values: Vec<String> = trained
        .measurements
        .iter()
        .map(|measurement| format!("{:.4}", measurement.value))
        .collect();
    values.join(" | ")
}

/// Prints all measures of each rule, with tuned parameters and without tuning: with equal intervals and
/// equal weights of classes.
fn print_rules(trained: &Trained) {
    println!("| rule | {} |", COLUMNS[..6].join(" | "));
    println!("| --- |{}", " ---: |".repeat(6));
    let untuned = RuleParameters([
        [500_000, 1_500_000, 2_500_000, 3_500_000, 0],
        [1_000; 5],
        [1_000; 5],
        [1_000; 5],
    ]);
    for (name, rules) in [("", &trained.rules), (", untuned", &untuned)] {
        for rule in DecisionRule::ALL {
            println!(
                "| `{rule}`{name} | {} |",
                rule_cells(&trained.dev, rule, rules)
            );
        }
    }
}

fn rule_cells(dev: &DevSet, rule: DecisionRule, rules: &RuleParameters) -> String {
    let topics = dev.topics.report(rule, rules);
    let values = [
        dev.all_3.report(rule, rules).macro_recall,
        dev.tweeteval.report(rule, rules).macro_recall,
        dev.all_5.report(rule, rules).macro_mae,
        topics.macro_mae,
        dev.sentences.report(rule, rules).accuracy,
        topics.groups.map_or(0.0, |groups| groups.emd),
    ];
    values.map(|value| format!("{value:.4}")).join(" | ")
}
