//! Serial dependence of hours: autocovariances, the long-run variance of a sum, and the length of
//! bootstrap blocks.
//!
//! A gap counts as zeros of a series with mean 0, so that pairs across it keep their lag.

use std::f64::consts::PI;

/// Above this autoregressive coefficient a series is indistinguishable from a random walk.
const MAX_COEFFICIENT: f64 = 0.97;
/// Beyond this number of bandwidths the quadratic spectral kernel is below 0.001.
const KERNEL_CUTOFF: f64 = 16.0;
/// The sum over lags ends after this number of consecutive insignificant lags.
const INSIGNIFICANT_LAGS: usize = 3;

/// The sum of the products of values `lag` hours apart.
fn lagged_products(series: &[f64], lag: usize) -> f64 {
    let later = series.get(lag..).unwrap_or_default();
    series.iter().zip(later).map(|(a, b)| a * b).sum()
}

/// Above this an autocorrelation of `n` hours is significant (Politis and White 2004, c = 2).
fn significance_bound(n: f64) -> f64 {
    2.0 * (n.log10() / n).sqrt()
}

/// The number of consecutive lags that must be insignificant, and the largest lag that is examined
/// (Politis and White 2004).
fn lag_limits(n: f64) -> (usize, usize) {
    let consecutive = (n.log10().sqrt().ceil() as usize).max(5);
    (consecutive, n.sqrt().ceil() as usize + consecutive)
}

/// The optimal block length of the circular block bootstrap of the mean of `series`, in hours:
/// Politis and White 2004, "Automatic block-length selection for the dependent bootstrap", with
/// the correction of Patton, Politis and White 2009. `series` has mean 0.
pub(crate) fn block_length(series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let (consecutive, max_lag) = lag_limits(n);
    let max_lag = max_lag.min(series.len().saturating_sub(1));
    let covariance = |lag: usize| lagged_products(series, lag) / n;
    let variance = covariance(0);
    let bound = significance_bound(n);
    let is_significant = |lag: usize| (covariance(lag) / variance).abs() >= bound;
    let bandwidth = 2 * last_significant_lag(&is_significant, consecutive, max_lag).max(1);
    let bandwidth = bandwidth.min(max_lag);
    let (mut moment, mut spectrum) = (0.0, variance);
    for lag in 1..=bandwidth {
        let ratio = lag as f64 / bandwidth as f64;
        // The flat-top window of Politis and Romano 1995.
        let window = if ratio <= 0.5 {
            1.0
        } else {
            2.0 * (1.0 - ratio)
        };
        let term = 2.0 * window * covariance(lag);
        moment += lag as f64 * term;
        spectrum += term;
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

/// The lag before the first `consecutive` insignificant lags, or else the last significant lag.
fn last_significant_lag(
    is_significant: &impl Fn(usize) -> bool,
    consecutive: usize,
    max_lag: usize,
) -> usize {
    let mut insignificant = 0;
    for lag in 1..=max_lag {
        insignificant = if is_significant(lag) {
            0
        } else {
            insignificant + 1
        };
        if insignificant == consecutive {
            return lag - consecutive;
        }
    }
    (1..=max_lag)
        .rev()
        .find(|lag| is_significant(*lag))
        .unwrap_or(1)
}

/// The long-run variance per hour of a series of mean 0 with `hours` present hours: prewhitened with
/// one lag, quadratic spectral kernel, automatic bandwidth (Andrews and Monahan
/// 1992, "An improved heteroskedasticity and autocorrelation consistent covariance matrix
/// estimator"; bandwidth of Andrews 1991, equation 6.2).
pub(crate) fn long_run_variance(series: &[f64], present: &[bool], hours: usize) -> f64 {
    let coefficient = lag_one_coefficient(series);
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
        // The gaps leave too few consecutive hours for prewhitening.
        return spectral(series, hours as f64);
    }
    spectral(&whitened, count as f64) / (1.0 - coefficient).powi(2)
}

/// The first autocorrelation, the coefficient of an AR(1) model.
fn lag_one_coefficient(series: &[f64]) -> f64 {
    let r = lagged_products(series, 1) / lagged_products(series, 0);
    if r.is_finite() {
        r.clamp(-MAX_COEFFICIENT, MAX_COEFFICIENT)
    } else {
        0.0
    }
}

/// The long-run variance with the quadratic spectral kernel and its automatic bandwidth.
fn spectral(series: &[f64], n: f64) -> f64 {
    let r = lag_one_coefficient(series);
    let curvature = 4.0 * r * r / (1.0 - r).powi(4);
    let bandwidth = 1.3221 * (curvature * n).powf(0.2);
    let max_lag = (KERNEL_CUTOFF * bandwidth).ceil() as usize;
    let tail: f64 = (1..series.len().min(max_lag + 1))
        .map(|lag| kernel(lag as f64 / bandwidth) * lagged_products(series, lag))
        .sum();
    (lagged_products(series, 0) + 2.0 * tail) / n
}

/// The quadratic spectral kernel (Andrews 1991, equation 2.7).
fn kernel(x: f64) -> f64 {
    let angle = 6.0 * PI * x / 5.0;
    25.0 / (12.0 * PI * PI * x * x) * (angle.sin() / angle - angle.cos())
}

/// The factor by which autocorrelation of both series increases the variance of their correlation:
/// 1 + 2 Σ ρx(k) ρy(k) (Bartlett 1935, "Some aspects of the time-correlation problem in regard to
/// tests of significance"). The sum omits lags at which either autocorrelation is insignificant, and
/// ends after three consecutive ones. The factor is at least 0.5.
pub(crate) fn bartlett_factor(x: &[f64], y: &[f64], present: &[bool]) -> f64 {
    let indicator: Vec<f64> = present.iter().map(|p| f64::from(u8::from(*p))).collect();
    let hours = lagged_products(&indicator, 0);
    let (variance_x, variance_y) = (lagged_products(x, 0) / hours, lagged_products(y, 0) / hours);
    let bound = significance_bound(hours);
    let (_, max_lag) = lag_limits(hours);
    let (mut factor, mut insignificant) = (1.0, 0);
    for lag in 1..=max_lag.min(x.len().saturating_sub(1)) {
        let pairs = lagged_products(&indicator, lag);
        if pairs < 1.0 {
            continue;
        }
        let rho_x = lagged_products(x, lag) / pairs / variance_x;
        let rho_y = lagged_products(y, lag) / pairs / variance_y;
        if rho_x.abs() < bound || rho_y.abs() < bound {
            insignificant += 1;
            if insignificant == INSIGNIFICANT_LAGS {
                break;
            }
            continue;
        }
        insignificant = 0;
        factor += 2.0 * pairs / hours * rho_x * rho_y;
    }
    factor.max(0.5)
}
