//! Keyed random numbers: the same seed, purpose and index always give the same sequence.
//!
//! Each thing (the jitter of post 17, the rain of cell 9) has its own sequence, read in a fixed order,
//! so that anything can be computed without its predecessors. The generator is part of this crate,
//! because a library's generator may change between versions, and with it every recorded run.

/// The use of a sequence. Two purposes never share numbers.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// The time of an event within its slot.
    Jitter = 1,
    /// Whether an event is noise, and which.
    Event = 2,
    /// The mood, the text and the creation time of a post.
    Text = 3,
    /// Delays and copies of deliveries.
    Order = 4,
    /// The author of a post.
    Author = 5,
    /// Slow changes of the temperature.
    Front = 6,
    /// Episodes of rain.
    Rain = 7,
    /// Cloud cover.
    Cloud = 8,
    /// Wind speed.
    Wind = 9,
    /// Air pressure.
    Pressure = 10,
    /// The city of an event.
    City = 11,
    /// The passage of highs and lows.
    Synoptic = 12,
    /// Showers.
    Shower = 13,
    /// Humidity.
    Damp = 14,
    /// News that moves the moods of all cities.
    News = 15,
    /// What moves the moods of one city.
    Noise = 16,
    /// Holidays of all cities.
    Holiday = 17,
    /// Hours without posts.
    Outage = 18,
    /// The sizes of planted effects.
    Effect = 19,
}

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct KeyedRng(u64);

impl KeyedRng {
    /// The sequence of a seed, a purpose and an index.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        Self(mix(mix(mix(seed) ^ purpose as u64).wrapping_add(index)))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number in 0.0 to 1.0, 1.0 excluded.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The next number in -1.0 to 1.0.
    pub fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// The next number in 0 to `n`, `n` excluded; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Returns `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Chooses one of `items`, which must not be empty.
    pub fn choose<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// An index into a list of `len` items.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
}

/// A seed for each text, such as the id of a city: FNV-1a of the text and the seed (Fowler, Noll and Vo).
pub(crate) fn derive_seed(seed: u64, text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, step) ^ mix(seed))
}

/// The finaliser of the SplitMix64 generator: every bit of the input reaches every bit of the output.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_depends_on_seed_purpose_and_index() {
        let first = |seed, purpose, index| KeyedRng::new(seed, purpose, index).next_u64();
        let one = first(1, Purpose::Jitter, 1);
        assert_eq!(one, first(1, Purpose::Jitter, 1));
        for other in [
            first(2, Purpose::Jitter, 1),
            first(1, Purpose::Rain, 1),
            first(1, Purpose::Jitter, 2),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn distribution_is_uniform() {
        let mut rng = KeyedRng::new(7, Purpose::Event, 0);
        let mut tenths = [0u32; 10];
        for _ in 0..10_000 {
            tenths[rng.below(10) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (900..1100).contains(n)), "{tenths:?}");
        assert_eq!(rng.below(0), 0);
    }
}
