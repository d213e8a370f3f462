//! The places of cards: texts in one total order, between any two of which there is another one.
//!
//! A rank is the number of a ticket in twelve digits, then a fraction in base 62. Without a fraction it is the place of
//! the ticket with that number; whatever is moved by hand gets a fraction. Byte order is the order of the board, in Rust
//! and in both databases.

use std::fmt;
use std::str::FromStr;

/// Digits of the number before the fraction.
pub(crate) const NUMBER: usize = 12;
/// In byte order.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A place on a board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// INVARIANT: twelve decimal digits, then digits of base 62 of which the last is not 0.
pub struct Rank(String);

/// A text that is no rank.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place on a board; give one the desk handed out, unchanged")]
pub struct BadRank(String);

impl Rank {
    /// The place of a ticket that was never moved by hand.
    pub fn of(number: i64) -> Self {
        Self(format!("{:0NUMBER$}", number.max(0)))
    }
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The number it begins with: that of the last ticket whose own place is not above it.
    pub fn number(&self) -> i64 {
        self.0[..NUMBER].parse().unwrap_or_default() // digits, see the invariant
    }
    /// The first place of a ticket's own above it.
    pub fn ceiling(&self) -> Self {
        Self::of(self.number() + 1)
    }
    fn fraction(&self) -> &[u8] {
        &self.0.as_bytes()[NUMBER..]
    }

    /// A place between two, near the middle and as short as can be. `high` must be above `low` and not above
    /// [`low.ceiling()`](Self::ceiling); otherwise the answer is only known to be above `low`.
    pub fn between(low: &Self, high: &Self) -> Self {
        let below_the_next = high.number() > low.number();
        let fraction = middle(low.fraction(), (!below_the_next).then(|| high.fraction()));
        let mut text = low.0[..NUMBER].to_owned();
        text.extend(fraction.into_iter().map(|digit| char::from(DIGITS[digit])));
        Self(text)
    }

    /// The same, a little higher by chance, where there is room: two who put cards at one place at once rarely choose alike.
    pub fn about(low: &Self, high: &Self, chance: [u8; 2]) -> Self {
        let Self(mut text) = Self::between(low, high);
        let [first, last] = chance.map(usize::from);
        let digits = [DIGITS[first % DIGITS.len()], DIGITS[1 + last % (DIGITS.len() - 1)]];
        let short = text.len();
        text.extend(digits.map(char::from));
        if text >= high.0 {
            text.truncate(short);
        }
        Self(text)
    }

    /// `n` places between two, in order, spread evenly; see [`between`](Self::between).
    pub fn spread(low: &Self, high: &Self, n: usize) -> Vec<Self> {
        let mut all = Vec::with_capacity(n);
        halve(low, high, n, &mut all);
        all
    }
}

fn halve(low: &Rank, high: &Rank, n: usize, all: &mut Vec<Rank>) {
    if n == 0 {
        return;
    }
    let mid = Rank::between(low, high);
    halve(low, &mid, n / 2, all);
    all.push(mid.clone());
    halve(&mid, high, n - n / 2 - 1, all);
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|known| *known == digit).unwrap_or_default()
}

/// The digits of a fraction between `a` and `b`; without `b`, between `a` and one.
fn middle(a: &[u8], mut b: Option<&[u8]>) -> Vec<usize> {
    let mut made = Vec::new();
    let mut at = 0;
    loop {
        let low = a.get(at).map_or(0, |digit| value(*digit));
        let high = match b {
            // What is equal so far goes on; a fraction that has ended goes on with zeros.
            Some(b) => b.get(at).map_or(0, |digit| value(*digit)),
            None => DIGITS.len(),
        };
        if low == high {
            made.push(low);
        } else if high > low + 1 {
            made.push((low + high).div_ceil(2));
            return made;
        } else if high > low && b.is_some_and(|b| b.len() > at + 1) {
            made.push(high);
            return made;
        } else {
            made.push(low);
            b = None;
        }
        at += 1;
        if at > a.len() && b.is_some_and(|b| at >= b.len()) {
            // Nothing lies between: the caller gave them in the wrong order.
            made.push(DIGITS.len() / 2);
            return made;
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Rank {
    type Err = BadRank;
    fn from_str(s: &str) -> Result<Self, BadRank> {
        let (number, fraction) = s.as_bytes().split_at(NUMBER.min(s.len()));
        let fits = number.len() == NUMBER
            && number.iter().all(u8::is_ascii_digit)
            && fraction.iter().all(u8::is_ascii_alphanumeric)
            && fraction.last() != Some(&b'0');
        if fits { Ok(Self(s.into())) } else { Err(BadRank(s.chars().take(64).collect())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in no order, the same ones each time.
    struct Dice(u64);
    impl Dice {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % n
        }
    }

    #[test]
    fn a_place_between_two_is_between_them() {
        for seed in 0..20 {
            let mut dice = Dice(seed);
            let mut all: Vec<Rank> = (0..4).map(Rank::of).collect();
            for _ in 0..400 {
                let i = dice.below(all.len());
                let low = all[i].clone();
                let high = all.get(i + 1).filter(|high| **high <= low.ceiling()).cloned().unwrap_or(low.ceiling());
                let mid = Rank::between(&low, &high);
                assert!(low < mid && mid < high, "seed {seed}: {low} {mid} {high}");
                assert_eq!(mid.as_str().parse::<Rank>().unwrap(), mid, "seed {seed}");
                all.insert(i + 1, mid);
            }
            assert!(all.is_sorted() && all.windows(2).all(|two| two[0] != two[1]), "seed {seed}");
        }
    }

    #[test]
    fn a_fraction_grows_by_a_digit_in_six_halvings() {
        let (low, mut high) = (Rank::of(7), Rank::of(8));
        for _ in 0..600 {
            high = Rank::between(&low, &high);
        }
        assert!((100..=NUMBER + 125).contains(&high.as_str().len()), "{high}");
    }

    #[test]
    fn places_are_spread_evenly_and_short() {
        for n in [0, 1, 2, 61, 62, 1000, 10_000] {
            let spread = Rank::spread(&Rank::of(3), &Rank::of(4), n);
            assert_eq!(spread.len(), n);
            assert!(spread.windows(2).all(|two| two[0] < two[1]));
            assert!(spread.iter().all(|rank| *rank > Rank::of(3) && *rank < Rank::of(4)));
            assert!(spread.iter().all(|rank| rank.as_str().len() <= NUMBER + 4), "{n}");
        }
    }

    #[test]
    fn other_texts_are_no_places() {
        for bad in ["", "7", "00000000000x", "0000000000070", "000000000007é", "000000000007V "] {
            assert!(bad.parse::<Rank>().is_err(), "{bad}");
        }
        assert_eq!("000000000007V".parse::<Rank>().unwrap().number(), 7);
    }
}
