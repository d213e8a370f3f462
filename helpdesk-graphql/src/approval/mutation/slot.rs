//! Commands about the slots of an approval: giving them away, asking for an opinion, giving it.

use async_graphql::{Context, InputObject, Object, Result};
use helpdesk_core::command::{AdviseApprover, ConsultApprover, ReassignSlot};
use helpdesk_core::id::PersonId;

use super::super::{Approval, load};
use crate::id::{ApprovalOf, Ref};
use crate::payload::{With, act, payloads};

/// Gives a slot to somebody else.
#[derive(InputObject)]
struct ApprovalReassignInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// In which step, by key, when they are asked in several.
    step: Option<String>,
    /// Whose slot: your own, or anybody's for those who manage approvals.
    from: Ref<PersonId>,
    /// To whom.
    to: Ref<PersonId>,
    /// Why, 1 to 1000 characters.
    reason: String,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Asks somebody for an opinion on a slot of your own.
#[derive(InputObject)]
struct ApprovalConsultInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// In which step, by key, when you are asked in several.
    step: Option<String>,
    /// Who is asked.
    person: Ref<PersonId>,
    /// What is asked, 1 to 10,000 characters.
    question: String,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Gives the opinion you were asked for.
#[derive(InputObject)]
struct ApprovalAdviseInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// In which step, by key, when you were asked in several.
    step: Option<String>,
    /// What you think, 1 to 10,000 characters.
    opinion: String,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `approvalReassign` answers.
    ApprovalReassignPayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalConsult` answers.
    ApprovalConsultPayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalAdvise` answers.
    ApprovalAdvisePayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
}

#[derive(Default)]
pub(crate) struct SlotMutation;

#[Object]
impl SlotMutation {
    /// Gives a slot to somebody else: your own, or anybody's for those who manage approvals.
    async fn approval_reassign(
        &self,
        ctx: &Context<'_>,
        input: ApprovalReassignInput,
    ) -> Result<Option<ApprovalReassignPayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let command = ReassignSlot {
            ticket,
            approval,
            step: input.step,
            from: input.from.0,
            to: input.to.0,
            reason: input.reason,
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ApprovalReassignPayload(act(ctx, command, with).await?.about(input.approval.0))))
    }

    /// Asks somebody for an opinion on a slot of your own; the decision stays yours.
    async fn approval_consult(
        &self,
        ctx: &Context<'_>,
        input: ApprovalConsultInput,
    ) -> Result<Option<ApprovalConsultPayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let (step, person, question) = (input.step, input.person.0, input.question);
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, ConsultApprover { ticket, approval, step, person, question }, with).await?;
        Ok(Some(ApprovalConsultPayload(outcome.about(input.approval.0))))
    }

    /// Gives the opinion you were asked for. It decides nothing.
    async fn approval_advise(
        &self,
        ctx: &Context<'_>,
        input: ApprovalAdviseInput,
    ) -> Result<Option<ApprovalAdvisePayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome =
            act(ctx, AdviseApprover { ticket, approval, step: input.step, opinion: input.opinion }, with).await?;
        Ok(Some(ApprovalAdvisePayload(outcome.about(input.approval.0))))
    }
}
