//! Commands about approvals: templates, requests, decisions, delegations.

use serde::{Deserialize, Serialize};

use crate::approval::{TemplateDefinition, Vote};
use crate::id::{ApprovalId, DelegationId, PersonId, TenantId, TicketId};
use crate::role::Scope;
use crate::time::Timestamp;

/// Publishes the next version of an approval template. Needs `approval.manage` in the whole tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishTemplate {
    /// The tenant.
    pub tenant: TenantId,
    /// What it says.
    pub definition: TemplateDefinition,
}

/// Asks for an approval of a ticket by the newest version of a template. Needs `approval.request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestApproval {
    /// The ticket.
    pub ticket: TicketId,
    /// The template's key.
    pub template: String,
}

impl RequestApproval {
    /// By the template with this key.
    pub fn new(ticket: TicketId, template: impl Into<String>) -> Self {
        Self { ticket, template: template.into() }
    }
}

/// Approves or rejects, in a slot of one's own or as somebody's proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecideApproval {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// Yes or no.
    pub verdict: Vote,
    /// What is said about it, at most 10,000 characters; a rejection needs it.
    pub comment: Option<String>,
    /// In which step, by key, when the actor is asked in several.
    pub step: Option<String>,
    /// For whom, as their proxy.
    pub on_behalf_of: Option<PersonId>,
}

impl DecideApproval {
    /// Yes.
    pub const fn approve(ticket: TicketId, approval: ApprovalId) -> Self {
        Self { ticket, approval, verdict: Vote::Approved, comment: None, step: None, on_behalf_of: None }
    }
    /// No, because of this.
    pub fn reject(ticket: TicketId, approval: ApprovalId, comment: impl Into<String>) -> Self {
        let comment = Some(comment.into());
        Self { ticket, approval, verdict: Vote::Rejected, comment, step: None, on_behalf_of: None }
    }
    /// As the proxy of this person.
    #[must_use]
    pub const fn on_behalf_of(mut self, principal: PersonId) -> Self {
        self.on_behalf_of = Some(principal);
        self
    }
}

/// Takes back one's own decision while its step is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetractDecision {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// In which step, by key, when there are several.
    pub step: Option<String>,
}

/// Gives a slot to somebody else: one's own, or anybody's with `approval.manage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReassignSlot {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// In which step, by key, when `from` is asked in several.
    pub step: Option<String>,
    /// Whose slot.
    pub from: PersonId,
    /// To whom.
    pub to: PersonId,
    /// Why, 1 to 1000 characters.
    pub reason: String,
}

/// Asks somebody for an opinion on a slot of one's own; the decision stays with its holder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsultApprover {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// In which step, by key, when one is asked in several.
    pub step: Option<String>,
    /// Who is asked.
    pub person: PersonId,
    /// What is asked, 1 to 10,000 characters.
    pub question: String,
}

/// Gives the opinion one was asked for; the slot is its holder's again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdviseApprover {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// In which step, by key, when one was asked in several.
    pub step: Option<String>,
    /// What one thinks, 1 to 10,000 characters.
    pub opinion: String,
}

/// Takes a request back while it is undecided: whoever requested it, or with `approval.manage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallApproval {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// Why, at most 1000 characters.
    pub reason: Option<String>,
}

/// Opens the next round of an approval that was rejected, recalled or is stale: whoever requested it, or with
/// `approval.request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResubmitApproval {
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
}

/// Looks anew who can be asked in the running approvals of a ticket: the slots of those who have left go to their proxy
/// or replacement, and what was blocked goes on when it can. Needs `approval.manage`; the desk's workers send it by
/// themselves when somebody leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewApprovers {
    /// The ticket.
    pub ticket: TicketId,
}

/// Lets somebody decide for somebody else: for oneself, or with `people.manage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delegate {
    /// Whose decisions.
    pub principal: PersonId,
    /// Who may make them.
    pub delegate: PersonId,
    /// For which tickets.
    pub scope: Scope,
    /// From when on; at once when absent.
    pub starts_at: Option<Timestamp>,
    /// Until when, exclusive; for good when absent.
    pub ends_at: Option<Timestamp>,
}

/// Takes a delegation back; what was decided by it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RevokeDelegation {
    /// The delegation.
    pub delegation: DelegationId,
}
