//! How hours resemble their neighbours: autocovariances, the long-run variance of a sum, and how
//! long a block must be.
//!
//! Gaps count as zeros of a series whose mean is zero, so that pairs across a gap keep their lag.

use std::f64::consts::PI;

/// A coefficient beyond which a series is not told from a random walk.
const MOST_PERSISTENT: f64 = 0.97;
/// Beyond so many bandwidths the quadratic spectral kernel is below a thousandth.
const KERNEL_REACH: f64 = 16.0;
/// How many lags in a row must be insignificant before the sum over lags ends.
const QUIET_LAGS: usize = 3;

/// The sum of products `lag` hours apart.
fn products(series: &[f64], lag: usize) -> f64 {
    let later = series.get(lag..).unwrap_or_default();
    series.iter().zip(later).map(|(a, b)| a * b).sum()
}

/// Beyond this an autocorrelation of `n` hours is significant (Politis and White 2004, c = 2).
fn significant(n: f64) -> f64 {
    2.0 * (n.log10() / n).sqrt()
}

/// How many lags must be insignificant in a row, and the farthest lag that is looked at
/// (Politis and White 2004).
fn lags(n: f64) -> (usize, usize) {
    let run = (n.log10().sqrt().ceil() as usize).max(5);
    (run, n.sqrt().ceil() as usize + run)
}

/// The best length of a block of the circular block bootstrap of the mean of `series`, in hours:
/// Politis and White 2004, "Automatic block-length selection for the dependent bootstrap", with
/// the correction of Patton, Politis and White 2009. `series` has mean 0.
pub(crate) fn block_length(series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let (run, farthest) = lags(n);
    let farthest = farthest.min(series.len().saturating_sub(1));
    let covariance = |lag: usize| products(series, lag) / n;
    let variance = covariance(0);
    let loud = |lag: usize| (covariance(lag) / variance).abs() >= significant(n);
    let bandwidth = 2 * last_loud(&loud, run, farthest).max(1);
    let bandwidth = bandwidth.min(farthest);
    let (mut moment, mut spectrum) = (0.0, variance);
    for lag in 1..=bandwidth {
        let share = lag as f64 / bandwidth as f64;
        // The flat-top window of Politis and Romano 1995.
        let window = if share <= 0.5 {
            1.0
        } else {
            2.0 * (1.0 - share)
        };
        let part = 2.0 * window * covariance(lag);
        moment += lag as f64 * part;
        spectrum += part;
    }
    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil().max(1.0);
    let ratio = 2.0 * moment * moment / (4.0 / 3.0 * spectrum * spectrum);
    let length = (ratio * n).cbrt();
    if length.is_finite() {
        length.clamp(1.0, longest)
    } else {
        longest
    }
}

/// The lag before the first `run` insignificant ones; where there are none such, the last
/// significant lag.
fn last_loud(loud: &impl Fn(usize) -> bool, run: usize, farthest: usize) -> usize {
    let mut quiet = 0;
    for lag in 1..=farthest {
        quiet = if loud(lag) { 0 } else { quiet + 1 };
        if quiet == run {
            return lag - run;
        }
    }
    (1..=farthest).rev().find(|lag| loud(*lag)).unwrap_or(1)
}

/// The long-run variance per hour of a series of mean 0 with `hours` hours that are there:
/// prewhitened with one lag, quadratic spectral kernel, automatic bandwidth (Andrews and Monahan
/// 1992, "An improved heteroskedasticity and autocorrelation consistent covariance matrix
/// estimator"; bandwidth of Andrews 1991, equation 6.2).
pub(crate) fn long_run_variance(series: &[f64], present: &[bool], hours: usize) -> f64 {
    let coefficient = persistence(series);
    let pairs = present.windows(2).map(|pair| pair[0] && pair[1]);
    let whitened: Vec<f64> = series
        .windows(2)
        .zip(pairs.clone())
        .map(|(pair, both)| {
            if both {
                pair[1] - coefficient * pair[0]
            } else {
                0.0
            }
        })
        .collect();
    let count = pairs.filter(|both| *both).count();
    if count < hours.div_ceil(2) {
        // So full of gaps that hardly an hour follows another.
        return spectral(series, hours as f64);
    }
    spectral(&whitened, count as f64) / (1.0 - coefficient).powi(2)
}

fn persistence(series: &[f64]) -> f64 {
    let r = products(series, 1) / products(series, 0);
    if r.is_finite() {
        r.clamp(-MOST_PERSISTENT, MOST_PERSISTENT)
    } else {
        0.0
    }
}

/// The long-run variance with the quadratic spectral kernel and its automatic bandwidth.
fn spectral(series: &[f64], n: f64) -> f64 {
    let r = persistence(series);
    let curvature = 4.0 * r * r / (1.0 - r).powi(4);
    let bandwidth = 1.3221 * (curvature * n).powf(0.2);
    let farthest = (KERNEL_REACH * bandwidth).ceil() as usize;
    let tail: f64 = (1..series.len().min(farthest + 1))
        .map(|lag| kernel(lag as f64 / bandwidth) * products(series, lag))
        .sum();
    (products(series, 0) + 2.0 * tail) / n
}

/// The quadratic spectral kernel (Andrews 1991, equation 2.7).
fn kernel(x: f64) -> f64 {
    let angle = 6.0 * PI * x / 5.0;
    25.0 / (12.0 * PI * PI * x * x) * (angle.sin() / angle - angle.cos())
}

/// By what factor the variance of a correlation grows because hours resemble their neighbours on
/// both sides: 1 + 2 Σ ρx(k) ρy(k) (Bartlett 1935, "Some aspects of the time-correlation problem
/// in regard to tests of significance"). Lags at which either side is insignificant are left out,
/// and with three of those in a row the sum ends. At least a half.
pub(crate) fn clustering(x: &[f64], y: &[f64], present: &[bool]) -> f64 {
    let here: Vec<f64> = present.iter().map(|p| f64::from(u8::from(*p))).collect();
    let hours = products(&here, 0);
    let (variance_x, variance_y) = (products(x, 0) / hours, products(y, 0) / hours);
    let bound = significant(hours);
    let (_, farthest) = lags(hours);
    let (mut factor, mut quiet) = (1.0, 0);
    for lag in 1..=farthest.min(x.len().saturating_sub(1)) {
        let pairs = products(&here, lag);
        if pairs < 1.0 {
            continue;
        }
        let rho_x = products(x, lag) / pairs / variance_x;
        let rho_y = products(y, lag) / pairs / variance_y;
        if rho_x.abs() < bound || rho_y.abs() < bound {
            quiet += 1;
            if quiet == QUIET_LAGS {
                break;
            }
            continue;
        }
        quiet = 0;
        factor += 2.0 * pairs / hours * rho_x * rho_y;
    }
    factor.max(0.5)
}
