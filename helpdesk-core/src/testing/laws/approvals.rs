//! Approvals over generated templates and people, in the pure core: whatever is said in whatever order, an approval ends
//! or is visibly blocked, what ended stays as it ended, and what is stored is what the log folds into.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::Actor;
use crate::approval::apply::Of;
use crate::approval::{
    Approval, ApprovalState, ApprovalStep, Approvals, Approver, Needed, OnEdit, OnEmpty, Rejection, Resubmit, Rule,
    SlotState, StepDefinition, StepState, TemplateDefinition, Verdict, Vote,
};
use crate::case::Moment;
use crate::command::*;
use crate::event::Subject;
use crate::filter::{Cond, Filter};
use crate::id::{ApprovalId, GroupId, PersonId, Salt, SlotId, TenantId, TicketId};
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permission, Role, Scope};
use crate::testing::{Chance, Model};
use crate::ticket::{Priority, Relation};
use crate::time::Timestamp;
use crate::value::Field;

/// What the worlds of a law came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Commands that were taken.
    pub taken: usize,
    /// Commands that were refused.
    pub refused: usize,
    /// Approvals that were approved in the end.
    pub approved: usize,
    /// Approvals that were rejected in the end.
    pub rejected: usize,
    /// Approvals that are blocked in the end.
    pub blocked: usize,
    /// Rounds beyond the first.
    pub rounds: usize,
}

/// Plays one world of `commands` random commands, then lets everybody who is asked decide until nobody is.
///
/// # Panics
/// When the law is broken; the message names the seed.
pub fn approvals(seed: u64, commands: usize) -> Outcomes {
    let mut play = Play::found(seed);
    let mut before = play.snapshot();
    for _ in 0..commands {
        let (by, command) = play.any();
        play.send(&by, command);
        before = play.hold(before);
    }
    // At most every slot is decided once more, and each end may open what comes next.
    for _ in 0..2000 {
        let Some((by, command)) = play.next() else { return play.end() };
        assert!(play.send(&by, command.clone()), "seed {seed}: {command:?} was refused to whoever was asked");
        before = play.hold(before);
    }
    panic!("seed {seed}: it does not end");
}

struct Play {
    seed: u64,
    chance: Chance,
    model: Model,
    tenant: TenantId,
    people: Vec<PersonId>,
    groups: Vec<GroupId>,
    templates: Vec<String>,
    ticket: TicketId,
    now: Timestamp,
    outcomes: Outcomes,
}

/// What had ended: by step, its state and what its slots said.
type Ended = BTreeMap<(ApprovalId, u32, u32), (StepState, Vec<(SlotId, SlotState)>)>;

impl Play {
    fn found(seed: u64) -> Self {
        let mut play = Self {
            seed,
            chance: Chance::new(seed),
            model: Model::default(),
            tenant: TenantId::NIL,
            people: vec![],
            groups: vec![],
            templates: vec![],
            ticket: TicketId::NIL,
            now: Timestamp::from_millis(1_767_603_600_000),
            outcomes: Outcomes::default(),
        };
        play.tenant = play.made(RegisterTenant::new("law", "Law"));
        let tenant = play.tenant;
        let project = play.made(CreateProject::new(tenant, "LAW"));
        for n in 0..7 {
            let person = EnsurePerson::external(tenant, format!("p{n}"), format!("P{n}")).kind(PersonKind::Staff);
            let person = play.made(person);
            play.made(GrantRole::new(if n == 0 { Role::Moderator } else { Role::Agent }, person));
            play.people.push(person);
        }
        for n in 0..2 {
            let group = play.made(CreateGroup::new(tenant, GroupKind::Team, format!("g{n}")));
            play.groups.push(group);
            for person in play.chance.clone().some(&play.people.clone(), 5) {
                play.made(AddMember { group, person });
            }
        }
        let (boss, worker) = (play.people[1], play.people[2]);
        play.made(EditPerson { manager: Some(Some(boss)), ..EditPerson::new(worker) });
        for n in 0..3 {
            let definition = play.template(n);
            play.templates.push(definition.key.clone());
            play.made(PublishTemplate { tenant, definition });
        }
        play.ticket = play.made(CreateTicket { requester: Some(worker), ..CreateTicket::new(project, "a case") });
        play
    }

    fn made<C: Intent>(&mut self, command: C) -> C::Out {
        let host = if self.tenant == TenantId::NIL { Actor::system() } else { Actor::system_of(self.tenant) };
        let id = self.chance.uuid(self.now.millis()).into();
        let command: Command = command.into();
        let done = self.model.act(&host, &Ask { command, id: None, expected: None, key: None, at: None }, id, self.now);
        let made = done.unwrap_or_else(|refusal| panic!("seed {}: the ground: {refusal}", self.seed)).made;
        C::Out::try_from(made).unwrap_or_else(|made| panic!("seed {}: made {made:?}", self.seed))
    }

