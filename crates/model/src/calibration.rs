//! The calibration of a scorer: what its values meant on labelled texts.

use std::fmt;
use std::str::FromStr;

use crate::{ModelError, VALUE_CELLS, ValueHistogram};

/// The most texts of a calibration. Above it, sums could overflow.
const MAX_TEXTS: u64 = 1 << 32;

/// How a scorer's values are distributed in each class of human labels, on labelled texts that the
/// scorer was not trained on. A run keeps that of its scorer, so that readers can estimate the class
/// distribution of an hour from its [`ValueHistogram`].
///
/// As text, one group a class from very negative to very positive, separated by `;`: the sum of the
/// values in millionths, then the count of each cell, separated by spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calibration {
    classes: [ClassValues; 5],
}

/// The values of the texts of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassValues {
    /// The sum of the values, in millionths.
    pub value_micros: u64,
    /// The histogram of the values.
    pub histogram: ValueHistogram,
}

impl Calibration {
    /// Adds a labelled text with its value.
    pub fn add(&mut self, label: crate::Sentiment, score: crate::Score) {
        let class = &mut self.classes[label as usize];
        class.value_micros += u64::from(score.micros());
        class.histogram.add(score);
    }

    /// The values of each class, from very negative to very positive.
    #[must_use]
    pub fn classes(&self) -> &[ClassValues; 5] {
        &self.classes
    }

    /// The number of labelled texts.
    #[must_use]
    pub fn texts(&self) -> u64 {
        self.classes.iter().map(|c| c.histogram.total()).sum()
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, class) in self.classes.iter().enumerate() {
            if index > 0 {
                f.write_str(";")?;
            }
            write!(f, "{}", class.value_micros)?;
            for count in class.histogram.0 {
                write!(f, " {count}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Calibration {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let invalid = || ModelError::Calibration(text.chars().take(80).collect());
        let mut calibration = Self::default();
        let mut groups = text.split(';');
        for class in &mut calibration.classes {
            let group = groups.next().ok_or_else(invalid)?;
            *class = class_values(group).ok_or_else(invalid)?;
        }
        if groups.next().is_some() {
            return Err(invalid());
        }
        Ok(calibration)
    }
}

fn class_values(group: &str) -> Option<ClassValues> {
    let mut numbers = group.split(' ').map(str::parse::<u64>);
    let value_micros = numbers.next()?.ok()?;
    let mut histogram = ValueHistogram([0; VALUE_CELLS]);
    for count in &mut histogram.0 {
        *count = numbers.next()?.ok().filter(|count| *count < MAX_TEXTS)?;
    }
    let is_possible = value_micros <= 4_000_000 * histogram.total();
    (numbers.next().is_none() && is_possible).then_some(ClassValues {
        value_micros,
        histogram,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Score, Sentiment};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips(texts in proptest::collection::vec((0u8..5, 0.0..4.0), 0..50)) {
            let mut calibration = Calibration::default();
            for (label, value) in texts {
                let label = Sentiment::try_from(label).unwrap();
                calibration.add(label, Score::new(Sentiment::Neutral, value));
            }
            prop_assert_eq!(calibration.to_string().parse(), Ok(calibration));
        }

        #[test]
        fn any_text_is_parsed_or_rejected(text in ".*") {
            let _ = text.parse::<Calibration>();
        }
    }

    #[test]
    fn rejects_impossible_calibrations() {
        let class = |sum: &str| format!("{sum}{}", " 1".repeat(VALUE_CELLS));
        let of =
            |first: &str| [first, &class("1"), &class("1"), &class("1"), &class("1")].join(";");
        assert!(of(&class("40000000")).parse::<Calibration>().is_ok());
        let cases = [
            String::new(),
            class("1"),
            of("1 2 3"),
            of(&class("-1")),
            of(&class("x")),
            of(&format!("{} 1", class("1"))),
            // The mean value would be above 4.
            of(&class("80000001")),
            format!("{};", of(&class("1"))),
            of(&format!("1 {}{}", u64::MAX, " 1".repeat(VALUE_CELLS - 1))),
        ];
        for text in cases {
            let error = text.parse::<Calibration>().unwrap_err();
            assert!(error.to_string().contains("not a calibration"), "{error}");
        }
    }
}
