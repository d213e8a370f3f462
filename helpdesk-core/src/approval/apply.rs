//! What events make of the approvals of a ticket: the only place where they change. What was said stands in the row of
//! the decision, which comes beside the event.

use super::model::{
    Approval, ApprovalDecision, ApprovalState, ApprovalStep, Approvals, Slot, SlotState, StepState, Verdict,
};
use super::rule::Seat;
use crate::case::Moment;
use crate::event::{ApprovalConsulted, ApprovalDecided, Event, NewRound, SlotMove};
use crate::id::{ApprovalId, Salt, SlotId, TenantId, TicketId};

/// The next number of a list.
fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX).saturating_add(1)
}

/// The ticket the approvals are of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of {
    pub(crate) tenant: TenantId,
    pub(crate) ticket: TicketId,
}

impl Approvals {
    /// Applies an event about an approval of the ticket; any other changes nothing.
    pub(crate) fn apply(&mut self, of: Of, event: &Event, moment: Moment<'_>) {
        match event {
            Event::ApprovalRequested(e) => self.all.push(Approval {
                tenant: of.tenant,
                ticket: of.ticket,
                id: e.approval,
                number: next(self.all.len()),
                template: e.template.clone(),
                round: 1,
                state: ApprovalState::Pending,
                hash: e.hash.clone(),
                requested_by: e.requested_by,
                resubmitted_by: None,
                edited_by: e.edited_by,
                requested_at: moment.at,
                ended_at: None,
            }),
            Event::RoundOpened(e) => {
                self.end_slots(e.approval, None, moment);
                self.end_steps(e.approval, moment);
                self.with(e.approval, |approval| {
                    approval.round = e.round;
                    approval.state = ApprovalState::Pending;
                    approval.hash.clone_from(&e.hash);
                    approval.edited_by = e.edited_by.or(approval.edited_by);
                    approval.resubmitted_by = e.requested_by.or(approval.resubmitted_by);
                    approval.ended_at = None;
                });
            }
            Event::StepOpened(e) => {
                self.begin(of, e.approval, e.index, &e.step, StepState::Open, moment);
                if let Some(step) = self.running_step(e.approval, e.index) {
                    step.needed = Some(e.needed.clone());
                    step.note.clear();
                }
                for asked in &e.asked {
                    let number = next(self.slots.len());
                    self.slots.push(Slot {
                        tenant: of.tenant,
                        ticket: of.ticket,
                        approval: e.approval,
                        id: asked.slot,
                        number,
                        round: e.round,
                        index: e.index,
                        person: asked.person,
                        groups: asked.groups.clone(),
                        via: asked.via.clone(),
                        state: if asked.carried { SlotState::Approved } else { SlotState::Open },
                        consulted: None,
                        turn: 0,
                        carried: asked.carried,
                        opened_at: moment.at,
                        ended_at: asked.carried.then_some(moment.at),
                    });
                }
            }
            Event::StepSkipped(e) => {
                self.begin(of, e.approval, e.index, &e.step, StepState::Skipped, moment);
                if let Some(step) = self.step_at(e.approval, e.index) {
                    step.note.clone_from(&e.note);
                    step.ended_at = Some(moment.at);
                }
            }
            Event::StepBlocked(e) => {
                self.begin(of, e.approval, e.index, &e.step, StepState::Blocked, moment);
                if let Some(step) = self.step_at(e.approval, e.index) {
                    step.note.clone_from(&e.note);
                }
            }
            Event::StepEnded(e) => {
                if let Some(step) = self.step_at(e.approval, e.index) {
                    step.state = e.state;
                    step.ended_at = Some(moment.at);
                }
                self.end_slots(e.approval, Some(e.index), moment);
            }
            Event::ApprovalDecided(e) => self.decided(of, e, moment),
            Event::ApprovalConsulted(e) => self.consulted(of, e, moment),
            Event::SlotMoved(e) => self.slot_mut(e.slot, |slot| {
                slot.person = e.to;
                slot.state = SlotState::Open;
                slot.consulted = None;
                slot.carried = false;
                slot.ended_at = None;
                slot.turn += 1; // links to it were for somebody else
                if !matches!(e.because, SlotMove::Returned) {
                    "moved".clone_into(&mut slot.via);
                }
            }),
            Event::SlotVacated(e) => self.slot_mut(e.slot, |slot| {
                slot.state = SlotState::Vacant;
                slot.consulted = None;
                slot.turn += 1;
            }),
            Event::ApprovalEdited(e) => self.with(e.approval, |approval| {
                approval.hash.clone_from(&e.hash);
                approval.edited_by = e.edited_by.or(approval.edited_by);
            }),
            Event::ApprovalStaled(e) => self.with(e.approval, |approval| {
                approval.state = ApprovalState::Stale;
                approval.edited_by = e.edited_by.or(approval.edited_by);
            }),
            Event::ApprovalEnded(e) => {
                self.end_slots(e.approval, None, moment);
                self.end_steps(e.approval, moment);
                self.with(e.approval, |approval| {
                    approval.state = e.state;
                    approval.ended_at = Some(moment.at);
                });
            }
            Event::TenantRegistered(_)
            | Event::TenantEdited(_)
            | Event::ProjectCreated(_)
            | Event::ProjectEdited(_)
            | Event::PersonAdded(_)
            | Event::PersonEdited(_)
            | Event::GroupCreated(_)
            | Event::GroupEdited(_)
            | Event::MemberAdded(_)
            | Event::MemberRemoved(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::RoleDefined(_)
            | Event::RoleEdited(_)
            | Event::RoleDeleted(_)
            | Event::WorkflowPublished(_)
            | Event::TagDefined(_)
            | Event::TagEdited(_)
            | Event::PluginInstalled(_)
            | Event::PluginRemoved(_)
            | Event::TicketCreated(_)
            | Event::TicketEdited(_)
            | Event::TicketMoved(_)
            | Event::TicketMigrated(_)
            | Event::ParticipantAdded(_)
            | Event::ParticipantRemoved(_)
            | Event::TicketReassigned(_)
            | Event::TicketTagged(_)
            | Event::ChildAdded(_)
            | Event::ChildRemoved(_)
            | Event::TicketLinked(_)
            | Event::TicketUnlinked(_)
            | Event::TicketDeleted(_)
            | Event::TicketRestored(_)
            | Event::EntryAdded(_)
            | Event::EntryEdited(_)
            | Event::EntryDeleted(_)
            | Event::TemplatePublished(_)
            | Event::Delegated(_)
            | Event::DelegationRevoked(_)
            | Event::AutomationStopped(_)
            | Event::BoardCreated(_)
            | Event::BoardEdited(_)
            | Event::ColumnAdded(_)
            | Event::ColumnEdited(_)
            | Event::ColumnMoved(_)
            | Event::ColumnDeleted(_)
            | Event::ColumnRestored(_)
            | Event::CardMoved(_)
            | Event::Foreign(_) => return,
        }
        self.look_for_blocks();
    }

    /// Whether something was overtaken: an end, a round or an edit that came first in the same command.
    pub(crate) fn is_overtaken(&self, event: &Event) -> bool {
        let runs = |id: ApprovalId, round: u32| {
            self.get(id).is_some_and(|approval| approval.state.running() && approval.round == round)
        };
        if let Event::RoundOpened(e) = event {
            // Two edits in one command begin one round, and none begins for what has ended meanwhile.
            return self.get(e.approval).is_none_or(|approval| approval.round + 1 != e.round)
                || (e.because == NewRound::Edited && !runs(e.approval, e.round - 1));
        }
        let step = if let Event::StepOpened(e) = event {
            Some((e.approval, e.round))
        } else if let Event::StepSkipped(e) = event {
            Some((e.approval, e.round))
        } else if let Event::StepBlocked(e) = event {
            Some((e.approval, e.round))
        } else if let Event::StepEnded(e) = event {
            Some((e.approval, e.round))
        } else {
            None
        };
        let whole = if let Event::ApprovalEnded(e) = event {
            Some(e.approval)
        } else if let Event::ApprovalEdited(e) = event {
            Some(e.approval)
        } else {
            None
        };
        step.is_some_and(|(id, round)| !runs(id, round))
            || whole.is_some_and(|id| self.get(id).is_none_or(|approval| !approval.state.running()))
    }

    fn decided(&mut self, of: Of, e: &ApprovalDecided, moment: Moment<'_>) {
        self.slot_mut(e.slot, |slot| {
            (slot.state, slot.ended_at) = match e.verdict {
                Verdict::Approved => (SlotState::Approved, Some(moment.at)),
                Verdict::Rejected => (SlotState::Rejected, Some(moment.at)),
                Verdict::Retracted | Verdict::Consulted | Verdict::Advised => (SlotState::Open, None),
            };
            slot.consulted = None;
            slot.carried = false;
            slot.turn += 1;
        });
        self.decisions.push(ApprovalDecision {
            tenant: of.tenant,
            ticket: of.ticket,
            approval: e.approval,
            id: e.decision,
            number: next(self.decisions.len()),
            slot: e.slot,
            round: e.round,
            verdict: e.verdict,
            person: e.person,
            on_behalf_of: e.on_behalf_of,
            comment: String::new(),
            salt: Salt([0; 16]),
            hash: e.hash.clone(),
            at: moment.at,
        });
    }

    fn consulted(&mut self, of: Of, e: &ApprovalConsulted, moment: Moment<'_>) {
        self.slot_mut(e.slot, |slot| slot.consulted = e.asked);
        self.decisions.push(ApprovalDecision {
            tenant: of.tenant,
            ticket: of.ticket,
            approval: e.approval,
            id: e.decision,
            number: next(self.decisions.len()),
            slot: e.slot,
            round: e.round,
            verdict: e.verdict,
            person: e.person,
            on_behalf_of: e.asked,
            comment: String::new(),
            salt: Salt([0; 16]),
            hash: e.hash.clone(),
            at: moment.at,
        });
    }

    fn with(&mut self, id: ApprovalId, change: impl FnOnce(&mut Approval)) {
        if let Some(approval) = self.all.iter_mut().find(|approval| approval.id == id) {
            change(approval);
        }
    }

    fn slot_mut(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            change(slot);
        }
    }