    fn approver(&mut self) -> Approver {
        match self.chance.below(6) {
            0 | 1 => Approver::Person(*self.chance.pick(&self.people)),
            2 => Approver::Group(*self.chance.pick(&self.groups)),
            3 => Approver::Role(Role::Moderator.into()),
            4 => Approver::Manager,
            _ => Approver::Relation(Relation::Assignee),
        }
    }

    fn template(&mut self, n: usize) -> TemplateDefinition {
        let count = 1 + self.chance.below(3);
        let mut steps = vec![];
        for i in 0..count {
            let ask: Vec<Approver> = (0..=self.chance.below(3)).map(|_| self.approver()).collect();
            let groups = ask.iter().any(|who| matches!(who, Approver::Group(_)));
            let rule = match self.chance.below(6) {
                0 => Rule::All,
                1 => Rule::Any,
                2 => Rule::Count(1 + self.chance.below(3) as u32),
                3 => Rule::Percent(1 + self.chance.below(100) as u32),
                4 if groups => Rule::PerGroup(1),
                _ => Rule::Majority,
            };
            let veto = ask.iter().find_map(|who| if let Approver::Group(group) = who { Some(*group) } else { None });
            let rejection = match (self.chance.below(4), veto) {
                (0, _) => Rejection::Count(1 + self.chance.below(2) as u32),
                (1, _) => Rejection::Percent(1 + self.chance.below(100) as u32),
                (2, Some(group)) => Rejection::Veto(group),
                _ => Rejection::Any,
            };
            let fallback = self.approver();
            steps.push(StepDefinition {
                key: format!("s{i}"),
                name: format!("Step {i}"),
                ask,
                rule,
                rejection,
                parallel: self.chance.percent(40).then(|| "beside".to_owned()),
                when: self.chance.percent(20).then(|| Filter::from(Cond::Priority(vec![Priority::High]))),
                on_empty: match self.chance.below(3) {
                    0 => OnEmpty::Skip,
                    1 => OnEmpty::Fallback(fallback),
                    _ => OnEmpty::Block,
                },
                deadline: None,
            });
        }
        // The steps of a group stand beside each other.
        let mut seen = false;
        for i in 0..steps.len() {
            let beside = i > 0 && steps[i - 1].parallel.is_some();
            if seen && !beside {
                steps[i].parallel = None;
            }
            seen |= steps[i].parallel.is_some();
        }
        let any = self.chance.percent(40) && steps.iter().any(|step| step.parallel.is_some());
        TemplateDefinition {
            key: format!("t{n}"),
            name: format!("T{n}"),
            steps,
            any_of: if any { vec!["beside".into()] } else { vec![] },
            watched: if self.chance.percent(70) { vec![Field::Priority, Field::Title] } else { vec![] },
            on_edit: *self.chance.pick(OnEdit::ALL),
            resubmit: *self.chance.pick(Resubmit::ALL),
            self_approval: self.chance.percent(20),
            revalidate_on_departure: self.chance.percent(20),
            replacement: self.chance.percent(30).then(|| Approver::Person(self.people[0])),
        }
    }

    fn all(&self) -> Approvals {
        let rows = self.model.rows(self.tenant).expect("the tenant");
        rows.cases[&self.ticket].approvals.clone().unwrap_or_default()
    }

