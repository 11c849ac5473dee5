//! Bias of a scorer towards names of people: their effect on neutral sentences.
//!
//! Terms: a *frame* is a neutral sentence with a slot for a name; the *prior* of a name is the mean over the
//! frames of the value with the name minus the mean value with [`PLAIN_NAMES`], in classes. An unbiased
//! scorer has priors near 0.

use crate::Scorer;

/// Neutral sentences written for this project, with a slot for a name.
pub const FRAMES: [&str; 10] = [
    "{} arrives in the city on Monday.",
    "I saw a photo of {} on the second page.",
    "{} talks to reporters at noon",
    "The interview with {} starts at nine.",
    "a new article about {} is online http://t.co/x",
    "@user is that {} on the cover?",
    "This street is two blocks from where {} used to live.",
    "{} will be on the radio tomorrow morning",
    "They asked {} about the timetable.",
    "the book on the table is about {}",
];

/// Names without a known bearer, as the reference.
pub const PLAIN_NAMES: [&str; 16] = [
    "Alice Carter",
    "Daniel Moreno",
    "Emily Foster",
    "George Whitfield",
    "Hannah Brooks",
    "James Walker",
    "Karen Schmidt",
    "Laura Bennett",
    "Mary Cooper",
    "Michael Turner",
    "Nina Petrova",
    "Omar Haddad",
    "Peter Lindqvist",
    "Priya Nair",
    "Robert Hughes",
    "Wei Zhang",
];

/// Names of people who were well known in the years of the training tweets, 2008 to 2018, by group.
pub const NAMES: [(&str, &[&str]); 3] = [
    (
        "politicians",
        &[
            "Barack Obama",
            "Donald Trump",
            "Hillary Clinton",
            "Bernie Sanders",
            "Joe Biden",
            "Mitt Romney",
            "Sarah Palin",
            "Ted Cruz",
            "Marco Rubio",
            "Jeb Bush",
            "Chris Christie",
            "Paul Ryan",
            "Nancy Pelosi",
            "Elizabeth Warren",
            "David Cameron",
            "Theresa May",
            "Jeremy Corbyn",
            "Nigel Farage",
            "Angela Merkel",
            "Vladimir Putin",
            "Narendra Modi",
            "Justin Trudeau",
            "Obama",
            "Trump",
            "Hillary",
        ],
    ),
    (
        "artists",
        &[
            "Taylor Swift",
            "Justin Bieber",
            "Lady Gaga",
            "Katy Perry",
            "Kanye West",
            "Kim Kardashian",
            "Adele",
            "Beyonce",
            "Rihanna",
            "Drake",
            "Ed Sheeran",
            "Harry Styles",
            "Miley Cyrus",
            "Chris Brown",
            "Nicki Minaj",
            "Tom Cruise",
            "Jennifer Lawrence",
            "Leonardo DiCaprio",
            "Michael Jackson",
            "Madonna",
        ],
    ),
    (
        "athletes",
        &[
            "LeBron James",
            "Kobe Bryant",
            "Stephen Curry",
            "Tom Brady",
            "Peyton Manning",
            "Colin Kaepernick",
            "Tiger Woods",
            "Serena Williams",
            "Roger Federer",
            "Rafael Nadal",
            "Novak Djokovic",
            "Andy Murray",
            "Usain Bolt",
            "Michael Phelps",
            "Lionel Messi",
            "Cristiano Ronaldo",
            "Wayne Rooney",
            "David Beckham",
            "Conor McGregor",
            "Ronda Rousey",
        ],
    ),
];

/// The prior of a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamePrior {
    /// The group of the name; `None` for a plain name.
    pub group: Option<&'static str>,
    /// The name.
    pub name: &'static str,
    /// The prior, in classes.
    pub prior: f64,
}

/// The priors of [`NAMES`] and then of [`PLAIN_NAMES`], in their order.
#[must_use]
pub fn name_priors(scorer: &mut dyn Scorer) -> Vec<NamePrior> {
    let mut value = |name: &str| {
        let values = FRAMES.map(|frame| scorer.score(&frame.replace("{}", name)).value());
        values.iter().sum::<f64>() / values.len() as f64
    };
    let plain = PLAIN_NAMES.map(&mut value);
    let reference = plain.iter().sum::<f64>() / plain.len() as f64;
    let named = NAMES
        .iter()
        .flat_map(|(group, names)| names.iter().map(move |name| (*group, *name)));
    let mut priors: Vec<NamePrior> = named
        .map(|(group, name)| NamePrior {
            group: Some(group),
            name,
            prior: value(name) - reference,
        })
        .collect();
    priors.extend(
        PLAIN_NAMES
            .iter()
            .zip(plain)
            .map(|(name, value)| NamePrior {
                group: None,
                name,
                prior: value - reference,
            }),
    );
    priors
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{DecisionRule, LexiconScorer, TrainedScorer};

    #[test]
    fn frames_have_one_slot_and_names_are_distinct() {
        assert!(FRAMES.iter().all(|frame| frame.matches("{}").count() == 1));
        let names = NAMES.iter().flat_map(|(_, names)| names.iter());
        let names: Vec<&&str> = names.chain(&PLAIN_NAMES).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn prior_is_mean_difference_to_plain_names() {
        // The lexicon knows "swift", and no other word of these names.
        let priors = name_priors(&mut LexiconScorer::new());
        let prior_of = |name| {
            priors
                .iter()
                .find(|prior| prior.name == name)
                .unwrap()
                .prior
        };
        assert!(prior_of("Taylor Swift") > 0.3);
        assert!(prior_of("Barack Obama").abs() < 1e-9);
        assert!(prior_of("Mary Cooper").abs() < 1e-9);
    }

    /// The model card lists the priors. Retrained weights with larger ones must fail here.
    #[test]
    fn priors_stay_within_bounds_of_model_card() {
        let priors = name_priors(&mut TrainedScorer::english(DecisionRule::Mean).unwrap());
        for prior in &priors {
            let bound = if prior.group.is_some() { 0.25 } else { 0.12 };
            assert!(prior.prior.abs() <= bound, "{prior:?}");
        }
        for (group, names) in NAMES {
            let own = priors.iter().filter(|prior| prior.group == Some(group));
            let mean = own.map(|prior| prior.prior).sum::<f64>() / names.len() as f64;
            assert!(mean.abs() <= 0.08, "{group}: {mean}");
        }
    }
}
