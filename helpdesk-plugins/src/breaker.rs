//! When a plugin that keeps failing is left alone for a while, and when until somebody looks. Pure: times come in.
//!
//! Ten failures in a row open the breaker: no delivery runs for 60 s, then they go on; a failure then opens it again, for
//! twice as long. Five times in a day, and it stays open. Events wait all the while.

use helpdesk_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So many failures in a row open the breaker.
const ROW: u32 = 10;
/// For so long the first time, in milliseconds.
const PAUSE: i64 = 60_000;
const DAY: i64 = 24 * 60 * 60 * 1000;
/// So often in a day, and it stays open.
const OPENS: usize = 5;

/// Whether a plugin's deliveries run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They do.
    Running,
    /// It failed too often in a row: they wait until then.
    Paused {
        /// When they go on.
        until: Timestamp,
    },
    /// It was paused too often in a day: they wait until somebody resumes it or sets it up anew.
    Quarantined {
        /// Since when.
        since: Timestamp,
    },
}

/// How a plugin has been doing, for one setting-up of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    /// The version of the installation this is about: whoever sets it up anew begins anew.
    pub(crate) version: i64,
    /// Failures in a row.
    row: u32,
    /// Pauses in a row.
    pauses: u32,
    /// When it was opened, within the last day.
    opened: Vec<Timestamp>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Closed,
    Open { until: Timestamp },
    Stuck { since: Timestamp },
}

impl Breaker {
    pub(crate) fn new(version: i64) -> Self {
        Self { version, row: 0, pauses: 0, opened: vec![], state: State::Closed }
    }

    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            State::Open { until } if until > now => Standing::Paused { until },
            State::Stuck { since } => Standing::Quarantined { since },
            State::Closed | State::Open { .. } => Standing::Running,
        }
    }

    /// A run failed by the plugin's own doing. One that had begun before a pause does not prolong it.
    pub(crate) fn failed(&mut self, now: Timestamp) {
        if self.standing(now) != Standing::Running {
            return;
        }
        self.row = self.row.saturating_add(1);
        if self.row < ROW {
            return;
        }
        self.opened.retain(|at| *at > now.plus_millis(-DAY));
        self.opened.push(now);
        self.state = if self.opened.len() >= OPENS {
            State::Stuck { since: now }
        } else {
            State::Open { until: now.plus_millis(PAUSE << self.pauses.min(10)) }
        };
        self.pauses = self.pauses.saturating_add(1);
    }

    /// A run came to its end. One that had begun before a pause does not end it.
    pub(crate) fn succeeded(&mut self, now: Timestamp) {
        if self.standing(now) == Standing::Running {
            (self.row, self.pauses, self.state) = (0, 0, State::Closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn paused(until: i64) -> Standing {
        Standing::Paused { until: at(until) }
    }

    fn fail(breaker: &mut Breaker, times: u32, now: i64) -> Standing {
        (0..times).for_each(|_| breaker.failed(at(now)));
        breaker.standing(at(now))
    }

    #[test]
    fn ten_in_a_row_pause_it_for_a_minute_and_then_for_twice_as_long() {
        let mut breaker = Breaker::new(1);
        assert_eq!(fail(&mut breaker, 9, 0), Standing::Running);
        breaker.succeeded(at(0));
        assert_eq!(fail(&mut breaker, 9, 0), Standing::Running, "in a row");
        assert_eq!(fail(&mut breaker, 1, 0), paused(60));
        // What still ran when it was paused changes nothing.
        assert_eq!(fail(&mut breaker, 5, 1), paused(60));
        breaker.succeeded(at(2));
        assert_eq!(breaker.standing(at(59)), paused(60));
        assert_eq!(breaker.standing(at(60)), Standing::Running);
        assert_eq!(fail(&mut breaker, 1, 60), paused(180));
        breaker.succeeded(at(180));
        assert_eq!(fail(&mut breaker, 9, 180), Standing::Running, "it began anew");
        assert_eq!(fail(&mut breaker, 1, 180), paused(240));
    }

    #[test]
    fn the_fifth_time_in_a_day_it_stays() {
        let mut breaker = Breaker::new(1);
        for at_hour in [0, 7, 14, 21] {
            let now = at_hour * 3600;
            assert_eq!(fail(&mut breaker, 10, now), paused(now + 60));
            breaker.succeeded(at(now + 60));
        }
        let mut later = breaker.clone();
        let day = 24 * 3600;
        assert_eq!(fail(&mut breaker, 10, day - 1), Standing::Quarantined { since: at(day - 1) });
        breaker.succeeded(at(10 * day));
        assert_eq!(breaker.standing(at(10 * day)), Standing::Quarantined { since: at(day - 1) });
        assert_eq!(fail(&mut later, 10, day), paused(day + 60), "the first is a day ago");
    }
}
