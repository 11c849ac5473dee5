//! The answer of `GET /v1/relation`.

use moodvane_analysis::{
    Conclusion, FeelingEstimator, InsufficientData, LocalHour, OutlierBound, PairedHour, Relation,
    WetDryComparison, compare_wet_dry, relate, variable_mean,
};
use moodvane_model::{HourRow, Variable};
use serde::Serialize;
use utoipa::ToSchema;

use super::relation_request::RelationRequest;
use super::{rounded, sentence};

/// The relation of a weather variable and the feeling.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelationAnswer {
    #[schema(example = "new-york")]
    city: String,
    #[schema(example = "temperature")]
    variable: &'static str,
    /// The variable's unit.
    #[schema(example = "°C")]
    unit: &'static str,
    /// The start of the first hour.
    begin: Option<String>,
    /// The start of the last hour.
    end: Option<String>,
    /// The conclusion at a significance level of 5 %.
    conclusion: Verdict,
    /// The conclusion in plain language, with its uncertainty.
    sentence: String,
    /// How many more hours like these are needed: for any conclusion if the data are insufficient;
    /// to detect a correlation of 0.1 with a power of 80 % if the conclusion is undecided. Null if
    /// more such hours do not help.
    more_hours: Option<u64>,
    /// Null if the data are insufficient.
    relation: Option<RelationEstimates>,
    /// The comparison of wet and dry hours; only for precipitation, null if the data are insufficient.
    wet_against_dry: Option<WetDryEstimates>,
    /// The same in plain language, or why the data are insufficient; only for precipitation.
    wet_sentence: Option<String>,
}

/// `too-little` if the data are insufficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Rises,
    Falls,
    Undecided,
    TooLittle,
}

/// A value and its 95 % confidence interval.
#[derive(Debug, Serialize, ToSchema)]
struct Estimate {
    value: f64,
    low: f64,
    high: f64,
}

/// The estimates of the relation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Told)]
struct RelationEstimates {
    /// The number of hours that have both values and enough posts.
    hours: usize,
    /// The effective sample size: the number of independent hours with the same information.
    independent_hours: f64,
    /// Pearson's correlation.
    pearson: Estimate,
    /// Its square.
    r2: f64,
    /// Spearman's rank correlation.
    spearman: f64,
    /// The probability of a rank correlation at least as strong if there is no relation; null if the
    /// ranks do not suffice for a test.
    spearman_p_value: Option<f64>,
    /// The change of the feeling per unit of the variable.
    slope: Estimate,
    #[schema(example = "classes per °C")]
    slope_unit: String,
    /// The probability of a correlation at least as strong if there is no relation.
    p_value: f64,
    /// The block length of the bootstrap.
    block_hours: usize,
    /// The number of bootstrap replicates.
    replicates: usize,
}

/// Hours with at least 0.1 mm/h of precipitation compared with those with less.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wet)]
struct WetDryEstimates {
    wet_hours: usize,
    dry_hours: usize,
    /// The mean feeling of wet hours.
    wet_feeling: f64,
    /// The mean feeling of dry hours.
    dry_feeling: f64,
    /// Wet minus dry, adjusted for the removed cycles.
    difference: Estimate,
    /// Hedges' g.
    effect_size: Estimate,
    /// The probability of a difference at least as large if there is none.
    p_value: f64,
    block_hours: usize,
}

impl RelationAnswer {
    /// Computes the relation over `rows`.
    pub(super) fn compute(
        request: &RelationRequest,
        rows: &[HourRow],
        bound: OutlierBound,
    ) -> Self {
        let mut estimator = FeelingEstimator::default();
        let pairs = rows.iter().filter_map(|row| {
            let feeling = estimator.direct(row, request.talk)?;
            Some(PairedHour {
                hour: row.hour,
                local: LocalHour::from_utc(row.hour, request.city.utc_offset_hours(row.hour)),
                weather: variable_mean(row, request.variable, bound)?.value,
                feeling: feeling.value,
                posts: feeling.posts,
            })
        });
        let pairs: Vec<PairedHour> = pairs.collect();
        let relation = relate(&pairs, request.options);
        let wet = (request.variable == Variable::Precipitation)
            .then(|| compare_wet_dry(&pairs, request.options));
        Self::new(request, relation, wet)
    }

    fn new(
        request: &RelationRequest,
        relation: Result<Relation, InsufficientData>,
        wet: Option<Result<WetDryComparison, InsufficientData>>,
    ) -> Self {
        let (conclusion, more_hours) = match &relation {
            Ok(relation) => match relation.conclusion() {
                Conclusion::Rises => (Verdict::Rises, Some(0)),
                Conclusion::Falls => (Verdict::Falls, Some(0)),
                Conclusion::Undecided => (Verdict::Undecided, Some(relation.additional_hours())),
            },
            Err(insufficient) => (Verdict::TooLittle, insufficient.additional_hours()),
        };
        let variable = request.variable;
        Self {
            sentence: sentence::of_relation(&request.city, variable, &relation, wet.as_ref()),
            city: request.city.id.to_string(),
            variable: variable.name(),
            unit: variable.unit(),
            begin: request.zone.rfc3339(request.range.begin()),
            end: request.zone.rfc3339(request.range.end()),
            conclusion,
            more_hours,
            relation: relation
                .ok()
                .map(|relation| RelationEstimates::new(&relation, variable)),
            wet_sentence: wet.as_ref().map(sentence::of_wet_hours),
            wet_against_dry: wet.and_then(Result::ok).map(WetDryEstimates::from),
        }
    }
}

impl From<moodvane_analysis::Estimate> for Estimate {
    fn from(estimate: moodvane_analysis::Estimate) -> Self {
        Self {
            value: rounded(estimate.value),
            low: rounded(estimate.low),
            high: rounded(estimate.high),
        }
    }
}

impl RelationEstimates {
    fn new(relation: &Relation, variable: Variable) -> Self {
        Self {
            hours: relation.hours,
            independent_hours: rounded(relation.effective_sample_size),
            pearson: relation.pearson.into(),
            r2: rounded(relation.r_squared),
            spearman: rounded(relation.spearman),
            spearman_p_value: relation.spearman_p_value.map(rounded),
            slope: relation.slope.into(),
            slope_unit: format!("classes per {}", variable.unit()),
            p_value: rounded(relation.p_value),
            block_hours: relation.block_hours,
            replicates: relation.replicates,
        }
    }
}

impl From<WetDryComparison> for WetDryEstimates {
    fn from(comparison: WetDryComparison) -> Self {
        Self {
            wet_hours: comparison.wet_hours,
            dry_hours: comparison.dry_hours,
            wet_feeling: rounded(comparison.wet_feeling),
            dry_feeling: rounded(comparison.dry_feeling),
            difference: comparison.difference.into(),
            effect_size: comparison.effect_size.into(),
            p_value: rounded(comparison.p_value),
            block_hours: comparison.block_hours,
        }
    }
}
