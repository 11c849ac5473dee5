//! Draws by name: the same seed, purpose and index always give the same numbers.
//!
//! A sequence is made for one thing (the jitter of post 17, the rain of cell 9) and read in a
//! fixed order, so that anything can be computed without what came before it. The numbers are our
//! own to keep: a library's generator may change between versions, and with it every recorded run.

/// What a sequence is drawn for. Two purposes never share numbers.
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

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        Self(scramble(
            scramble(scramble(seed) ^ purpose as u64).wrapping_add(index),
        ))
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// The next number in 0.0 to 1.0, 1.0 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The next number in -1.0 to 1.0.
    pub(crate) fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// The next number in 0 to `n`, `n` excluded; 0 where `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.place(items.len())]
    }

    /// A place in a list of `len` items.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
}

/// The finaliser of the SplitMix64 generator: every bit of the input reaches every bit of the output.
fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_give_equal_draws_and_other_names_others() {
        let first = |seed, purpose, index| Draws::new(seed, purpose, index).bits();
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
    fn draws_are_spread_evenly() {
        let mut draws = Draws::new(7, Purpose::Event, 0);
        let mut tenths = [0u32; 10];
        for _ in 0..10_000 {
            tenths[draws.below(10) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (900..1100).contains(n)), "{tenths:?}");
        assert_eq!(draws.below(0), 0);
    }
}
