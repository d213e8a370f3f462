//! Who may take which transition, and why not: permission, guard, validators, in this order (SEMANTICS, "Order of one
//! command"). The same judgement serves the command and the list of open transitions.

use super::model::{Transition, Workflow};
use super::rule::Validator;
use crate::approval::ApprovalState;
use crate::case::Case;
use crate::error::{Refusal, WorkflowRefusal};
use crate::id::{PersonId, TagId};
use crate::role::{Denied, Permissions};
use crate::scene::Scene;
use crate::ticket::{Relation, Ticket};
use crate::value::Field;

/// What is said of a ticket whose sub-tickets have not ended.
const CHILDREN: &str = "its sub-tickets have not all ended";
/// What is said of a transition that takes a reason.
const REASON: &str = "it takes a reason; say why";

/// A transition out of the present state, and why it cannot be taken, if so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The transition.
    pub transition: Transition,
    /// The permission the actor lacks.
    pub denied: Option<Denied>,
    /// The template of the approval it waits for, and how that stands.
    pub gated: Option<Gated>,
    /// What the guard says, when it does not hold.
    pub guarded: Option<String>,
    /// Required fields that are still empty; they can be set with the move.
    pub missing: Vec<Field>,
    /// What the validators that do not hold say of the ticket as it is.
    pub unmet: Vec<String>,
}

/// An approval a state waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gated {
    /// The template's key.
    pub template: String,
    /// How it stands.
    pub says: &'static str,
}

impl Exit {
    /// Whether nothing stands in its way.
    pub const fn open(&self) -> bool {
        self.denied.is_none()
            && self.gated.is_none()
            && self.guarded.is_none()
            && self.missing.is_empty()
            && self.unmet.is_empty()
    }
}

/// What is known about who asks and about what stands below the ticket.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// What they may do on the ticket.
    pub may: Permissions,
    /// The person, if it is one.
    pub person: Option<PersonId>,
    /// Whether every sub-ticket has ended; `None` when nobody looked, which counts as "yes".
    pub children_ended: Option<bool>,
    /// Whether they said why.
    pub reasoned: bool,
}

/// The transitions out of the present state, with all reasons why some are closed (FEATURES W6).
pub fn available(case: &Case, asker: Asker) -> Vec<Exit> {
    case.workflow.exits(&case.ticket.state).map(|transition| exit(case, transition, asker)).collect()
}

fn exit(case: &Case, transition: &Transition, asker: Asker) -> Exit {
    Exit {
        transition: transition.clone(),
        denied: denied(transition, asker.may),
        gated: gated(transition, case),
        guarded: guarded(transition, case, asker.person).map(str::to_owned),
        missing: missing(transition, case, None),
        unmet: unmet(transition, case, asker),
    }
}

/// Whether any of the exits is judged by what stands below the ticket.
pub(crate) fn looks_below(workflow: &Workflow, state: &str) -> bool {
    workflow.exits(state).any(|transition| transition.validators.contains(&Validator::ChildrenEnded))
}

/// The first permission the transition takes that is not among `may`.
pub(crate) fn denied(transition: &Transition, may: Permissions) -> Option<Denied> {
    transition.permissions().find(|needed| !may.has(*needed)).map(|needed| Denied { needed })
}

/// The approval that keeps the transition closed (SEMANTICS, "Workflow": an approval gate).
pub(crate) fn gated(transition: &Transition, case: &Case) -> Option<Gated> {
    if transition.bypass_approval { None } else { shut(case) }
}

/// The approval by which the ticket leaves its gate, when one of `fields` is what it was about.
pub(crate) fn changed_on_the_way(
    scene: &Scene,
    transition: &Transition,
    case: &Case,
    fields: &[Field],
) -> Option<Gated> {
    if transition.bypass_approval || fields.is_empty() {
        return None;
    }
    let gate = case.workflow.state(&case.ticket.state)?.gate.as_ref()?;
    let approval = case.approvals.as_ref()?.latest(&gate.template)?;
    let watched = &scene.config.templates.get(&approval.template)?.definition().watched;
    let touched = fields.iter().any(|field| watched.contains(field));
    touched
        .then(|| Gated { template: gate.template.clone(), says: "it was for what the ticket says now; edit it first" })
}

