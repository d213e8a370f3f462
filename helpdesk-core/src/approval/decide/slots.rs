//! Slots that change hands: given away, put to somebody for an opinion, left by those who leave.

use std::collections::BTreeSet;

use super::super::advance::{FALLBACK, open_step};
use super::super::model::{Approval, ApprovalState, ApprovalStep, Approvals, Slot, SlotState, StepState, Verdict};
use super::super::refusal::ApprovalRefusal;
use super::super::resolve::{active, barred, eligible, proxies};
use super::super::template::{OnEmpty, Template};
use super::{check_comment, find, said, someone};
use crate::case::Case;
use crate::command::{AdviseApprover, ConsultApprover, ReassignSlot, ReviewApprovers};
use crate::error::{Fault, Refusal};
use crate::event::{ApprovalConsulted, ApprovalStaled, Event, SlotMove, SlotMoved, SlotVacated};
use crate::id::{ApprovalId, PersonId};
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene};
use crate::ticket::decide::{check_reason, live, require};

/// The one slot in the open steps of a running approval that is `whose`, with its step and the approval.
fn open_slot<'a>(
    case: &'a Case,
    id: ApprovalId,
    key: Option<&str>,
    whose: impl Fn(&Slot) -> bool,
) -> Result<(&'a Approval, &'a ApprovalStep, &'a Slot), Refusal> {
    let (all, approval) = find(case, id)?;
    if !approval.state.running() {
        return Err(ApprovalRefusal::Over { state: approval.state }.into());
    }
    let found = all.asked(approval).filter(|slot| whose(slot)).filter_map(|slot| Some((all.step_of(slot)?, slot)));
    let found: Vec<_> = found.filter(|(step, _)| key.is_none_or(|key| step.key == key)).collect();
    let waits = |slot: &Slot| matches!(slot.state, SlotState::Open | SlotState::Vacant);
    match found.iter().filter(|(_, slot)| waits(slot)).collect::<Vec<_>>().as_slice() {
        [(step, slot)] => return Ok((approval, step, slot)),
        [] => {}
        // Several in one step are alike: the first.
        [(step, slot), others @ ..] if others.iter().all(|(other, _)| other.index == step.index) => {
            return Ok((approval, step, slot));
        }
        several => {
            let steps = several.iter().map(|(step, _)| step.key.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ApprovalRefusal::Ambiguous { steps }.into());
        }
    }
    let decided = found.iter().find_map(|(_, slot)| {
        let verdict = match slot.state {
            SlotState::Approved => Verdict::Approved,
            SlotState::Rejected => Verdict::Rejected,
            SlotState::Open | SlotState::Vacant | SlotState::NotRequired => return None,
        };
        let by = all.last_on(slot.id).map_or(slot.person, |said| said.person);
        Some(ApprovalRefusal::AlreadyDecided { verdict, by })
    });
    Err(decided.unwrap_or(ApprovalRefusal::NotAsked).into())
}

/// Those who have a place in the step already.
fn seated(all: &Approvals, step: &ApprovalStep) -> BTreeSet<PersonId> {
    let holds = |slot: &&Slot| !matches!(slot.state, SlotState::Vacant | SlotState::NotRequired);
    all.slots_of(step).filter(holds).map(|slot| slot.person).collect()
}

/// Somebody to be given a slot: active, not in the step yet.
fn check_new(
    scene: &Scene,
    field: &'static str,
    person: PersonId,
    taken: &BTreeSet<PersonId>,
    ctx: &mut Ctx<'_>,
) -> Result<(), Refusal> {
    let fault = if active(scene, person, ctx).is_none() {
        format!("person `{person}` is unknown or inactive; choose somebody else")
    } else if taken.contains(&person) {
        format!("person `{person}` is asked in this step already; choose somebody else")
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid(vec![Fault::new(field, fault)]))
}

