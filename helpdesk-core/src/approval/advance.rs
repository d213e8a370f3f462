//! What follows by itself: steps open, are counted and end, stages follow each other, the approval ends once, and the
//! ticket moves on. Every consequence is an event of its own, in the same commit.

use std::collections::BTreeSet;
use std::ops::Range;

use super::model::{Approval, ApprovalState, Approvals, SlotState, StepState, Verdict};
use super::resolve::{barred, eligible};
use super::rule::{Rule, Seat, Tally, Unreachable};
use super::template::{Approver, OnEmpty, Template};
use super::watch;
use crate::case::Case;
use crate::error::Refusal;
use crate::event::{
    ApprovalEnded, Asked, Event, ParticipantAdded, ParticipantRemoved, StepBlocked, StepEnded, StepOpened, StepSkipped,
    Subject, TicketMoved,
};
use crate::id::{ApprovalId, PersonId};
use crate::scene::{Ctx, Scene};
use crate::ticket::Relation;
use crate::workflow::Validator;
use crate::workflow::exits::{self, Asker};

/// What stands before the way in which somebody was found as a fallback.
pub(super) const FALLBACK: &str = "fallback ";
/// Most people asked in one step.
pub const ASKED_MAX: usize = 100;

/// What follows an event.
pub(crate) fn react(
    scene: &Scene,
    subject: &Subject,
    event: &Event,
    ctx: &mut Ctx<'_>,
) -> Result<Vec<(Subject, Event)>, Refusal> {
    let Some(case) = subject.ticket().and_then(|id| scene.case(id)) else { return Ok(vec![]) };
    let Some(approvals) = case.approvals.as_ref().filter(|approvals| !approvals.all.is_empty()) else {
        return Ok(vec![]);
    };
    let now = Now { scene, case, approvals };
    let then = match event {
        Event::ApprovalRequested(e) => now.open_from(e.approval, 0, ctx),
        Event::RoundOpened(e) => now.open_from(e.approval, e.from, ctx),
        Event::StepOpened(e) => {
            let asked: Vec<PersonId> = e.asked.iter().map(|asked| asked.person).collect();
            let mut then = now.welcome(asked);
            then.extend(now.count(e.approval, e.index));
            then
        }
        Event::StepSkipped(e) => now.advance(e.approval, e.index, StepState::Skipped, ctx),
        Event::StepEnded(e) => {
            let mut then = now.farewell(&BTreeSet::new());
            then.extend(now.advance(e.approval, e.index, e.state, ctx));
            then
        }
        Event::ApprovalDecided(e) => match approvals.slot(e.slot) {
            Some(slot) if e.verdict != Verdict::Retracted => now.count(e.approval, slot.index),
            Some(_) | None => vec![],
        },
        Event::ApprovalConsulted(e) => {
            let mut then = now.welcome(e.asked.into_iter().collect());
            then.extend(now.farewell(&BTreeSet::new()));
            then
        }
        Event::SlotMoved(e) => {
            let mut then = now.welcome(vec![e.to]);
            then.extend(now.farewell(&BTreeSet::new()));
            then
        }
        Event::SlotVacated(_) => now.farewell(&BTreeSet::new()),
        Event::ApprovalEnded(e) => {
            let mut then = now.farewell(&BTreeSet::new());
            then.extend(now.leave_gate(e.approval, e.state, ctx));
            then
        }
        Event::TicketMoved(e) if e.after.ended() => now.cancel_all("the ticket has ended"),
        Event::TicketMigrated(e) if e.category_after.ended() => now.cancel_all("the ticket has ended"),
        // Whoever is asked goes on seeing what they are asked about.
        Event::ParticipantRemoved(e) if e.relation == Relation::Approver && now.is_asked(e.person) => {
            now.welcome(vec![e.person])
        }
        Event::TicketDeleted(_) => now.cancel_all("the ticket was deleted"),
        _ => return Ok(watch::edited(scene, case, event, ctx)),
    };
    let id = case.ticket.id;
    Ok(then.into_iter().map(|event| (Subject::Ticket(id), event)).collect())
}

