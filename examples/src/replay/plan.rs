//! What an importer has to do for one case, and when: a pure function of the case's rows.
//!
//! Tracked are state, group, assignee and priority. A row's change is worked out against the row before it, in the
//! order of the source. Time never runs backwards in a plan: a row that does is odd, and its change stands at the
//! latest time seen so far. An unknown state is odd and leaves the state as it is. No such row is lost.

use jiff::Timestamp;

use super::{
    odd::{Odd, OddReason},
    person::Person,
    row::{Fault, Row},
    states::State,
};

/// The priorities of a desk, from the log's 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Priority {
    Critical,
    High,
    Medium,
    Low,
}

impl Priority {
    /// `critical`, `high`, `medium` or `low`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    fn from_grade(grade: u8) -> Self {
        match grade {
            1 => Self::Critical,
            2 => Self::High,
            3 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// One case as an importer sees it.
#[derive(Clone, Debug)]
pub struct CasePlan {
    pub number: String,
    /// What to do, in order; the first step opens the case, times never fall.
    pub steps: Vec<Step>,
    /// What became of each row, in the order of the source.
    pub accounts: Vec<Account>,
    /// What the log's own columns say at the end.
    pub claims: Claims,
    /// What the steps lead to.
    pub outcome: Outcome,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which row of the case, from 0.
    pub row: usize,
    /// Which step of that row, from 0.
    pub part: usize,
    /// The row's line in the file.
    pub line: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub by: Option<Person>,
    pub act: Act,
}

impl Step {
    /// A key by which a repeated import knows this step again: `INC0000131/2/0`.
    pub fn key(&self, number: &str) -> String {
        format!("{number}/{}/{}", self.row, self.part)
    }
}

/// What is to be done. Within a row, group, assignee and priority come before a move, except on a case that has ended:
/// there the move comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Open(Opening),
    SetGroup {
        from: Option<String>,
        to: Option<String>,
    },
    /// To nobody is to unassign.
    Assign {
        from: Option<Person>,
        to: Option<Person>,
    },
    SetPriority {
        to: Priority,
    },
    Move {
        from: State,
        to: State,
        /// Who resolved it, and the source's code of how; for a move to an ended state.
        resolved_by: Option<Person>,
        closed_code: Option<String>,
    },
}

/// A case as its first row shows it; not all begin new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub state: State,
    /// When the incident was written down: never after the first row.
    pub opened_at: Timestamp,
    pub caller: Option<Person>,
    pub opened_by: Option<Person>,
    pub group: Option<String>,
    pub assignee: Option<Person>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    pub contact: Option<String>,
    pub resolved_by: Option<Person>,
    pub closed_code: Option<String>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub line: u64,
    /// Which row of the case, from 0.
    pub row: usize,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Opened,
    Changed,
    /// Nothing tracked differs from the row before.
    Unchanged,
    Odd(Odd),
}

/// The end of a case by the log's own columns; nothing where no row says it readably.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub state: Option<State>,
    pub reopenings: Option<u32>,
    pub reassignments: Option<u32>,
    /// The line from which on the log's reassignment count differs from the changes of group its rows show.
    pub reassignments_part_at: Option<u64>,
}

/// The end of a case as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub state: State,
    /// Moves from an ended state to another kind.
    pub reopenings: u32,
    /// Changes of group after opening, to and from no group included.
    pub reassignments: u32,
}

impl CasePlan {
    /// Notes that a desk refused the changes of a row: the row is odd from now on.
    pub fn refuse(&mut self, row: usize, code: &str) {
        let number = Some(self.number.clone());
        if let Some(account) = self.accounts.iter_mut().find(|account| account.row == row) {
            let odd =
                Odd { line: account.line, number, reason: OddReason::Refused, found: code.to_owned(), applied: false };
            account.verdict = Verdict::Odd(odd);
        }
    }
}

/// Plans the import of one case from its rows, which share a number.
///
/// Refused, with every row as odd, when no row has a readable time: nothing could be placed then.
pub fn plan(rows: &[Row]) -> Result<CasePlan, Vec<Odd>> {
    let (Some(first), Some(mut latest)) = (rows.first(), beginning(rows)) else {
        return Err(rows.iter().map(|row| odd(row, &row.faults, false)).collect());
    };
    let mut now = Tracked { state: first.state.unwrap_or(State::New), ..Tracked::of(first) };
    let mut plan = CasePlan {
        number: first.number.clone(),
        steps: vec![step(0, first, latest, Act::Open(opening(first, &now, latest)))],
        accounts: Vec::with_capacity(rows.len()),
        claims: Claims::default(),
        outcome: Outcome { state: now.state, reopenings: 0, reassignments: 0 },
    };
    for (place, row) in rows.iter().enumerate() {
        let mut faults = row.faults.clone();
        match row.updated_at {
            Some(at) if at >= latest => latest = at,
            Some(at) => faults.push(Fault { reason: OddReason::TimeBackwards, found: format!("{at} after {latest}") }),
            None => {}
        }
        let acts = if place == 0 { Vec::new() } else { now.follow(row) };
        let verdict = match (place, acts.is_empty()) {
            _ if !faults.is_empty() => Verdict::Odd(odd(row, &faults, true)),
            (0, _) => Verdict::Opened,
            (_, true) => Verdict::Unchanged,
            (_, false) => Verdict::Changed,
        };
        plan.accounts.push(Account { line: row.line, row: place, verdict });
        for (part, act) in acts.into_iter().enumerate() {
            plan.outcome.note(&act);
            plan.steps.push(Step { part, ..step(place, row, latest, act) });
        }
        plan.claims.note(row, &plan.outcome);
    }
    Ok(plan)
}

