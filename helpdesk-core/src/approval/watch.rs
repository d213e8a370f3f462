//! What an approval is about: the watched fields of the ticket, and what an edit of them does (SEMANTICS, "Approvals":
//! Edits; TRAPS 21).

use sha2::{Digest, Sha256};

use super::advance;
use super::model::{Approval, ApprovalState};
use super::template::{OnEdit, Template};
use crate::case::Case;
use crate::event::{ApprovalEdited, ApprovalEnded, ApprovalStaled, Event, NewRound, RoundOpened, Subject};
use crate::id::hex;
use crate::scene::{Ctx, Scene};
use crate::ticket::Relation;
use crate::value::Field;

/// Most rounds of one approval.
pub(super) const ROUNDS_MAX: usize = 50;

/// What the watched fields come to: 128 bits of SHA-256 over their names and values, hexadecimal. Texts count by their
/// salted digests, so that it tells nothing of what is erased.
pub fn hash(case: &Case, template: &Template) -> String {
    let values: Vec<(Field, String)> =
        template.definition().watched.iter().map(|field| (*field, value(case, *field))).collect();
    // Plain data with string keys always serialises.
    hex(&Sha256::digest(serde_json::to_vec(&values).unwrap_or_default())[..16])
}

fn value(case: &Case, field: Field) -> String {
    let ticket = &case.ticket;
    let text = |it: Option<String>| it.unwrap_or_default();
    let people = |relation: Relation| {
        let mut ids: Vec<String> = case.who(relation).map(|person| person.to_string()).collect();
        ids.sort_unstable();
        ids.join(" ")
    };
    match field {
        Field::Title => ticket.salt.digest(&ticket.title),
        Field::Description => text(case.text.as_ref().map(|text| text.salt.digest(&text.description))),
        Field::Type => ticket.kind.to_string(),
        Field::Priority => ticket.priority.to_string(),
        Field::Urgency => ticket.urgency.to_string(),
        Field::Importance => ticket.importance.to_string(),
        Field::Visibility => ticket.visibility.to_string(),
        Field::Group => text(ticket.group.map(|id| id.to_string())),
        Field::Company => text(ticket.company.map(|id| id.to_string())),
        Field::Parent => text(ticket.parent.map(|id| id.to_string())),
        Field::StartAt => text(ticket.start_at.map(|at| at.millis().to_string())),
        Field::DueAt => text(ticket.due_at.map(|at| at.millis().to_string())),
        Field::Estimate => text(ticket.estimate.map(|minutes| minutes.to_string())),
        Field::State => ticket.state.clone(),
        Field::Deleted => ticket.deleted_at.is_some().to_string(),
        Field::Assignees => people(Relation::Assignee),
        Field::Requester => people(Relation::Requester),
        Field::Watchers => people(Relation::Watcher),
        Field::Members => people(Relation::Member),
        Field::Approvers => people(Relation::Approver),
        Field::Reporter => people(Relation::Reporter),
        Field::Tags => case.tags.iter().map(|tagging| tagging.tag.to_string()).collect::<Vec<_>>().join(" "),
    }
}

/// The fields of a ticket an event is about.
pub(super) fn fields_of(event: &Event) -> Vec<Field> {
    event.changes().into_iter().map(|change| change.field).collect()
}

/// What an edit of the ticket does to its approvals. The case is as it stands after the edit.
pub(super) fn edited(scene: &Scene, case: &Case, event: &Event, ctx: &mut Ctx<'_>) -> Vec<(Subject, Event)> {
    let Some(approvals) = case.approvals.as_ref().filter(|approvals| !approvals.all.is_empty()) else { return vec![] };
    let fields = fields_of(event);
    if fields.is_empty() {
        return vec![];
    }
    let mut then: Vec<Event> = vec![];
    for approval in &approvals.all {
        let Some(template) = scene.config.templates.get(&approval.template) else { continue };
        let touched: Vec<Field> =
            template.definition().watched.iter().copied().filter(|field| fields.contains(field)).collect();
        if touched.is_empty() {
            continue;
        }
        let now = hash(case, template);
        if now == approval.hash {
            continue; // as it was when it was asked for
        }
        let edited_by = ctx.access.person();
        let edited = ApprovalEdited { approval: approval.id, fields: touched, hash: now, edited_by };
        match approval.state {
            ApprovalState::Approved => {
                let ApprovalEdited { approval, fields, hash, edited_by } = edited;
                then.push(ApprovalStaled { approval, fields, hash, edited_by }.into());
            }
            ApprovalState::Pending | ApprovalState::Blocked => {
                let (round, hash) = (approval.round + 1, edited.hash.clone());
                then.push(edited.into());
                if round as usize > ROUNDS_MAX {
                    let (approval, round, state) = (approval.id, approval.round, ApprovalState::Cancelled);
                    let reason = Some(format!("it was edited through {ROUNDS_MAX} rounds; request another approval"));
                    then.push(ApprovalEnded { approval, round, state, reason }.into());
                    continue;
                }
                match template.definition().on_edit {
                    OnEdit::ResetRound => {
                        let because = NewRound::Edited;
                        let opened = RoundOpened {
                            approval: approval.id,
                            round,
                            hash,
                            because,
                            from: 0,
                            edited_by,
                            requested_by: None,
                        };
                        then.push(opened.into());
                    }
                    OnEdit::ResetStep => {
                        let edited_by = edited_by.or(approval.edited_by);
                        let now = Approval { edited_by, hash, ..approval.clone() };
                        then.extend(advance::reset(scene, case, &now, template, ctx));
                    }
                    OnEdit::Notify => {}
                }
            }
            ApprovalState::Rejected | ApprovalState::Stale | ApprovalState::Recalled | ApprovalState::Cancelled => {}
        }
    }
    let id = case.ticket.id;
    then.into_iter().map(|event| (Subject::Ticket(id), event)).collect()
}
