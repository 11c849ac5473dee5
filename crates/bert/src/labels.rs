//! What the outputs of a model mean.

use moodvane_model::{Score, Sentiment};

/// The words for the five classes.
const WORDS: [&str; 5] = [
    "very_negative",
    "negative",
    "neutral",
    "positive",
    "very_positive",
];
/// The words for reviews by stars.
const STARS: [&str; 5] = ["1_star", "2_stars", "3_stars", "4_stars", "5_stars"];

/// The class of each output, in the model's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap(Vec<u8>);

impl LabelMap {
    /// Reads the words of a configuration: a word for each output, of `very_negative`, `negative`,
    /// `neutral`, `positive`, `very_positive`, `1_star`, `2_stars` to `5_stars`; or one word for a usual
    /// order: `five` (very negative to very positive), `three` (negative, neutral, positive) or `stars`
    /// (one to five).
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, String> {
        if let [word] = words {
            return match word.as_ref() {
                "five" | "stars" => Ok(Self(vec![0, 1, 2, 3, 4])),
                "three" => Ok(Self(vec![1, 2, 3])),
                other => Err(format!(
                    "\"{other}\" must be five, three or stars, or a list of two classes or more"
                )),
            };
        }
        let classes: Vec<u8> = words
            .iter()
            .map(|word| class(word.as_ref()))
            .collect::<Result<_, _>>()?;
        if !(2..=16).contains(&classes.len()) {
            return Err("must name 2 to 16 classes".to_owned());
        }
        if classes.iter().all(|class| *class == classes[0]) {
            return Err("all labels are one class".to_owned());
        }
        Ok(Self(classes))
    }

    /// The classes, in the model's order.
    #[must_use]
    pub fn classes(&self) -> &[u8] {
        &self.0
    }

    /// The score by the outputs' probabilities: the most probable class, and the mean class as the
    /// value. `None` where they are no probabilities, one for each output.
    #[must_use]
    pub fn score(&self, probabilities: &[f32]) -> Option<Score> {
        let valid = probabilities.len() == self.0.len()
            && probabilities.iter().all(|p| (0.0..=1.001).contains(p));
        let mut shares = [0.0_f64; 5];
        for (class, probability) in self.0.iter().zip(probabilities) {
            shares[usize::from(*class)] += f64::from(*probability);
        }
        let sum: f64 = shares.iter().sum();
        if !valid || (sum - 1.0).abs() > 0.01 {
            return None;
        }
        let value: f64 = shares
            .iter()
            .zip(0_u8..)
            .map(|(share, class)| share * f64::from(class))
            .sum();
        let mut most = 0;
        for (class, share) in shares.iter().enumerate() {
            if *share > shares[most] {
                most = class;
            }
        }
        Some(Score::new(
            Sentiment::ALL[most],
            (value / sum).clamp(0.0, 4.0),
        ))
    }
}

fn class(word: &str) -> Result<u8, String> {
    let at = |words: &[&str; 5]| words.iter().position(|known| *known == word);
    let found = at(&WORDS).or_else(|| at(&STARS));
    found.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
        format!(
            "\"{word}\" must be {} or 1_star, 2_stars to 5_stars",
            WORDS.join(", ")
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn usual_orders_have_a_name_and_any_order_can_be_told() {
        let classes = |words: &[&str]| LabelMap::parse(words).unwrap().classes().to_vec();
        assert_eq!(classes(&["five"]), [0, 1, 2, 3, 4]);
        assert_eq!(classes(&["stars"]), [0, 1, 2, 3, 4]);
        assert_eq!(classes(&["three"]), [1, 2, 3]);
        assert_eq!(classes(&["positive", "negative", "neutral"]), [3, 1, 2]);
        assert_eq!(
            classes(&["5_stars", "4_stars", "3_stars", "2_stars", "1_star"]),
            [4, 3, 2, 1, 0]
        );
    }

    #[test]
    fn what_is_no_map_is_refused_with_a_reason() {
        let cases: [(&[&str], &str); 5] = [
            (&["good"], "must be five, three or stars"),
            (&["good", "bad"], "\"good\" must be very_negative"),
            (&[], "2 to 16"),
            (&["neutral", "neutral"], "all labels are one class"),
            (&["neutral"; 17], "2 to 16"),
        ];
        for (words, reason) in cases {
            let error = LabelMap::parse(words).unwrap_err();
            assert!(error.contains(reason), "{words:?}: {error}");
        }
    }

    #[test]
    fn a_score_is_the_most_probable_class_and_the_mean_of_all() {
        let score = |words: &[&str], p: &[f32]| {
            let score = LabelMap::parse(words).unwrap().score(p)?;
            Some((score.sentiment.class(), score.micros()))
        };
        assert_eq!(
            score(&["five"], &[0.0, 0.0, 0.25, 0.5, 0.25]),
            Some((3, 3_000_000))
        );
        assert_eq!(score(&["three"], &[0.75, 0.25, 0.0]), Some((1, 1_250_000)));
        assert_eq!(
            score(&["positive", "negative", "neutral"], &[0.75, 0.25, 0.0]),
            Some((3, 2_500_000))
        );
        // Two outputs of one class are added.
        assert_eq!(
            score(&["negative", "neutral", "negative"], &[0.3, 0.4, 0.3]),
            Some((1, 1_400_000))
        );
    }

    #[test]
    fn what_are_no_probabilities_give_no_score() {
        let three = LabelMap::parse(&["three"]).unwrap();
        for p in [
            &[0.5_f32, 0.5][..],
            &[f32::NAN, 0.5, 0.5],
            &[0.0, 0.0, 0.0],
            &[2.0, -1.0, 0.0],
            &[0.5; 4],
        ] {
            assert_eq!(three.score(p), None, "{p:?}");
        }
    }
}
