//! In which slot somebody decides: their own, or that of somebody whose proxy they are.

use super::super::model::{Approval, Approvals, Slot, SlotState, StepState, Verdict};
use super::super::refusal::ApprovalRefusal;
use super::super::resolve::is_proxy;
use crate::case::Case;
use crate::error::Refusal;
use crate::id::PersonId;
use crate::scene::{Ctx, Scene};

/// Who wants to decide, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) me: PersonId,
    pub(super) step: Option<&'a str>,
    pub(super) on_behalf_of: Option<PersonId>,
}

/// The open slot to decide in. Own slots go before those of principals.
pub(super) fn to_decide<'a>(
    scene: &Scene,
    case: &'a Case,
    approval: &Approval,
    wanted: Wanted<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<&'a Slot, Refusal> {
    let all = case.approvals.as_ref().ok_or(ApprovalRefusal::NotAsked)?;
    let here: Vec<&Slot> = all
        .slots
        .iter()
        .filter(|slot| (slot.approval, slot.round) == (approval.id, approval.round))
        .filter(|slot| {
            let step = all.step_of(slot);
            wanted.step.is_none_or(|key| step.is_some_and(|step| step.key == key))
        })
        .collect();
    let whose = wanted.on_behalf_of.unwrap_or(wanted.me);
    if let Some(principal) = wanted.on_behalf_of.filter(|principal| *principal != wanted.me)
        && !is_proxy(scene, case, principal, wanted.me, ctx)
    {
        return Err(ApprovalRefusal::NoProxy { principal }.into());
    }
    let own: Vec<&Slot> = here.iter().copied().filter(|slot| slot.person == whose).collect();
    if let Some(found) = among(all, approval, &own) {
        return found.map_err(Refusal::from);
    }
    if wanted.on_behalf_of.is_none() {
        let mut proxied = vec![];
        for slot in here.into_iter().filter(|slot| slot.person != whose) {
            if is_proxy(scene, case, slot.person, wanted.me, ctx) {
                proxied.push(slot);
            }
        }
        if let Some(found) = among(all, approval, &proxied) {
            return found.map_err(Refusal::from);
        }
    }
    if approval.state.running() {
        Err(ApprovalRefusal::NotAsked.into())
    } else {
        Err(ApprovalRefusal::Over { state: approval.state }.into())
    }
}

/// The one open slot among these, or why none of them takes a decision; nothing when there are none.
fn among<'a>(all: &Approvals, approval: &Approval, slots: &[&'a Slot]) -> Option<Result<&'a Slot, ApprovalRefusal>> {
    let is_open = |slot: &Slot| {
        let step = all.step_of(slot).is_some_and(|step| step.state == StepState::Open);
        slot.state == SlotState::Open && step && approval.state.running()
    };
    let open: Vec<&'a Slot> = slots.iter().copied().filter(|slot| is_open(slot)).collect();
    match open.as_slice() {
        [] => {}
        [one] => return Some(Ok(one)),
        several => {
            let steps = several.iter().filter_map(|slot| all.step_of(slot)).map(|step| step.key.as_str());
            return Some(Err(ApprovalRefusal::Ambiguous { steps: steps.collect::<Vec<_>>().join(", ") }));
        }
    }
    let last = slots.last()?;
    let decided = slots.iter().rev().find_map(|slot| {
        let verdict = match slot.state {
            SlotState::Approved => Verdict::Approved,
            SlotState::Rejected => Verdict::Rejected,
            SlotState::Open | SlotState::Vacant | SlotState::NotRequired => return None,
        };
        let by = all.last_on(slot.id).map_or(slot.person, |said| said.person);
        Some(ApprovalRefusal::AlreadyDecided { verdict, by })
    });
    let ended = || match all.step_of(last).map(|step| step.state) {
        Some(state) if !state.running() => ApprovalRefusal::StepEnded { state },
        Some(_) | None if approval.state.running() => ApprovalRefusal::NotAsked,
        Some(_) | None => ApprovalRefusal::Over { state: approval.state },
    };
    Some(Err(decided.unwrap_or_else(ended)))
}
