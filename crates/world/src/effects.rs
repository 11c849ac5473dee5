//! The effects that a world plants, as exact numbers.

use std::collections::BTreeMap;

use moodvane_model::{City, CityId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rng::{KeyedRng, Purpose, derive_seed};

/// An hour with at least this precipitation, in mm/h, is wet: the least that a gauge reports.
pub const WET_MM_PER_H: f64 = 0.1;
/// The number of hours for which a wet hour has an effect after it.
pub const WET_HOURS_BEFORE: i32 = 3;
/// Heat begins at this temperature in °C.
pub const HEAT_FROM_C: f64 = 30.0;
/// Cold is below this temperature in °C.
pub const COLD_BELOW_C: f64 = 0.0;

/// A value in JSON that is no [`MoodShift`].
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is no shift of a mood: it must be -0.3 to 0.3 classes")]
pub struct EffectError(f64);

/// A change of the mean mood, in thousandths of a class. At most 0.3 classes, so that the mean mood stays
/// within 0 to 4 whatever comes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct MoodShift(i16);

impl MoodShift {
    /// No change.
    pub const NONE: Self = Self(0);
    const MAX_MILLI: i16 = 300;

    /// A change in thousandths of a class, limited to ±300.
    #[must_use]
    pub const fn from_milli(milli: i16) -> Self {
        if milli > Self::MAX_MILLI {
            Self(Self::MAX_MILLI)
        } else if milli < -Self::MAX_MILLI {
            Self(-Self::MAX_MILLI)
        } else {
            Self(milli)
        }
    }

    /// The change in classes.
    #[must_use]
    pub fn classes(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

impl From<MoodShift> for f64 {
    fn from(shift: MoodShift) -> Self {
        shift.classes()
    }
}

impl TryFrom<f64> for MoodShift {
    type Error = EffectError;

    fn try_from(classes: f64) -> Result<Self, EffectError> {
        let milli = (classes * 1_000.0).round();
        if milli.abs() <= f64::from(Self::MAX_MILLI) {
            Ok(Self(milli as i16))
        } else {
            Err(EffectError(classes))
        }
    }
}

/// The effects of the weather on the mean mood of a city, in classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedEffects {
    /// A wet hour ([`WET_MM_PER_H`]), with all else equal.
    pub wet_hour: MoodShift,
    /// Each wet hour among the [`WET_HOURS_BEFORE`] before.
    pub wet_hour_before: MoodShift,
    /// An hour of [`HEAT_FROM_C`] or more.
    pub heat: MoodShift,
    /// An hour below [`COLD_BELOW_C`].
    pub cold: MoodShift,
}

impl PlantedEffects {
    /// No effects.
    pub const NONE: Self = Self::from_milli([0; 4]);

    /// The effects of a wet hour, of each wet hour before (limited to ±100), of heat and of cold, in
    /// thousandths of a class.
    #[must_use]
    pub const fn from_milli([wet_hour, wet_hour_before, heat, cold]: [i16; 4]) -> Self {
        Self {
            wet_hour: MoodShift::from_milli(wet_hour),
            wet_hour_before: match wet_hour_before {
                ..=-100 => MoodShift::from_milli(-100),
                100.. => MoodShift::from_milli(100),
                milli => MoodShift::from_milli(milli),
            },
            heat: MoodShift::from_milli(heat),
            cold: MoodShift::from_milli(cold),
        }
    }

    /// The effects that a seed gives a city: rain -0.30 to -0.05 classes, each wet hour before a fifth of
    /// it, heat -0.25 to -0.05, cold -0.15 to 0.
    #[must_use]
    pub fn drawn(seed: u64, city: CityId) -> Self {
        let seed = derive_seed(seed, city.as_str());
        let mut rng = KeyedRng::new(seed, Purpose::Effect, 0);
        let mut hundredths = |from: i16, steps: u64| from + 10 * rng.below(steps + 1) as i16;
        let wet = hundredths(-300, 25);
        let (heat, cold) = (hundredths(-250, 20), hundredths(-150, 15));
        Self::from_milli([wet, wet / 5, heat, cold])
    }

    /// The effect of a temperature in °C.
    #[must_use]
    pub fn temperature_shift(&self, celsius: f64) -> MoodShift {
        if celsius >= HEAT_FROM_C {
            self.heat
        } else if celsius < COLD_BELOW_C {
            self.cold
        } else {
            MoodShift::NONE
        }
    }
}

/// The sizes of the effects of all cities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectSizes {
    /// As the seed gives them to each city ([`PlantedEffects::drawn`]).
    Drawn,
    /// The same in every city.
    Equal(PlantedEffects),
    /// For each city; none for one that is not in the list.
    ByCity(BTreeMap<CityId, PlantedEffects>),
}

impl EffectSizes {
    pub(crate) fn for_city(&self, seed: u64, city: &City) -> PlantedEffects {
        match self {
            Self::Drawn => PlantedEffects::drawn(seed, city.id),
            Self::Equal(effects) => *effects,
            Self::ByCity(sizes) => sizes.get(&city.id).copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wet_limit_equals_limit_of_analysis() {
        assert_eq!(WET_MM_PER_H, moodvane_analysis::WET_MM_PER_H);
    }

    #[test]
    fn shifts_are_exact_in_json_and_limited() {
        let effects = PlantedEffects::from_milli([-250, -50, 500, -100]);
        let json = serde_json::to_string(&effects).unwrap();
        let expected = r#"{"wet_hour":-0.25,"wet_hour_before":-0.05,"heat":0.3,"cold":-0.1}"#;
        assert_eq!(json, expected);
        assert_eq!(
            serde_json::from_str::<PlantedEffects>(&json).unwrap(),
            effects
        );
        for bad in ["0.31", "-1", "1e300"] {
            assert!(serde_json::from_str::<MoodShift>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn drawn_effects_differ_by_city_and_seed_within_documented_ranges() {
        let drawn = |seed, id| PlantedEffects::drawn(seed, CityId::parse(id).unwrap());
        assert_ne!(drawn(1, "london"), drawn(1, "paris"));
        assert_ne!(drawn(1, "london"), drawn(2, "london"));
        for seed in 0..500 {
            let effects = drawn(seed, "london");
            for (shift, low, high) in [
                (effects.wet_hour, -0.30, -0.05),
                (effects.wet_hour_before, -0.06, -0.01),
                (effects.heat, -0.25, -0.05),
                (effects.cold, -0.15, 0.0),
            ] {
                assert!((low..=high).contains(&shift.classes()), "{effects:?}");
            }
        }
    }

    #[test]
    fn heat_begins_at_30_and_cold_ends_at_0() {
        let effects = PlantedEffects::from_milli([0, 0, 7, 9]);
        for (celsius, milli) in [(30.0, 7), (29.9, 0), (0.0, 0), (-0.1, 9)] {
            let expected = MoodShift::from_milli(milli);
            assert_eq!(effects.temperature_shift(celsius), expected, "{celsius}");
        }
    }
}
