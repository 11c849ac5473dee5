//! Keyed random numbers: the same seed, purpose and index always give the same sequence.
//!
//! Each thing (the jitter of post 17, the rain of cell 9) has its own sequence, read in a fixed order,
//! so that anything can be computed without its predecessors. The generator is part of this crate,
//! because a library's generator may change between versions, and with it every recorded run.

/// The use of a sequence. Two purposes never share numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Jitter = 1,
    Event = 2,
    Text = 3,
    Order = 4,
    Author = 5,
    Front = 6,
    Rain = 7,
    Cloud = 8,
    Wind = 9,
    Pressure = 10,
}

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct KeyedRng(u64);

impl KeyedRng {
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        Self(mix(mix(mix(seed) ^ purpose as u64).wrapping_add(index)))
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number in 0.0 to 1.0, 1.0 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The next number in -1.0 to 1.0.
    pub(crate) fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// The next number in 0 to `n`, `n` excluded; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Returns `true` with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Chooses one of `items`, which must not be empty.
    pub(crate) fn choose<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// An index into a list of `len` items.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
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
