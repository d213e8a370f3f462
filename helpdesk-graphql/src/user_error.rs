//! What a person caused and can mend: typed errors inside payloads.

mod approval;

use async_graphql::{ID, Interface, SimpleObject};
use helpdesk_core::error::{ActError, Refusal, WorkflowRefusal};
use helpdesk_core::workflow::read::Format;
use helpdesk_core::workflow::{Malformed, Problem};

use self::approval::{ApprovalRefused, ApprovalTemplateMalformed};
use crate::id::global;
use crate::names::TicketField;

/// Something a person can mend: look again, fill in, choose another. Nothing of the command happened.
#[derive(Debug, Clone, Interface)]
#[allow(clippy::duplicated_attributes, reason = "fields of one type are no duplicates")]
#[graphql(
    field(name = "code", ty = "&String", desc = "A stable name for machines."),
    field(name = "message", ty = "&String", desc = "What is wrong and what to do, for people."),
    field(name = "path", ty = "&Vec<String>", desc = "The place in the input it is about, from `input` on.")
)]
pub(crate) enum UserError {
    VersionConflict(VersionConflict),
    TransitionNotAllowed(TransitionNotAllowed),
    FieldInvalid(FieldInvalid),
    AlreadyExists(AlreadyExists),
    AlreadyClaimed(AlreadyClaimed),
    WorkflowMalformed(WorkflowMalformed),
    ApprovalTemplateMalformed(ApprovalTemplateMalformed),
    ApprovalRefused(ApprovalRefused),
    IdempotencyKeyReused(IdempotencyKeyReused),
}

/// Somebody else changed it since you looked.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct VersionConflict {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// The version you expected.
    expected: i64,
    /// The version it has now.
    current: i64,
    /// What changed in between.
    fields: Vec<TicketField>,
}

/// The workflow does not let the ticket go this way now.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct TransitionNotAllowed {
    /// A stable name for machines: `TRANSITION_NOT_ALLOWED`, `FIELDS_REQUIRED` or `APPROVAL_REQUIRED`.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// The transition that was asked for.
    transition: Option<String>,
    /// The present state's id, when it is the state that closes the way.
    state: Option<String>,
    /// Fields that must have a value first; they can be set with the same command.
    missing: Vec<TicketField>,
    /// The approval it waits for, by the key of its template.
    template: Option<String>,
}

/// A value that cannot be taken.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct FieldInvalid {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// The name of the field.
    field: String,
}

/// The name or key is in use.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct AlreadyExists {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// What was to be made.
    noun: String,
    /// The name or key that is in use.
    given: String,
}

/// Somebody works on the ticket already.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct AlreadyClaimed {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// Who works on it: ids of people.
    assignees: Vec<ID>,
}

/// The workflow definition has faults.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct WorkflowMalformed {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
    /// Every fault.
    problems: Vec<DefinitionProblem>,
}

/// One fault of a definition.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct DefinitionProblem {
    /// JSON pointer (RFC 6901) into the definition; empty for the definition as a whole.
    at: String,
    /// The line of the text you sent, from 1.
    line: Option<u32>,
    /// The column of that line, in characters, from 1.
    column: Option<u32>,
    /// What is wrong and what to do.
    message: String,
}

impl From<Problem> for DefinitionProblem {
    fn from(it: Problem) -> Self {
        let (line, column) = it.place.map(|place| (place.line, place.column)).unzip();
        Self { at: it.at, line, column, message: it.message }
    }
}

/// The idempotency key was used before, for something else.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct IdempotencyKeyReused {
    /// A stable name for machines.
    code: String,
    /// What is wrong and what to do, for people.
    message: String,
    /// The place in the input it is about, from `input` on.
    path: Vec<String>,
}

/// The errors, with the faults of a definition placed in the text it was read from.
pub(crate) fn placed(errors: Vec<UserError>, text: &str, format: Format) -> Vec<UserError> {
    let found = |problems: Vec<DefinitionProblem>| {
        let problems = problems.into_iter().map(|it| Problem { at: it.at, place: None, message: it.message });
        Malformed(problems.collect()).located_in(text, format).0.into_iter().map(Into::into).collect()
    };
    let mut errors = errors;
    for error in &mut errors {
        match error {
            UserError::WorkflowMalformed(WorkflowMalformed { problems, .. })
            | UserError::ApprovalTemplateMalformed(ApprovalTemplateMalformed { problems, .. }) => {
                *problems = found(std::mem::take(problems));
            }
            UserError::VersionConflict(_)
            | UserError::TransitionNotAllowed(_)
            | UserError::FieldInvalid(_)
            | UserError::AlreadyExists(_)
            | UserError::AlreadyClaimed(_)
            | UserError::ApprovalRefused(_)
            | UserError::IdempotencyKeyReused(_) => {}
        }
    }
    errors
}

