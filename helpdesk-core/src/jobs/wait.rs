//! How long a job waits for its next try: longer each time, and not in step with others.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use crate::id::JobId;

/// Longest wait between two tries, in milliseconds, before it is spread: five minutes.
const MAX: i64 = 5 * 60 * 1000;
/// Of how many jobs it is remembered at most how often this process failed them.
const REMEMBERED: usize = 10_000;

/// Milliseconds to wait after the `nth` failure, from 1: one second, doubled with every further one, up to five
/// minutes, spread by a quarter so that failures do not march in step.
pub(super) fn after(job: JobId, nth: i32) -> i64 {
    let doubled = 1000_i64.saturating_mul(1 << (nth - 1).clamp(0, 20)).min(MAX);
    let mut hash = DefaultHasher::new();
    (job, nth).hash(&mut hash);
    doubled + (hash.finish() % (doubled.unsigned_abs() / 4 + 1)) as i64
}

/// How often in a row this process, or its database, failed each job. Jobs do not count that, so somebody must: it is
/// about this process, and forgotten with it.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<HashMap<JobId, i32>>);

impl Faults {
    /// One more; answers how long to wait, in milliseconds.
    pub(super) fn again(&self, job: JobId) -> i64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED && !counts.contains_key(&job) {
            counts.clear();
        }
        let nth = counts.entry(job).or_default();
        *nth = nth.saturating_add(1);
        after(job, *nth)
    }

    /// The job came to something.
    pub(super) fn forget(&self, job: JobId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }
}
