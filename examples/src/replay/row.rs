//! One row of an incident log, typed: the incident as it stood after one change.
//!
//! `?` (or nothing) is a value the source does not know and reads as `None`; text that should be a number, time or
//! known state and is not reads as `None` too, and stands in `faults`.

use csv::StringRecord;
use jiff::Timestamp;

use super::{
    odd::{Odd, OddReason, quoted},
    person::{Part, Person},
    reader::ReadError,
    states::State,
    time,
};

/// The incident after one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row's first line in the file, from 1.
    pub line: u64,
    /// The case.
    pub number: String,
    /// `None` for a state outside the table.
    pub state: Option<State>,
    pub caller: Option<Person>,
    pub opened_by: Option<Person>,
    pub opened_at: Option<Timestamp>,
    pub updated_by: Option<Person>,
    /// When this change was made; `None` only beside a fault.
    pub updated_at: Option<Timestamp>,
    /// `None` is a value of its own when changes of group are counted.
    pub group: Option<String>,
    pub assigned_to: Option<Person>,
    /// From 1, the most urgent.
    pub priority: Option<u8>,
    pub impact: Option<u8>,
    pub urgency: Option<u8>,
    /// How often the group has changed so far, as the log says.
    pub reassignment_count: Option<u32>,
    /// How often the case was reopened so far, as the log says.
    pub reopen_count: Option<u32>,
    pub resolved_by: Option<Person>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub closed_code: Option<String>,
    pub category: Option<String>,
    /// How the caller came: phone, e-mail ….
    pub contact: Option<String>,
    /// What could not be read, in the order of the columns.
    pub faults: Vec<Fault>,
}

/// A field that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: OddReason,
    /// Column and text, for people.
    pub found: String,
}

/// Where each column stands in this file.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    number: usize,
    state: usize,
    reassignments: usize,
    reopenings: usize,
    caller: usize,
    opened_by: usize,
    opened_at: usize,
    updated_by: usize,
    updated_at: usize,
    priority: usize,
    group: usize,
    assigned_to: usize,
    impact: Option<usize>,
    urgency: Option<usize>,
    resolved_by: Option<usize>,
    resolved_at: Option<usize>,
    closed_at: Option<usize>,
    closed_code: Option<usize>,
    category: Option<usize>,
    contact: Option<usize>,
}

impl Columns {
    pub(super) fn find(header: &StringRecord) -> Result<Self, ReadError> {
        let mut missing = Vec::new();
        let mut double = None;
        let mut maybe = |name: &'static str| {
            let mut places = header.iter().enumerate().filter(|(_, column)| column.trim() == name).map(|(at, _)| at);
            let place = places.next();
            if places.next().is_some() {
                double.get_or_insert(name);
            }
            place
        };
        let mut need = |name: &'static str| {
            maybe(name).unwrap_or_else(|| {
                missing.push(name);
                0
            })
        };
        let number = need("number");
        let state = need("incident_state");
        let reassignments = need("reassignment_count");
        let reopenings = need("reopen_count");
        let caller = need("caller_id");
        let opened_by = need("opened_by");
        let opened_at = need("opened_at");
        let updated_by = need("sys_updated_by");
        let updated_at = need("sys_updated_at");
        let priority = need("priority");
        let group = need("assignment_group");
        let assigned_to = need("assigned_to");
        let columns = Self {
            number,
            state,
            reassignments,
            reopenings,
            caller,
            opened_by,
            opened_at,
            updated_by,
            updated_at,
            priority,
            group,
            assigned_to,
            impact: maybe("impact"),
            urgency: maybe("urgency"),
            resolved_by: maybe("resolved_by"),
            resolved_at: maybe("resolved_at"),
            closed_at: maybe("closed_at"),
            closed_code: maybe("closed_code"),
            category: maybe("category"),
            contact: maybe("contact_type"),
        };
        if !missing.is_empty() {
            return Err(ReadError::MissingColumns(missing));
        }
        double.map_or(Ok(columns), |name| Err(ReadError::DoubleColumn(name)))
    }
}

