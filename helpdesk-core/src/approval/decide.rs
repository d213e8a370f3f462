//! What may be said about approvals: requesting, deciding, taking back (SEMANTICS, "Approvals"). Slots that change hands
//! are in `slots`, delegations in [`delegate`](super::delegate).

mod place;
mod slots;

pub use slots::{advise, consult, reassign, review};

use std::collections::BTreeSet;

use super::model::{Approval, ApprovalState, Approvals, SlotState, Verdict};
use super::refusal::ApprovalRefusal;
use super::resolve::{barred, eligible};
use super::rule::Vote;
use super::template::{PublishedTemplate, Resubmit, Template};
use super::watch;
use crate::case::Case;
use crate::command::{
    DecideApproval, PublishTemplate, RecallApproval, RequestApproval, ResubmitApproval, RetractDecision,
};
use crate::error::Refusal;
use crate::event::{
    ApprovalDecided, ApprovalEnded, ApprovalRequested, Event, NewRound, RoundOpened, Subject, TemplatePublished,
};
use crate::id::{ApprovalId, DecisionId, PersonId, Salt, TicketId};
use crate::role::{Denied, Permission};
use crate::scene::{Ctx, Decision, Scene, Side};
use crate::store::{Row, Write};
use crate::ticket::decide::fields::check_text;
use crate::ticket::decide::{check_reason, live, require};
use crate::value::Field;

/// Most approvals of one ticket.
const APPROVALS_MAX: usize = 50;

/// Publishes the next version of a template. What is published already stays as it is.
pub fn publish(scene: &Scene, ask: &PublishTemplate, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if !ctx.access.everywhere().has(Permission::ApprovalManage) {
        return Err(Denied { needed: Permission::ApprovalManage }.into());
    }
    let newest = scene.config.templates.newest(&ask.definition.key);
    if let Some(same) = newest.filter(|newest| *newest.definition() == ask.definition) {
        return Ok(Decision::default().made(same.id.clone()));
    }
    ask.definition.check_in(&scene.config).map_err(ApprovalRefusal::from)?;
    let version = newest.map_or(1, |newest| newest.id.version + 1);
    let template = ask.definition.clone().publish(version).map_err(ApprovalRefusal::from)?;
    Ok(published(scene.tenant, &template, ctx))
}

/// The row and the event of a published version.
pub(crate) fn published(tenant: crate::id::TenantId, template: &Template, ctx: &Ctx<'_>) -> Decision {
    let row = PublishedTemplate {
        tenant,
        key: template.id.key.to_string(),
        version: template.id.version,
        hash: template.hash.clone(),
        definition: template.definition().canonical(),
        by: ctx.by.clone(),
        at: ctx.at,
    };
    let event = TemplatePublished { template: template.id.clone(), hash: template.hash.clone() };
    Decision {
        events: vec![(Subject::Template(template.id.key.to_string()), event.into())],
        writes: vec![Write { before: None, after: Some(Row::Template(row)) }],
        moves_epoch: true,
        ..Decision::default()
    }
    .made(template.id.clone())
}

/// Requests an approval.
pub fn request(scene: &Scene, ask: &RequestApproval, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::ApprovalRequest)?;
    let template = scene.config.templates.newest(&ask.template);
    let template = template.ok_or_else(|| Refusal::not_found("template", short(&ask.template)))?;
    let approvals = case.approvals.as_ref();
    if let Some(latest) = approvals.and_then(|all| all.latest(&ask.template)).filter(|latest| latest.state.running()) {
        let template = latest.template.key.to_string();
        return Err(ApprovalRefusal::Running { template }.into());
    }
    if approvals.is_some_and(|all| all.all.len() >= APPROVALS_MAX) {
        return Err(Refusal::invalid("ticket", format!("has {APPROVALS_MAX} approvals; resubmit one of them")));
    }
    if case.ticket.category.ended() {
        return Err(Refusal::invalid("ticket", "has ended; reopen it before something is approved"));
    }
    let event = begin(scene, case, template, ctx);
    let id = event.approval;
    Ok(Decision::ticket(ask.ticket, event).made(id))
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The event of a new approval.
fn begin(scene: &Scene, case: &Case, template: &Template, ctx: &mut Ctx<'_>) -> ApprovalRequested {
    ApprovalRequested {
        approval: ctx.mint.id(),
        template: template.id.clone(),
        hash: watch::hash(case, template),
        requested_by: ctx.access.person(),
        edited_by: last_editor(scene, case, &template.definition().watched, ctx),
    }
}

/// Who edited one of the fields last: now, or as the log tells.
pub(super) fn last_editor(scene: &Scene, case: &Case, watched: &[Field], ctx: &mut Ctx<'_>) -> Option<PersonId> {
    let id = case.ticket.id;
    if scene.edited_here(id, watched) {
        return ctx.access.person();
    }
    if case.ticket.version <= 1 || watched.is_empty() {
        return None; // whoever only created it has edited nothing
    }
    let Some(edits) = scene.editors.get(&id) else {
        ctx.wants.editors.insert(id);
        return None;
    };
    edits.iter().rev().find(|(field, _)| watched.contains(field)).map(|(_, person)| *person)
}

