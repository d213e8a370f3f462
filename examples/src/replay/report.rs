//! What an import made, what was odd and what differs from the log's own columns, for people and as one line of JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    time::Duration,
};

use serde::Serialize;

use super::{
    odd::{Odd, OddReason},
    person::Person,
    plan::{Act, CasePlan, Outcome, Verdict},
};

/// The report of one import, filled case by case.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rows of the file, as the reader counted them.
    pub rows: u64,
    pub incidents: u64,
    pub opened: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Odd rows, in the order in which they were noted.
    pub odd: Vec<Odd>,
    pub mismatches: Vec<Mismatch>,
    pub made: Made,
}

/// What the import made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub people: BTreeSet<Person>,
    pub groups: BTreeSet<String>,
    pub moves: u64,
    pub assignments: u64,
    pub unassignments: u64,
    pub reassignments: u64,
    pub reopenings: u64,
    pub priorities: u64,
}

/// A case whose end differs from what the log's own columns say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub number: String,
    pub kind: MismatchKind,
    pub log: String,
    pub imported: String,
    /// From which line on both differ, where that is known.
    pub since: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MismatchKind {
    State,
    Reopenings,
    Reassignments,
}

/// The figures of the `--json` line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub incidents: u64,
    pub rows: u64,
    pub rows_accounted: u64,
    pub state_mismatch: u64,
    pub reopen_mismatch: u64,
    pub reassignment_mismatch: u64,
    pub seconds: f64,
}

impl Report {
    /// A report on a log of so many rows.
    pub fn new(rows: u64) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Notes rows that belong to no imported case.
    pub fn unread(&mut self, odd: impl IntoIterator<Item = Odd>) {
        self.odd.extend(odd);
    }

    /// Notes a case with what it became: the plan's own outcome, or better, what the desk says afterwards.
    pub fn case(&mut self, plan: &CasePlan, became: &Outcome) {
        self.incidents += 1;
        for account in &plan.accounts {
            match &account.verdict {
                Verdict::Opened => self.opened += 1,
                Verdict::Changed => self.changed += 1,
                Verdict::Unchanged => self.unchanged += 1,
                Verdict::Odd(odd) => self.odd.push(odd.clone()),
            }
        }
        for step in &plan.steps {
            self.made.people.extend(step.by.clone());
            self.made.note(&step.act);
        }
        self.made.reopenings += u64::from(became.reopenings);
        self.compare(plan, became);
    }

    /// Rows whose fate is known; equal to `rows` unless rows were lost.
    pub fn accounted(&self) -> u64 {
        self.opened + self.changed + self.unchanged + self.odd.len() as u64
    }

    /// How many rows are odd, by reason.
    pub fn by_reason(&self) -> BTreeMap<OddReason, u64> {
        let mut counts = BTreeMap::new();
        for odd in &self.odd {
            *counts.entry(odd.reason).or_default() += 1;
        }
        counts
    }

    /// How many cases differ from the log in one respect.
    pub fn mismatched(&self, kind: MismatchKind) -> u64 {
        self.mismatches.iter().filter(|found| found.kind == kind).count() as u64
    }

    /// The figures, `took` being the time of the import.
    pub fn figures(&self, took: Duration) -> Figures {
        Figures {
            incidents: self.incidents,
            rows: self.rows,
            rows_accounted: self.accounted(),
            state_mismatch: self.mismatched(MismatchKind::State),
            reopen_mismatch: self.mismatched(MismatchKind::Reopenings),
            reassignment_mismatch: self.mismatched(MismatchKind::Reassignments),
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }

    fn compare(&mut self, plan: &CasePlan, became: &Outcome) {
        let mut differ = |kind, log: String, imported: String, since| {
            if log != imported {
                self.mismatches.push(Mismatch { number: plan.number.clone(), kind, log, imported, since });
            }
        };
        let claims = &plan.claims;
        if let Some(state) = claims.state {
            differ(MismatchKind::State, state.id().into(), became.state.id().into(), None);
        }
        if let Some(count) = claims.reopenings {
            differ(MismatchKind::Reopenings, count.to_string(), became.reopenings.to_string(), None);
        }
        if let Some(count) = claims.reassignments {
            let since = claims.reassignments_part_at;
            differ(MismatchKind::Reassignments, count.to_string(), became.reassignments.to_string(), since);
        }
    }
}

impl Made {
    fn note(&mut self, act: &Act) {
        match act {
            Act::Open(opening) => {
                self.people
                    .extend([&opening.caller, &opening.opened_by, &opening.assignee].into_iter().flatten().cloned());
                self.groups.extend(opening.group.clone());
                self.assignments += u64::from(opening.assignee.is_some());
            }
            Act::SetGroup { to, .. } => {
                self.groups.extend(to.clone());
                self.reassignments += 1;
            }
            Act::Assign { to, .. } => {
                self.people.extend(to.clone());
                match to {
                    Some(_) => self.assignments += 1,
                    None => self.unassignments += 1,
                }
            }
            Act::SetPriority { .. } => self.priorities += 1,
            Act::Move { .. } => self.moves += 1,
        }
    }
}

impl Figures {
    /// One line of JSON.
    pub fn json(&self) -> String {
        // Numbers only: nothing in here can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The report for people, without the time it took.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = &self.made;
        writeln!(out, "{} incidents, {} people, {} groups", self.incidents, made.people.len(), made.groups.len())?;
        writeln!(
            out,
            "{} moves ({} reopenings), {} assignments, {} unassignments, {} changes of group, {} of priority",
            made.moves, made.reopenings, made.assignments, made.unassignments, made.reassignments, made.priorities
        )?;
        writeln!(out, "{} rows, {} accounted for:", self.rows, self.accounted())?;
        writeln!(out, "  {:>7} opened a case", self.opened)?;
        writeln!(out, "  {:>7} changed something tracked", self.changed)?;
        writeln!(out, "  {:>7} changed nothing tracked", self.unchanged)?;
        writeln!(out, "  {:>7} odd", self.odd.len())?;
        for (reason, count) in self.by_reason() {
            writeln!(out, "  {count:>15} {reason}")?;
        }
        self.write_odd(out)?;
        self.write_mismatches(out)
    }
}

impl Report {
    fn write_odd(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 100;
        let mut odd: Vec<_> = self.odd.iter().collect();
        odd.sort_by_key(|odd| odd.line);
        for odd in odd.iter().take(SHOWN) {
            writeln!(out, "odd: {odd}")?;
        }
        match odd.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(out, "odd: and {more} more"),
        }
    }

    fn write_mismatches(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, what) in [
            (MismatchKind::State, "final state"),
            (MismatchKind::Reopenings, "reopen count"),
            (MismatchKind::Reassignments, "reassignment count"),
        ] {
            let differing = self.mismatched(kind);
            let equal = self.incidents - differing;
            writeln!(out, "{what} equal to the log's for {equal} of {}", self.incidents)?;
            for found in self.mismatches.iter().filter(|found| found.kind == kind) {
                let mut line = format!("  {}: log {}, imported {}", found.number, found.log, found.imported);
                if let Some(since) = found.since {
                    write!(line, "; the log's rows show no such change at line {since}")?;
                }
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}
