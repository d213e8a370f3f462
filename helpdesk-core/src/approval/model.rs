//! Approvals of a ticket as they stand: one struct per stored row, and [`Approvals`], all of one ticket.

use crate::id::{ApprovalId, DecisionId, DelegationId, GroupId, PersonId, Salt, SlotId, TenantId, TicketId};
use crate::role::Scope;
use crate::time::Timestamp;
use crate::value::names;

use super::rule::{Needed, Seat, Vote};
use super::template::TemplateRef;

names! {
    /// How an approval stands.
    pub enum ApprovalState ("state of an approval") {
        /// Somebody has still to speak.
        Pending = "pending",
        /// Nobody who could speak is left, or too few: whoever manages approvals has to mend it.
        Blocked = "blocked",
        /// It was approved, and what was approved is still what the ticket says.
        Approved = "approved",
        /// It was rejected; it may be resubmitted.
        Rejected = "rejected",
        /// It was approved, and the ticket has changed since.
        Stale = "stale",
        /// Whoever requested it took it back.
        Recalled = "recalled",
        /// The ticket ended before it did.
        Cancelled = "cancelled",
    }
}
impl ApprovalState {
    /// Whether somebody may still decide.
    pub const fn running(self) -> bool {
        matches!(self, Self::Pending | Self::Blocked)
    }
}

names! {
    /// How all approvals of a ticket stand together: of each template the latest counts, and the worst of them decides.
    pub enum Overall ("standing of approvals") {
        /// None was requested.
        None = "none",
        /// One is blocked.
        Blocked = "blocked",
        /// One was rejected.
        Rejected = "rejected",
        /// One was approved for what the ticket said before.
        Stale = "stale",
        /// One is under way.
        Pending = "pending",
        /// None but those that were recalled or cancelled.
        Withdrawn = "withdrawn",
        /// All were approved.
        Approved = "approved",
    }
}
names! {
    /// How a step stands.
    pub enum StepState ("state of a step") {
        /// It takes decisions.
        Open = "open",
        /// Nobody can be asked.
        Blocked = "blocked",
        /// It ended well.
        Approved = "approved",
        /// It did not.
        Rejected = "rejected",
        /// It was not needed: its condition did not hold, or nobody could be asked and the template passes over that.
        Skipped = "skipped",
        /// Others decided before it could.
        NotRequired = "not_required",
    }
}
impl StepState {
    /// Whether it has not ended.
    pub const fn running(self) -> bool {
        matches!(self, Self::Open | Self::Blocked)
    }
}
names! {
    /// How the place of one person in a step stands.
    pub enum SlotState ("state of a slot") {
        /// They are asked.
        Open = "open",
        /// They approved.
        Approved = "approved",
        /// They rejected.
        Rejected = "rejected",
        /// They left, and nobody took their place.
        Vacant = "vacant",
        /// It ended without them.
        NotRequired = "not_required",
    }
}
names! {
    /// What was said on an approval.
    pub enum Verdict ("verdict") {
        /// Yes.
        Approved = "approved",
        /// No.
        Rejected = "rejected",
        /// What was said before is taken back.
        Retracted = "retracted",
        /// Somebody else is asked for an opinion.
        Consulted = "consulted",
        /// An opinion, which decides nothing.
        Advised = "advised",
    }
}
impl From<Vote> for Verdict {
    fn from(vote: Vote) -> Self {
        match vote {
            Vote::Approved => Self::Approved,
            Vote::Rejected => Self::Rejected,
        }
    }
}

/// An approval of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub id: ApprovalId,
    /// Counts the approvals of the ticket, from 1.
    pub number: u32,
    /// What it runs by.
    pub template: TemplateRef,
    /// The present round, from 1.
    pub round: u32,
    /// How it stands.
    pub state: ApprovalState,
    /// What the watched fields came to when the round began, or when an edit was last noticed; hexadecimal.
    pub hash: String,
    /// Who requested it, if a person did.
    pub requested_by: Option<PersonId>,
    /// Who resubmitted it last, if a person did.
    pub resubmitted_by: Option<PersonId>,
    /// Who edited a watched field last, as far as the log knows.
    pub edited_by: Option<PersonId>,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When its present round ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// A step of a round that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalStep {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// The round, from 1.
    pub round: u32,
    /// Its place in the template, from 0.
    pub index: u32,
    /// Its key in the template.
    pub key: String,
    /// How it stands.
    pub state: StepState,
    /// How many approvals it needs, fixed when it opened; none when it was skipped or is blocked.
    pub needed: Option<Needed>,
    /// Why it was skipped or is blocked; else empty.
    pub note: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// The place of one person who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// The slot.
    pub id: SlotId,
    /// Counts the slots of the ticket, from 1.
    pub number: u32,
    /// The round, from 1.
    pub round: u32,
    /// The place of its step in the template, from 0.
    pub index: u32,
    /// Who is asked.
    pub person: PersonId,
    /// The groups through which they are.
    pub groups: Vec<GroupId>,
    /// How they were found: `person`, `group`, `role:KEY`, `requester` …, `manager`; `moved` when the slot was given to
    /// them by somebody; `fallback` stands before it when nobody else could be asked. Separated by spaces when there are several.
    pub via: String,
    /// How it stands.
    pub state: SlotState,
    /// Who was asked for an opinion that has not come yet.
    pub consulted: Option<PersonId>,
    /// How often something was decided on it: a link to it is good for one decision.
    pub turn: u32,
    /// Whether what it says was said in an earlier round.
    pub carried: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was decided or ended, if it was.
    pub ended_at: Option<Timestamp>,
}