/// The first row's time; when it has none, the earliest that can stand in for it.
fn beginning(rows: &[Row]) -> Option<Timestamp> {
    let first = rows.first()?;
    let next = rows.iter().find_map(|row| row.updated_at);
    first.updated_at.or(next.into_iter().chain(first.opened_at).min())
}

fn opening(first: &Row, now: &Tracked, at: Timestamp) -> Opening {
    Opening {
        state: now.state,
        opened_at: first.opened_at.map_or(at, |opened| opened.min(at)),
        caller: first.caller.clone(),
        opened_by: first.opened_by.clone(),
        group: now.group.clone(),
        assignee: now.assignee.clone(),
        priority: now.priority,
        category: first.category.clone(),
        contact: first.contact.clone(),
        resolved_by: first.resolved_by.clone(),
        closed_code: first.closed_code.clone(),
    }
}

fn step(place: usize, row: &Row, at: Timestamp, act: Act) -> Step {
    Step { row: place, part: 0, line: row.line, at, by: row.updated_by.clone(), act }
}

/// One entry for a row, by the first of its reasons.
fn odd(row: &Row, faults: &[Fault], applied: bool) -> Odd {
    let reason = faults.iter().map(|fault| fault.reason).min().unwrap_or(OddReason::UnreadableTime);
    let found: Vec<_> = faults.iter().map(|fault| fault.found.as_str()).collect();
    Odd { line: row.line, number: Some(row.number.clone()), reason, found: found.join("; "), applied }
}

/// The tracked fields as they stand.
struct Tracked {
    state: State,
    group: Option<String>,
    assignee: Option<Person>,
    priority: Option<Priority>,
}

impl Tracked {
    fn of(row: &Row) -> Self {
        Self {
            state: row.state.unwrap_or(State::New),
            group: row.group.clone(),
            assignee: row.assigned_to.clone(),
            priority: row.priority.map(Priority::from_grade),
        }
    }

    /// Takes over what `row` says and returns the difference. An unknown state or priority leaves it as it was.
    fn follow(&mut self, row: &Row) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.group != row.group {
            let from = std::mem::replace(&mut self.group, row.group.clone());
            acts.push(Act::SetGroup { from, to: row.group.clone() });
        }
        if self.assignee != row.assigned_to {
            let from = std::mem::replace(&mut self.assignee, row.assigned_to.clone());
            acts.push(Act::Assign { from, to: row.assigned_to.clone() });
        }
        if let Some(to) = row.priority.map(Priority::from_grade).filter(|to| self.priority != Some(*to)) {
            self.priority = Some(to);
            acts.push(Act::SetPriority { to });
        }
        if let Some(to) = row.state.filter(|to| *to != self.state) {
            let from = std::mem::replace(&mut self.state, to);
            let (resolved_by, closed_code) =
                if to.is_ended() { (row.resolved_by.clone(), row.closed_code.clone()) } else { (None, None) };
            let at = if from.is_ended() { 0 } else { acts.len() };
            acts.insert(at, Act::Move { from, to, resolved_by, closed_code });
        }
        acts
    }
}

impl Outcome {
    fn note(&mut self, act: &Act) {
        match act {
            Act::SetGroup { .. } => self.reassignments += 1,
            Act::Move { from, to, .. } => {
                self.state = *to;
                self.reopenings += u32::from(from.is_ended() && !to.is_ended());
            }
            Act::Open(_) | Act::Assign { .. } | Act::SetPriority { .. } => {}
        }
    }
}

impl Claims {
    /// Takes over what `row` claims, `now` being what the rows up to it have shown.
    fn note(&mut self, row: &Row, now: &Outcome) {
        self.state = row.state.or(self.state);
        self.reopenings = row.reopen_count.or(self.reopenings);
        self.reassignments = row.reassignment_count.or(self.reassignments);
        if self.reassignments.is_none_or(|count| count == now.reassignments) {
            self.reassignments_part_at = None;
        } else {
            self.reassignments_part_at.get_or_insert(row.line);
        }
    }
}
