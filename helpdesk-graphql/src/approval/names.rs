//! The closed sets approvals speak in.

use async_graphql::Enum;

use crate::names::mirror;

mirror! {
    /// How an approval stands.
    ApprovalState = "helpdesk_core::approval::ApprovalState" {
        /// Somebody has still to speak.
        Pending,
        /// Nobody who could speak is left, or too few: whoever manages approvals has to mend it.
        Blocked,
        /// It was approved, and what was approved is still what the ticket says.
        Approved,
        /// It was rejected; it may be resubmitted.
        Rejected,
        /// It was approved, and the ticket has changed since.
        Stale,
        /// Whoever requested it took it back.
        Recalled,
        /// The ticket ended before it did.
        Cancelled,
    }
    /// How all approvals of a ticket stand together: of each template the latest counts, and the worst of them decides.
    ApprovalStanding = "helpdesk_core::approval::Overall" {
        /// None was requested.
        None,
        /// One is blocked.
        Blocked,
        /// One was rejected.
        Rejected,
        /// One was approved for what the ticket said before.
        Stale,
        /// One is under way.
        Pending,
        /// None but those that were recalled or cancelled.
        Withdrawn,
        /// All were approved.
        Approved,
    }
    /// How a step of an approval stands.
    ApprovalStepState = "helpdesk_core::approval::StepState" {
        /// It takes decisions.
        Open,
        /// Nobody can be asked.
        Blocked,
        /// It ended well.
        Approved,
        /// It did not.
        Rejected,
        /// It was not needed: its condition did not hold, or nobody could be asked and the template passes over that.
        Skipped,
        /// Others decided before it could.
        NotRequired,
    }
    /// How the place of one person in a step stands.
    ApprovalSlotState = "helpdesk_core::approval::SlotState" {
        /// They are asked.
        Open,
        /// They approved.
        Approved,
        /// They rejected.
        Rejected,
        /// They left, and nobody took their place.
        Vacant,
        /// It ended without them.
        NotRequired,
    }
    /// What was said on an approval.
    ApprovalVerdict = "helpdesk_core::approval::Verdict" {
        /// Yes.
        Approved,
        /// No.
        Rejected,
        /// What was said before is taken back.
        Retracted,
        /// Somebody else is asked for an opinion.
        Consulted,
        /// An opinion, which decides nothing.
        Advised,
    }
    /// Yes or no.
    ApprovalVote = "helpdesk_core::approval::Vote" {
        /// Yes.
        Approved,
        /// No; says why.
        Rejected,
    }
    /// What an edit of a watched field does while an approval runs.
    ApprovalOnEdit = "helpdesk_core::approval::OnEdit" {
        /// A new round begins, from the first step.
        ResetRound,
        /// The open steps begin anew.
        ResetStep,
        /// The log says so, and what was said stays.
        Notify,
    }
}
