//! The import of an incident log into a desk, through ordinary commands at their recorded times.
//!
//! 1. [`ground`]: tenant, project, groups, people, and the right to import for those who act in the log.
//! 2. [`run`]: the cases are opened one after the other, so that their numbers follow the log; what happened to them
//!    afterwards is carried out for many cases at once, in order within each.
//! 3. [`judge`]: the tickets are read back and compared with the log's own columns.
//!
//! An import that was killed is simply run again: every id follows from the log ([`ids`]), every command has an
//! idempotency key, and a case that exists already continues where its timeline ends.
//! Kept are state, group, assignee and priority; the log's codes of closing and its configuration items are not.

pub mod automation;
pub mod ground;
pub mod ids;
pub mod judge;
mod resume;
pub mod run;
mod send;

use helpdesk_core::Timestamp;

use crate::replay::{CasePlan, Log, Odd, plan};

/// Where to import to, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Key of the tenant; registered if there is none.
    pub tenant: String,
    /// Key of the project; created if there is none.
    pub project: String,
    /// How many cases are worked on at a time.
    pub at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { tenant: "incidents".into(), project: "INC".into(), at_once: 16 }
    }
}

/// What a log asks for: the plans of its cases, in its order, and the rows that belong to none.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    pub cases: Vec<CasePlan>,
    pub unread: Vec<Odd>,
    /// Rows of the file.
    pub rows: u64,
}

impl Planned {
    /// Plans every case of `log`.
    pub fn of(log: &Log) -> Self {
        let mut planned = Self { cases: Vec::new(), unread: log.unread.clone(), rows: log.rows };
        for rows in &log.cases {
            match plan(rows) {
                Ok(case) => planned.cases.push(case),
                Err(odd) => planned.unread.extend(odd),
            }
        }
        planned
    }

    /// How many steps there are to carry out.
    pub fn steps(&self) -> u64 {
        self.cases.iter().map(|case| case.steps.len() as u64).sum()
    }
}

/// The log's instant as the desk counts time.
fn instant(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}
