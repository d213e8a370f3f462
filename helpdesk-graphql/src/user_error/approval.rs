//! What a person can mend about an approval or its template.

use async_graphql::{ID, SimpleObject};
use helpdesk_core::approval::ApprovalRefusal;

use super::{DefinitionProblem, Places, UserError, path};
use crate::approval::names::{ApprovalState, ApprovalStepState, ApprovalVerdict};
use crate::id::global;

/// The definition of an approval template has faults.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ApprovalTemplateMalformed {
    /// A stable name for machines.
    pub(super) code: String,
    /// What is wrong and what to do, for people.
    pub(super) message: String,
    /// The place in the input it is about, from `input` on.
    pub(super) path: Vec<String>,
    /// Every fault.
    pub(super) problems: Vec<DefinitionProblem>,
}

/// The approval does not stand so that this could be done, or not by you.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ApprovalRefused {
    /// A stable name for machines: `APPROVAL_RUNNING`, `APPROVAL_OVER`, `APPROVAL_NOT_OVER`, `NOT_ASKED`,
    /// `APPROVAL_AMBIGUOUS`, `ALREADY_DECIDED`, `STEP_ENDED`, `SELF_APPROVAL`, `NOTHING_TO_RETRACT`, `NO_PROXY` or
    /// `LINK_SPENT`.
    pub(super) code: String,
    /// What is wrong and what to do, for people.
    pub(super) message: String,
    /// The place in the input it is about, from `input` on.
    pub(super) path: Vec<String>,
    /// How the approval stands, when that is why.
    approval_state: Option<ApprovalState>,
    /// How the step stands, when that is why.
    step_state: Option<ApprovalStepState>,
    /// What was decided there already.
    verdict: Option<ApprovalVerdict>,
    /// Who decided it: the id of a person.
    decided_by: Option<ID>,
}

pub(super) fn refused(refusal: ApprovalRefusal, code: String, message: String, places: Places) -> UserError {
    let about = |field| ApprovalRefused {
        code: code.clone(),
        message: message.clone(),
        path: path(field, places),
        approval_state: None,
        step_state: None,
        verdict: None,
        decided_by: None,
    };
    UserError::ApprovalRefused(match refusal {
        ApprovalRefusal::Malformed(faults) => {
            let problems = faults.0.into_iter().map(Into::into).collect();
            let malformed = ApprovalTemplateMalformed { path: path("definition", places), code, message, problems };
            return UserError::ApprovalTemplateMalformed(malformed);
        }
        ApprovalRefusal::Running { .. } => about("template"),
        ApprovalRefusal::Over { state } | ApprovalRefusal::NotOver { state } => {
            ApprovalRefused { approval_state: Some(state.into()), ..about("approval") }
        }
        ApprovalRefusal::AlreadyDecided { verdict, by } => {
            ApprovalRefused { verdict: Some(verdict.into()), decided_by: Some(global(&by)), ..about("approval") }
        }
        ApprovalRefusal::StepEnded { state } => ApprovalRefused { step_state: Some(state.into()), ..about("approval") },
        ApprovalRefusal::Ambiguous { .. } => about("step"),
        ApprovalRefusal::NoProxy { .. } => about("on_behalf_of"),
        ApprovalRefusal::NotAsked
        | ApprovalRefusal::SelfApproval
        | ApprovalRefusal::NothingToRetract
        | ApprovalRefusal::LinkSpent => about("approval"),
    })
}