/// The event by which a step begins: it opens, is skipped, or is blocked.
pub(super) fn open_step(
    scene: &Scene,
    case: &Case,
    approval: &Approval,
    template: &Template,
    index: u32,
    ctx: &mut Ctx<'_>,
) -> Option<Event> {
    let step = template.step(index)?;
    let (id, round, key) = (approval.id, approval.round, step.key.clone());
    let skipped =
        |note: &str| StepSkipped { approval: id, round, index, step: step.key.clone(), note: note.into() }.into();
    if step.when.as_ref().is_some_and(|when| !when.matches(case, &[], false)) {
        return Some(skipped("its condition does not hold"));
    }
    let barred = if template.definition().self_approval { BTreeSet::new() } else { barred(case, approval) };
    let mut found = eligible(scene, case, &step.ask, &barred, ctx);
    let blocked = |note: String| Event::from(StepBlocked { approval: id, round, index, step: step.key.clone(), note });
    if found.is_empty() {
        // Those who may not approve their own are no reason to do without anybody.
        let alone = !barred.is_empty() && !eligible(scene, case, &step.ask, &BTreeSet::new(), ctx).is_empty();
        match &step.on_empty {
            OnEmpty::Skip if alone => return Some(blocked("only those whose own it is could be asked".into())),
            OnEmpty::Block => {}
            OnEmpty::Skip => return Some(skipped("nobody can be asked")),
            OnEmpty::Fallback(who) => {
                found = eligible(scene, case, std::slice::from_ref(who), &barred, ctx);
                found.iter_mut().for_each(|who| who.via.insert_str(0, FALLBACK));
            }
        }
    }
    if found.len() > ASKED_MAX {
        let message = format!("{} people would be asked, at most {ASKED_MAX} can be; name fewer", found.len());
        return Some(blocked(message));
    }
    let seats: Vec<Seat> = found.iter().map(|who| Seat { groups: who.groups.clone(), vote: None }).collect();
    // A group nobody of which can be asked has its say all the same.
    let missing = step.ask.iter().find_map(|who| match who {
        Approver::Group(group) => Some(*group).filter(|group| !seats.iter().any(|seat| seat.groups.contains(group))),
        _ => None,
    });
    if let (Rule::PerGroup(needed), Some(group), false) = (step.rule, missing, seats.is_empty()) {
        return Some(blocked(Unreachable::GroupTooSmall { group, needed, asked: 0 }.to_string()));
    }
    let needed = match step.rule.needed(&seats) {
        Ok(needed) => needed,
        Err(unreachable) => return Some(blocked(unreachable.to_string())),
    };
    let asked = found.into_iter().map(|who| Asked {
        slot: ctx.mint.id(),
        carried: carried(case.approvals.as_ref(), approval, index, who.person),
        person: who.person,
        groups: who.groups,
        via: who.via,
    });
    let asked = asked.collect();
    Some(StepOpened { approval: id, round, index, step: key, needed, asked }.into())
}

/// Whether somebody approved the same step in an earlier round, for the same values of the watched fields.
fn carried(approvals: Option<&Approvals>, approval: &Approval, index: u32, person: PersonId) -> bool {
    let Some(approvals) = approvals else { return false };
    let earlier = approvals.slots.iter().filter(|slot| {
        (slot.approval, slot.index, slot.person) == (approval.id, index, person) && slot.round < approval.round
    });
    let Some(last) = earlier.max_by_key(|slot| slot.number) else { return false };
    // Through rounds in which it was carried itself, what was said once is looked for.
    let said = approvals.slots.iter().filter(|slot| {
        (slot.approval, slot.index, slot.person) == (approval.id, index, person) && slot.round <= last.round
    });
    let latest = said.filter_map(|slot| approvals.last_on(slot.id)).max_by_key(|decision| decision.number);
    last.state == SlotState::Approved
        && latest.is_some_and(|said| said.verdict == Verdict::Approved && said.hash == approval.hash)
}

/// The open steps of the approval begin anew.
pub(super) fn reset(
    scene: &Scene,
    case: &Case,
    approval: &Approval,
    template: &Template,
    ctx: &mut Ctx<'_>,
) -> Vec<Event> {
    let Some(approvals) = &case.approvals else { return vec![] };
    let running: Vec<u32> =
        approvals.steps_of(approval).filter(|step| step.state.running()).map(|step| step.index).collect();
    running.into_iter().filter_map(|index| open_step(scene, case, approval, template, index, ctx)).collect()
}

/// The case while an event is reacted to.
struct Now<'a> {
    scene: &'a Scene,
    case: &'a Case,
    approvals: &'a Approvals,
}

impl<'a> Now<'a> {
    fn with(&self, id: ApprovalId) -> Option<(&'a Approval, &'a Template)> {
        let approval = self.approvals.get(id)?;
        Some((approval, self.scene.config.templates.get(&approval.template)?))
    }

