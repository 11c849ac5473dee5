//! The sentiment of one post.

use crate::ModelError;

/// The sentiment class of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Sentiment {
    /// 0
    VeryNegative = 0,
    /// 1
    Negative = 1,
    /// 2
    Neutral = 2,
    /// 3
    Positive = 3,
    /// 4
    VeryPositive = 4,
}

impl Sentiment {
    /// All classes, from 0 to 4.
    pub const ALL: [Self; 5] = [
        Self::VeryNegative,
        Self::Negative,
        Self::Neutral,
        Self::Positive,
        Self::VeryPositive,
    ];

    /// The class as a number, 0 to 4.
    #[must_use]
    pub fn class(self) -> u8 {
        self as u8
    }

    /// The class's name, for example `very negative`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VeryNegative => "very negative",
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
            Self::VeryPositive => "very positive",
        }
    }
}

impl TryFrom<u8> for Sentiment {
    type Error = ModelError;
    fn try_from(class: u8) -> Result<Self, ModelError> {
        Self::ALL
            .get(usize::from(class))
            .copied()
            .ok_or(ModelError::Sentiment(class))
    }
}

/// The result of scoring one text: a class, a continuous value, and whether the text speaks of the
/// weather.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The class.
    pub sentiment: Sentiment,
    /// Whether the text speaks of the weather; false unless a detector says so.
    pub weather_talk: bool,
    micros: u32,
}

impl Score {
    /// A score with a class and a continuous value. The value is clamped to 0.0 to 4.0 and rounded
    /// to six decimals; NaN becomes the number of the class.
    #[must_use]
    pub fn new(class: Sentiment, value: f64) -> Self {
        let value = if value.is_nan() {
            f64::from(class.class())
        } else {
            value
        };
        Self {
            sentiment: class,
            weather_talk: false,
            micros: (value.clamp(0.0, 4.0) * 1e6).round() as u32,
        }
    }

    /// The same score of a text that speaks of the weather, or does not.
    #[must_use]
    pub fn with_weather_talk(self, weather_talk: bool) -> Self {
        Self {
            weather_talk,
            ..self
        }
    }

    /// The continuous value, 0.0 to 4.0.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.micros) / 1e6
    }

    /// The continuous value in millionths, the unit of the sums.
    #[must_use]
    pub fn micros(self) -> u32 {
        self.micros
    }
}
