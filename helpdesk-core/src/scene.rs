//! A [`Scene`]: the cases one command (or one set of commands) touches and the facts read for it; [`settle`] chains
//! the consequences. No storage, no clock, no randomness: [`Ctx`] brings them in.

mod ctx;
mod diff;
mod drawn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use self::ctx::Ctx;
pub use self::drawn::{Drawn, Numbers, Turns};
use crate::approval::{Delegation, advance};
use crate::board::Surroundings;
use crate::case::{Case, Moment};
use crate::command::Made;
use crate::config::TenantConfig;
use crate::error::Refusal;
use crate::event::{Cause, Event, Subject};
use crate::id::{DecisionId, EntryId, EventId, GroupId, PersonId, Salt, TenantId, TicketId};
use crate::org::{Candidate, Person};
use crate::role::{Grant, RoleKey};
use crate::store::{NewEvent, Row, Write};
use crate::ticket::link::Step;
use crate::ticket::{Entry, TicketText, decide};
use crate::time::Timestamp;
use crate::value::Field;
use crate::workflow::effects;

/// Most events a command, or a set of commands, may lead to; beyond it the command is refused.
pub const EVENT_BUDGET: usize = 512;

/// The outcome of one decision: what happened, the texts that do not stand in events, and what was made.
#[derive(Debug, Default)]
pub struct Decision {
    /// What happened, in order.
    pub events: Vec<(Subject, Event)>,
    /// Texts that belong to it.
    pub sides: Vec<Side>,
    /// Rows of the organisation it changes.
    pub writes: Vec<Write>,
    /// Whether cached access and configuration are stale after it.
    pub moves_epoch: bool,
    /// What it made.
    pub made: Option<Made>,
}

impl Decision {
    /// One event about a ticket.
    pub(crate) fn ticket(id: TicketId, event: impl Into<Event>) -> Self {
        Self { events: vec![(Subject::Ticket(id), event.into())], ..Self::default() }
    }
    /// Events that follow from others.
    pub(crate) fn follows(events: Vec<(Subject, Event)>) -> Self {
        Self { events, ..Self::default() }
    }
    pub(crate) fn and(mut self, id: TicketId, event: impl Into<Event>) -> Self {
        self.events.push((Subject::Ticket(id), event.into()));
        self
    }
    pub(crate) fn side(mut self, side: Side) -> Self {
        self.sides.push(side);
        self
    }
    pub(crate) fn made(mut self, made: impl Into<Made>) -> Self {
        self.made = Some(made.into());
        self
    }
}

/// A text that is erasable and therefore not in the event.
#[derive(Debug, Clone)]
pub enum Side {
    /// A ticket's title, with the salt of its digest.
    Title(TicketId, String, Salt),
    /// A ticket's long text.
    Text(TicketText),
    /// An entry, new or edited.
    Entry(Entry),
    /// A text as it was before.
    Revision(crate::ticket::Revision),
    /// What was said with a decision on an approval of a ticket.
    Decision(TicketId, DecisionId, String, Salt),
}

impl Side {
    /// The ticket it belongs to.
    pub(crate) const fn ticket(&self) -> TicketId {
        match self {
            Self::Title(ticket, ..) | Self::Decision(ticket, ..) => *ticket,
            Self::Text(text) => text.ticket,
            Self::Entry(entry) => entry.ticket,
            Self::Revision(revision) => revision.ticket,
        }
    }
}

/// A case before and after the command.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) before: Option<Arc<Case>>,
    pub(crate) after: Option<Case>,
}

/// The cases of one command and the facts read for it.
#[derive(Debug)]
pub struct Scene {
    /// The tenant.
    pub tenant: TenantId,
    /// Its projects, groups, tags and workflows.
    pub config: Arc<TenantConfig>,
    /// The people the command names, as far as they exist.
    pub people: BTreeMap<PersonId, Person>,
    /// The tickets above a new parent, nearest first, with the version seen.
    pub ancestors: Vec<(TicketId, i64)>,
    /// The tickets above some, nearest first: how deep those stand.
    pub lines: BTreeMap<TicketId, Vec<(TicketId, i64)>>,
    /// The links that block behind the end of a new one.
    pub steps: Vec<Step>,
    /// The grant the command names.
    pub grant: Option<Grant>,
    /// The grants of the group the command names; those on departments when it moves a group.
    pub group_grants: Vec<Grant>,
    /// Until when the role the command names is granted at the longest.
    pub role_until: Option<Timestamp>,
    /// Whether the person the command names is in the group it names.
    pub member: bool,
    /// The active members of groups somebody is chosen out of, in order of (since, person).
    pub pools: BTreeMap<GroupId, Vec<Candidate>>,
    /// The live grants of roles whose holders are asked.
    pub holders: BTreeMap<RoleKey, Vec<Grant>>,
    /// The delegations people have given, in order of when.
    pub delegations: BTreeMap<PersonId, Vec<Delegation>>,
    /// The delegation the command names.
    pub delegation: Option<Delegation>,
    /// Who edited which fields of a ticket, in the order of the log.
    pub editors: BTreeMap<TicketId, Vec<(Field, PersonId)>>,
    /// People who were looked up, whether or not they exist.
    pub looked_up: BTreeSet<PersonId>,
    /// Whether another tenant has the key the command wants.
    pub tenant_taken: bool,
    /// The cards around the place the command wants.
    pub place: Surroundings,
    cases: BTreeMap<TicketId, Slot>,
    /// The tickets all sub-tickets of which are among the cases.
    below: BTreeSet<TicketId>,
    reads: BTreeMap<TicketId, i64>,
    events: Vec<(Subject, Event)>,
    writes: Vec<Write>,
    moves_epoch: bool,
}