    /// A round begins at the stage the step stands in. Those who were asked before and are not again take their leave.
    fn open_from(&self, id: ApprovalId, index: u32, ctx: &mut Ctx<'_>) -> Vec<Event> {
        let Some((approval, template)) = self.with(id) else { return vec![] };
        let Some(stage) = template.definition().stage_of(index) else { return vec![] };
        let then = self.open(approval, template, stage, ctx);
        let opened =
            then.iter().filter_map(|event| if let Event::StepOpened(opened) = event { Some(opened) } else { None });
        let asked = opened.flat_map(|opened| &opened.asked);
        let stay: BTreeSet<PersonId> = asked.map(|asked| asked.person).collect();
        let mut all = self.farewell(&stay);
        all.extend(then);
        all
    }

    fn open(&self, approval: &Approval, template: &Template, stage: Range<usize>, ctx: &mut Ctx<'_>) -> Vec<Event> {
        let indices = stage.filter_map(|index| u32::try_from(index).ok());
        indices.filter_map(|index| open_step(self.scene, self.case, approval, template, index, ctx)).collect()
    }

    /// Whether what was said ends the step.
    fn count(&self, id: ApprovalId, index: u32) -> Vec<Event> {
        let Some((approval, template)) = self.with(id) else { return vec![] };
        let (Some(step), Some(definition)) = (self.approvals.step(approval, index), template.step(index)) else {
            return vec![];
        };
        let Some(needed) = step.needed.as_ref().filter(|_| step.state == StepState::Open) else { return vec![] };
        let state = match needed.tally(&definition.rejection, &self.approvals.seats(step)) {
            Tally::Open => return vec![],
            Tally::Approved => StepState::Approved,
            Tally::Rejected => StepState::Rejected,
        };
        vec![StepEnded { approval: id, round: approval.round, index, step: step.key.clone(), state }.into()]
    }

    /// What the end of a step comes to: of its stage, and of the approval.
    fn advance(&self, id: ApprovalId, index: u32, ended: StepState, ctx: &mut Ctx<'_>) -> Vec<Event> {
        let Some((approval, template)) = self.with(id).filter(|(approval, _)| approval.state.running()) else {
            return vec![];
        };
        let definition = template.definition();
        let Some(stage) = definition.stage_of(index) else { return vec![] };
        let begun: Vec<_> =
            self.approvals.steps_of(approval).filter(|step| stage.contains(&(step.index as usize))).collect();
        let any = definition.is_any(&stage);
        let decides = match ended {
            StepState::Approved => any,
            StepState::Rejected => !any,
            StepState::Open | StepState::Blocked | StepState::Skipped | StepState::NotRequired => false,
        };
        let running = begun.iter().filter(|step| step.state.running());
        let mut then: Vec<Event> = vec![];
        if decides {
            then.extend(running.clone().map(|step| {
                let (index, step, state) = (step.index, step.key.clone(), StepState::NotRequired);
                Event::from(StepEnded { approval: id, round: approval.round, index, step, state })
            }));
        }
        if decides && ended == StepState::Rejected {
            then.push(self.end(approval, ApprovalState::Rejected));
            return then;
        }
        // The next stage follows the last end of this one.
        if running.count() > 0 || begun.len() < stage.len() {
            return then;
        }
        let one = |state: StepState| begun.iter().any(|step| step.state == state);
        if one(StepState::Rejected) && !(any && one(StepState::Approved)) {
            if any || ended != StepState::NotRequired {
                then.push(self.end(approval, ApprovalState::Rejected));
            }
            return then;
        }
        match definition.stage_of(u32::try_from(stage.end).unwrap_or(u32::MAX)) {
            Some(next) => then.extend(self.open(approval, template, next, ctx)),
            None => then.push(self.end(approval, ApprovalState::Approved)),
        }
        then
    }

    fn end(&self, approval: &Approval, state: ApprovalState) -> Event {
        ApprovalEnded { approval: approval.id, round: approval.round, state, reason: None }.into()
    }

    fn cancel_all(&self, reason: &str) -> Vec<Event> {
        let running = self.approvals.all.iter().filter(|approval| approval.state.running());
        let end = |approval: &Approval| {
            let (round, state, reason) = (approval.round, ApprovalState::Cancelled, Some(reason.to_owned()));
            ApprovalEnded { approval: approval.id, round, state, reason }.into()
        };
        running.map(end).collect()
    }

