//! What each choice of a training brings: the training again with one choice changed, measured on the
//! development files, as a table in Markdown.
//!
//! Guarantee: the same labelled files give the same table.

use std::path::Path;

use moodvane_sentiment::trained::{Rule, Rules, Template, Templates};

use crate::choose::Dev;
use crate::corpus::Files;
use crate::recipe::{Mix, Recipe};
use crate::train::{Trained, train};

/// A name, and the recipe with one choice changed.
type Variant = (String, Recipe);

fn variants(fits: u64) -> Vec<Variant> {
    let base = Recipe {
        fits,
        ..Recipe::default()
    };
    let mut variants = vec![("as shipped".to_owned(), base)];
    let mut add = |name: &str, recipe: Recipe| variants.push((name.to_owned(), recipe));
    for template in Template::ALL.into_iter().filter(|t| base.templates.has(*t)) {
        let templates = base.templates.without(template);
        add(
            &format!("without features `{}`", template.name()),
            Recipe { templates, ..base },
        );
    }
    add(
        "with features `three`",
        Recipe {
            templates: Templates::ALL,
            ..base
        },
    );
    add(
        "hashtags whole",
        Recipe {
            whole_hashtags: true,
            ..base
        },
    );
    add("2^18 rows (1 MB)", Recipe { bits: 18, ..base });
    add("2^22 rows (17 MB)", Recipe { bits: 22, ..base });
    add("one fit", Recipe { fits: 1, ..base });
    add("six fits", Recipe { fits: 6, ..base });
    add("L2 of 5", Recipe { l2: 5.0, ..base });
    add("L2 of 30", Recipe { l2: 30.0, ..base });
    add("10 epochs", Recipe { epochs: 10, ..base });
    add(
        "steps fitted apart",
        Recipe {
            shared: false,
            ..base
        },
    );
    let mix = |mix: Mix| Recipe { mix, ..base };
    let as_shipped = base.mix;
    add(
        "one bias for all registers",
        mix(Mix {
            registers: false,
            ..as_shipped
        }),
    );
    add(
        "files weigh alike",
        mix(Mix {
            weighed: false,
            ..as_shipped
        }),
    );
    add(
        "without SST's phrases",
        mix(Mix {
            phrases: false,
            ..as_shipped
        }),
    );
    add(
        "tweets alone",
        mix(Mix {
            prose: false,
            ..as_shipped
        }),
    );
    add(
        "labels of three: middle steps alone",
        mix(Mix {
            unsure: 0.0,
            ..as_shipped
        }),
    );
    add(
        "labels of three: all steps in full",
        mix(Mix {
            unsure: 1.0,
            ..as_shipped
        }),
    );
    add(
        "classes balanced by half",
        mix(Mix {
            balance: 0.5,
            ..as_shipped
        }),
    );
    add(
        "classes balanced",
        mix(Mix {
            balance: 1.0,
            ..as_shipped
        }),
    );
    variants
}

/// Trains every variant and prints the tables.
///
/// # Errors
/// Where the files cannot be read.
pub(crate) fn run(data: &Path, fits: u64) -> anyhow::Result<()> {
    let files = Files::read(data)?;
    println!("| training | {} |", HEADS.join(" | "));
    println!("| --- |{}", " ---: |".repeat(HEADS.len()));
    let mut shipped = None;
    for (name, recipe) in variants(fits) {
        let trained = train(&files, &recipe, data)?;
        println!("| {name} | {} |", cells(&trained));
        shipped.get_or_insert(trained);
    }
    if let Some(trained) = shipped {
        println!();
        rules(&trained);
    }
    Ok(())
}

/// The measures, each by the rule that is for it.
const HEADS: [&str; 7] = [
    "`ALL_3class` macro recall",
    "`tweeteval_val` macro recall",
    "`ALL_5class` macro MAE ↓",
    "`semeval2016_CE` macro MAE ↓",
    "`sst5` accuracy",
    "topic r, classes",
    "topic r, values",
];

fn cells(trained: &Trained) -> String {
    let values: Vec<String> = trained
        .notes
        .iter()
        .map(|note| format!("{:.4}", note.value))
        .collect();
    values.join(" | ")
}

/// What each rule reaches on every measure, by the same weights; and what it would without numbers that
/// were chosen: the classes' shares as they are.
fn rules(trained: &Trained) {
    println!("| rule | {} |", HEADS[..6].join(" | "));
    println!("| --- |{}", " ---: |".repeat(6));
    let plain = Rules([
        [500_000, 1_500_000, 2_500_000, 3_500_000, 0],
        [1_000; 5],
        [1_000; 5],
        [1_000; 5],
    ]);
    for (name, rules) in [("", &trained.rules), (", nothing chosen", &plain)] {
        for rule in Rule::ALL {
            println!(
                "| `{rule}`{name} | {} |",
                by_rule(&trained.dev, rule, rules)
            );
        }
    }
}

fn by_rule(dev: &Dev, rule: Rule, rules: &Rules) -> String {
    let topics = dev.topics.report(rule, rules);
    let values = [
        dev.all_3.report(rule, rules).macro_recall,
        dev.tweeteval.report(rule, rules).macro_recall,
        dev.all_5.report(rule, rules).macro_mae,
        topics.macro_mae,
        dev.sentences.report(rule, rules).accuracy,
        topics.group_class_r.unwrap_or(0.0),
    ];
    values.map(|value| format!("{value:.4}")).join(" | ")
}