impl Scene {
    /// A scene of `cases`.
    pub fn new(tenant: TenantId, config: Arc<TenantConfig>, cases: impl IntoIterator<Item = Arc<Case>>) -> Self {
        Self {
            tenant,
            config,
            people: BTreeMap::new(),
            ancestors: vec![],
            lines: BTreeMap::new(),
            steps: vec![],
            grant: None,
            group_grants: vec![],
            role_until: None,
            member: false,
            pools: BTreeMap::new(),
            holders: BTreeMap::new(),
            delegations: BTreeMap::new(),
            delegation: None,
            editors: BTreeMap::new(),
            looked_up: BTreeSet::new(),
            tenant_taken: false,
            place: Surroundings::default(),
            cases: cases.into_iter().map(|c| (c.ticket.id, Slot { before: Some(c), after: None })).collect(),
            below: BTreeSet::new(),
            reads: BTreeMap::new(),
            events: vec![],
            writes: vec![],
            moves_epoch: false,
        }
    }

    /// The case as it stands now, changes of this command included.
    pub fn case(&self, id: TicketId) -> Option<&Case> {
        self.cases.get(&id).and_then(|slot| slot.after.as_ref().or(slot.before.as_deref()))
    }

    /// The case, if the actor may see it; otherwise it does not exist.
    pub fn seen(&self, id: TicketId, ctx: &Ctx<'_>) -> Result<&Case, Refusal> {
        let case = self.case(id).ok_or_else(|| Refusal::not_found("ticket", id))?;
        let may = ctx.access.on(case);
        if may.has(crate::role::Permission::TicketRead) { Ok(case) } else { Err(Refusal::not_found("ticket", id)) }
    }