    /// Whether a decision or an opinion of theirs is awaited.
    fn is_asked(&self, person: PersonId) -> bool {
        let waits = |slot: &super::Slot| slot.state == SlotState::Open && slot.person == person;
        self.approvals.slots.iter().any(|slot| waits(slot) || slot.consulted == Some(person))
    }

    /// Whoever is asked becomes an approver of the ticket, which shows it to them.
    fn welcome(&self, people: Vec<PersonId>) -> Vec<Event> {
        let relation = Relation::Approver;
        let new = people.into_iter().filter(|person| !self.case.is(*person, relation));
        new.map(|person| ParticipantAdded { person, relation }.into()).collect()
    }

    /// Whoever was asked and is no longer needed is an approver of the ticket no more; those who decided stay.
    fn farewell(&self, stay: &BTreeSet<PersonId>) -> Vec<Event> {
        let (relation, approvals) = (Relation::Approver, self.approvals);
        let needed = |person: PersonId| {
            approvals.slots.iter().any(|slot| {
                let said = approvals.last_on(slot.id).is_some_and(|said| said.person == person);
                let holds = slot.person == person
                    && matches!(slot.state, SlotState::Open | SlotState::Approved | SlotState::Rejected);
                holds || said || slot.consulted == Some(person)
            })
        };
        let slots = approvals.slots.iter().map(|slot| slot.person);
        let consulted = approvals.decisions.iter().filter(|said| said.verdict == Verdict::Consulted);
        let known: BTreeSet<PersonId> = slots.chain(consulted.filter_map(|said| said.on_behalf_of)).collect();
        // Who was an approver before being asked was made one by somebody else.
        let before = |person: PersonId| {
            let by_relation = |via: &str| via.split(' ').any(|way| way == relation.as_str());
            approvals.slots.iter().any(|slot| slot.person == person && by_relation(&slot.via))
        };
        let gone = known.into_iter().filter(|person| {
            self.case.is(*person, relation) && !stay.contains(person) && !needed(*person) && !before(*person)
        });
        gone.map(|person| ParticipantRemoved { person, relation }.into()).collect()
    }

    /// Whether every sub-ticket has ended; `None` when nobody looked yet.
    fn children_ended(&self, ctx: &mut Ctx<'_>) -> Option<bool> {
        let id = self.case.ticket.id;
        if !self.scene.looked_below(id) {
            ctx.wants.below.insert(id);
            return None;
        }
        let open = |case: &&Case| case.ticket.deleted_at.is_none() && !case.ticket.category.ended();
        Some(!self.scene.cases().filter(|case| case.ticket.parent == Some(id)).any(|case| open(&case)))
    }

    /// A ticket that waits at a gate for this approval takes the way its workflow names for the outcome, if that is open.
    fn leave_gate(&self, id: ApprovalId, state: ApprovalState, ctx: &mut Ctx<'_>) -> Vec<Event> {
        let (case, ticket) = (self.case, &self.case.ticket);
        let Some(approval) = self.approvals.get(id) else { return vec![] };
        let gate = case.workflow.state(&ticket.state).and_then(|state| state.gate.as_ref());
        let Some(gate) = gate.filter(|gate| *gate.template == *approval.template.key) else { return vec![] };
        let way = match state {
            ApprovalState::Approved => &gate.approved,
            ApprovalState::Rejected => &gate.rejected,
            ApprovalState::Pending
            | ApprovalState::Blocked
            | ApprovalState::Stale
            | ApprovalState::Recalled
            | ApprovalState::Cancelled => return vec![],
        };
        let way = way.as_ref().and_then(|way| case.workflow.transition(way)).filter(|way| way.leaves(&ticket.state));
        // All sub-tickets count here: nobody in particular goes this way.
        let looks = way.is_some_and(|way| way.validators.contains(&Validator::ChildrenEnded));
        let children_ended = looks.then(|| self.children_ended(ctx)).flatten();
        let asker = Asker { may: crate::role::Permissions::ALL, person: None, children_ended, reasoned: true };
        let open = |way: &&crate::workflow::Transition| {
            exits::guarded(way, case, None).is_none() && exits::validate(way, case, None, asker).is_ok()
        };
        let Some((way, to)) = way.filter(open).and_then(|way| Some((way, case.workflow.state(&way.to)?))) else {
            return vec![];
        };
        let moved = TicketMoved {
            transition: Some(way.id.clone()),
            from: ticket.state.clone(),
            to: to.id.clone(),
            before: ticket.category,
            after: to.category,
            reason: None,
        };
        vec![moved.into()]
    }
}
