//! The mergeable sums of an hour.
//!
//! Guarantee: all sums are integers, so that merging is exact, associative and commutative.
//! Property tests below check these laws.

use crate::{Observation, Quantity, Score, Sentiment, Timestamp, ValueHistogram, Variable};

const MINUTE_MS: i64 = 60_000;

/// A set of minutes of an hour: those in which a source delivered a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MinuteSet(u64);

impl MinuteSet {
    const MASK: u64 = (1 << 60) - 1;

    /// The minutes whose bits are set; bits above 59 are ignored.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits & Self::MASK)
    }

    /// The minute of the hour that contains a timestamp.
    #[must_use]
    pub fn containing(at: Timestamp) -> Self {
        Self(1 << (at.millis() / MINUTE_MS % 60))
    }

    /// A bit mask: bit `m` is set if minute `m` is in the set.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The number of minutes, 0 to 60.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The minutes of either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Sums over posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostSums {
    /// The number of posts in each class, 0 to 4.
    pub classes: [u64; 5],
    /// The sum of the continuous scores, in millionths.
    pub score_micros: i64,
    /// Posts in a language that the scorer does not support; they are in no class.
    pub unscored: u64,
    /// The histogram of the continuous scores. Empty in rows of fold version 1.
    pub values: ValueHistogram,
}

impl PostSums {
    /// The number of scored posts.
    #[must_use]
    pub fn scored(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// The sum of the classes.
    #[must_use]
    pub fn class_sum(&self) -> u64 {
        Sentiment::ALL
            .iter()
            .map(|s| u64::from(s.class()) * self.classes[*s as usize])
            .sum()
    }

    /// Whether the histogram has every scored post, as in rows of fold version 2 and later.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.values.total() == self.scored()
    }

    /// The sums without those of `part`, which are a part of these.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        Self {
            classes: std::array::from_fn(|c| self.classes[c].saturating_sub(part.classes[c])),
            score_micros: self.score_micros - part.score_micros,
            unscored: self.unscored.saturating_sub(part.unscored),
            values: self.values.without(&part.values),
        }
    }

    /// Adds one scored post.
    pub fn add(&mut self, score: Score) {
        self.classes[score.sentiment as usize] += 1;
        self.score_micros += i64::from(score.micros());
        self.values.add(score);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, added) in self.classes.iter_mut().zip(other.classes) {
            *count += added;
        }
        self.score_micros += other.score_micros;
        self.unscored += other.unscored;
        self.values.merge(&other.values);
    }
}

/// Count, sum, minimum and maximum of one variable, in millionths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariableSums {
    /// The number of values.
    pub count: u64,
    /// The sum.
    pub sum: i64,
    /// The minimum; `i64::MAX` without values.
    pub min: i64,
    /// The maximum; `i64::MIN` without values.
    pub max: i64,
}

impl Default for VariableSums {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0,
            min: i64::MAX,
            max: i64::MIN,
        }
    }
}

impl VariableSums {
    /// The mean in the variable's unit; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64 / 1e6)
    }

    fn add(&mut self, value: Quantity) {
        let micros = value.micros();
        self.merge(&Self {
            count: 1,
            sum: micros,
            min: micros,
            max: micros,
        });
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// Sums over observations, one per variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeatherSums(pub [VariableSums; Variable::ALL.len()]);

impl WeatherSums {
    /// The sums of one variable.
    #[must_use]
    pub fn get(&self, variable: Variable) -> &VariableSums {
        &self.0[variable.index()]
    }

    fn merge(&mut self, other: &Self) {
        for (sums, added) in self.0.iter_mut().zip(&other.0) {
            sums.merge(added);
        }
    }
}

/// The sums of the records of an hour. `Sums::default()` is the neutral element.
///
/// Counts of an hour stay far below 2^33, so that no sum overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Sums over posts.
    pub posts: PostSums,
    /// Sums over the scored posts that speak of the weather, which are a part of `posts`.
    pub weather_talk: PostSums,
    /// Sums over observations.
    pub weather: WeatherSums,
    /// The minutes with at least one record.
    pub minutes: MinuteSet,
}

impl Sums {
    /// Adds one post with event time `at`. `None` means that the scorer does not support its language.
    pub fn add_post(&mut self, at: Timestamp, score: Option<Score>) {
        match score {
            Some(score) => {
                self.posts.add(score);
                if score.weather_talk {
                    self.weather_talk.add(score);
                }
            }
            None => self.posts.unscored += 1,
        }
        self.minutes = self.minutes.union(MinuteSet::containing(at));
    }

    /// Adds one observation with event time `at`.
    pub fn add_observation(&mut self, at: Timestamp, observation: &Observation) {
        for variable in Variable::ALL {
            if let Some(value) = observation.readings.get(variable) {
                self.weather.0[variable.index()].add(value);
            }
        }
        self.minutes = self.minutes.union(MinuteSet::containing(at));
    }

    /// Adds the sums of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.posts.merge(&other.posts);
        self.weather_talk.merge(&other.weather_talk);
        self.weather.merge(&other.weather);
        self.minutes = self.minutes.union(other.minutes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CityId, Readings, SourceId};
    use proptest::prelude::*;

    fn sums() -> impl Strategy<Value = Sums> {
        let score = (0u8..5, 0.0..4.0, any::<bool>());
        let post = (0i64..3_600_000, proptest::option::of(score));
        let weather = (
            0i64..3_600_000,
            -50.0..50.0,
            proptest::option::of(0.0..100.0),
        );
        let posts = proptest::collection::vec(post, 0..8);
        (posts, proptest::collection::vec(weather, 0..8)).prop_map(|(posts, weather)| {
            let mut sums = Sums::default();
            let at = |ms| Timestamp::from_millis(ms).unwrap();
            for (ms, score) in posts {
                let score = score.map(|(class, value, weather_talk)| {
                    let class = Sentiment::try_from(class).unwrap();
                    Score::new(class, value).with_weather_talk(weather_talk)
                });
                sums.add_post(at(ms), score);
            }
            for (ms, temperature, humidity) in weather {
                let readings = Readings::new(temperature)
                    .and_then(|r| r.with(Variable::Humidity, humidity))
                    .unwrap();
                let observation = Observation {
                    city: CityId::parse("c").unwrap(),
                    source: SourceId::parse("s").unwrap(),
                    observed_at: at(ms),
                    received_at: at(ms),
                    readings,
                };
                sums.add_observation(at(ms), &observation);
            }
            sums
        })
    }

    fn merged(mut left: Sums, right: &Sums) -> Sums {
        left.merge(right);
        left
    }

    proptest! {
        #[test]
        fn merge_is_associative(a in sums(), b in sums(), c in sums()) {
            prop_assert_eq!(merged(merged(a, &b), &c), merged(a, &merged(b, &c)));
        }

        #[test]
        fn merge_is_commutative(a in sums(), b in sums()) {
            prop_assert_eq!(merged(a, &b), merged(b, &a));
        }

        #[test]
        fn posts_are_weather_talk_and_others(a in sums()) {
            let mut all = a.posts.without(&a.weather_talk);
            all.merge(&a.weather_talk);
            prop_assert_eq!(all, a.posts);
            prop_assert!(a.posts.has_values() && a.weather_talk.has_values());
        }

        #[test]
        fn default_is_neutral_element(a in sums()) {
            prop_assert_eq!(merged(a, &Sums::default()), a);
        }
    }
}
