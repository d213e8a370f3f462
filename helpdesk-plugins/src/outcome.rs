//! What came of a call: how it ended, what it staged, what it logged, what it used.

use std::fmt;
use std::time::Duration;

use crate::effect::{Effect, HttpRequest, KvWrite};
use crate::limits::Limit;

/// What came of a call. Effects, writes and requests are empty unless it ended with [`Ended::Ok`].
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// To be applied in order, all or none.
    pub effects: Vec<Effect>,
    /// To be written together with the effects.
    pub kv: Vec<KvWrite>,
    /// To be sent after the commit.
    pub http: Vec<HttpRequest>,
    /// What it logged, also when it failed.
    pub logs: Logs,
    /// Instructions, roughly.
    pub fuel_used: u64,
    /// The whole call.
    pub elapsed: Duration,
    /// The part of `elapsed` until the guest could be called.
    pub instantiation: Duration,
    /// Most bytes of linear memory at any time.
    pub peak_memory: u64,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The effects are to be applied.
    Ok,
    /// Nothing to do; the delivery is done.
    Skipped(String),
    /// The plugin wants another attempt, after this time when given.
    Retry {
        /// At least.
        after: Option<Duration>,
    },
    /// The plugin says that it will never work.
    Rejected(String),
    /// The guest broke.
    Trapped {
        /// How.
        kind: TrapKind,
        /// The engine's words.
        message: String,
    },
    /// The guest used more than allowed.
    LimitHit {
        /// Of what; [`Limit`] gives the unit.
        limit: Limit,
        /// At least so much.
        used: u64,
        /// The limit.
        allowed: u64,
    },
    /// The host failed; not to be counted against the plugin.
    HostFault(String),
}

/// How a guest broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrapKind {
    /// A panic, an abort, or another deliberate trap.
    Unreachable,
    /// Too deep recursion.
    StackOverflow,
    /// Access outside its memory or tables.
    OutOfBounds,
    /// Another fault of its code.
    Fault,
    /// It broke the rules of the interface, or called what is not available.
    Interface,
}

/// Lines of a call's log, within its limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// In order.
    pub lines: Vec<LogLine>,
    /// Lines beyond the limit.
    pub dropped_lines: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

/// A line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: Level,
    /// The text.
    pub message: String,
    /// A JSON object or empty; as the guest wrote it.
    pub fields: String,
}

/// Levels of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "as everywhere")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Outcome {
    pub(crate) fn without_effects(ended: Ended) -> Self {
        Self {
            ended,
            effects: Vec::new(),
            kv: Vec::new(),
            http: Vec::new(),
            logs: Logs::default(),
            fuel_used: 0,
            elapsed: Duration::ZERO,
            instantiation: Duration::ZERO,
            peak_memory: 0,
        }
    }
}

impl TrapKind {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::StackOverflow => "stack-overflow",
            Self::OutOfBounds => "out-of-bounds",
            Self::Fault => "fault",
            Self::Interface => "interface",
        }
    }
}

impl Ended {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped(_) => "skipped",
            Self::Retry { .. } => "retry",
            Self::Rejected(_) => "rejected",
            Self::Trapped { .. } => "trapped",
            Self::LimitHit { .. } => "limit-hit",
            Self::HostFault(_) => "host-fault",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Retry { after: Some(after) } => write!(f, "wants another attempt after {} s", after.as_secs()),
            Self::Retry { after: None } => f.write_str("wants another attempt"),
            Self::Rejected(why) => write!(f, "rejected: {why}"),
            Self::Trapped { message, .. } => write!(f, "trapped: {message}"),
            Self::LimitHit { limit, used, allowed } => write!(f, "limit `{limit}`: used {used}, allowed {allowed}"),
            Self::HostFault(message) => write!(f, "host fault: {message}"),
        }
    }
}
