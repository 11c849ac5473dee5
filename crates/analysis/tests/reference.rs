//! Compares relations with values that scipy, statsmodels and arch compute from the same hours.
//! `study/reference.py` generates `study/reference.json`.
#![allow(clippy::unwrap_used)]

use moodvane_analysis::{
    Adjustment, InsufficientData, LocalHour, PairedHour, RelationOptions, Weighting,
    compare_wet_dry, relate,
};
use moodvane_model::HourSlot;
use serde_json::Value;

const REFERENCE: &str = include_str!("../study/reference.json");

struct Data {
    name: String,
    hours: Vec<PairedHour>,
    options: RelationOptions,
    is_wet_dry: bool,
    insufficient: Option<String>,
    expected: Value,
}

impl Data {
    fn read(json: &Value) -> Self {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let column = |key: &str| json[key].as_array().unwrap().clone();
        let hours = column("hours").into_iter().enumerate().map(|(i, hour)| {
            let hour = HourSlot::from_index(hour.as_u64().unwrap() as u32).unwrap();
            PairedHour {
                hour,
                local: LocalHour::from_utc(hour, 0),
                weather: json["weather"][i].as_f64().unwrap(),
                feeling: json["feeling"][i].as_f64().unwrap(),
                posts: json["posts"][i].as_u64().unwrap(),
            }
        });
        let options = RelationOptions {
            min_posts: json["min_posts"].as_u64().unwrap(),
            weighting: match text("weighting").unwrap().as_str() {
                "equal" => Weighting::Equal,
                "posts" => Weighting::Posts,
                other => panic!("{other}"),
            },
            adjustment: match text("adjustment").unwrap().as_str() {
                "none" => Adjustment::None,
                "hour_of_day" => Adjustment::HourOfDay,
                "day_of_week" => Adjustment::DayOfWeek,
                "hour_of_day_and_day_of_week" => Adjustment::HourOfDayAndDayOfWeek,
                other => panic!("{other}"),
            },
        };
        Self {
            name: text("name").unwrap(),
            hours: hours.collect(),
            options,
            is_wet_dry: json["question"] == "wet",
            insufficient: text("insufficient"),
            expected: json["expected"].clone(),
        }
    }

    /// Compares a value with the expected one of that name, if there is one.
    fn compare(&self, name: &str, got: f64, tolerance: f64) {
        let Some(expected) = self.expected[name].as_f64() else {
            return;
        };
        let off = (got - expected).abs() / expected.abs().max(1.0);
        assert!(
            off <= tolerance,
            "{}: {name} is {got}, not {expected}",
            self.name
        );
    }

    fn require(&self, name: &str, got: f64, tolerance: f64) {
        assert!(self.expected[name].is_number(), "{}: {name}", self.name);
        self.compare(name, got, tolerance);
    }
}

fn data() -> Vec<Data> {
    let json: Value = serde_json::from_str(REFERENCE).unwrap();
    json.as_array().unwrap().iter().map(Data::read).collect()
}

#[test]
fn relations_match_scipy_statsmodels_and_arch() {
    let sets: Vec<Data> = data();
    let sets: Vec<&Data> = sets
        .iter()
        .filter(|set| !set.is_wet_dry && set.insufficient.is_none())
        .collect();
    assert!(sets.len() >= 20, "{}", sets.len());
    for set in sets {
        let relation = relate(&set.hours, set.options).unwrap();
        let r = relation.pearson;
        set.require("hours", relation.hours as f64, 0.0);
        set.require("r", r.value, 1e-9);
        set.require("spearman", relation.spearman, 1e-9);
        set.require("slope", relation.slope.value, 1e-9);
        // arch sums the kernel's whole tail, which the crate truncates below 0.001.
        set.compare(
            "effective_sample_size",
            relation.effective_sample_size,
            1e-3,
        );
        let floor = (set.hours.len() as f64).cbrt() / 2.0;
        if let Some(block) = set.expected["block"].as_f64() {
            let expected = block.max(floor).round() as usize;
            assert_eq!(relation.block_hours, expected, "{}", set.name);
        }
        // The textbook interval is valid for white noise: ours must have nearly the same width.
        set.compare("white_low", r.low, 0.05);
        set.compare("white_high", r.high, 0.05);
        set.compare("white_p", relation.p_value, 0.05);
        assert!(r.low <= r.value && r.value <= r.high, "{}", set.name);
        assert!(
            (relation.r_squared - r.value * r.value).abs() < 1e-12,
            "{}",
            set.name
        );
        assert!(relation.slope.low <= relation.slope.high, "{}", set.name);
        assert!((0.0..=1.0).contains(&relation.p_value), "{}", set.name);
    }
}

#[test]
fn wet_dry_comparison_matches_statsmodels_and_detects_planted_effect() {
    let mut planted = 0;
    for set in data() {
        if !set.is_wet_dry || set.insufficient.is_some() {
            continue;
        }
        let found = compare_wet_dry(&set.hours, set.options).unwrap();
        set.require("wet", found.wet_hours as f64, 0.0);
        set.require("dry", found.dry_hours as f64, 0.0);
        set.require("wet_feeling", found.wet_feeling, 1e-9);
        set.require("dry_feeling", found.dry_feeling, 1e-9);
        set.require("difference", found.difference.value, 1e-9);
        set.require("hedges_g", found.effect_size.value, 1e-9);
        let interval = found.difference.low..=found.difference.high;
        if set.name.contains("planted") {
            planted += 1;
            // 0.4 of a class: one standard deviation of the script's feeling.
            assert!(interval.contains(&-0.4), "{}: {interval:?}", set.name);
            assert!(!interval.contains(&0.0), "{}: {interval:?}", set.name);
            assert!(found.p_value < 0.01, "{}", set.name);
        } else {
            assert!(interval.contains(&0.0), "{}: {interval:?}", set.name);
            assert!(found.p_value > 0.05, "{}", set.name);
        }
    }
    assert!(planted >= 3, "{planted}");
}

#[test]
fn insufficient_data_reports_kind_and_additional_hours() {
    let mut kinds = 0;
    for set in data() {
        let Some(expected) = &set.insufficient else {
            continue;
        };
        let error = if set.is_wet_dry {
            compare_wet_dry(&set.hours, set.options).unwrap_err()
        } else {
            relate(&set.hours, set.options).unwrap_err()
        };
        let kind = match error {
            InsufficientData::Hours { .. } => "hours",
            InsufficientData::EffectiveSampleSize { .. } => "effective_sample_size",
            InsufficientData::NoVariance { .. } => "no_variance",
            InsufficientData::GroupSize { .. } => "group_size",
            InsufficientData::Exposure { .. } => "exposure",
            InsufficientData::Repetition => "repetition",
        };
        assert_eq!(kind, expected, "{}: {error}", set.name);
        let has_estimate = matches!(kind, "hours" | "effective_sample_size");
        assert!(
            error.additional_hours().is_some_and(|n| n > 0) || !has_estimate,
            "{}",
            set.name
        );
        kinds += 1;
    }
    assert!(kinds >= 10, "{kinds}");
}