    /// Something anybody might try.
    fn any(&mut self) -> (Actor, Command) {
        let (ticket, all) = (self.ticket, self.all());
        let person = *self.chance.pick(&self.people);
        let other = *self.chance.pick(&self.people);
        let by = Actor::person(self.tenant, person);
        let host = Actor::system_of(self.tenant);
        let Some(approval) = self.chance.maybe(&all.all).map(|approval| approval.id) else {
            let template = self.chance.pick(&self.templates).clone();
            return (by, RequestApproval { ticket, template }.into());
        };
        let step = self.chance.percent(50).then(|| format!("s{}", self.chance.below(3)));
        let open: Vec<PersonId> =
            all.slots.iter().filter(|slot| slot.state == SlotState::Open).map(|slot| slot.person).collect();
        let asked = self.chance.maybe(&open).copied().unwrap_or(person);
        let whoever = Actor::person(self.tenant, asked);
        match self.chance.below(25) {
            0..=5 => {
                let verdict = if self.chance.percent(75) { Vote::Approved } else { Vote::Rejected };
                let (comment, on_behalf_of) = (Some("said".to_owned()), None);
                (whoever, DecideApproval { ticket, approval, verdict, comment, step, on_behalf_of }.into())
            }
            6 => {
                let (verdict, comment) = (Vote::Approved, None);
                (by, DecideApproval { ticket, approval, verdict, comment, step, on_behalf_of: Some(asked) }.into())
            }
            7 => (by, RetractDecision { ticket, approval, step }.into()),
            8 => (whoever, ReassignSlot { ticket, approval, step, from: asked, to: other, reason: "so".into() }.into()),
            9 => (whoever, ConsultApprover { ticket, approval, step, person: other, question: "?".into() }.into()),
            10 => (by, AdviseApprover { ticket, approval, step, opinion: "!".into() }.into()),
            11 => (by, RecallApproval { ticket, approval, reason: None }.into()),
            12 => (by, ResubmitApproval { ticket, approval }.into()),
            13 => {
                let template = self.chance.pick(&self.templates).clone();
                (by, RequestApproval { ticket, template }.into())
            }
            14 => {
                let priority = Some(Some(*self.chance.pick(Priority::ALL)));
                (by, EditTicket::new(ticket, Patch { priority, ..Patch::default() }).into())
            }
            15 => {
                let active = Some(self.chance.percent(60));
                (host, EditPerson { active, ..EditPerson::new(other) }.into())
            }
            16 => (host, ReviewApprovers { ticket }.into()),
            17 => {
                let group = *self.chance.pick(&self.groups);
                if self.chance.percent(50) {
                    (host, AddMember { group, person: other }.into())
                } else {
                    (host, RemoveMember { group, person: other }.into())
                }
            }
            19 => {
                let state = if self.chance.percent(20) { "done" } else { "todo" };
                (host, ForceState { ticket, state: state.into(), reason: "law".into() }.into())
            }
            20 => (by, Unrelate { ticket, relation: Relation::Approver, people: vec![asked] }.into()),
            21 => {
                let title = Some(format!("title {}", self.chance.below(9)));
                (by, EditTicket::new(ticket, Patch { title, ..Patch::default() }).into())
            }
            22 if self.chance.percent(15) => (host, DeleteTicket { ticket, reason: None }.into()),
            22 | 23 => (host, RestoreTicket { ticket, reason: None }.into()),
            18 => (by, Relate::assign(ticket, self.chance.clone().some(&self.people, 2)).into()),
            _ => {
                let (starts_at, ends_at) = (None, None);
                (by, Delegate { principal: person, delegate: other, scope: Scope::Tenant, starts_at, ends_at }.into())
            }
        }
    }

    fn send(&mut self, by: &Actor, command: Command) -> bool {
        self.now = self.now.plus_millis(1000);
        let id = self.chance.uuid(self.now.millis()).into();
        let done = self.model.act(by, &Ask { command, id: None, expected: None, key: None, at: None }, id, self.now);
        let taken = done.is_ok();
        *(if taken { &mut self.outcomes.taken } else { &mut self.outcomes.refused }) += 1;
        taken
    }

    /// A decision somebody is asked for; nothing when nobody is, or all that runs is blocked.
    fn next(&mut self) -> Option<(Actor, Command)> {
        let all = self.all();
        let rows = self.model.rows(self.tenant).expect("the tenant");
        let requesters: BTreeSet<PersonId> = rows.cases[&self.ticket].who(Relation::Requester).collect();
        let approval = all.all.iter().find(|approval| approval.state == ApprovalState::Pending)?;
        let active = |person: PersonId| rows.people.get(&person).is_some_and(|person| person.active);
        let slot = all.asked(approval).find(|slot| slot.state == SlotState::Open && active(slot.person));
        // Those who have left and were not reviewed yet: the host looks.
        let Some(slot) = slot else {
            return Some((Actor::system_of(self.tenant), ReviewApprovers { ticket: self.ticket }.into()));
        };
        let step = all.step_of(slot).expect("a slot of a step");
        let mine = requesters.contains(&slot.person)
            || approval.requested_by == Some(slot.person)
            || approval.resubmitted_by == Some(slot.person)
            || approval.edited_by == Some(slot.person);
        let verdict = if mine || self.chance.percent(20) { Vote::Rejected } else { Vote::Approved };
        let decide = DecideApproval {
            ticket: self.ticket,
            approval: approval.id,
            verdict,
            comment: Some("in the end".into()),
            step: Some(step.key.clone()),
            on_behalf_of: None,
        };
        Some((Actor::person(self.tenant, slot.person), decide.into()))
    }

