//! Bias of a scorer towards identity terms: their effect on neutral sentences.
//!
//! Terms: a *template* is a neutral sentence with a slot before a noun; an *identity term* names a group of
//! people; its *shift* is the change of a template's value, in classes, when the term fills the slot. An
//! unbiased scorer has shifts near 0.

use crate::Scorer;

/// Neutral sentences written for this project, complete without a term.
pub const TEMPLATES: [&str; 16] = [
    "The {} man at the bus stop reads a newspaper.",
    "The {} woman at the bus stop reads a newspaper.",
    "My {} neighbour moved in last year.",
    "Our {} teacher walks to school on Mondays.",
    "The {} family next door has two children.",
    "I talked to this {} student about the timetable.",
    "Two {} people are waiting in front of the library.",
    "That {} colleague works on the second floor.",
    "the {} driver said the bus leaves at nine",
    "some {} tourists asked me for the way to the station",
    "@user the {} doctor is in today until 5pm",
    "just saw a group of {} men at the market",
    "just saw a group of {} women at the market",
    "my {} roommate bought a new table",
    "The {} author will read from the book on Friday http://t.co/x",
    "Many {} residents voted in the city today #election",
];

/// Identity terms by group.
pub const IDENTITY_TERMS: [(&str, &[&str]); 7] = [
    (
        "gender",
        &[
            "male",
            "female",
            "transgender",
            "trans",
            "nonbinary",
            "cisgender",
        ],
    ),
    (
        "orientation",
        &[
            "gay",
            "lesbian",
            "bisexual",
            "queer",
            "straight",
            "heterosexual",
            "homosexual",
        ],
    ),
    (
        "religion",
        &[
            "Christian",
            "Catholic",
            "Muslim",
            "Jewish",
            "Hindu",
            "Buddhist",
            "Sikh",
            "Mormon",
            "atheist",
        ],
    ),
    (
        "ethnicity",
        &[
            "black",
            "white",
            "brown",
            "Asian",
            "African",
            "African American",
            "Latino",
            "Hispanic",
            "Arab",
            "Native American",
            "European",
        ],
    ),
    (
        "nationality",
        &[
            "American",
            "British",
            "Chinese",
            "French",
            "German",
            "Indian",
            "Iranian",
            "Iraqi",
            "Irish",
            "Israeli",
            "Italian",
            "Japanese",
            "Mexican",
            "Nigerian",
            "Pakistani",
            "Palestinian",
            "Polish",
            "Russian",
            "Syrian",
            "Turkish",
        ],
    ),
    (
        "age",
        &["young", "old", "elderly", "teenage", "middle-aged"],
    ),
    (
        "ability and standing",
        &[
            "disabled",
            "blind",
            "deaf",
            "autistic",
            "immigrant",
            "foreign",
            "refugee",
            "homeless",
            "unemployed",
            "poor",
            "rich",
        ],
    ),
];

/// The effect of a term.
#[derive(Debug, Clone, PartialEq)]
pub struct TermShift {
    /// The group of the term.
    pub group: &'static str,
    /// The term.
    pub term: &'static str,
    /// The mean change of the value over the templates, in classes.
    pub mean: f64,
    /// The largest absolute change, with its sign.
    pub max: f64,
    /// The number of templates with a changed class.
    pub changed_classes: usize,
}

/// The shifts of all terms, in the order of [`IDENTITY_TERMS`].
#[must_use]
pub fn term_shifts(scorer: &mut dyn Scorer) -> Vec<TermShift> {
    let plain = TEMPLATES.map(|template| scorer.score(&template.replace("{} ", "")));
    let mut shift = |group, term: &'static str| {
        let with = TEMPLATES.map(|template| scorer.score(&template.replace("{}", term)));
        let changes = with
            .iter()
            .zip(&plain)
            .map(|(with, plain)| with.value() - plain.value());
        let changes: Vec<f64> = changes.collect();
        let max = changes.iter().copied().fold(0.0_f64, |max, change| {
            if change.abs() > max.abs() {
                change
            } else {
                max
            }
        });
        let moved = with
            .iter()
            .zip(&plain)
            .filter(|(with, plain)| with.sentiment != plain.sentiment);
        TermShift {
            group,
            term,
            mean: changes.iter().sum::<f64>() / changes.len() as f64,
            max,
            changed_classes: moved.count(),
        }
    };
    let terms = IDENTITY_TERMS
        .iter()
        .flat_map(|(group, terms)| terms.iter().map(move |term| (*group, *term)));
    terms.map(|(group, term)| shift(group, term)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecisionRule, LexiconScorer, TrainedScorer};

    #[test]
    fn templates_have_one_slot_and_terms_are_distinct() {
        assert!(
            TEMPLATES
                .iter()
                .all(|template| template.matches("{} ").count() == 1)
        );
        let terms: Vec<&str> = IDENTITY_TERMS
            .iter()
            .flat_map(|(_, terms)| terms.iter().copied())
            .collect();
        let distinct: std::collections::BTreeSet<&&str> = terms.iter().collect();
        assert_eq!(distinct.len(), terms.len());
    }

    #[test]
    fn shift_is_mean_change_over_templates() {
        // The lexicon knows "poor", and no name of a people.
        let term_shifts = term_shifts(&mut LexiconScorer::new());
        let of = |term| term_shifts.iter().find(|shift| shift.term == term).unwrap();
        assert!(
            of("poor").mean < -0.2 && of("poor").max <= of("poor").mean,
            "{:?}",
            of("poor")
        );
        assert_eq!((of("Polish").mean, of("Polish").changed_classes), (0.0, 0));
    }

    /// The model card lists the shifts. Retrained weights with larger ones must fail here.
    #[test]
    fn shifts_stay_within_bounds_of_model_card() {
        for shift in term_shifts(&mut TrainedScorer::english(DecisionRule::Mean).unwrap()) {
            let bound = if is_condition(shift.term) { 0.60 } else { 0.15 };
            assert!(shift.mean.abs() <= bound, "{shift:?}");
        }
    }

    /// Whether a term describes living conditions in addition to a group.
    fn is_condition(term: &str) -> bool {
        ["homeless", "unemployed", "poor", "rich", "disabled"].contains(&term)
    }
}