impl Row {
    pub(super) fn parse(line: u64, columns: &Columns, fields: &StringRecord) -> Result<Self, Odd> {
        let mut read = Fields { fields, faults: Vec::new() };
        let number = read.text(columns.number).ok_or_else(|| Odd {
            line,
            number: None,
            reason: OddReason::NoNumber,
            found: quoted(fields.get(columns.number).unwrap_or_default()),
            applied: false,
        })?;
        let updated_at = read.moment("sys_updated_at", columns.updated_at);
        if updated_at.is_none() && read.faults.is_empty() {
            read.fault(OddReason::UnreadableTime, "sys_updated_at", "?");
        }
        Ok(Self {
            line,
            number,
            updated_at,
            state: read.state(columns.state),
            reassignment_count: read.count("reassignment_count", columns.reassignments),
            reopen_count: read.count("reopen_count", columns.reopenings),
            caller: read.person(Part::Caller, columns.caller),
            opened_by: read.person(Part::Opener, columns.opened_by),
            opened_at: read.moment("opened_at", columns.opened_at),
            updated_by: read.person(Part::Editor, columns.updated_by),
            priority: read.grade("priority", columns.priority),
            group: read.text(columns.group),
            assigned_to: read.person(Part::Resolver, columns.assigned_to),
            impact: columns.impact.and_then(|at| read.grade("impact", at)),
            urgency: columns.urgency.and_then(|at| read.grade("urgency", at)),
            resolved_by: columns.resolved_by.and_then(|at| read.person(Part::Resolver, at)),
            resolved_at: columns.resolved_at.and_then(|at| read.moment("resolved_at", at)),
            closed_at: columns.closed_at.and_then(|at| read.moment("closed_at", at)),
            closed_code: columns.closed_code.and_then(|at| read.text(at)),
            category: columns.category.and_then(|at| read.text(at)),
            contact: columns.contact.and_then(|at| read.text(at)),
            faults: read.faults,
        })
    }
}

/// The fields of one record, and what was wrong with them.
struct Fields<'a> {
    fields: &'a StringRecord,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    fn known(&self, at: usize) -> Option<&'a str> {
        self.fields.get(at).map(str::trim).filter(|text| !text.is_empty() && *text != "?")
    }

    fn text(&self, at: usize) -> Option<String> {
        self.known(at).map(str::to_owned)
    }

    fn person(&self, part: Part, at: usize) -> Option<Person> {
        self.text(at).map(|id| Person { part, id })
    }

    fn state(&mut self, at: usize) -> Option<State> {
        let label = self.fields.get(at).unwrap_or_default().trim();
        let state = State::from_label(label);
        if state.is_none() {
            self.fault(OddReason::UnknownState, "incident_state", label);
        }
        state
    }

    fn moment(&mut self, column: &str, at: usize) -> Option<Timestamp> {
        let text = self.known(at)?;
        let time = time::parse(text);
        if time.is_none() {
            self.fault(OddReason::UnreadableTime, column, text);
        }
        time
    }

    fn count(&mut self, column: &str, at: usize) -> Option<u32> {
        let text = self.known(at)?;
        let count = text.parse().ok();
        if count.is_none() {
            self.fault(OddReason::UnreadableNumber, column, text);
        }
        count
    }

    /// `3` or `3 - Moderate`, 1 to 5.
    fn grade(&mut self, column: &str, at: usize) -> Option<u8> {
        let text = self.known(at)?;
        let digits = text.split_once(' ').map_or(text, |(first, _)| first);
        let grade = digits.parse().ok().filter(|grade| (1..=5).contains(grade));
        if grade.is_none() {
            self.fault(OddReason::UnreadableNumber, column, text);
        }
        grade
    }

    fn fault(&mut self, reason: OddReason, column: &str, text: &str) {
        self.faults.push(Fault { reason, found: format!("{column} {}", quoted(text)) });
    }
}
