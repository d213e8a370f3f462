//! Time as a value: [`Timestamp`] and the injected [`Clock`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A text or number that is no instant we can keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instant; give RFC 3339 such as `2026-01-31T09:30:00Z`")]
pub struct BadTime(String);

impl Timestamp {
    /// Later than any instant: what a store writes for "not (yet)".
    pub const NEVER: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This instant moved by `millis` (which may be negative), stopping at the ends of the range.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => f.write_str("never"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = BadTime;
    fn from_str(s: &str) -> Result<Self, BadTime> {
        let instant: jiff::Timestamp = s.parse().map_err(|_| BadTime(s.chars().take(64).collect()))?;
        Ok(Self(instant.as_millisecond()))
    }
}

/// Where "now" comes from. Tests and simulations bring their own.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the desk meets the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_and_print_rfc_3339() {
        let t: Timestamp = "2026-01-31T10:30:00+01:00".parse().unwrap();
        assert_eq!(t.to_string(), "2026-01-31T09:30:00Z");
        assert_eq!(Timestamp::NEVER.to_string(), "never");
        assert!("31/1/2026".parse::<Timestamp>().unwrap_err().to_string().contains("RFC 3339"));
    }
}
