//! Durable work as a store keeps it: jobs, deliveries, leases, and how far each subscriber has read the log.

use uuid::Uuid;

use super::Answer;
use crate::event::Cursor;
use crate::id::{JobId, TenantId};
use crate::time::Timestamp;

/// A job to enqueue. A delivery is a job whose queue is `deliver:<subscriber>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: JobId,
    /// What handles it.
    pub queue: String,
    /// Unique in (tenant, queue): enqueueing again moves the one that waits.
    pub key: String,
    /// Jobs of one (queue, subject) run one after the other, in order of `seq`; empty: no order.
    pub subject: String,
    /// The order among them.
    pub seq: i64,
    /// High 0, default 1, low 2.
    pub priority: i16,
    /// Not before.
    pub run_at: Timestamp,
    /// How often it is tried before it becomes a dead letter.
    pub tries: i32,
    /// What the handler needs, JSON.
    pub data: String,
}

/// A job somebody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What was enqueued.
    pub job: NewJob,
    /// Which try this is, from 1.
    pub attempt: i32,
    /// What proves that it is ours.
    pub lease: Lease,
    /// How the last try failed.
    pub error: Option<String>,
}

/// The right to finish a job, until it is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The tenant of the job.
    pub tenant: TenantId,
    /// The job.
    pub job: JobId,
    /// New with every claim.
    pub token: Uuid,
}

/// What becomes of a job that was not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Try again then, with what went wrong.
    Retry(Timestamp, String),
    /// Try then, with what is missing; this try does not count (a worker that lacks what the job needs).
    Later(Timestamp, String),
    /// Give it back untried (a worker that stops).
    Return,
    /// A dead letter: kept whole, no longer tried, no longer in the way of its subject.
    Dead(String),
}

/// What is kept for a time only, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Idempotency keys from before this.
    pub keys: Timestamp,
    /// Records of plugin runs from before this.
    pub runs: Timestamp,
    /// Plugin values that have expired by now.
    pub now: Timestamp,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting or being worked on.
    pub live: i64,
    /// Dead letters.
    pub dead: i64,
}

/// Durable work: jobs, deliveries, and how far each subscriber has read the log.
pub trait Queue: Send + Sync + 'static {
    /// Leases up to `limit` due jobs of `queue` until `until`: by priority, then time; of one subject only the first
    /// in `seq`, and none while another of the subject is leased.
    fn claim<'a>(&'a self, queue: &'a str, limit: u16, now: Timestamp, until: Timestamp) -> Answer<'a, Vec<Job>>;

    /// Prolongs leases that still hold; answers those.
    fn renew<'a>(&'a self, leases: &'a [Lease], until: Timestamp) -> Answer<'a, Vec<Lease>>;

    /// Gives a job back; false when the lease no longer held.
    fn release<'a>(&'a self, lease: Lease, how: &'a Release) -> Answer<'a, bool>;

    /// Dead letters of a queue, oldest first, and how full it is.
    fn dead<'a>(&'a self, queue: &'a str, limit: u16) -> Answer<'a, (Vec<Job>, Depth)>;

    /// Revives a dead letter: due at `now`, all its tries before it.
    fn revive(&self, tenant: TenantId, job: JobId, now: Timestamp) -> Answer<'_, bool>;

    /// When the next job of any of these queues is due, if one waits.
    fn next_due<'a>(&'a self, queues: &'a [String]) -> Answer<'a, Option<Timestamp>>;

    /// How far a subscriber has read; the end of the log, remembered from now on, when it is new.
    fn position<'a>(&'a self, subscriber: &'a str) -> Answer<'a, Cursor>;

    /// Moves a subscriber from `from` to `to` and enqueues its deliveries, in one transaction; false when somebody
    /// else moved it first, and then nothing happened.
    fn advance<'a>(&'a self, subscriber: &'a str, from: Cursor, to: Cursor, jobs: &'a [NewJob]) -> Answer<'a, bool>;

    /// Removes what is kept for a time only; answers how much that was.
    fn sweep(&self, upto: Sweep) -> Answer<'_, u64>;
}