/// What begins when a workflow starts an approval: nothing when one runs or stands, the next round of one that ended
/// otherwise, else a new one.
pub(crate) fn started(scene: &Scene, case: &Case, key: &str, ctx: &mut Ctx<'_>) -> Result<Option<Event>, Refusal> {
    let template = scene.config.templates.newest(key).ok_or_else(|| Refusal::not_found("template", short(key)))?;
    match case.approvals.as_ref().and_then(|all| all.latest(key)) {
        Some(latest) if latest.state.running() || latest.state == ApprovalState::Approved => Ok(None),
        Some(latest) => again(scene, case, latest, ctx).map(Some),
        None => Ok(Some(begin(scene, case, template, ctx).into())),
    }
}

/// The next round of an approval that has ended.
fn again(scene: &Scene, case: &Case, approval: &Approval, ctx: &mut Ctx<'_>) -> Result<Event, Refusal> {
    let template = scene.config.templates.get(&approval.template);
    let template = template.ok_or_else(|| Refusal::not_found("template", &approval.template))?;
    if approval.round as usize >= watch::ROUNDS_MAX {
        let message = format!("has had {} rounds; request another approval", watch::ROUNDS_MAX);
        return Err(Refusal::invalid("approval", message));
    }
    let hash = watch::hash(case, template);
    let rejected = case.approvals.as_ref().and_then(|all| {
        all.steps_of(approval).find(|step| step.state == super::StepState::Rejected).map(|step| step.index)
    });
    let same = hash == approval.hash
        && approval.state == ApprovalState::Rejected
        && template.definition().resubmit == Resubmit::Rejected;
    let from = rejected.filter(|_| same).unwrap_or(0);
    let round = approval.round + 1;
    let edited_by = last_editor(scene, case, &template.definition().watched, ctx);
    let (approval, because, requested_by) = (approval.id, NewRound::Resubmitted, ctx.access.person());
    Ok(RoundOpened { approval, round, hash, because, from, edited_by, requested_by }.into())
}

/// The approval of a ticket, with all of the ticket's.
pub(super) fn find(case: &Case, id: ApprovalId) -> Result<(&Approvals, &Approval), Refusal> {
    let found = case.approvals.as_ref().and_then(|all| Some((all, all.get(id)?)));
    found.ok_or_else(|| Refusal::not_found("approval", id))
}

pub(super) fn someone(ctx: &Ctx<'_>) -> Result<PersonId, Refusal> {
    ctx.access.person().ok_or_else(|| ApprovalRefusal::NotAsked.into())
}

pub(super) fn check_comment(field: &'static str, text: &str, needed: bool) -> Result<(), Refusal> {
    let mut faults = vec![];
    check_text(field, text, &mut faults);
    if needed && text.trim().is_empty() {
        faults.push(crate::error::Fault::new(field, "is empty; say why"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults)) }
}

/// The digest of what was said, and the text beside the event.
pub(super) fn said(ticket: TicketId, decision: DecisionId, text: &str, ctx: &mut Ctx<'_>) -> (Option<String>, Side) {
    let salt: Salt = ctx.mint.salt();
    let digest = (!text.is_empty()).then(|| salt.digest(text));
    (digest, Side::Decision(ticket, decision, text.to_owned(), salt))
}

/// Approves or rejects.
///
/// # Errors
/// Besides what every command meets: `ALREADY_DECIDED`, `STEP_ENDED`, `APPROVAL_OVER`, `NOT_ASKED`, `NO_PROXY`,
/// `APPROVAL_AMBIGUOUS`, `SELF_APPROVAL`; `FIELD_INVALID` `comment` for a rejection without words.
pub fn decide(scene: &Scene, ask: &DecideApproval, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let (approvals, approval) = find(case, ask.approval)?;
    let me = someone(ctx)?;
    let comment = ask.comment.as_deref().unwrap_or_default();
    check_comment("comment", comment, ask.verdict == Vote::Rejected)?;
    let wanted = place::Wanted { me, step: ask.step.as_deref(), on_behalf_of: ask.on_behalf_of };
    let slot = place::to_decide(scene, case, approval, wanted, ctx)?;
    let step = approvals.step_of(slot).ok_or(ApprovalRefusal::NotAsked)?;
    let template = scene.config.templates.get(&approval.template);
    // A role that was all they were asked for may have ended since.
    if slot.via.split(' ').all(|way| way.starts_with("role:"))
        && let Some(definition) = template.and_then(|template| template.step(slot.index))
    {
        let holds = eligible(scene, case, &definition.ask, &BTreeSet::new(), ctx);
        if !holds.iter().any(|who| who.person == slot.person) {
            return Err(ApprovalRefusal::NotAsked.into());
        }
    }
    let own = template.is_some_and(|it| it.definition().self_approval);
    if ask.verdict == Vote::Approved && !own {
        let barred = barred(case, approval);
        if barred.contains(&me) || barred.contains(&slot.person) {
            return Err(ApprovalRefusal::SelfApproval.into());
        }
    }
    let decision = ctx.mint.id();
    let (digest, side) = said(ask.ticket, decision, comment, ctx);
    let event = ApprovalDecided {
        approval: approval.id,
        decision,
        slot: slot.id,
        round: approval.round,
        step: step.key.clone(),
        verdict: ask.verdict.into(),
        person: me,
        on_behalf_of: (slot.person != me).then_some(slot.person),
        hash: approval.hash.clone(),
        comment: digest,
    };
    Ok(Decision::ticket(ask.ticket, event).side(side).made(decision))
}