/// One thing said on an approval; never changed, never removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDecision {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The approval.
    pub approval: ApprovalId,
    /// The decision.
    pub id: DecisionId,
    /// Counts the decisions on the ticket, from 1.
    pub number: u32,
    /// The slot it was said on.
    pub slot: SlotId,
    /// The round, from 1.
    pub round: u32,
    /// What was said.
    pub verdict: Verdict,
    /// Who said it.
    pub person: PersonId,
    /// For whom, when it was said as a proxy; whom it is put to, when somebody is consulted.
    pub on_behalf_of: Option<PersonId>,
    /// What they said about it; perhaps empty.
    pub comment: String,
    /// The salt of its digest.
    pub salt: Salt,
    /// What the watched fields came to.
    pub hash: String,
    /// When.
    pub at: Timestamp,
}

/// A standing delegation: one person may decide for another (FEATURES A3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The tenant.
    pub tenant: TenantId,
    /// The delegation.
    pub id: DelegationId,
    /// Whose decisions.
    pub principal: PersonId,
    /// Who may make them.
    pub delegate: PersonId,
    /// For which tickets.
    pub scope: Scope,
    /// From when on; since ever when absent.
    pub starts_at: Option<Timestamp>,
    /// Until when, exclusive; for good when absent.
    pub ends_at: Option<Timestamp>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was taken back, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Delegation {
    /// Whether it holds at `now`, wherever that is.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none()
            && self.starts_at.is_none_or(|start| start <= now)
            && self.ends_at.is_none_or(|end| now < end)
    }
}

/// All approvals of a ticket, with their steps, slots and decisions: each list in order of its numbers, steps in that of
/// (approval, round, index).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// The approvals.
    pub all: Vec<Approval>,
    /// Their steps, of every round.
    pub steps: Vec<ApprovalStep>,
    /// The slots of those steps.
    pub slots: Vec<Slot>,
    /// What was said.
    pub decisions: Vec<ApprovalDecision>,
}

impl Approvals {
    /// The approval with this id.
    pub fn get(&self, id: ApprovalId) -> Option<&Approval> {
        self.all.iter().find(|approval| approval.id == id)
    }
    /// The latest approval by the template with this key, of whatever version.
    pub fn latest(&self, key: &str) -> Option<&Approval> {
        self.all.iter().rev().find(|approval| *approval.template.key == *key)
    }
    /// The steps of the approval's present round, in order of the template.
    pub fn steps_of<'a>(&'a self, approval: &'a Approval) -> impl Iterator<Item = &'a ApprovalStep> {
        self.steps.iter().filter(|step| (step.approval, step.round) == (approval.id, approval.round))
    }
    /// The step of the present round at `index`.
    pub fn step<'a>(&'a self, approval: &'a Approval, index: u32) -> Option<&'a ApprovalStep> {
        self.steps_of(approval).find(|step| step.index == index)
    }
    /// The slots of a step.
    pub fn slots_of<'a>(&'a self, step: &'a ApprovalStep) -> impl Iterator<Item = &'a Slot> {
        let key = (step.approval, step.round, step.index);
        self.slots.iter().filter(move |slot| (slot.approval, slot.round, slot.index) == key)
    }
    /// The step a slot belongs to.
    pub fn step_of(&self, slot: &Slot) -> Option<&ApprovalStep> {
        let key = (slot.approval, slot.round, slot.index);
        self.steps.iter().find(|step| (step.approval, step.round, step.index) == key)
    }
    /// The slot with this id.
    pub fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.id == id)
    }
    /// The slots of the present round that take decisions or have taken one, of steps that are open.
    pub fn asked<'a>(&'a self, approval: &'a Approval) -> impl Iterator<Item = &'a Slot> {
        let open = self.steps_of(approval).filter(|step| step.state == StepState::Open);
        open.flat_map(|step| self.slots_of(step))
    }
    /// What was last decided on a slot, opinions apart.
    pub fn last_on(&self, slot: SlotId) -> Option<&ApprovalDecision> {
        let decides = |decision: &&ApprovalDecision| {
            decision.slot == slot
                && matches!(decision.verdict, Verdict::Approved | Verdict::Rejected | Verdict::Retracted)
        };
        self.decisions.iter().rev().find(decides)
    }
    /// The seats of a step, for counting: those who left could still come back, and count as open.
    pub(crate) fn seats(&self, step: &ApprovalStep) -> Vec<Seat> {
        let seat = |slot: &Slot| Seat {
            groups: slot.groups.clone(),
            vote: match slot.state {
                SlotState::Approved => Some(Vote::Approved),
                SlotState::Rejected => Some(Vote::Rejected),
                SlotState::Open | SlotState::Vacant | SlotState::NotRequired => None,
            },
        };
        self.slots_of(step).filter(|slot| slot.state != SlotState::NotRequired).map(seat).collect()
    }

    /// How they stand together (TRAPS 19: an earlier approval never hides a later rejection).
    pub fn overall(&self) -> Overall {
        let newest =
            |approval: &&Approval| self.latest(&approval.template.key).is_some_and(|latest| latest.id == approval.id);
        let mut states: Vec<ApprovalState> = self.all.iter().filter(newest).map(|approval| approval.state).collect();
        if states.is_empty() {
            return Overall::None;
        }
        states.retain(|state| !matches!(state, ApprovalState::Recalled | ApprovalState::Cancelled));
        let worst = |overall: &ApprovalState| match overall {
            ApprovalState::Blocked => Overall::Blocked,
            ApprovalState::Rejected => Overall::Rejected,
            ApprovalState::Stale => Overall::Stale,
            ApprovalState::Pending => Overall::Pending,
            ApprovalState::Approved => Overall::Approved,
            ApprovalState::Recalled | ApprovalState::Cancelled => Overall::Withdrawn,
        };
        states.iter().map(worst).min().unwrap_or(Overall::Withdrawn)
    }
}