    fn round(&self, id: ApprovalId) -> u32 {
        self.get(id).map_or(0, |approval| approval.round)
    }

    /// The step of the present round, anew or for the first time. A step that begins again keeps its row; the slots of
    /// before have ended.
    fn begin(&mut self, of: Of, approval: ApprovalId, index: u32, key: &str, state: StepState, moment: Moment<'_>) {
        let round = self.round(approval);
        if self.step_at(approval, index).is_some() {
            // What was said in it no longer counts.
            for slot in
                self.slots.iter_mut().filter(|slot| (slot.approval, slot.round, slot.index) == (approval, round, index))
            {
                slot.state = SlotState::NotRequired;
                slot.consulted = None;
                slot.ended_at = Some(moment.at);
            }
        } else {
            let at =
                self.steps.partition_point(|step| (step.approval, step.round, step.index) < (approval, round, index));
            let step = ApprovalStep {
                tenant: of.tenant,
                ticket: of.ticket,
                approval,
                round,
                index,
                key: key.to_owned(),
                state,
                needed: None,
                note: String::new(),
                opened_at: moment.at,
                ended_at: None,
            };
            self.steps.insert(at, step);
        }
        if let Some(step) = self.step_at(approval, index) {
            step.state = state;
            step.needed = None;
            step.opened_at = moment.at;
        }
    }