    /// Every case as it stands now.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().filter_map(|slot| slot.after.as_ref().or(slot.before.as_deref()))
    }

    /// Whether the person was looked up.
    pub(crate) fn looked_for(&self, person: PersonId) -> bool {
        self.looked_up.contains(&person)
    }

    /// Whether one of the fields was edited by what this scene did.
    pub(crate) fn edited_here(&self, id: TicketId, fields: &[Field]) -> bool {
        let edits = self
            .events
            .iter()
            .filter(|(subject, event)| subject.ticket() == Some(id) && !matches!(event, Event::TicketCreated(_)));
        edits.flat_map(|(_, event)| event.changes()).any(|change| fields.contains(&change.field))
    }

    /// How many more tickets somebody works on by what this scene did; fewer are negative. Ended and deleted ones do not
    /// count.
    pub(crate) fn assigned_here(&self, person: PersonId) -> i64 {
        let works = |case: &Case| {
            let counts = case.ticket.deleted_at.is_none() && !case.ticket.category.ended();
            i64::from(counts && case.is(person, crate::ticket::Relation::Assignee))
        };
        let changed = self.cases.values().filter_map(|slot| Some((slot.before.as_deref(), slot.after.as_ref()?)));
        changed.map(|(before, after)| works(after) - before.map_or(0, works)).sum()
    }

    /// Whether this scene put the case under another ticket: what stands below it was not loaded with that one.
    pub(crate) fn came_under(&self, case: &Case) -> bool {
        let before = self.cases.get(&case.ticket.id).and_then(|slot| slot.before.as_deref());
        before.is_some_and(|before| before.ticket.parent != case.ticket.parent)
    }

    /// Says that all sub-tickets of `tops` are among the cases, and that the decision relies on them as they are.
    pub(crate) fn looks_below(&mut self, tops: impl IntoIterator<Item = TicketId>) {
        for top in tops {
            let below = crate::workflow::effects::below(self, top);
            let seen: Vec<(TicketId, i64)> =
                below.into_iter().map(|case| (case.ticket.id, case.ticket.version)).collect();
            self.relied_on(seen);
            self.below.insert(top);
        }
    }

    /// Whether all sub-tickets of `top` are among the cases.
    pub(crate) fn looked_below(&self, top: TicketId) -> bool {
        self.below.contains(&top)
    }

    /// Says that the decision relied on this version of a ticket it does not change.
    pub(crate) fn relied_on(&mut self, reads: impl IntoIterator<Item = (TicketId, i64)>) {
        self.reads.extend(reads);
    }

    fn apply(&mut self, subject: &Subject, event: &Event, ctx: &Ctx<'_>) {
        let Some(id) = subject.ticket() else { return };
        let seen = self.cases.get(&id).and_then(|slot| slot.before.as_ref()).map(|case| case.ticket.version);
        let moment = Moment { by: &ctx.by, at: ctx.at, version: seen.unwrap_or(0) + 1 };
        if let Event::TicketCreated(created) = event {
            if let Some(workflow) = self.config.workflows.get(&created.workflow) {
                let case = decide::created(self.tenant, id, created, workflow.clone(), moment);
                self.cases.insert(id, Slot { before: None, after: Some(case) });
            }
        } else if let Some(case) = self.open(id) {
            case.apply(event, moment);
            if let Event::TicketMigrated(migrated) = event
                && let Some(workflow) = self.config.workflows.get(&migrated.to).cloned()
                && let Some(case) = self.open(id)
            {
                case.workflow = workflow;
            }
        }
    }

    /// The case, to be changed.
    fn open(&mut self, id: TicketId) -> Option<&mut Case> {
        let slot = self.cases.get_mut(&id)?;
        if slot.after.is_none() {
            slot.after = slot.before.as_deref().cloned();
        }
        slot.after.as_mut()
    }

    fn put(&mut self, side: Side) {
        match side {
            Side::Title(ticket, title, salt) => {
                if let Some(case) = self.open(ticket) {
                    case.ticket.title = title;
                    case.ticket.salt = salt;
                }
            }
            Side::Text(text) => {
                if let Some(case) = self.open(text.ticket) {
                    case.text = Some(text);
                }
            }
            Side::Entry(entry) => {
                if let Some(case) = self.open(entry.ticket) {
                    match case.entries.iter_mut().find(|known| known.id == entry.id) {
                        Some(known) => *known = entry,
                        None => case.entries.push(entry),
                    }
                }
            }
            Side::Decision(ticket, id, comment, salt) => {
                let approvals = self.open(ticket).and_then(|case| case.approvals.as_mut());
                let made = approvals.and_then(|all| all.decisions.iter_mut().find(|decision| decision.id == id));
                if let Some(decision) = made {
                    decision.comment = comment;
                    decision.salt = salt;
                }
            }
            Side::Revision(revision) => {
                if let Some(case) = self.open(revision.ticket) {
                    // Edited twice in one set: what stood there before is the text before the first.
                    let known = case.revisions.iter().any(|r| (&r.of, r.version) == (&revision.of, revision.version));
                    if !known {
                        case.revisions.push(revision);
                    }
                }
            }
        }
    }

    /// The rows and events of everything that happened in this scene.
    pub fn finish(mut self, ctx: &mut Ctx<'_>, cause: &Arc<Cause>) -> Finished {
        let touched: Vec<TicketId> = self
            .events
            .iter()
            .filter_map(|(subject, _)| subject.ticket())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        for id in touched {
            let fresh = self.cases.get(&id).is_some_and(|slot| slot.before.is_none());
            if let Some(case) = self.open(id) {
                case.ticket.version += i64::from(!fresh);
                case.ticket.updated_by = ctx.by.clone();
                case.ticket.updated_at = ctx.at;
            }
        }
        let versions = self.org_versions();
        let mut ords: BTreeMap<Subject, i32> = BTreeMap::new();
        let mut events = Vec::with_capacity(self.events.len());
        for (subject, event) in std::mem::take(&mut self.events) {
            let version = match &subject {
                Subject::Ticket(id) => self.case(*id).map_or(1, |case| case.ticket.version),
                other => versions.get(&(other.kind(), other.key())).copied().unwrap_or(1),
            };
            let ord = ords.entry(subject.clone()).or_insert(0);
            events.push(NewEvent {
                id: ctx.mint.id::<EventId>(),
                version,
                ord: *ord,
                by: ctx.by.clone(),
                cause: cause.clone(),
                occurred_at: ctx.at,
                recorded_at: ctx.now,
                internal: event.internal(),
                subject,
                event,
            });
            *ord += 1;
        }
        let mut writes = std::mem::take(&mut self.writes);
        let mut versions = Vec::new();
        for (id, slot) in self.cases {
            if let Some(after) = slot.after {
                versions.push((id, after.ticket.version));
                diff::write(slot.before.as_deref(), after, &mut writes);
                self.reads.remove(&id);
            }
        }
        Finished { writes, events, reads: self.reads.into_iter().collect(), versions, moves_epoch: self.moves_epoch }
    }

    /// The versions of changed rows of the organisation; what is removed ends one version later.
    fn org_versions(&self) -> BTreeMap<(&'static str, String), i64> {
        let of = |row: &Row| match row {
            // A grant never changes: it is made and taken back.
            Row::Grant(grant) => Some((("grant", grant.id.to_string()), 1)),
            other => other.version(),
        };
        let version = |write: &Write| match (&write.before, &write.after) {
            (_, Some(after)) => of(after),
            (Some(before), None) => of(before).map(|(subject, version)| (subject, version + 1)),
            (None, None) => None,
        };
        self.writes.iter().filter_map(version).collect()
    }

    /// Whether anything happened.
    pub fn is_still(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether something was overtaken by another consequence of the same command: a move begins where the ticket no longer
    /// is, somebody is on it already, a round or a step is not the present one.
    fn is_overtaken(&self, subject: &Subject, event: &Event) -> bool {
        let Some(case) = subject.ticket().and_then(|id| self.case(id)) else { return false };
        if let Event::TicketMoved(moved) = event {
            case.ticket.state != moved.from
        } else if let Event::ParticipantAdded(added) = event {
            case.is(added.person, added.relation) // two steps may ask the same person
        } else if let Event::ParticipantRemoved(removed) = event {
            !case.is(removed.person, removed.relation)
        } else {
            case.approvals.as_ref().is_some_and(|all| all.is_overtaken(event))
        }
    }

    /// The entry, if the command's ticket has it.
    pub(crate) fn entry(&self, ticket: TicketId, id: EntryId) -> Option<&Entry> {
        self.case(ticket)?.entries.iter().find(|entry| entry.id == id)
    }
}