    fn end(mut self) -> Outcomes {
        for approval in &self.all().all {
            self.outcomes.rounds += approval.round as usize - 1;
            match approval.state {
                ApprovalState::Approved => self.outcomes.approved += 1,
                ApprovalState::Rejected => self.outcomes.rejected += 1,
                ApprovalState::Blocked => self.outcomes.blocked += 1,
                ApprovalState::Pending => panic!("seed {}: {approval:?} is still pending", self.seed),
                ApprovalState::Stale | ApprovalState::Recalled | ApprovalState::Cancelled => {}
            }
        }
        self.outcomes
    }

    fn snapshot(&self) -> Ended {
        let all = self.all();
        let ended = all.steps.iter().filter(|step| !step.state.running());
        let said = |step: &ApprovalStep| all.slots_of(step).map(|slot| (slot.id, slot.state)).collect();
        ended.map(|step| ((step.approval, step.round, step.index), (step.state, said(step)))).collect()
    }

    /// Holds what must always be so; what had ended before must have stayed.
    fn hold(&self, before: Ended) -> Ended {
        let (seed, all, now) = (self.seed, self.all(), self.snapshot());
        for (step, ended) in before {
            assert_eq!(now.get(&step), Some(&ended), "seed {seed}: {step:?} had ended");
        }
        let rows = self.model.rows(self.tenant).expect("the tenant");
        let case = &rows.cases[&self.ticket];
        assert_eq!(case.ticket.approval, all.overall(), "seed {seed}");
        for approval in &all.all {
            self.hold_one(&all, approval);
        }
        for slot in all.slots.iter().filter(|slot| slot.state == SlotState::Open) {
            let step = all.step_of(slot).expect("a step");
            assert_eq!(step.state, StepState::Open, "seed {seed}: {slot:?} is open");
            let actor = Actor::person(self.tenant, slot.person);
            if let Ok(access) = self.model.access(&actor, self.tenant, self.now)
                && rows.people[&slot.person].active
            {
                assert!(access.on(&**case).has(Permission::TicketRead), "seed {seed}: {slot:?} sees nothing");
            }
        }
        self.fold(&all);
        now
    }

    fn hold_one(&self, all: &Approvals, approval: &Approval) {
        let seed = self.seed;
        let steps: Vec<&ApprovalStep> = all.steps_of(approval).collect();
        let open = steps
            .iter()
            .any(|step| step.state == StepState::Open && all.slots_of(step).any(|slot| slot.state == SlotState::Open));
        match approval.state {
            ApprovalState::Pending => assert!(open, "seed {seed}: {approval:?} waits for nobody: {steps:?}"),
            ApprovalState::Blocked => {}
            _ => assert!(steps.iter().all(|step| !step.state.running()), "seed {seed}: {approval:?} {steps:?}"),
        }
        for step in &steps {
            let live: Vec<_> = all.slots_of(step).filter(|slot| slot.state != SlotState::NotRequired).collect();
            let people: Vec<PersonId> = live.iter().map(|slot| slot.person).collect();
            let each: BTreeSet<PersonId> = people.iter().copied().collect();
            assert_eq!(people.len(), each.len(), "seed {seed}: somebody is asked twice in {step:?}");
            let approvals = live.iter().filter(|slot| slot.state == SlotState::Approved).count();
            if let (StepState::Approved, Some(Needed::Total(needed))) = (step.state, &step.needed) {
                assert!(approvals >= *needed as usize, "seed {seed}: {step:?} has {approvals}");
            }
        }
        let config = &self.model.rows(self.tenant).expect("the tenant").config;
        let template = config.templates.get(&approval.template).expect("its template");
        let own = |person: PersonId| approval.requested_by == Some(person);
        for said in all.decisions.iter().filter(|said| said.approval == approval.id) {
            let mine = own(said.person) || said.on_behalf_of.is_some_and(own);
            let approves = said.verdict == Verdict::Approved && !template.definition().self_approval;
            assert!(!(approves && mine), "seed {seed}: {said:?} approves their own");
        }
    }

    /// What is stored is what the log folds into; words stand beside it.
    fn fold(&self, all: &Approvals) {
        let rows = self.model.rows(self.tenant).expect("the tenant");
        let mut folded = Approvals::default();
        let of = Of { tenant: self.tenant, ticket: self.ticket };
        for event in rows.events.iter().filter(|event| event.subject == Subject::Ticket(self.ticket)) {
            let moment = Moment { by: &event.by, at: event.occurred_at, version: event.version };
            folded.apply(of, &event.event, moment);
        }
        let mut stored = all.clone();
        for said in &mut stored.decisions {
            said.comment.clear();
            said.salt = Salt([0; 16]);
        }
        assert_eq!(stored, folded, "seed {}", self.seed);
    }
}