/// Where the input has what the command names, when the names differ: `("due_at", "fields.dueAt")`.
pub(crate) type Places = &'static [(&'static str, &'static str)];

/// The refusal as something the person can mend; the error itself when they cannot.
pub(crate) fn mendable(error: ActError, places: Places) -> Result<Vec<UserError>, ActError> {
    let ActError::Refused(refusal) = error else { return Err(error) };
    let (code, message) = (refusal.code().to_owned(), refusal.to_string());
    let path = |field: &str| path(field, places);
    let one = match refusal {
        Refusal::Invalid(faults) => {
            let invalid = faults.into_iter().map(|fault| {
                let path = path(fault.field);
                let field = path.last().cloned().unwrap_or_default();
                UserError::FieldInvalid(FieldInvalid { code: code.clone(), message: fault.message, path, field })
            });
            return Ok(invalid.collect());
        }
        Refusal::Taken { noun, given } => {
            let path = path(match noun {
                "tenant" | "project" => "key",
                "ticket" | "id" => "id",
                "role" => "key",
                "column" => "title",
                _ => "name",
            });
            UserError::AlreadyExists(AlreadyExists { code, message, path, noun: noun.into(), given })
        }
        Refusal::Claimed { by } => {
            let assignees = by.iter().map(global).collect();
            UserError::AlreadyClaimed(AlreadyClaimed { code, message, path: path("ticket"), assignees })
        }
        Refusal::InUse { noun, .. } => {
            let (path, field) = (path(noun), noun.to_owned());
            UserError::FieldInvalid(FieldInvalid { code, message, path, field })
        }
        Refusal::Workflow(refusal) => UserError::TransitionNotAllowed(closed(refusal, code, message, places)),
        Refusal::Malformed(faults) => {
            let problems = faults.0.into_iter().map(Into::into).collect();
            UserError::WorkflowMalformed(WorkflowMalformed { code, message, path: path("definition"), problems })
        }
        Refusal::Approval(refusal) => approval::refused(refusal, code, message, places),
        Refusal::Conflict(conflict) => UserError::VersionConflict(VersionConflict {
            code,
            message,
            path: path("expected_version"),
            expected: conflict.expected,
            current: conflict.current,
            fields: conflict.fields.into_iter().map(Into::into).collect(),
        }),
        Refusal::KeyReused(_) => {
            UserError::IdempotencyKeyReused(IdempotencyKeyReused { code, message, path: path("idempotency_key") })
        }
        cannot @ (Refusal::NotFound { .. }
        | Refusal::Denied(_)
        | Refusal::Suspended
        | Refusal::NoTenant
        | Refusal::Automation(_)) => return Err(cannot.into()),
    };
    Ok(vec![one])
}

fn closed(refusal: WorkflowRefusal, code: String, message: String, places: Places) -> TransitionNotAllowed {
    let way = |transition| TransitionNotAllowed {
        code,
        message,
        path: path("transition", places),
        transition,
        state: None,
        missing: vec![],
        template: None,
    };
    match refusal {
        WorkflowRefusal::Unknown { given, state, .. } => {
            TransitionNotAllowed { state: Some(state), ..way(Some(given)) }
        }
        WorkflowRefusal::Closed { transition, state, .. } => {
            TransitionNotAllowed { state: Some(state), ..way(Some(transition)) }
        }
        WorkflowRefusal::Missing { transition, missing } | WorkflowRefusal::Unmet { transition, missing, .. } => {
            let missing = missing.into_iter().map(Into::into).collect();
            TransitionNotAllowed { path: path("fields", places), missing, ..way(Some(transition)) }
        }
        WorkflowRefusal::Gated { transition, template, .. } => {
            TransitionNotAllowed { template: Some(template), ..way(Some(transition)) }
        }
        WorkflowRefusal::Guarded { transition, .. } | WorkflowRefusal::Stuck { transition, .. } => {
            way(Some(transition))
        }
        WorkflowRefusal::Shut { state, .. } => {
            TransitionNotAllowed { path: path("column", places), state: Some(state), ..way(None) }
        }
        WorkflowRefusal::NoState(_) => TransitionNotAllowed { path: path("state", places), ..way(None) },
    }
}

/// The place in the input. Those without one there are about the input as a whole: an empty place.
fn path(field: &str, places: Places) -> Vec<String> {
    let place = places.iter().find(|(name, _)| *name == field).map_or_else(|| camel(field), |(_, at)| (*at).to_owned());
    let steps = place.split('.').filter(|step| !step.is_empty()).map(str::to_owned);
    ["input".to_owned()].into_iter().chain(steps).collect()
}

/// `start_at` as the schema writes it: `startAt`.
fn camel(name: &str) -> String {
    let mut upper = false;
    let step = |c: char| {
        if c == '_' {
            upper = true;
            return None;
        }
        let c = if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c };
        Some(c)
    };
    name.chars().filter_map(step).collect()
}
