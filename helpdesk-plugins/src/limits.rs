//! What one call may use. A limit that is hit ends the call with a typed outcome that names used and allowed.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::event::Mode;

/// Limits of a plugin's component and of each of its calls.
///
/// The defaults are the most that a manifest may ask for, unless the host raises them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a component.
    pub component_bytes: u64,
    /// Bytes of linear memory, summed over all memories of the instance.
    pub memory_bytes: u64,
    /// Units of fuel (roughly instructions) in modes `after` and `schedule`.
    pub fuel_after: u64,
    /// Units of fuel in mode `before`.
    pub fuel_before: u64,
    /// Time inside the guest in modes `after` and `schedule`.
    pub guest_after: Duration,
    /// Time inside the guest in mode `before`.
    pub guest_before: Duration,
    /// Time for the whole call with all host calls, in every mode.
    pub wall: Duration,
    /// Bytes that one host call may carry out of the guest.
    pub call_bytes: u64,
    /// Bytes of event and input that go into the guest.
    pub input_bytes: u64,
    /// Staged effects.
    pub effects: u64,
    /// Bytes of all staged effects.
    pub effect_bytes: u64,
    /// Query and KV read calls.
    pub queries: u64,
    /// Rows of all answers.
    pub rows: u64,
    /// Bytes of one KV value.
    pub kv_value_bytes: u64,
    /// Bytes of all a plugin stores for one tenant, keys and values and 256 more for each key; checked where the writes
    /// are applied.
    pub kv_total_bytes: u64,
    /// Staged KV writes.
    pub kv_writes: u64,
    /// Bytes of log kept; the rest is dropped and counted.
    pub log_bytes: u64,
    /// Staged HTTP requests.
    pub http_requests: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 16 << 20,
            memory_bytes: 64 << 20,
            fuel_after: 50_000_000,
            fuel_before: 5_000_000,
            guest_after: Duration::from_millis(250),
            guest_before: Duration::from_millis(20),
            wall: Duration::from_secs(1),
            call_bytes: 1 << 20,
            input_bytes: 256 << 10,
            effects: 64,
            effect_bytes: 128 << 10,
            queries: 32,
            rows: 500,
            kv_value_bytes: 64 << 10,
            kv_total_bytes: 16 << 20,
            kv_writes: 64,
            log_bytes: 16 << 10,
            http_requests: 4,
        }
    }
}

impl Limits {
    pub(crate) fn fuel(&self, mode: Mode) -> u64 {
        match mode {
            Mode::Before => self.fuel_before,
            Mode::After | Mode::Schedule => self.fuel_after,
        }
    }

    pub(crate) fn guest_time(&self, mode: Mode) -> Duration {
        match mode {
            Mode::Before => self.guest_before,
            Mode::After | Mode::Schedule => self.guest_after,
        }
    }

    /// These limits, lowered to what a manifest says it needs.
    #[must_use]
    pub fn lowered(&self, wanted: &Wanted) -> Self {
        let mut limits = self.clone();
        let lower = |have: &mut u64, want: Option<u64>| *have = want.map_or(*have, |w| w.min(*have));
        lower(&mut limits.memory_bytes, wanted.memory_bytes);
        lower(&mut limits.fuel_after, wanted.fuel_after);
        lower(&mut limits.fuel_before, wanted.fuel_before);
        lower(&mut limits.effects, wanted.effects);
        lower(&mut limits.queries, wanted.queries);
        lower(&mut limits.http_requests, wanted.http_requests);
        if let Some(ms) = wanted.wall_ms {
            limits.wall = limits.wall.min(Duration::from_millis(ms));
        }
        limits
    }
}

/// The manifest's `[limits]`: a plugin may ask for less than the host gives, never for more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs, reason = "as in `Limits`")]
pub struct Wanted {
    pub memory_bytes: Option<u64>,
    pub fuel_after: Option<u64>,
    pub fuel_before: Option<u64>,
    pub effects: Option<u64>,
    pub queries: Option<u64>,
    pub http_requests: Option<u64>,
    pub wall_ms: Option<u64>,
}

/// Which limit a call hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Linear memory, in bytes.
    Memory,
    /// Table elements of the instance, in elements.
    Table,
    /// Instructions, in fuel.
    Fuel,
    /// Time inside the guest, in ms.
    GuestTime,
    /// Time of the whole call, in ms.
    WallTime,
    /// Data of one host call, in bytes.
    CallBytes,
    /// Event and input, in bytes.
    InputBytes,
    /// Staged effects.
    Effects,
    /// Staged effects, in bytes.
    EffectBytes,
    /// Query and KV read calls.
    Queries,
    /// Rows of all answers.
    Rows,
    /// One KV value, in bytes.
    KvValueBytes,
    /// All a plugin stores for one tenant, keys and values and 256 more for each key, in bytes.
    KvTotalBytes,
    /// Staged KV writes.
    KvWrites,
    /// Staged HTTP requests.
    HttpRequests,
}

impl Limit {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Fuel => "fuel",
            Self::GuestTime => "guest-time",
            Self::WallTime => "wall-time",
            Self::CallBytes => "call-bytes",
            Self::InputBytes => "input-bytes",
            Self::Effects => "effects",
            Self::EffectBytes => "effect-bytes",
            Self::Queries => "queries",
            Self::Rows => "rows",
            Self::KvValueBytes => "kv-value-bytes",
            Self::KvTotalBytes => "kv-total-bytes",
            Self::KvWrites => "kv-writes",
            Self::HttpRequests => "http-requests",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