/// Gives a slot to somebody else.
pub fn reassign(scene: &Scene, ask: &ReassignSlot, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let (approval, step, slot) = open_slot(case, ask.approval, ask.step.as_deref(), |slot| slot.person == ask.from)?;
    if slot.state != SlotState::Open || ctx.access.person() != Some(slot.person) {
        require(ctx, case, Permission::ApprovalManage)?;
    }
    if ask.reason.trim().is_empty() {
        return Err(Refusal::invalid("reason", "is empty; say why it is given away"));
    }
    check_reason(Some(&ask.reason))?;
    let (all, _) = find(case, ask.approval)?;
    check_new(scene, "to", ask.to, &seated(all, step), ctx)?;
    let own = scene.config.templates.get(&approval.template).is_some_and(|it| it.definition().self_approval);
    if !own && barred(case, approval).contains(&ask.to) {
        return Err(ApprovalRefusal::SelfApproval.into());
    }
    let moved = SlotMoved {
        approval: approval.id,
        slot: slot.id,
        from: slot.person,
        to: ask.to,
        because: SlotMove::Reassigned,
        reason: Some(ask.reason.clone()),
    };
    Ok(Decision::ticket(ask.ticket, moved))
}

/// Asks somebody for an opinion.
pub fn consult(scene: &Scene, ask: &ConsultApprover, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let me = someone(ctx)?;
    let mine = |slot: &Slot| slot.person == me && slot.state != SlotState::Vacant;
    let (approval, step, slot) = open_slot(case, ask.approval, ask.step.as_deref(), mine)?;
    check_comment("question", &ask.question, true)?;
    check_new(scene, "person", ask.person, &BTreeSet::from([me]), ctx)?;
    let words = Words { verdict: Verdict::Consulted, person: me, asked: Some(ask.person), text: &ask.question };
    Ok(consulted(case, approval, step, slot, words, ctx))
}

/// Gives the opinion one was asked for.
pub fn advise(scene: &Scene, ask: &AdviseApprover, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let me = someone(ctx)?;
    let put = |slot: &Slot| slot.consulted == Some(me);
    let (approval, step, slot) = open_slot(case, ask.approval, ask.step.as_deref(), put)?;
    check_comment("opinion", &ask.opinion, true)?;
    let words = Words { verdict: Verdict::Advised, person: me, asked: None, text: &ask.opinion };
    Ok(consulted(case, approval, step, slot, words, ctx))
}

struct Words<'a> {
    verdict: Verdict,
    person: PersonId,
    asked: Option<PersonId>,
    text: &'a str,
}

fn consulted(
    case: &Case,
    approval: &Approval,
    step: &ApprovalStep,
    slot: &Slot,
    words: Words<'_>,
    ctx: &mut Ctx<'_>,
) -> Decision {
    let decision = ctx.mint.id();
    let Words { verdict, person, asked, text } = words;
    let (comment, side) = said(case.ticket.id, decision, text, ctx);
    let event = ApprovalConsulted {
        approval: approval.id,
        decision,
        slot: slot.id,
        round: approval.round,
        step: step.key.clone(),
        verdict,
        person,
        asked,
        hash: approval.hash.clone(),
        comment,
    };
    Decision::ticket(case.ticket.id, event).side(side).made(decision)
}

/// Looks anew who can be asked (SEMANTICS, "Approvals": Leaving).
pub fn review(scene: &Scene, ask: &ReviewApprovers, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::ApprovalManage)?;
    let Some(all) = &case.approvals else { return Ok(Decision::default()) };
    let mut events: Vec<Event> = vec![];
    for approval in &all.all {
        let Some(template) = scene.config.templates.get(&approval.template) else { continue };
        let revalidates = template.definition().revalidate_on_departure;
        if approval.state == ApprovalState::Approved && revalidates && left(scene, all, approval, ctx) {
            let (fields, hash, edited_by) = (vec![], approval.hash.clone(), None);
            events.push(ApprovalStaled { approval: approval.id, fields, hash, edited_by }.into());
        }
        if approval.state.running() {
            for step in all.steps_of(approval) {
                events.extend(reviewed(scene, case, all, (approval, template), step, ctx));
            }
        }
    }
    Ok(events.into_iter().fold(Decision::default(), |all, event| all.and(ask.ticket, event)))
}

