//! Why a command was refused, and what the caller can do about it.
//!
//! Every refusal has a stable [`code`](Refusal::code) for machines and a text for people. Nothing of a refused command
//! happened.

use crate::approval::ApprovalRefusal;
use crate::id::PersonId;
use crate::role::Denied;
use crate::store::StoreError;
use crate::value::Field;
use crate::workflow::Malformed;

/// One value that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which input: a field of the command, such as `title` or `people`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// A command that was refused by a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not exist, or not for this actor: the two cannot be told apart.
    #[error("no {noun} `{id}` here; check the id, or ask for access")]
    NotFound {
        /// What was looked for.
        noun: &'static str,
        /// As it was given.
        id: String,
    },
    /// The actor may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Values that cannot be taken; every fault is listed.
    #[error("{}", faults(.0))]
    Invalid(Vec<Fault>),
    /// The name or key is in use.
    #[error("{noun} `{given}` exists already; choose another")]
    Taken {
        /// What was to be made.
        noun: &'static str,
        /// The name or key.
        given: String,
    },
    /// Somebody works on the ticket already, so it cannot be claimed.
    #[error("somebody has taken the ticket already; look who works on it, or have it reassigned")]
    Claimed {
        /// Who works on it.
        by: Vec<PersonId>,
    },
    /// Others still rely on it.
    #[error("{noun} `{given}` is in use: {by}")]
    InUse {
        /// What was to go.
        noun: &'static str,
        /// Its name or key.
        given: String,
        /// Who relies on it, and what to do.
        by: &'static str,
    },
    /// The transition cannot be taken.
    #[error(transparent)]
    Workflow(#[from] WorkflowRefusal),
    /// The workflow definition has faults.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Something about an approval.
    #[error(transparent)]
    Approval(#[from] ApprovalRefusal),
    /// Somebody else changed it since the caller looked.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The key was used before, for something else.
    #[error("the idempotency key `{0}` was used for another command; use a new key")]
    KeyReused(String),
    /// The tenant is suspended.
    #[error("the tenant is suspended; ask its operator")]
    Suspended,
    /// No tenant was named, and the actor belongs to none.
    #[error("no tenant: use Actor::system_of(tenant), or an actor of the tenant")]
    NoTenant,
    /// Automation went over its budget.
    #[error(transparent)]
    Automation(#[from] Budget),
}

fn faults(all: &[Fault]) -> String {
    all.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect::<Vec<_>>().join("; ")
}

/// Why a transition is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowRefusal {
    /// The workflow has no such transition.
    #[error("no transition `{given}` in this workflow; from `{state}` one can take: {open}")]
    Unknown {
        /// As it was given.
        given: String,
        /// The present state.
        state: String,
        /// The open ones, comma-separated.
        open: String,
    },
    /// It cannot be taken in the present state.
    #[error("`{transition}` cannot be taken from `{state}`; one can take: {open}")]
    Closed {
        /// The transition.
        transition: String,
        /// The present state.
        state: String,
        /// The open ones, comma-separated.
        open: String,
    },
    /// Its guard does not hold.
    #[error("`{transition}` is closed now: {says}")]
    Guarded {
        /// The transition.
        transition: String,
        /// What the definition says about it.
        says: String,
    },
    /// The state may be left only with an approval.
    #[error("`{transition}` is closed until `{template}` has approved: {says}")]
    Gated {
        /// The transition.
        transition: String,
        /// The template's key.
        template: String,
        /// How the approval stands.
        says: &'static str,
    },
    /// Fields it needs are empty.
    #[error("`{transition}` needs a value for: {}; set them with the same command", listed(.missing))]
    Missing {
        /// The transition.
        transition: String,
        /// The empty fields.
        missing: Vec<Field>,
    },
    /// Conditions of it do not hold.
    #[error("`{transition}` is not possible yet: {}{}", says.join("; "), also(.missing))]
    Unmet {
        /// The transition.
        transition: String,
        /// What the definition says about each.
        says: Vec<String>,
        /// Fields that are empty although it needs them.
        missing: Vec<Field>,
    },
    /// Something that had to happen with it cannot.
    #[error("`{transition}` cannot be completed: {says}")]
    Stuck {
        /// The transition.
        transition: String,
        /// What stands in the way.
        says: String,
    },
    /// No transition can be taken into a column of a board.
    #[error("nothing leads from `{state}` into the column `{column}` now: {}", reasons.join("; "))]
    Shut {
        /// The column's title.
        column: String,
        /// The present state.
        state: String,
        /// Why each transition that leads there is closed, or what there is instead.
        reasons: Vec<String>,
    },
    /// The workflow has no such state.
    #[error("no state `{0}` in this workflow")]
    NoState(String),
}

fn also(missing: &[Field]) -> String {
    if missing.is_empty() { String::new() } else { format!("; it also needs a value for: {}", listed(missing)) }
}

fn listed(all: &[Field]) -> String {
    all.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ")
}

/// Two writers met: the caller's version is stale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it changed since you looked: you saw version {expected}, it is at {current} and differs in: {}; look again and repeat",
    listed(.fields)
)]
pub struct Conflict {
    /// The version the caller saw.
    pub expected: i64,
    /// The version it has now.
    pub current: i64,
    /// What changed in between.
    pub fields: Vec<Field>,
}

