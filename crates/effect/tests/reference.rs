//! Coefficients and standard errors equal those of pyfixest, statsmodels and linearmodels
//! (`study/reference.py`), within 1e-8 and 1e-6.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod panel;

use std::num::NonZeroUsize;

use moodvane_effect::regression::{Design, Rows};
use moodvane_effect::{Covariance, Dependence, FixedEffect};
use panel::{Panel, Spec};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    #[serde(flatten)]
    spec: Spec,
    columns: Vec<String>,
    effects: Vec<String>,
    rows: usize,
    sum: f64,
    kept: Vec<String>,
    coefficients: Vec<f64>,
    errors: Vec<Errors>,
}

#[derive(Deserialize, Debug)]
struct Errors {
    clusters: Option<Vec<String>>,
    hours: Option<usize>,
    /// `None` where there is one cluster; an element is `None` where the variance is negative.
    se: Option<Vec<Option<f64>>>,
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("../study/reference.json")).unwrap()
}

#[test]
fn equals_other_packages() {
    let references = references();
    assert!(references.len() >= 15);
    for reference in &references {
        let panel = Panel::new(&reference.spec);
        assert_eq!(
            panel.response.len(),
            reference.rows,
            "{}",
            reference.spec.name
        );
        let sum: f64 = panel.response.iter().sum();
        let error = (sum / reference.sum - 1.0).abs();
        assert!(error < 1e-12, "{}: not the same data", reference.spec.name);
        compare(reference, &panel);
    }
}

fn compare(reference: &Reference, panel: &Panel) {
    let name = &reference.spec.name;
    let effects: Vec<FixedEffect> = reference
        .effects
        .iter()
        .map(|effect| FixedEffect::from_keys(panel.keys(effect).into_iter()))
        .collect();
    let rows = Rows {
        response: &panel.response,
        weights: &panel.weights,
        effects: &effects,
    };
    let columns = reference.columns.iter().map(|column| panel.column(column));
    let threads = NonZeroUsize::new(2).unwrap();
    let design = Design::new(columns.collect(), rows, threads).unwrap();
    let all: Vec<usize> = (0..reference.columns.len()).collect();
    let fit = design.fit(&all).unwrap();
    let kept: Vec<&String> = fit.kept().iter().map(|i| &reference.columns[*i]).collect();
    assert_eq!(kept, reference.kept.iter().collect::<Vec<_>>(), "{name}");
    let coefficients = fit.coefficients().iter().zip(&reference.coefficients);
    for ((found, expected), column) in coefficients.zip(&kept) {
        let error = (found - expected).abs();
        assert!(error < 1e-8, "{name}, {column}: {found} {expected}");
    }
    for errors in &reference.errors {
        let keys = |i: usize| errors.clusters.as_ref().map(|c| panel.keys(&c[i]));
        let (first, second) = match errors.clusters.as_deref() {
            Some([_]) => (keys(0), None),
            Some([_, _]) => (keys(0), keys(1)),
            _ => (None, None),
        };
        let dependence = match (&first, &second, errors.hours) {
            (Some(first), Some(second), _) => Dependence::TwoWayClusters(first, second),
            (Some(first), None, _) => Dependence::Clusters(first),
            (_, _, Some(lags)) => Dependence::Hours {
                hours: &panel.hours,
                lags,
            },
            _ => Dependence::Independent,
        };
        let covariance = Covariance::new(&fit, dependence);
        let Some(expected) = &errors.se else {
            assert_eq!(covariance.unwrap_err().clusters, 1, "{name}");
            continue;
        };
        let covariance = covariance.unwrap();
        for (position, expected) in expected.iter().enumerate() {
            let found = covariance.standard_error(&[(position, 1.0)]);
            let expected = expected.unwrap_or(0.0);
            let error = (found - expected).abs();
            assert!(error < 1e-6, "{name}, {errors:?}: {found} {expected}");
            // Far below the promise, so that a wrong correction for a small sample shows.
            assert!(
                error < 1e-8 * expected.max(1e-3),
                "{name}, {errors:?}: {found} {expected}"
            );
        }
    }
}

#[test]
fn threads_and_other_columns_change_no_bit() {
    for reference in references().iter().filter(|r| r.spec.cities <= 3) {
        let panel = Panel::new(&reference.spec);
        let effects: Vec<FixedEffect> = reference
            .effects
            .iter()
            .map(|effect| FixedEffect::from_keys(panel.keys(effect).into_iter()))
            .collect();
        let rows = Rows {
            response: &panel.response,
            weights: &panel.weights,
            effects: &effects,
        };
        let columns = [
            "wet",
            "temperature",
            "pressure",
            "wet_before",
            "cold",
            "warm",
        ];
        let coefficients = |columns: &[&str], threads: usize| -> Vec<u64> {
            let absorbed = columns.iter().map(|column| panel.column(column)).collect();
            let threads = NonZeroUsize::new(threads).unwrap();
            let design = Design::new(absorbed, rows, threads).unwrap();
            let fit = design.fit(&[0, 1]).unwrap();
            fit.coefficients().iter().map(|c| c.to_bits()).collect()
        };
        let expected = coefficients(&columns, 1);
        for threads in [2, 3, 16] {
            assert_eq!(
                coefficients(&columns, threads),
                expected,
                "{}",
                reference.spec.name
            );
        }
        assert_eq!(
            coefficients(&columns[..2], 1),
            expected,
            "{}",
            reference.spec.name
        );
    }
}
