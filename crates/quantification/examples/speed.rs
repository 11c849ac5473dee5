//! Prints how long the estimate of an hour of 20 to 219 posts takes; `benches/results/weather.md` has it.
//!
//! ```sh
//! cargo run --release -p moodvane-quantification --example speed
//! ```
#![allow(missing_docs)]

use std::time::Instant;

use moodvane_model::{Calibration, PostSums, Score, Sentiment, Sums, Timestamp};
use moodvane_quantification::Quantifier;

const HOURS: u32 = 2_000;
const ROUNDS: usize = 3;

/// The multiplier and increment of Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A scorer's value of a text of this class.
    fn value(&mut self, class: u8) -> f64 {
        let noise = self.unit() + self.unit() + self.unit() - 1.5;
        (1.2 + 0.4 * f64::from(class) + noise).clamp(0.0, 4.0)
    }
}

fn calibration(random: &mut Random) -> Calibration {
    let mut calibration = Calibration::default();
    for label in Sentiment::ALL {
        for _ in 0..3_000 {
            calibration.add(label, Score::new(label, random.value(label.class())));
        }
    }
    calibration
}

fn hour(random: &mut Random, posts: u32, at: Timestamp) -> PostSums {
    let mut sums = Sums::default();
    for _ in 0..posts {
        let class = (random.unit() * 5.0) as u8;
        let score = Score::new(Sentiment::Neutral, random.value(class));
        sums.add_post(at, Some(score));
    }
    sums.posts
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = Random(1);
    let quantifier = Quantifier::new(&calibration(&mut random))?;
    let at = Timestamp::from_millis(0)?;
    let hours: Vec<PostSums> = (0..HOURS)
        .map(|index| hour(&mut random, 20 + index % 200, at))
        .collect();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let means = hours.iter().filter_map(|posts| quantifier.estimate(posts));
        let sum: f64 = means.map(|estimate| estimate.mean()).sum();
        let microseconds = begin.elapsed().as_secs_f64() * 1e6 / f64::from(HOURS);
        println!(
            "{microseconds:.2} µs an hour (mean class {:.6})",
            sum / f64::from(HOURS)
        );
    }
    Ok(())
}
