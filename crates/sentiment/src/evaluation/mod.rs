//! Evaluation of a scorer against human labels.
//!
//! Terms: the *scale* of labels has five classes, or three, to which the five are folded. The *macro*
//! mean of a measure is its mean over the labels, with equal weight for each label.
//!
//! Guarantee: every measure is defined for every evaluation; without texts it is 0.

mod groups;
pub mod identity_terms;
mod labelled;
pub mod names;
pub mod neutral_sentences;
mod report;

pub use groups::{GroupReport, MeanMeasures};
pub use labelled::{
    LabelError, LabelKind, LabelledLine, LabelledText, LineError, labelled_lines, parse_labelled,
};
pub use report::{CalibrationBin, Report};

use moodvane_model::{Calibration, Score};

use self::groups::Groups;

/// The scale of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelScale {
    /// 0 negative, 1 neutral, 2 positive.
    Three,
    /// 0 very negative to 4 very positive.
    Five,
}

impl LabelScale {
    /// The number of labels.
    #[must_use]
    pub fn labels(self) -> usize {
        match self {
            Self::Three => 3,
            Self::Five => 5,
        }
    }

    /// Maps a class 0 to 4 to a label of this scale.
    #[must_use]
    pub fn fold(self, class: u8) -> usize {
        match (self, class) {
            (Self::Five, class) => usize::from(class.min(4)),
            (Self::Three, 0 | 1) => 0,
            (Self::Three, 2) => 1,
            (Self::Three, _) => 2,
        }
    }

    /// Maps a value 0.0 to 4.0 to this scale. On the scale of three, 1.0 and below map to 0.
    #[must_use]
    pub fn value(self, value: f64) -> f64 {
        match self {
            Self::Five => value,
            Self::Three => (value - 1.0).clamp(0.0, 2.0),
        }
    }
}

/// Sums of labels, classes and values.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    label: f64,
    class: f64,
    value: f64,
}

impl Sums {
    fn add(&mut self, label: usize, class: usize, value: f64) {
        self.n += 1.0;
        self.label += label as f64;
        self.class += class as f64;
        self.value += value;
    }
}

/// The number of calibration bins.
const BINS: usize = 8;

/// Accumulates labels and scores.
#[derive(Debug, Clone)]
pub struct Evaluation {
    scale: LabelScale,
    counts: [[u32; 5]; 5],
    all: Sums,
    bins: [Sums; BINS],
    groups: Groups,
}

impl Evaluation {
    /// An empty evaluation. Groups are estimated by the classes.
    #[must_use]
    pub fn new(scale: LabelScale) -> Self {
        Self::with_calibration(scale, None)
    }

    /// An empty evaluation of a scorer with this calibration. Groups are estimated by its quantifier, as
    /// hours are.
    #[must_use]
    pub fn with_calibration(scale: LabelScale, calibration: Option<&Calibration>) -> Self {
        Self {
            scale,
            counts: [[0; 5]; 5],
            all: Sums::default(),
            bins: [Sums::default(); BINS],
            groups: Groups::new(calibration),
        }
    }

    /// Adds a text: its label, its group and its score. Ignores a label that is not on the scale.
    pub fn add(&mut self, label: usize, group: Option<&str>, score: Score) {
        if label >= self.scale.labels() {
            return;
        }
        let class = self.scale.fold(score.sentiment.class());
        let value = self.scale.value(score.value());
        self.counts[label][class] += 1;
        self.all.add(label, class, value);
        let top = self.scale.labels() as f64 - 1.0;
        let bin = (value / top * BINS as f64) as usize;
        self.bins[bin.min(BINS - 1)].add(label, class, value);
        if let Some(group) = group {
            self.groups.add(group, label, score);
        }
    }

    /// The measures over all added texts.
    #[must_use]
    pub fn report(&self) -> Report {
        report::build(self)
    }
}