/// Takes back what one said while the step is open.
pub fn retract(scene: &Scene, ask: &RetractDecision, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let (approvals, approval) = find(case, ask.approval)?;
    let me = someone(ctx)?;
    let mine = approvals.slots.iter().filter_map(|slot| {
        let step = approvals.step_of(slot).filter(|step| ask.step.as_ref().is_none_or(|key| *key == step.key))?;
        let here = (slot.approval, slot.round) == (approval.id, approval.round);
        let decided = matches!(slot.state, SlotState::Approved | SlotState::Rejected);
        let said = approvals.last_on(slot.id).filter(|said| said.verdict != Verdict::Retracted);
        // What was carried over was said in an earlier round.
        let own = said.map_or(slot.carried && slot.person == me, |said| said.person == me);
        (here && decided && own).then(|| (said.map_or(0, |said| said.number), slot, step))
    });
    let mut mine: Vec<_> = mine.collect();
    mine.sort_by_key(|(number, ..)| *number);
    let open: Vec<_> = mine.iter().filter(|(_, _, step)| step.state.running() && approval.state.running()).collect();
    // Of several in one step, said for several people, the last.
    let Some((_, slot, step)) = open.last() else {
        return Err(match mine.last() {
            Some((_, _, step)) => ApprovalRefusal::StepEnded { state: step.state }.into(),
            None => ApprovalRefusal::NothingToRetract.into(),
        });
    };
    if open.iter().any(|(_, _, other)| other.index != step.index) {
        let steps = open.iter().map(|(_, _, step)| step.key.as_str()).collect::<Vec<_>>().join(", ");
        return Err(ApprovalRefusal::Ambiguous { steps }.into());
    }
    let decision = ctx.mint.id();
    let (comment, side) = said(ask.ticket, decision, "", ctx);
    let event = ApprovalDecided {
        approval: approval.id,
        decision,
        slot: slot.id,
        round: approval.round,
        step: step.key.clone(),
        verdict: Verdict::Retracted,
        person: me,
        on_behalf_of: (slot.person != me).then_some(slot.person),
        hash: approval.hash.clone(),
        comment,
    };
    Ok(Decision::ticket(ask.ticket, event).side(side).made(decision))
}

fn own_or(case: &Case, approval: &Approval, needed: Permission, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let own = approval.requested_by.is_some() && approval.requested_by == ctx.access.person();
    if own { Ok(()) } else { require(ctx, case, needed) }
}

/// Takes a request back while it is undecided.
pub fn recall(scene: &Scene, ask: &RecallApproval, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let (_, approval) = find(case, ask.approval)?;
    own_or(case, approval, Permission::ApprovalManage, ctx)?;
    check_reason(ask.reason.as_deref())?;
    if !approval.state.running() {
        return Err(ApprovalRefusal::Over { state: approval.state }.into());
    }
    let (approval, round, reason) = (approval.id, approval.round, ask.reason.clone());
    Ok(Decision::ticket(ask.ticket, ApprovalEnded { approval, round, state: ApprovalState::Recalled, reason }))
}

/// Opens the next round.
pub fn resubmit(scene: &Scene, ask: &ResubmitApproval, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let (approvals, approval) = find(case, ask.approval)?;
    own_or(case, approval, Permission::ApprovalRequest, ctx)?;
    match approval.state {
        ApprovalState::Rejected | ApprovalState::Recalled | ApprovalState::Stale => {}
        state @ (ApprovalState::Pending
        | ApprovalState::Blocked
        | ApprovalState::Approved
        | ApprovalState::Cancelled) => return Err(ApprovalRefusal::NotOver { state }.into()),
    }
    // A later request took its place.
    if let Some(latest) = approvals.latest(&approval.template.key).filter(|latest| latest.id != approval.id) {
        return Err(Refusal::invalid("approval", format!("is not the latest by its template; use `{}`", latest.id)));
    }
    if case.ticket.category.ended() {
        return Err(Refusal::invalid("ticket", "has ended; reopen it before something is approved"));
    }
    Ok(Decision::ticket(ask.ticket, again(scene, case, approval, ctx)?))
}
