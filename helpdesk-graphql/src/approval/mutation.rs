//! Commands about approvals as a whole: requesting, deciding, taking back. Those that move slots are in [`slot`].

pub(crate) mod slot;

use async_graphql::{Context, InputObject, Object, Result};
use helpdesk_core::command::{
    DecideApproval, RecallApproval, RequestApproval, ResubmitApproval, RetractDecision, ReviewApprovers,
};
use helpdesk_core::id::{PersonId, TicketId};

use super::names::ApprovalVote;
use super::{Approval, load};
use crate::id::{ApprovalOf, Ref};
use crate::payload::{With, act, payloads};
use crate::ticket::{self, Ticket};

/// Requests an approval of a ticket.
#[derive(InputObject)]
struct ApprovalRequestInput {
    /// The ticket.
    ticket: Ref<TicketId>,
    /// The template, by key; its newest version is taken.
    template: String,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Approves or rejects, in a slot of your own or as somebody's proxy.
#[derive(InputObject)]
struct ApprovalDecideInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// Yes or no.
    verdict: ApprovalVote,
    /// What you say about it, at most 10,000 characters; a rejection needs it.
    comment: Option<String>,
    /// In which step, by key, when you are asked in several.
    step: Option<String>,
    /// For whom, as their proxy.
    on_behalf_of: Option<Ref<PersonId>>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes back your own decision while its step is open.
#[derive(InputObject)]
struct ApprovalRetractInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// In which step, by key, when you decided in several.
    step: Option<String>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes a request back while it is undecided.
#[derive(InputObject)]
struct ApprovalRecallInput {
    /// The approval.
    approval: Ref<ApprovalOf>,
    /// Why, at most 1000 characters.
    reason: Option<String>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Opens the next round of an approval.
#[derive(InputObject)]
struct ApprovalResubmitInput {
    /// The approval: one that was rejected, recalled or is stale.
    approval: Ref<ApprovalOf>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Looks anew who can be asked.
#[derive(InputObject)]
struct ApprovalReviewInput {
    /// The ticket whose running approvals are looked at.
    ticket: Ref<TicketId>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `approvalRequest` answers.
    ApprovalRequestPayload {
        /// The new approval.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalDecide` answers.
    ApprovalDecidePayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalRetract` answers.
    ApprovalRetractPayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalRecall` answers.
    ApprovalRecallPayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalResubmit` answers.
    ApprovalResubmitPayload {
        /// The approval after the command.
        approval: Approval = load, from ApprovalOf
    }
    /// What `approvalReview` answers.
    ApprovalReviewPayload {
        /// The ticket after the command.
        ticket: Ticket = ticket::load, from TicketId
    }
}

#[derive(Default)]
pub(crate) struct ApprovalMutation;

#[Object]
impl ApprovalMutation {
    /// Requests an approval of a ticket. One by the same template that is under way has to end, or be recalled, first.
    async fn approval_request(
        &self,
        ctx: &Context<'_>,
        input: ApprovalRequestInput,
    ) -> Result<Option<ApprovalRequestPayload>> {
        let ticket = input.ticket.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, RequestApproval::new(ticket, input.template), with).await?;
        Ok(Some(ApprovalRequestPayload(outcome.map(|approval| ApprovalOf(ticket, approval)))))
    }

    /// Approves or rejects, in a slot of your own or as somebody's proxy.
    async fn approval_decide(
        &self,
        ctx: &Context<'_>,
        input: ApprovalDecideInput,
    ) -> Result<Option<ApprovalDecidePayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let command = DecideApproval {
            ticket,
            approval,
            verdict: input.verdict.into(),
            comment: input.comment,
            step: input.step,
            on_behalf_of: input.on_behalf_of.map(|person| person.0),
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ApprovalDecidePayload(act(ctx, command, with).await?.about(input.approval.0))))
    }

    /// Takes back your own decision while its step is open; it stays in the record.
    async fn approval_retract(
        &self,
        ctx: &Context<'_>,
        input: ApprovalRetractInput,
    ) -> Result<Option<ApprovalRetractPayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, RetractDecision { ticket, approval, step: input.step }, with).await?;
        Ok(Some(ApprovalRetractPayload(outcome.about(input.approval.0))))
    }

    /// Takes a request back while it is undecided: whoever requested it, or those who manage approvals.
    async fn approval_recall(
        &self,
        ctx: &Context<'_>,
        input: ApprovalRecallInput,
    ) -> Result<Option<ApprovalRecallPayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, RecallApproval { ticket, approval, reason: input.reason }, with).await?;
        Ok(Some(ApprovalRecallPayload(outcome.about(input.approval.0))))
    }

    /// Opens the next round of an approval that was rejected, recalled or is stale.
    async fn approval_resubmit(
        &self,
        ctx: &Context<'_>,
        input: ApprovalResubmitInput,
    ) -> Result<Option<ApprovalResubmitPayload>> {
        let ApprovalOf(ticket, approval) = input.approval.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, ResubmitApproval { ticket, approval }, with).await?;
        Ok(Some(ApprovalResubmitPayload(outcome.about(input.approval.0))))
    }

    /// Looks anew who can be asked in the running approvals of a ticket: the slots of those who have left go to their
    /// proxy or replacement, and what was blocked goes on when it can. For those who manage approvals.
    async fn approval_review(
        &self,
        ctx: &Context<'_>,
        input: ApprovalReviewInput,
    ) -> Result<Option<ApprovalReviewPayload>> {
        let ticket = input.ticket.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ApprovalReviewPayload(act(ctx, ReviewApprovers { ticket }, with).await?.about(ticket))))
    }
}