/// The approval the ticket's state waits for, unless it was given.
pub(crate) fn shut(case: &Case) -> Option<Gated> {
    let gate = case.workflow.state(&case.ticket.state)?.gate.as_ref()?;
    let latest = case.approvals.as_ref().and_then(|all| all.latest(&gate.template));
    let says = match latest.map(|approval| approval.state) {
        Some(ApprovalState::Approved) => return None,
        None => "it was not requested yet",
        Some(ApprovalState::Pending) => "it is under way",
        Some(ApprovalState::Blocked) => "it is blocked; whoever manages approvals has to mend it",
        Some(ApprovalState::Rejected) => "it was rejected; resubmit it",
        Some(ApprovalState::Stale) => "the ticket has changed since; resubmit it",
        Some(ApprovalState::Recalled) => "it was recalled; resubmit it",
        Some(ApprovalState::Cancelled) => "it was cancelled; request another",
    };
    Some(Gated { template: gate.template.clone(), says })
}

/// What the guard says, when it does not hold for the ticket as it is.
pub(crate) fn guarded<'a>(transition: &'a Transition, case: &Case, person: Option<PersonId>) -> Option<&'a str> {
    let guard = transition.guard.as_ref()?;
    let holds = guard.when.clone().bind(person).matches(case, &[], false);
    (!holds).then_some(guard.says.as_str())
}

/// What the validators that do not hold for `after` say.
pub(crate) fn unmet(transition: &Transition, after: &Case, asker: Asker) -> Vec<String> {
    let says = |validator: &Validator| match validator {
        Validator::ChildrenEnded => (asker.children_ended == Some(false)).then(|| CHILDREN.to_owned()),
        Validator::Reason => (!asker.reasoned).then(|| REASON.to_owned()),
        Validator::Check(guard) => {
            let holds = guard.when.clone().bind(asker.person).matches(after, &[], false);
            (!holds).then(|| guard.says.clone())
        }
    };
    transition.validators.iter().filter_map(says).collect()
}

/// The required fields that are empty in `after`; `described` tells of a text that comes with the command.
pub(crate) fn missing(transition: &Transition, after: &Case, described: Option<bool>) -> Vec<Field> {
    let people: Vec<_> = after.people.iter().map(|p| (p.relation, p.person)).collect();
    let tags: Vec<_> = after.tags.iter().map(|t| t.tag).collect();
    let described = described.unwrap_or_else(|| after.text.as_ref().is_none_or(|text| !text.description.is_empty()));
    empty(transition, &after.ticket, described, &people, &tags)
}

/// The required fields that are still empty.
fn empty(
    transition: &Transition,
    ticket: &Ticket,
    described: bool,
    people: &[(Relation, PersonId)],
    tags: &[TagId],
) -> Vec<Field> {
    let has = |relation| people.iter().any(|(r, _)| *r == relation);
    let empty = |field: &Field| match field {
        Field::Description => !described,
        Field::Group => ticket.group.is_none(),
        Field::Company => ticket.company.is_none(),
        Field::Parent => ticket.parent.is_none(),
        Field::StartAt => ticket.start_at.is_none(),
        Field::DueAt => ticket.due_at.is_none(),
        Field::Estimate => ticket.estimate.is_none(),
        Field::Assignees => !has(Relation::Assignee),
        Field::Requester => !has(Relation::Requester),
        Field::Watchers => !has(Relation::Watcher),
        Field::Members => !has(Relation::Member),
        Field::Approvers => !has(Relation::Approver),
        Field::Reporter => !has(Relation::Reporter),
        Field::Tags => tags.is_empty(),
        // A manual choice is what a workflow can ask for.
        Field::Priority => !ticket.priority_manual,
        // Always have a value.
        Field::Title
        | Field::Type
        | Field::Urgency
        | Field::Importance
        | Field::Visibility
        | Field::State
        | Field::Deleted => false,
    };
    transition.required.iter().copied().filter(|field| empty(field)).collect()
}

/// Refuses unless the transition can be completed with the ticket as it will be; every fault is told.
pub(crate) fn validate(
    transition: &Transition,
    after: &Case,
    described: Option<bool>,
    asker: Asker,
) -> Result<(), Refusal> {
    let (missing, says) = (missing(transition, after, described), unmet(transition, after, asker));
    let id = || transition.id.clone();
    match (missing.is_empty(), says.is_empty()) {
        (true, true) => Ok(()),
        (false, true) => Err(WorkflowRefusal::Missing { transition: id(), missing }.into()),
        (_, false) => Err(WorkflowRefusal::Unmet { transition: id(), says, missing }.into()),
    }
}