    fn step_at(&mut self, approval: ApprovalId, index: u32) -> Option<&mut ApprovalStep> {
        let key = (approval, self.round(approval), index);
        self.steps.iter_mut().find(|step| (step.approval, step.round, step.index) == key)
    }

    fn running_step(&mut self, approval: ApprovalId, index: u32) -> Option<&mut ApprovalStep> {
        self.step_at(approval, index).filter(|step| step.state.running())
    }

    /// Slots of the present round that nobody has decided are not needed any more.
    fn end_slots(&mut self, approval: ApprovalId, index: Option<u32>, moment: Moment<'_>) {
        let round = self.round(approval);
        for slot in self.slots.iter_mut().filter(|slot| (slot.approval, slot.round) == (approval, round)) {
            let open = matches!(slot.state, SlotState::Open | SlotState::Vacant);
            if open && index.is_none_or(|index| index == slot.index) {
                slot.state = SlotState::NotRequired;
                slot.consulted = None;
                slot.ended_at = Some(moment.at);
            }
        }
    }

    fn end_steps(&mut self, approval: ApprovalId, moment: Moment<'_>) {
        let round = self.round(approval);
        let here = |step: &&mut ApprovalStep| (step.approval, step.round) == (approval, round);
        for step in self.steps.iter_mut().filter(here).filter(|step| step.state.running()) {
            step.state = StepState::NotRequired;
            step.ended_at = Some(moment.at);
        }
    }

    /// An approval is blocked while one of its steps is, or while those who left are needed.
    fn look_for_blocks(&mut self) {
        let stuck: Vec<bool> = self.all.iter().map(|approval| self.is_stuck(approval)).collect();
        for (approval, stuck) in self.all.iter_mut().zip(stuck) {
            approval.state = match (approval.state.running(), stuck) {
                (true, true) => ApprovalState::Blocked,
                (true, false) => ApprovalState::Pending,
                (false, _) => approval.state,
            };
        }
    }

    fn is_stuck(&self, approval: &Approval) -> bool {
        self.steps_of(approval).any(|step| match step.state {
            StepState::Blocked => true,
            StepState::Open => {
                // As if those who left said no: then it could not be met.
                let mut slots: Vec<&Slot> = self.slots_of(step).collect();
                let vacant = slots.iter().any(|slot| slot.state == SlotState::Vacant);
                slots.retain(|slot| matches!(slot.state, SlotState::Open | SlotState::Approved));
                let seat = |slot: &Slot| Seat { groups: slot.groups.clone(), vote: None };
                let seats: Vec<Seat> = slots.into_iter().map(seat).collect();
                vacant && step.needed.as_ref().is_some_and(|needed| !needed.reachable(&seats))
            }
            StepState::Approved | StepState::Rejected | StepState::Skipped | StepState::NotRequired => false,
        })
    }
}