/// Whether somebody whose approval counts is no longer active.
fn left(scene: &Scene, all: &Approvals, approval: &Approval, ctx: &mut Ctx<'_>) -> bool {
    let counts = |slot: &&Slot| slot.state == SlotState::Approved;
    let slots = all.slots.iter().filter(|slot| (slot.approval, slot.round) == (approval.id, approval.round));
    let people: Vec<PersonId> = slots.filter(counts).map(|slot| slot.person).collect();
    people.into_iter().filter(|person| active(scene, *person, ctx).is_none()).count() > 0 && ctx.wants.is_empty()
}

fn reviewed(
    scene: &Scene,
    case: &Case,
    all: &Approvals,
    (approval, template): (&Approval, &Template),
    step: &ApprovalStep,
    ctx: &mut Ctx<'_>,
) -> Vec<Event> {
    match step.state {
        StepState::Blocked => {
            let begun = open_step(scene, case, approval, template, step.index, ctx);
            // Blocked as before is no news.
            let news = |event: &Event| !matches!(event, Event::StepBlocked(blocked) if blocked.note == step.note);
            return begun.into_iter().filter(news).collect();
        }
        StepState::Open => {}
        StepState::Approved | StepState::Rejected | StepState::Skipped | StepState::NotRequired => return vec![],
    }
    let Some(definition) = template.step(step.index) else { return vec![] };
    let none = BTreeSet::new();
    let found: BTreeSet<PersonId> =
        eligible(scene, case, &definition.ask, &none, ctx).into_iter().map(|who| who.person).collect();
    let mut stand_ins = BTreeSet::new();
    if let OnEmpty::Fallback(who) = &definition.on_empty {
        let found = eligible(scene, case, std::slice::from_ref(who), &none, ctx);
        stand_ins.extend(found.into_iter().map(|who| who.person));
    }
    let barred = if template.definition().self_approval { BTreeSet::new() } else { barred(case, approval) };
    let mut taken = seated(all, step);
    let mut then: Vec<Event> = vec![];
    for slot in all.slots_of(step) {
        let here = active(scene, slot.person, ctx).is_some();
        // Who was given the slot by somebody was never found by the template's words.
        let found = if slot.via.starts_with(FALLBACK) { &stand_ins } else { &found };
        let by_words = found.contains(&slot.person) || slot.via == "moved";
        let stays = here && by_words;
        let revalidated = slot.state == SlotState::Approved && template.definition().revalidate_on_departure;
        let leaves = !stays && (slot.state == SlotState::Open || revalidated);
        let returns = stays && slot.state == SlotState::Vacant && !taken.contains(&slot.person);
        let moved = |to, because| {
            SlotMoved { approval: approval.id, slot: slot.id, from: slot.person, to, because, reason: None }.into()
        };
        if returns {
            taken.insert(slot.person);
            then.push(moved(slot.person, SlotMove::Returned));
        } else if leaves || (!stays && slot.state == SlotState::Vacant) {
            match successor(scene, case, slot, template, (&taken, &barred), ctx) {
                Some((to, because)) => {
                    taken.insert(to);
                    then.push(moved(to, because));
                }
                None if leaves => {
                    then.push(SlotVacated { approval: approval.id, slot: slot.id, person: slot.person }.into());
                }
                None => {}
            }
        }
    }
    then
}

/// Who takes the slot of somebody who has left: their proxy, else whom the template names.
fn successor(
    scene: &Scene,
    case: &Case,
    slot: &Slot,
    template: &Template,
    (taken, barred): (&BTreeSet<PersonId>, &BTreeSet<PersonId>),
    ctx: &mut Ctx<'_>,
) -> Option<(PersonId, SlotMove)> {
    let without: BTreeSet<PersonId> = taken.iter().chain(barred).copied().chain([slot.person]).collect();
    let fits = |person: &PersonId| !without.contains(person);
    let all = proxies(scene, case, slot.person, ctx);
    for proxy in all.into_iter().filter(fits) {
        if active(scene, proxy, ctx).is_some() {
            return Some((proxy, SlotMove::Proxy));
        }
    }
    let named = template.definition().replacement.as_ref()?;
    let found = eligible(scene, case, std::slice::from_ref(named), &without, ctx);
    found.first().map(|who| (who.person, SlotMove::Replaced))
}
