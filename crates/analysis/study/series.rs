//! Random series with a known correlation, for the coverage study and its small version in the tests.
#![allow(dead_code, reason = "each study uses a part")]

use moodvane_analysis::{LocalHour, PairedHour};
use moodvane_model::HourSlot;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use std::f64::consts::PI;

/// A data-generating process.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    pub(crate) truth: f64,
    generate: fn(&mut Random, usize) -> Vec<PairedHour>,
}

/// AR(1) series, independent and correlated, then processes that are harder or more like weather.
pub(crate) const PROCESSES: [Process; 13] = [
    process("AR(1), φ = 0, ρ = 0", 0.0, |r, n| {
        autoregressive(r, n, 0.0, 0.0)
    }),
    process("AR(1), φ = 0, ρ = 0.5", 0.5, |r, n| {
        autoregressive(r, n, 0.0, 0.5)
    }),
    process("AR(1), φ = 0.5, ρ = 0", 0.0, |r, n| {
        autoregressive(r, n, 0.5, 0.0)
    }),
    process("AR(1), φ = 0.5, ρ = 0.5", 0.5, |r, n| {
        autoregressive(r, n, 0.5, 0.5)
    }),
    process("AR(1), φ = 0.9, ρ = 0", 0.0, |r, n| {
        autoregressive(r, n, 0.9, 0.0)
    }),
    process("AR(1), φ = 0.9, ρ = 0.5", 0.5, |r, n| {
        autoregressive(r, n, 0.9, 0.5)
    }),
    process("AR(1), φ = 0.97, ρ = 0", 0.0, |r, n| {
        autoregressive(r, n, 0.97, 0.0)
    }),
    process("φ = 0.97 and φ = 0.5, ρ = 0", 0.0, mixed),
    process("AR(1), φ = 0.8, gaps, ρ = 0", 0.0, gaps),
    process("rain: zero or AR(1), against AR(1), ρ = 0", 0.0, rain),
    process(
        "noise that grows with the weather, ρ = 0",
        0.0,
        heteroscedastic,
    ),
    process(
        "daily cycle in both series and AR(1), φ = 0.8",
        CYCLE,
        daily_cycle,
    ),
    process("log-normal AR(1), φ = 0.8, ρ = 0", 0.0, heavy_tails),
];

/// Adjustment of amplitude 1.2 and 0.7 over a variance of 1: 0.42 / sqrt(1.72 · 1.245).
const CYCLE: f64 = 0.287_016_5;

const fn process(
    name: &'static str,
    truth: f64,
    generate: fn(&mut Random, usize) -> Vec<PairedHour>,
) -> Process {
    Process {
        name,
        truth,
        generate,
    }
}

impl Process {
    /// The series of `n` hours with this seed.
    pub(crate) fn series(&self, seed: u64, n: usize) -> Vec<PairedHour> {
        let key = seed.wrapping_mul(1_000_003) ^ n as u64;
        (self.generate)(&mut Random::new(key), n)
    }
}

pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A uniform number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// A normal deviate (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (2.0 * PI * self.uniform()).cos()
    }

    /// An AR(1) series of variance 1, from its stationary distribution.
    pub(crate) fn ar(&mut self, n: usize, phi: f64) -> Vec<f64> {
        let noise = (1.0 - phi * phi).sqrt();
        let mut at = self.normal();
        let mut next = || {
            let following = phi * at + noise * self.normal();
            std::mem::replace(&mut at, following)
        };
        (0..n).map(|_| next()).collect()
    }
}

pub(crate) fn hours(weather: &[f64], feeling: &[f64]) -> Vec<PairedHour> {
    let pairs = weather.iter().zip(feeling).enumerate();
    pairs
        .map(|(i, (weather, feeling))| {
            let hour = HourSlot::from_index(420_000 + i as u32).unwrap_or_else(|_| unreachable!());
            PairedHour {
                hour,
                local: LocalHour::from_utc(hour, 0),
                weather: *weather,
                feeling: *feeling,
                posts: 1,
            }
        })
        .collect()
}

fn autoregressive(r: &mut Random, n: usize, phi: f64, rho: f64) -> Vec<PairedHour> {
    let x = r.ar(n, phi);
    let noise = r.ar(n, phi);
    let noise_scale = (1.0 - rho * rho).sqrt();
    let y: Vec<f64> = x
        .iter()
        .zip(&noise)
        .map(|(x, y)| rho * x + noise_scale * y)
        .collect();
    hours(&x, &y)
}

fn mixed(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let x = r.ar(n, 0.97);
    hours(&x, &r.ar(n, 0.5))
}

/// `n` hours of which a fifth is missing, in spells of about ten.
fn gaps(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let mut all = autoregressive(r, n * 5 / 4, 0.8, 0.0);
    let mut missing = false;
    all.retain(|_| {
        let change = if missing { 0.1 } else { 0.025 };
        missing ^= r.uniform() < change;
        !missing
    });
    all
}

fn rain(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let x: Vec<f64> = r.ar(n, 0.8).iter().map(|x| (x - 0.7).max(0.0)).collect();
    hours(&x, &r.ar(n, 0.7))
}

fn heteroscedastic(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let x = r.ar(n, 0.5);
    let y: Vec<f64> = x.iter().map(|x| (0.5 + x.abs()) * r.normal()).collect();
    hours(&x, &y)
}

fn daily_cycle(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let with_cycle = |values: Vec<f64>, amplitude: f64| -> Vec<f64> {
        let sine = |i: usize| (2.0 * PI * i as f64 / 24.0).sin();
        let values = values.iter().enumerate();
        values
            .map(|(i, value)| value + amplitude * sine(i))
            .collect()
    };
    let x = with_cycle(r.ar(n, 0.8), 1.2);
    hours(&x, &with_cycle(r.ar(n, 0.8), 0.7))
}

fn heavy_tails(r: &mut Random, n: usize) -> Vec<PairedHour> {
    let x: Vec<f64> = r.ar(n, 0.8).iter().map(|x| x.exp()).collect();
    let y: Vec<f64> = r.ar(n, 0.8).iter().map(|y| y.exp()).collect();
    hours(&x, &y)
}