/// Everything a scene wants written, without the surroundings of the command.
#[derive(Debug)]
pub struct Finished {
    /// Row images.
    pub writes: Vec<Write>,
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// Versions of unchanged tickets the decision relied on.
    pub reads: Vec<(TicketId, i64)>,
    /// The versions of changed tickets.
    pub versions: Vec<(TicketId, i64)>,
    /// Whether cached access and configuration are stale after it.
    pub moves_epoch: bool,
}

type React = fn(&Scene, &Subject, &Event, &mut Ctx<'_>) -> Result<Decision, Refusal>;

/// The engines that react, in this order, to every event.
const ENGINES: &[React] = &[
    |scene, subject, event, ctx| decide::react(scene, subject, event, ctx).map(Decision::follows),
    effects::react,
    |scene, subject, event, ctx| advance::react(scene, subject, event, ctx).map(Decision::follows),
];

/// Applies a decision and lets every engine react, first in first out, until nothing follows. A consequence that is
/// refused refuses the command.
pub fn settle(scene: &mut Scene, decision: Decision, ctx: &mut Ctx<'_>) -> Result<Option<Made>, Refusal> {
    let mut queue: VecDeque<(Subject, Event)> = decision.events.into();
    // Together with those of the set's earlier commands: a version's events are read at once.
    let (mut sides, mut applied) = (decision.sides, scene.events.len());
    scene.moves_epoch |= decision.moves_epoch;
    scene.writes.extend(decision.writes);
    while let Some((subject, event)) = queue.pop_front() {
        applied += 1;
        if applied > EVENT_BUDGET {
            return Err(crate::error::Budget {
                limit: "events of one commit",
                used: applied as u64,
                allowed: EVENT_BUDGET as u64,
            }
            .into());
        }
        if scene.is_overtaken(&subject, &event) {
            continue;
        }
        scene.apply(&subject, &event, ctx);
        if let Some(id) = subject.ticket().filter(|id| scene.case(*id).is_none()) {
            return Err(Refusal::not_found("ticket", id)); // a consequence for a case that was not loaded
        }
        // What engines look at has its texts.
        if let Some(id) = subject.ticket() {
            let (here, later) = sides.into_iter().partition(|side: &Side| side.ticket() == id);
            sides = later;
            let here: Vec<Side> = here;
            here.into_iter().for_each(|side| scene.put(side));
        }
        for react in ENGINES {
            let then = react(scene, &subject, &event, ctx)?;
            queue.extend(then.events);
            sides.extend(then.sides);
        }
        scene.events.push((subject, event));
    }
    for side in sides.drain(..) {
        scene.put(side);
    }
    Ok(decision.made)
}
