//! Why something about an approval was refused.

use crate::id::PersonId;
use crate::workflow::Malformed;

use super::model::{ApprovalState, StepState, Verdict};

/// Why something about an approval was refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefusal {
    /// The template has faults.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// One by this template is under way.
    #[error("an approval by `{template}` is under way; wait for it, or recall it first")]
    Running {
        /// The template's key.
        template: String,
    },
    /// It has ended.
    #[error("the approval is {state}; nothing more can be said in this round")]
    Over {
        /// How it stands.
        state: ApprovalState,
    },
    /// It has not ended, or not in a way that leads on.
    #[error("the approval is {state}; only one that was rejected, recalled or is stale can be resubmitted")]
    NotOver {
        /// How it stands.
        state: ApprovalState,
    },
    /// The actor is not asked now: not at all, not yet, or in another step.
    #[error("you are not asked in an open step of this approval; look who is")]
    NotAsked,
    /// They are asked in several places.
    #[error("you are asked in several places; name the `step` ({steps}) or on whose behalf you decide")]
    Ambiguous {
        /// The keys of the steps, comma-separated.
        steps: String,
    },
    /// Something was decided on the slot.
    #[error("it was {verdict} here already, by `{by}`; retract that first if it was you")]
    AlreadyDecided {
        /// What.
        verdict: Verdict,
        /// By whom.
        by: PersonId,
    },
    /// The step has ended.
    #[error("the step is {state}; what was said in it stands")]
    StepEnded {
        /// How it ended.
        state: StepState,
    },
    /// Nobody approves what is their own.
    #[error("nobody approves what they requested, is for them, or was edited by them; ask another approver")]
    SelfApproval,
    /// Nothing was decided there by the actor.
    #[error("there is nothing of yours to take back here")]
    NothingToRetract,
    /// Nobody holds this delegation for that person.
    #[error("`{principal}` has not made you their proxy for this ticket; ask them, or decide for yourself")]
    NoProxy {
        /// For whom it was to be decided.
        principal: PersonId,
    },
    /// A link was used, or is for what the ticket was before.
    #[error(
        "the link is no longer good: it was used, has expired, or the approval has changed; open the ticket instead"
    )]
    LinkSpent,
}

impl ApprovalRefusal {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "TEMPLATE_MALFORMED",
            Self::Running { .. } => "APPROVAL_RUNNING",
            Self::Over { .. } => "APPROVAL_OVER",
            Self::NotOver { .. } => "APPROVAL_NOT_OVER",
            Self::NotAsked => "NOT_ASKED",
            Self::Ambiguous { .. } => "APPROVAL_AMBIGUOUS",
            Self::AlreadyDecided { .. } => "ALREADY_DECIDED",
            Self::StepEnded { .. } => "STEP_ENDED",
            Self::SelfApproval => "SELF_APPROVAL",
            Self::NothingToRetract => "NOTHING_TO_RETRACT",
            Self::NoProxy { .. } => "NO_PROXY",
            Self::LinkSpent => "LINK_SPENT",
        }
    }
}
