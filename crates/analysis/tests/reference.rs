//! Relations against what scipy, statsmodels and arch say of the same hours: `study/reference.py`
//! made `study/reference.json`.
#![allow(clippy::unwrap_used)]

use moodvane_analysis::{
    Cycles, Options, PairedHour, Phase, TooLittle, Weighting, relate, wet_against_dry,
};
use moodvane_model::HourSlot;
use serde_json::Value;

const REFERENCE: &str = include_str!("../study/reference.json");

struct Data {
    name: String,
    hours: Vec<PairedHour>,
    options: Options,
    about_wet: bool,
    too_little: Option<String>,
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
                phase: Phase::at(hour, 0),
                weather: json["weather"][i].as_f64().unwrap(),
                feeling: json["feeling"][i].as_f64().unwrap(),
                posts: json["posts"][i].as_u64().unwrap(),
            }
        });
        let options = Options {
            min_posts: json["min_posts"].as_u64().unwrap(),
            weighting: match text("weighting").unwrap().as_str() {
                "equal" => Weighting::Equal,
                "posts" => Weighting::Posts,
                other => panic!("{other}"),
            },
            cycles: match text("cycles").unwrap().as_str() {
                "keep" => Cycles::Keep,
                "daily" => Cycles::Daily,
                "weekly" => Cycles::Weekly,
                "daily_and_weekly" => Cycles::DailyAndWeekly,
                other => panic!("{other}"),
            },
        };
        Self {
            name: text("name").unwrap(),
            hours: hours.collect(),
            options,
            about_wet: json["question"] == "wet",
            too_little: text("too_little"),
            expected: json["expected"].clone(),
        }
    }

    /// Compares a value with the expected one of that name, where there is one.
    fn is(&self, name: &str, got: f64, tolerance: f64) {
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

    fn must_be(&self, name: &str, got: f64, tolerance: f64) {
        assert!(self.expected[name].is_number(), "{}: {name}", self.name);
        self.is(name, got, tolerance);
    }
}

fn data() -> Vec<Data> {
    let json: Value = serde_json::from_str(REFERENCE).unwrap();
    json.as_array().unwrap().iter().map(Data::read).collect()
}

#[test]
fn relations_are_what_scipy_statsmodels_and_arch_say() {
    let sets: Vec<Data> = data();
    let sets: Vec<&Data> = sets
        .iter()
        .filter(|set| !set.about_wet && set.too_little.is_none())
        .collect();
    assert!(sets.len() >= 20, "{}", sets.len());
    for set in sets {
        let relation = relate(&set.hours, set.options).unwrap();
        let r = relation.pearson;
        set.must_be("hours", relation.hours as f64, 0.0);
        set.must_be("r", r.value, 1e-9);
        set.must_be("spearman", relation.spearman, 1e-9);
        set.must_be("slope", relation.slope.value, 1e-9);
        // arch sums the kernel's tail to the end, which we leave out where it is below 1/1000.
        set.is("independent", relation.independent_hours, 1e-3);
        let floor = (set.hours.len() as f64).cbrt() / 2.0;
        if let Some(block) = set.expected["block"].as_f64() {
            let expected = block.max(floor).round() as usize;
            assert_eq!(relation.block_hours, expected, "{}", set.name);
        }
        // The textbook's interval is right for white noise, where ours must be nearly as wide.
        set.is("white_low", r.low, 0.05);
        set.is("white_high", r.high, 0.05);
        set.is("white_p", relation.p_value, 0.05);
        assert!(r.low <= r.value && r.value <= r.high, "{}", set.name);
        assert!(
            (relation.r2 - r.value * r.value).abs() < 1e-12,
            "{}",
            set.name
        );
        assert!(relation.slope.low <= relation.slope.high, "{}", set.name);
        assert!((0.0..=1.0).contains(&relation.p_value), "{}", set.name);
    }
}

#[test]
fn wet_against_dry_is_what_statsmodels_says_and_a_planted_effect_is_found() {
    let mut planted = 0;
    for set in data() {
        if !set.about_wet || set.too_little.is_some() {
            continue;
        }
        let found = wet_against_dry(&set.hours, set.options).unwrap();
        set.must_be("wet", found.wet_hours as f64, 0.0);
        set.must_be("dry", found.dry_hours as f64, 0.0);
        set.must_be("wet_feeling", found.wet_feeling, 1e-9);
        set.must_be("dry_feeling", found.dry_feeling, 1e-9);
        set.must_be("difference", found.difference.value, 1e-9);
        set.must_be("hedges_g", found.effect_size.value, 1e-9);
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
fn too_little_is_said_with_its_kind_and_what_it_would_take() {
    let mut kinds = 0;
    for set in data() {
        let Some(expected) = &set.too_little else {
            continue;
        };
        let refused = if set.about_wet {
            wet_against_dry(&set.hours, set.options).unwrap_err()
        } else {
            relate(&set.hours, set.options).unwrap_err()
        };
        let kind = match refused {
            TooLittle::Hours { .. } => "hours",
            TooLittle::Independent { .. } => "independent",
            TooLittle::NoVariance { .. } => "no_variance",
            TooLittle::OneKind { .. } => "one_kind",
        };
        assert_eq!(kind, expected, "{}: {refused}", set.name);
        let sure = matches!(kind, "hours" | "independent");
        assert!(
            refused.more_hours().is_some_and(|n| n > 0) || !sure,
            "{}",
            set.name
        );
        kinds += 1;
    }
    assert!(kinds >= 10, "{kinds}");
}
