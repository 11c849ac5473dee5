//! A sample with its model, and the regressions of it.

use std::ops::Range;

use moodvane_model::Variable;

use crate::answer::{EffectEstimate, Factor, Term, WetEffect};
use crate::inference::{ClusteredDesign, Estimates, Keys};
use crate::insufficient::{
    InsufficientEffect, MIN_HOURS, MIN_WEEKS, MIN_WET_HOURS, MIN_WET_SPELLS,
};
use crate::model::Model;
use crate::options::{EffectError, EffectOptions};
use crate::regression::{Design, Rows};
use crate::sample::{MIN_SHARE, Needs, Row, Sample, Series};

/// Which columns a regression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    /// All variables in their bins and classes, and the past.
    Classes,
    /// As `Classes`, with wet hours instead of classes of precipitation.
    Wet,
    /// As `Wet`, without the past.
    WetWithAnyPast,
    /// As `Wet`, without the wet hours.
    WithoutRain,
    /// As `Wet`, with a line of temperature instead of its bins.
    Lines,
    /// As `Classes`, with a line of temperature too, and the future.
    Future,
}

impl Terms {
    pub(crate) fn include(self, term: &Term) -> bool {
        match term {
            Term::Bin {
                factor: Factor::Precipitation,
                ..
            } => {
                matches!(self, Self::Classes | Self::Future)
            }
            Term::Bin {
                factor: Factor::Temperature,
                ..
            } => self != Self::Lines,
            Term::Slope(Factor::Temperature) => matches!(self, Self::Lines | Self::Future),
            Term::Wet => matches!(self, Self::Wet | Self::WetWithAnyPast | Self::Lines),
            Term::Past(..) => self != Self::WetWithAnyPast,
            Term::Future(..) => self == Self::Future,
            Term::Bin { .. } | Term::Slope(_) => true,
        }
    }
}

pub(crate) struct Panel<'a> {
    pub(crate) sample: Sample<'a>,
    pub(crate) model: Model,
    pub(crate) keys: Keys,
}

impl<'a> Panel<'a> {
    /// # Errors
    /// [`InsufficientEffect`] if the hours of these cities do not suffice.
    pub(crate) fn new(
        series: &Series<'a>,
        cities: Range<usize>,
        options: &EffectOptions,
        needs: Needs,
    ) -> Result<Self, EffectError> {
        if !series.has(Variable::Precipitation) {
            return Err(EffectError::Insufficient(
                InsufficientEffect::NoPrecipitation {
                    share: 100.0 * series.precipitation_share(),
                    need: 100.0 * MIN_SHARE,
                },
            ));
        }
        let sample = Sample::new(series, cities, options, needs);
        check(&sample)?;
        Ok(Self {
            model: Model::new(series, &sample, options)?,
            keys: Keys::new(&sample),
            sample,
        })
    }

    /// The design with all terms of the model.
    ///
    /// # Errors
    /// [`EffectError::Regression`] for effects that do not converge.
    pub(crate) fn design(
        &self,
        options: &EffectOptions,
    ) -> Result<ClusteredDesign<'_>, EffectError> {
        let rows = Rows {
            response: &self.model.response,
            weights: &self.model.weights,
            effects: &self.model.effects,
        };
        let columns = self.model.raw_columns(&self.sample);
        let design = Design::new(columns, rows, options.threads)?;
        Ok(ClusteredDesign::new(design, &self.keys, options.inference))
    }

    pub(crate) fn fit<'d>(
        &self,
        design: &'d ClusteredDesign<'_>,
        options: &EffectOptions,
        terms: Terms,
    ) -> Result<Estimates<'d>, EffectError> {
        let columns = self.model.columns_where(|term| terms.include(term));
        Estimates::new(design, &columns, &self.keys, options)
    }

    /// The effect of rain, given its regression.
    pub(crate) fn wet_effect(
        &self,
        design: &ClusteredDesign<'_>,
        options: &EffectOptions,
        wet: &Estimates<'_>,
    ) -> Result<WetEffect, EffectError> {
        let wet_hours = self.sample.rows.iter().filter(|row| row.is_wet()).count();
        let collinear = EffectError::Insufficient(InsufficientEffect::Collinear);
        let estimate = |estimates: &Estimates<'_>| -> Option<EffectEstimate> {
            estimates.term(&self.model, Term::Wet)
        };
        let with_any_past = self.fit(design, options, Terms::WetWithAnyPast)?;
        Ok(WetEffect {
            estimate: estimate(wet).ok_or(collinear)?,
            with_any_past: estimate(&with_any_past).ok_or(collinear)?,
            wet_hours,
            dry_hours: self.sample.rows.len() - wet_hours,
            wet_spells: self.sample.wet_spells(),
        })
    }
}

fn check(sample: &Sample<'_>) -> Result<(), InsufficientEffect> {
    let hours = sample.rows.len();
    if hours < MIN_HOURS {
        return Err(InsufficientEffect::Hours {
            have: hours,
            need: MIN_HOURS,
        });
    }
    let mut weeks: Vec<i32> = sample.rows.iter().map(Row::week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    if weeks.len() < MIN_WEEKS {
        return Err(InsufficientEffect::Weeks {
            have: weeks.len(),
            need: MIN_WEEKS,
            hours,
        });
    }
    let wet = sample.rows.iter().filter(|row| row.is_wet()).count();
    if wet.min(hours - wet) < MIN_WET_HOURS {
        return Err(InsufficientEffect::WetHours {
            hours,
            wet,
            need: MIN_WET_HOURS,
        });
    }
    let spells = sample.wet_spells();
    if spells < MIN_WET_SPELLS {
        return Err(InsufficientEffect::WetSpells {
            hours,
            have: spells,
            need: MIN_WET_SPELLS,
        });
    }
    Ok(())
}
