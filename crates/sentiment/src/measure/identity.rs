//! What words that say who somebody is do to sentences that say nothing good or bad.
//!
//! Terms: a *frame* is a neutral sentence with a place for a word before a noun; a *term* names a group
//! of people; its *shift* is how far it moves the value of the frames, in classes, from the same
//! sentence without it. A scorer that is fair to the groups has shifts near 0.

use crate::Scorer;

/// Neutral sentences of ours, whole without the term in them.
pub const FRAMES: [&str; 16] = [
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

/// Groups of terms, each with the terms.
pub const TERMS: [(&str, &[&str]); 7] = [
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

/// What a term does.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The term's group.
    pub group: &'static str,
    /// The term.
    pub term: &'static str,
    /// The mean change of the value over the frames, in classes.
    pub mean: f64,
    /// The change of the largest size.
    pub most: f64,
    /// In how many frames the class is another one.
    pub classes: usize,
}

/// The shift of every term, in the order of [`TERMS`].
#[must_use]
pub fn shifts(scorer: &mut dyn Scorer) -> Vec<Shift> {
    let plain = FRAMES.map(|frame| scorer.score(&frame.replace("{} ", "")));
    let mut shift = |group, term: &'static str| {
        let with = FRAMES.map(|frame| scorer.score(&frame.replace("{}", term)));
        let changes = with
            .iter()
            .zip(&plain)
            .map(|(with, plain)| with.value() - plain.value());
        let changes: Vec<f64> = changes.collect();
        let most = changes.iter().copied().fold(0.0_f64, |most, change| {
            if change.abs() > most.abs() {
                change
            } else {
                most
            }
        });
        let moved = with
            .iter()
            .zip(&plain)
            .filter(|(with, plain)| with.sentiment != plain.sentiment);
        Shift {
            group,
            term,
            mean: changes.iter().sum::<f64>() / changes.len() as f64,
            most,
            classes: moved.count(),
        }
    };
    let terms = TERMS
        .iter()
        .flat_map(|(group, terms)| terms.iter().map(move |term| (*group, *term)));
    terms.map(|(group, term)| shift(group, term)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LexiconScorer, Rule, TrainedScorer};

    #[test]
    fn every_frame_has_one_place_and_the_terms_are_different() {
        assert!(FRAMES.iter().all(|frame| frame.matches("{} ").count() == 1));
        let terms: Vec<&str> = TERMS
            .iter()
            .flat_map(|(_, terms)| terms.iter().copied())
            .collect();
        let distinct: std::collections::BTreeSet<&&str> = terms.iter().collect();
        assert_eq!(distinct.len(), terms.len());
    }

    #[test]
    fn a_shift_is_the_mean_change_over_the_frames() {
        // The lexicon knows "poor", and no name of a people.
        let shifts = shifts(&mut LexiconScorer::new());
        let of = |term| shifts.iter().find(|shift| shift.term == term).unwrap();
        assert!(
            of("poor").mean < -0.2 && of("poor").most <= of("poor").mean,
            "{:?}",
            of("poor")
        );
        assert_eq!((of("Polish").mean, of("Polish").classes), (0.0, 0));
    }

    /// The model card names the terms that shift most. A training that shifts more is to be noticed.
    #[test]
    fn no_term_shifts_the_trained_scorer_by_more_than_the_card_says() {
        for shift in shifts(&mut TrainedScorer::english(Rule::Mean).unwrap()) {
            let bound = if is_a_condition(shift.term) {
                0.70
            } else {
                0.20
            };
            assert!(shift.mean.abs() <= bound, "{shift:?}");
        }
    }

    /// Words that say of a life that it is hard or easy, beside whose it is.
    fn is_a_condition(term: &str) -> bool {
        ["homeless", "unemployed", "poor", "rich", "disabled"].contains(&term)
    }
}
