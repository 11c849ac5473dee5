//! The sentiment classes of a model's outputs.

use moodvane_model::{Score, Sentiment};

use crate::LabelMapError;

/// The words of the configuration for the five classes.
const CLASSES: [&str; 5] = [
    "very_negative",
    "negative",
    "neutral",
    "positive",
    "very_positive",
];
/// The words of the configuration for ratings by stars.
const STARS: [&str; 5] = ["1_star", "2_stars", "3_stars", "4_stars", "5_stars"];

/// The class of each output, in the model's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap(Vec<u8>);

impl LabelMap {
    /// Parses the words of a configuration.
    ///
    /// Either one word for each output: `very_negative`, `negative`, `neutral`, `positive`,
    /// `very_positive`, or `1_star`, `2_stars` to `5_stars`. Or one word for a usual order: `five` (very
    /// negative to very positive), `three` (negative, neutral, positive) or `stars` (one to five).
    ///
    /// # Errors
    /// [`LabelMapError`] for unknown words, a number of classes other than 2 to 16, or a single class.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, LabelMapError> {
        if let [word] = words {
            return match word.as_ref() {
                "five" | "stars" => Ok(Self(vec![0, 1, 2, 3, 4])),
                "three" => Ok(Self(vec![1, 2, 3])),
                other => Err(LabelMapError::UnknownOrder(other.to_owned())),
            };
        }
        let classes: Vec<u8> = words
            .iter()
            .map(|word| parse_class(word.as_ref()))
            .collect::<Result<_, _>>()?;
        if !(2..=16).contains(&classes.len()) {
            return Err(LabelMapError::Count(classes.len()));
        }
        if classes.iter().all(|class| *class == classes[0]) {
            return Err(LabelMapError::SingleClass);
        }
        Ok(Self(classes))
    }

    /// The classes, in the model's order.
    #[must_use]
    pub fn classes(&self) -> &[u8] {
        &self.0
    }

    /// The score of the outputs' probabilities: the most probable class, and the mean class as the
    /// value. `None` unless there is a valid probability for each output.
    #[must_use]
    pub fn score(&self, probabilities: &[f32]) -> Option<Score> {
        let is_valid = probabilities.len() == self.0.len()
            && probabilities.iter().all(|p| (0.0..=1.001).contains(p));
        let mut classes = [0.0_f64; 5];
        for (class, probability) in self.0.iter().zip(probabilities) {
            classes[usize::from(*class)] += f64::from(*probability);
        }
        let sum: f64 = classes.iter().sum();
        if !is_valid || (sum - 1.0).abs() > 0.01 {
            return None;
        }
        let value: f64 = classes
            .iter()
            .zip(0_u8..)
            .map(|(probability, class)| probability * f64::from(class))
            .sum();
        let mut most_probable = 0;
        for (class, probability) in classes.iter().enumerate() {
            if *probability > classes[most_probable] {
                most_probable = class;
            }
        }
        Some(Score::new(
            Sentiment::ALL[most_probable],
            (value / sum).clamp(0.0, 4.0),
        ))
    }
}

fn parse_class(word: &str) -> Result<u8, LabelMapError> {
    let position = |words: &[&str; 5]| words.iter().position(|known| *known == word);
    position(&CLASSES)
        .or_else(|| position(&STARS))
        .and_then(|class| u8::try_from(class).ok())
        .ok_or_else(|| LabelMapError::UnknownClass(word.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parses_usual_orders_and_lists() {
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
    fn rejects_invalid_label_maps() {
        let cases: [(&[&str], &str); 5] = [
            (&["good"], "must be five, three or stars"),
            (&["good", "bad"], "\"good\" must be very_negative"),
            (&[], "2 to 16"),
            (&["neutral", "neutral"], "all labels are one class"),
            (&["neutral"; 17], "2 to 16"),
        ];
        for (words, reason) in cases {
            let error = LabelMap::parse(words).unwrap_err().to_string();
            assert!(error.contains(reason), "{words:?}: {error}");
        }
    }

    #[test]
    fn scores_most_probable_class_and_mean() {
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
        // The probabilities of two outputs of one class are added.
        assert_eq!(
            score(&["negative", "neutral", "negative"], &[0.3, 0.4, 0.3]),
            Some((1, 1_400_000))
        );
    }

    #[test]
    fn rejects_invalid_probabilities() {
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
