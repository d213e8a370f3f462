//! Seeded chance (SplitMix64): the same seed gives the same choices everywhere, so that a printed seed is a whole bug
//! report.

use uuid::Uuid;

/// A seeded generator. Not for secrets.
#[derive(Debug, Clone)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// The choices of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// The seed it began with.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Sixty-four bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`; 0 when `end` is.
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.bits() % end as u64) as usize }
    }

    /// True in `percent` of a hundred cases.
    pub const fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them, if there are any.
    pub fn maybe<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        self.maybe(items).expect("something to pick from")
    }

    /// Up to `most` of them, each once, in their order.
    pub fn some<T: Clone>(&mut self, items: &[T], most: usize) -> Vec<T> {
        let wanted = self.below(most.min(items.len()) + 1);
        let mut left = wanted;
        let mut chosen = Vec::with_capacity(wanted);
        for (i, item) in items.iter().enumerate() {
            if self.below(items.len() - i) < left {
                left -= 1;
                chosen.push(item.clone());
            }
        }
        chosen
    }

    /// A UUIDv7 of the instant `millis`.
    pub fn uuid(&mut self, millis: i64) -> Uuid {
        let mut tail = [0; 10];
        tail[..8].copy_from_slice(&self.bits().to_le_bytes());
        tail[8..].copy_from_slice(&self.bits().to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &tail).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let (mut a, mut b) = (Chance::new(7), Chance::new(7));
        let draw = |chance: &mut Chance| (chance.below(10), chance.some(&[1, 2, 3, 4], 3), chance.uuid(5));
        assert_eq!(draw(&mut a), draw(&mut b));
        assert_ne!(draw(&mut a), draw(&mut Chance::new(8)));
    }
}
