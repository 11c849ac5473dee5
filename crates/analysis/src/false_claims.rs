//! How often a relation is claimed where there is none: a small version of the study, whose cells are
//! in `benches/results/coverage.md`.

use crate::designs::{Planted, Posts, SETTINGS, Weather, planted, unrelated};
use crate::study::{Method, Question, claims};
use crate::{Conclusion, RelationOptions, compare_wet_dry, relate};

/// The most claims of unrelated series: 7 %, plus twice the standard error of a share of 7 %.
fn bound(series: u64) -> f64 {
    let share = 0.07f64;
    let series = series as f64;
    share * series + 2.0 * (share * (1.0 - share) * series).sqrt()
}

const DESIGNS: [Weather; 10] = [
    Weather::Scattered(3),
    Weather::Scattered(5),
    Weather::Scattered(30),
    Weather::Spells(5),
    Weather::Spike,
    Weather::Normal,
    Weather::LogNormal(1.0),
    Weather::LogNormal(2.0),
    Weather::StudentT2,
    Weather::Showers,
];

#[test]
fn unrelated_series_rarely_have_a_relation() {
    const SERIES: u64 = 80;
    let (mut all, mut cells) = (0, 0);
    for weather in DESIGNS {
        for phi in [0.0, 0.9] {
            for setting in SETTINGS {
                let claimed = (0..SERIES)
                    .map(|seed| unrelated(weather, setting.posts, 240, phi, seed))
                    .filter_map(|hours| {
                        claims(&hours, setting.options, Question::Relation, Method::Both)
                    });
                let claimed = claimed.filter(|is_claimed| *is_claimed).count();
                let cell = format!("{weather:?}, φ = {phi}, {}: {claimed}", setting.name);
                // With 180 cells, chance alone takes some beyond twice the standard error.
                assert!(claimed as f64 <= bound(SERIES) + 3.0, "{cell}");
                all += claimed;
                cells += 1;
            }
        }
    }
    assert!(
        (all as f64) < 0.05 * (cells * SERIES) as f64,
        "{all} of {cells} cells"
    );
}

#[test]
fn unrelated_series_rarely_have_a_wet_dry_difference_or_a_rank_relation() {
    const SERIES: u64 = 200;
    for question in [Question::WetDry, Question::Ranks] {
        for weather in [Weather::Scattered(30), Weather::Spells(5), Weather::Showers] {
            for phi in [0.0, 0.9] {
                let claimed = (0..SERIES)
                    .map(|seed| unrelated(weather, Posts::Few, 240, phi, seed))
                    .filter_map(|hours| {
                        claims(&hours, RelationOptions::UNADJUSTED, question, Method::Both)
                    });
                let claimed = claimed.filter(|is_claimed| *is_claimed).count();
                assert!(
                    claimed as f64 <= bound(SERIES),
                    "{question:?} {weather:?} {phi}: {claimed}"
                );
            }
        }
    }
}

#[test]
fn single_spell_is_insufficient_data() {
    for wet in [1, 2, 3, 5, 10, 30] {
        for setting in SETTINGS {
            let hours = unrelated(Weather::OneSpell(wet), setting.posts, 240, 0.5, 7);
            for question in [Question::Relation, Question::Ranks, Question::WetDry] {
                let answer = claims(&hours, setting.options, question, Method::Both);
                assert_eq!(answer, None, "{wet} {} {question:?}", setting.name);
            }
        }
    }
}

/// The study answers as the crate's functions do.
#[test]
fn study_agrees_with_relate_and_compare_wet_dry() {
    let mut found = [0; 3];
    for seed in 0..9 {
        for setting in SETTINGS {
            let hours = match seed % 3 {
                0 => planted(Planted::Rain, 300, 2, seed),
                1 => unrelated(Weather::Showers, setting.posts, 240, 0.9, seed),
                _ => unrelated(Weather::Scattered(3), setting.posts, 240, 0.9, seed),
            };
            let relation = relate(&hours, setting.options).ok();
            let claimed = relation.map(|relation| relation.conclusion() != Conclusion::Undecided);
            let ranks = relation.and_then(|relation| relation.spearman_p_value);
            let wet = compare_wet_dry(&hours, setting.options).ok();
            let study = |question| claims(&hours, setting.options, question, Method::Both);
            assert_eq!(study(Question::Relation), claimed);
            assert_eq!(study(Question::WetDry), wet.map(|wet| wet.p_value <= 0.05));
            if relation.is_some() {
                assert_eq!(study(Question::Ranks), ranks.map(|p| p <= 0.05));
            }
            if let Some(wet) = wet {
                let d = wet.difference;
                assert_eq!(wet.p_value <= 0.05, d.low > 0.0 || d.high < 0.0, "{wet:?}");
            }
            if let Some(relation) = relation {
                let slope = relation.slope;
                let is_claimed = Some(slope.low > 0.0 || slope.high < 0.0);
                assert_eq!(is_claimed, claimed, "{relation:?}");
                assert_eq!(
                    relation.p_value <= 0.05,
                    claimed == Some(true),
                    "{relation:?}"
                );
            }
            found[claimed.map_or(2, usize::from)] += 1;
        }
    }
    assert!(found.iter().all(|count| *count > 5), "{found:?}");
}
