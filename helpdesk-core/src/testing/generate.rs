//! Seeded worlds: commands people might send, and filters that select some tickets and not others.

mod filters;

use super::{Chance, World};
use crate::actor::Actor;
use crate::command::{
    Ask, Asking, Claim, Command, Comment, CreateGroup, CreateTicket, DefineRole, DeleteComment, DeleteTicket,
    EditComment, EditProject, EditTicket, ForceState, GrantRole, LinkTickets, Made, MoveTo, Patch, Reassign, Relate,
    RestoreTicket, TagTicket, UnlinkTickets, Unrelate,
};
use crate::error::ActError;
use crate::id::{EntryId, GroupId, PersonId, TagId, TicketId};
use crate::org::GroupKind;
use crate::role::{Permission, Principal, RELATION_MAX, Relations, Role, RoleKey, Scope};
use crate::ticket::{EntryVisibility, Importance, LinkKind, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::{Clock, Timestamp};

const WORDS: &[&str] = &[
    "printer", "fire", "Feuer", "network", "Netz", "naïve", "100%", "a_b", "Straße", "mouse", "mousepad", "down",
    "slow", "ÄÖ", "v2.3", "print",
];

/// A [`World`] with the tickets and entries made in it so far.
pub struct Population {
    /// The world.
    pub world: World,
    /// Its tickets.
    pub tickets: Vec<TicketId>,
    /// Its entries.
    pub entries: Vec<(TicketId, EntryId)>,
    /// Where choices come from.
    pub chance: Chance,
    /// Departments, each below the one before.
    departments: Vec<GroupId>,
    companies: Vec<GroupId>,
}

/// A command that was sent, and what became of it.
pub struct Sent {
    /// By whom.
    pub by: Actor,
    /// What.
    pub command: Command,
    /// How it ended.
    pub done: Result<crate::desk::Done<Made>, ActError>,
}

impl Population {
    /// Nobody but the people of the world; with three departments in a line, and two companies.
    pub async fn found(world: World, seed: u64) -> Self {
        let (host, mut departments, mut companies) = (world.host(), vec![], vec![]);
        for name in ["works", "field", "night"] {
            let parent = departments.last().copied();
            let group = CreateGroup { parent, ..CreateGroup::new(world.tenant, GroupKind::Department, name) };
            departments.push(world.must(&host, group).await);
        }
        for name in ["globex", "initech"] {
            companies.push(world.must(&host, CreateGroup::new(world.tenant, GroupKind::Company, name)).await);
        }
        Self { world, tickets: vec![], entries: vec![], chance: Chance::new(seed), departments, companies }
    }

    /// Sends `count` commands.
    pub async fn grow(&mut self, count: usize) -> Vec<Sent> {
        let mut sent = Vec::with_capacity(count);
        for _ in 0..count {
            sent.push(self.step().await);
        }
        sent
    }

    /// Sends one command; time moves a little, or not.
    pub async fn step(&mut self) -> Sent {
        let wait = self.chance.below(3) as i64 * 700;
        self.world.clock.advance(wait);
        let (by, command) = self.command();
        let id = self.chance.uuid(self.world.clock.now().millis());
        let ask = Ask { command: command.clone(), id: Some(id.into()), expected: None, key: None, at: None };
        let done = self.world.desk.act_any(&by, ask).await;
        if let Ok(done) = &done {
            match (&done.out, command.ticket()) {
                (Made::Ticket(id), _) => self.tickets.push(*id),
                (Made::Entry(entry), Some(ticket)) => self.entries.push((ticket, *entry)),
                _ => {}
            }
        }
        Sent { by, command, done }
    }

    /// Grants random roles to random people and groups on random scopes.
    pub async fn mix_roles(&mut self, count: usize) {
        let mut roles: Vec<RoleKey> = Role::ALL.iter().map(|role| RoleKey::from(*role)).collect();
        for _ in 0..3 {
            let permissions = Permission::ALL.iter().copied().filter(|_| self.chance.percent(25)).collect();
            let key = format!("own-{}", self.chance.below(1_000_000_000));
            let role = DefineRole { tenant: self.world.tenant, key: key.clone(), name: key, permissions };
            roles.push(self.world.must(&self.world.host(), role).await);
        }
        for _ in 0..count {
            let role = self.chance.pick(&roles).clone();
            let who: Principal = if self.chance.percent(20) { self.world.network.into() } else { self.person().into() };
            let mut grant = GrantRole::new(role, who).on(self.scope());
            if self.chance.percent(20) {
                grant = grant.until(self.world.clock.now().plus_millis(5_000));
            }
            let id = self.chance.uuid(self.world.clock.now().millis());
            match self.world.act(&self.world.host(), grant.with_id(id)).await {
                Ok(_) => {}
                // A ticket that is deleted.
                Err(error) => assert_eq!(error.code(), "FIELD_INVALID", "{error}"),
            }
        }
    }

    /// Lets relations give other things in one project than by default.
    pub async fn mix_relations(&mut self) {
        let mut relations = Relations::DEFAULT;
        for relation in Relation::ALL {
            if self.chance.percent(50) {
                let gives = RELATION_MAX.iter().filter(|_| self.chance.percent(50)).collect();
                relations = relations.with(*relation, gives);
            }
        }
        let project = *self.chance.pick(&[self.world.it, self.world.ops]);
        let edit = EditProject { relations: Some(relations), ..EditProject::new(project) };
        self.world.must(&self.world.host(), edit).await;
    }

    fn scope(&mut self) -> Scope {
        match self.chance.below(10) {
            0..=1 => Scope::Tenant,
            2..=3 => Scope::Project(*self.chance.pick(&[self.world.it, self.world.ops])),
            4..=5 => Scope::Department(*self.chance.pick(&self.departments)),
            6..=7 => Scope::Company(*self.chance.pick(&self.companies)),
            _ => self.chance.maybe(&self.tickets).map_or(Scope::Tenant, |ticket| Scope::Ticket(*ticket)),
        }
    }

    /// Somebody of the world.
    pub fn actor(&mut self) -> Actor {
        let people = self.world.people().map(|(_, actor)| actor.clone());
        self.chance.pick(&people).clone()
    }

    fn person(&mut self) -> PersonId {
        World::id(&self.actor())
    }

    fn persons(&mut self, most: usize) -> Vec<PersonId> {
        let people = self.world.people().map(|(_, actor)| World::id(actor));
        self.chance.some(&people, most)
    }

    fn groups(&self) -> Vec<GroupId> {
        [self.world.network, self.world.service].into_iter().chain(self.departments.iter().copied()).collect()
    }

    fn companies(&self) -> Vec<GroupId> {
        self.companies.clone()
    }

    fn tags(&self) -> [TagId; 2] {
        [self.world.urgent, self.world.printer]
    }

    fn words(&mut self, most: usize) -> String {
        let count = 1 + self.chance.below(most);
        (0..count).map(|_| *self.chance.pick(WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn instant(&mut self) -> Timestamp {
        let now = self.world.clock.now();
        now.plus_millis((self.chance.below(9) as i64 - 4) * 3_600_000)
    }

    /// Any command about tickets, by somebody who may send it, mostly.
    fn command(&mut self) -> (Actor, Command) {
        let host = self.world.host();
        let able = [self.world.root.clone(), self.world.ana.clone(), self.world.mia.clone(), host];
        let by = if self.chance.percent(85) { self.chance.pick(&able).clone() } else { self.actor() };
        let die = self.chance.below(100);
        let Some(ticket) = self.chance.maybe(&self.tickets).copied().filter(|_| die >= 22) else {
            return (by, self.creation());
        };
        let command: Command = match die {
            ..=49 => EditTicket::new(ticket, self.patch(false)).into(),
            50..=61 => {
                let ways = ["start", "review", "finish", "back", "resolve", "close", "reopen", "await_user", "resume"];
                let fields = if self.chance.percent(20) { self.patch(false) } else { Patch::default() };
                MoveTo { fields, ..MoveTo::new(ticket, *self.chance.pick(&ways)) }.into()
            }
            62..=64 => {
                let state = *self.chance.pick(&["todo", "done", "resolved", "closed", "new"]);
                ForceState { ticket, state: state.into(), reason: "because".into() }.into()
            }
            71 => Claim { ticket }.into(),
            72 => {
                let (from, to) = (self.person(), self.person());
                Reassign { ticket, from, to, reason: "on leave".into() }.into()
            }
            65..=70 => {
                let relation = *self.chance.pick(Relation::ALL);
                Relate { ticket, relation, people: self.persons(3), only: self.chance.percent(40) }.into()
            }
            73..=76 => {
                let relation = *self.chance.pick(Relation::ALL);
                Unrelate { ticket, relation, people: self.persons(4) }.into()
            }
            77..=82 => {
                let tags = self.tags();
                let (add, remove) = (self.chance.some(&tags, 2), self.chance.some(&tags, 2));
                TagTicket { ticket, add, remove }.into()
            }
            83..=87 => {
                let (kind, tickets) = (*self.chance.pick(LinkKind::ALL), self.tickets.clone());
                let to = *self.chance.pick(&tickets);
                if die == 87 {
                    UnlinkTickets { ticket, to, kind }.into()
                } else {
                    LinkTickets { ticket, to, kind }.into()
                }
            }
            88..=90 => {
                let visibility = *self.chance.pick(EntryVisibility::ALL);
                Comment { ticket, body: self.words(5), visibility }.into()
            }
            91..=95 => match self.chance.maybe(&self.entries).copied() {
                Some((ticket, entry)) if die == 95 => DeleteComment { ticket, entry }.into(),
                Some((ticket, entry)) => EditComment { ticket, entry, body: self.words(5) }.into(),
                None => Comment::public(ticket, self.words(3)).into(),
            },
            96..=97 => DeleteTicket { ticket, reason: None }.into(),
            _ => RestoreTicket { ticket, reason: Some("again".into()) }.into(),
        };
        (by, command)
    }

    fn creation(&mut self) -> Command {
        let project = *self.chance.pick(&[self.world.it, self.world.ops]);
        let simple = self.chance.percent(20);
        let known = self.tags();
        let tags = if project == self.world.it && !simple { self.chance.some(&known, 2) } else { vec![] };
        CreateTicket {
            project,
            title: self.words(4),
            id: None,
            transition: None,
            requester: (!simple).then(|| self.person()),
            assignees: if simple { vec![] } else { self.persons(2) },
            tags,
            fields: if simple { Patch::default() } else { self.patch(true) },
        }
        .into()
    }

    fn patch(&mut self, new: bool) -> Patch {
        let (mut patch, groups, companies) = (Patch::default(), self.groups(), self.companies());
        for _ in 0..1 + self.chance.below(if new { 8 } else { 3 }) {
            match self.chance.below(13) {
                0 => patch.title = Some(self.words(4)),
                1 => patch.description = Some(self.words(9)),
                2 => patch.kind = Some(*self.chance.pick(TicketType::ALL)),
                3 => patch.priority = Some(self.chance.percent(80).then(|| *self.chance.pick(Priority::ALL))),
                4 => patch.urgency = Some(*self.chance.pick(Urgency::ALL)),
                5 => patch.importance = Some(*self.chance.pick(Importance::ALL)),
                6 => patch.visibility = Some(*self.chance.pick(Visibility::ALL)),
                7 => patch.group = Some(self.chance.percent(80).then(|| *self.chance.pick(&groups))),
                12 => patch.company = Some(self.chance.percent(80).then(|| *self.chance.pick(&companies))),
                8 => patch.parent = Some(self.chance.maybe(&self.tickets).copied()),
                9 => patch.start_at = Some(self.chance.percent(70).then(|| self.instant())),
                10 => patch.due_at = Some(self.chance.percent(70).then(|| self.instant())),
                _ => patch.estimate = Some(self.chance.percent(70).then(|| self.chance.below(200) as u32)),
            }
        }
        patch
    }
}