/// A chain of automation that went over a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("automation stopped: {limit} is {used}, allowed are {allowed}")]
pub struct Budget {
    /// Which limit.
    pub limit: &'static str,
    /// What it came to.
    pub used: u64,
    /// What is allowed.
    pub allowed: u64,
}

impl Refusal {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Denied(_) => "FORBIDDEN",
            Self::Invalid(_) => "FIELD_INVALID",
            Self::Taken { .. } => "ALREADY_EXISTS",
            Self::Claimed { .. } => "ALREADY_CLAIMED",
            Self::InUse { .. } => "IN_USE",
            Self::Workflow(WorkflowRefusal::Missing { .. }) => "FIELDS_REQUIRED",
            Self::Workflow(WorkflowRefusal::Guarded { .. }) => "TRANSITION_GUARDED",
            Self::Workflow(WorkflowRefusal::Unmet { .. }) => "CONDITIONS_UNMET",
            Self::Workflow(WorkflowRefusal::Stuck { .. }) => "EFFECT_IMPOSSIBLE",
            Self::Workflow(
                WorkflowRefusal::Unknown { .. }
                | WorkflowRefusal::Closed { .. }
                | WorkflowRefusal::Shut { .. }
                | WorkflowRefusal::NoState(_),
            ) => "TRANSITION_NOT_ALLOWED",
            Self::Workflow(WorkflowRefusal::Gated { .. }) => "APPROVAL_REQUIRED",
            Self::Malformed(_) => "WORKFLOW_MALFORMED",
            Self::Approval(refusal) => refusal.code(),
            Self::Conflict(_) => "VERSION_CONFLICT",
            Self::KeyReused(_) => "IDEMPOTENCY_KEY_REUSED",
            Self::Suspended => "TENANT_SUSPENDED",
            Self::NoTenant => "TENANT_MISSING",
            Self::Automation(_) => "AUTOMATION_STOPPED",
        }
    }

    pub(crate) fn not_found(noun: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { noun, id: id.to_string() }
    }
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(field, message)])
    }
}

/// Why [`Desk::act`](crate::Desk::act) or a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others were faster, over and over; nothing happened.
    #[error("gave up after {0} tries: others keep changing the same ticket; try again")]
    Busy(u32),
    /// The lease of the delivery was lost: somebody else has it now; nothing happened.
    #[error("the lease was lost, another worker has taken over; drop this work")]
    LeaseLost,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ActError {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Busy(_) => "BUSY",
            Self::LeaseLost => "LEASE_LOST",
            Self::Store(error) => error.code(),
        }
    }
    /// The refusal, if it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Busy(_) | Self::LeaseLost | Self::Store(_) => None,
        }
    }
}
