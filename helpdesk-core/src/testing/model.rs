//! The desk without a database: scene, decide and settle over rows in memory. What scenarios run on at the level of the
//! pure core, and what laws fold histories into. Not a store: it knows no log, lists, leases or idempotency.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::Actor;
use crate::approval::{Approvals, Delegation, TemplateDefinition};
use crate::board::card::WIDE;
use crate::board::{Card, Surroundings};
use crate::case::Case;
use crate::command::{Ask, Command, Made};
use crate::config::TenantConfig;
use crate::decide::{Needs, decide};
use crate::error::{Conflict, Refusal};
use crate::event::Subject;
use crate::id::{BoardId, CommandId, DelegationId, GrantId, GroupId, Mint, PersonId, ProjectId, TenantId, TicketId};
use crate::org::{Candidate, Person};
use crate::role::explain::{self, Explanation, Whom};
use crate::role::{Access, Denied, Grant, Permission, Permissions, Principal, Role, RoleKey, Scope};
use crate::scene::{Ctx, Numbers, Scene, Turns, settle};
use crate::store::{Head, NewEvent, Row, Write};
use crate::ticket::link::Step;
use crate::ticket::{Link, LinkKind, Relation, SearchDoc};
use crate::time::Timestamp;
use crate::workflow::effects::Wants;
use crate::workflow::{Definition, WorkflowRef};

/// One tenant's rows.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Its configuration.
    pub config: Arc<TenantConfig>,
    /// Its people.
    pub people: BTreeMap<PersonId, Person>,
    /// Its grants.
    pub grants: BTreeMap<GrantId, Grant>,
    /// Who is in which group, and since when.
    pub members: BTreeMap<(GroupId, PersonId), Timestamp>,
    /// Its tickets, with texts and all entries.
    pub cases: BTreeMap<TicketId, Arc<Case>>,
    /// The links between them.
    pub links: Vec<Link>,
    /// The places of cards.
    pub cards: BTreeMap<(BoardId, TicketId), Card>,
    /// What is indexed.
    pub docs: BTreeMap<TicketId, Vec<SearchDoc>>,
    /// Everything that happened.
    pub events: Vec<NewEvent>,
    /// The delegations people have given.
    pub delegations: BTreeMap<DelegationId, Delegation>,
    numbers: BTreeMap<ProjectId, i64>,
    turns: BTreeMap<GroupId, i64>,
}

/// Tenants in memory.
#[derive(Debug, Clone, Default)]
pub struct Model {
    tenants: BTreeMap<TenantId, Rows>,
}

/// What a command did to a [`Model`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What it made.
    pub made: Made,
    /// The version of its subject.
    pub version: i64,
    /// Whether anything changed.
    pub changed: bool,
}

impl Model {
    /// A tenant's rows.
    pub fn rows(&self, tenant: TenantId) -> Option<&Rows> {
        self.tenants.get(&tenant)
    }

    /// What `by` may do in their tenant at `now`.
    pub fn access(&self, by: &Actor, tenant: TenantId, now: Timestamp) -> Result<Access, Refusal> {
        let rows = self.tenants.get(&tenant).ok_or_else(|| Refusal::not_found("tenant", tenant))?;
        if matches!(by, Actor::System(_)) {
            return Ok(Access::system());
        }
        if rows.config.tenant.suspended {
            return Err(Refusal::Suspended);
        }
        let person = by.person_id().and_then(|id| rows.people.get(&id));
        let grants = rows.grants_of(by);
        Ok(Access::compile(by, person, &grants, &rows.config, now))
    }

    /// Why `who` may or may not do this to a ticket that `viewer` sees as `case`.
    pub fn explain(
        &self,
        viewer: &Actor,
        who: &Actor,
        permission: Permission,
        case: &Case,
        now: Timestamp,
    ) -> Result<Explanation, Refusal> {
        let tenant = case.ticket.tenant;
        let granted = self.access(viewer, tenant, now)?.granted(&case.ticket);
        if who != viewer && !granted.has(Permission::RoleGrant) && !granted.has(Permission::AuditRead) {
            return Err(Denied { needed: Permission::RoleGrant }.into());
        }
        let (rows, access) = (&self.tenants[&tenant], self.access(who, tenant, now)?);
        let grants = rows.grants_of(who);
        let person = who.person_id().and_then(|id| rows.people.get(&id));
        let whom = Whom { actor: who, person, grants: &grants, access: &access };
        Ok(explain::explain(whom, &rows.config, case, Permissions::of(&[permission]), now))
    }

    /// Decides a command and keeps what it writes.
    pub fn act(&mut self, by: &Actor, ask: &Ask<Command>, id: CommandId, now: Timestamp) -> Result<Decided, Refusal> {
        let command = &ask.command;
        let registers = matches!(command, Command::RegisterTenant(_));
        let tenant = if registers { Mint::new(id).id() } else { tenant_of(by, command)? };
        if registers && !matches!(by, Actor::System(_)) {
            return Err(Denied { needed: Permission::ProjectManage }.into());
        }
        if registers && !self.tenants.contains_key(&tenant) {
            self.tenants.insert(tenant, Rows::blank(tenant, now));
        }
        let done = self.decide(by, ask, id, tenant, now);
        let empty = self.tenants.get(&tenant).is_some_and(|rows| rows.config.tenant.version == 0);
        if empty {
            self.tenants.remove(&tenant);
        }
        done
    }

    fn decide(
        &mut self,
        by: &Actor,
        ask: &Ask<Command>,
        id: CommandId,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Decided, Refusal> {
        let access = self.access(by, tenant, now)?;
        if ask.at.is_some() && !access.anywhere(Permission::Import) {
            return Err(Denied { needed: Permission::Import }.into());
        }
        let mut needs = Needs::default();
        needs.of(&ask.command);
        let at = ask.at.unwrap_or(now);
        let (mut numbers, mut turns) = (Numbers::default(), Turns::default());
        let ctx_of = |numbers, turns| {
            let (author, mint, wants) = (by.author(), Mint::new(id), Wants::default());
            Ctx { actor: by, by: author, access: &access, now, at, mint, numbers, turns, wants }
        };
        // Numbers and turns are counted once a decision has said how many it takes.
        let (scene, mut ctx, made) = loop {
            let mut scene = self.stage(tenant, &needs);
            let mut ctx = ctx_of(numbers.clone(), turns.clone());
            if let (Some(expected), Some(ticket)) = (ask.expected, ask.command.ticket()) {
                self.check(expected, ticket, &scene, &ctx)?;
            }
            let decision = decide(&scene, &ask.command, &mut ctx)?;
            let made = settle(&mut scene, decision, &mut ctx)?.unwrap_or(Made::Nothing);
            let (of_projects, of_groups) = (ctx.numbers.lacking(), ctx.turns.lacking());
            if of_projects.is_empty() && of_groups.is_empty() {
                break (scene, ctx, made);
            }
            let rows = &self.tenants[&tenant];
            of_projects.into_iter().for_each(|(of, n)| numbers.add(of, next(&rows.numbers, of, n)));
            of_groups.into_iter().for_each(|(of, n)| turns.add(of, next(&rows.turns, of, n)));
        };
        let took = (ctx.numbers.taken().collect::<Vec<_>>(), ctx.turns.taken().collect::<Vec<_>>());
        let still = scene.is_still();
        let seen = ask.command.ticket().and_then(|id| scene.case(id)).map_or(0, |case| case.ticket.version);
        let finished = scene.finish(&mut ctx, &Arc::default());
        let version = match ask.command.ticket() {
            Some(id) => {
                finished.versions.iter().find(|(ticket, _)| *ticket == id).map_or(seen, |(_, version)| *version)
            }
            None => finished.events.first().map_or(0, |event| event.version),
        };
        let rows = self.tenants.get_mut(&tenant).expect("staged above");
        for (project, n) in took.0 {
            *rows.numbers.entry(project).or_default() += n as i64;
        }
        for (group, n) in took.1 {
            *rows.turns.entry(group).or_default() += n as i64;
        }
        rows.events.extend(finished.events);
        for write in finished.writes {
            rows.keep(write);
        }
        Ok(Decided { made, version, changed: !still })
    }

    fn check(&self, expected: i64, ticket: TicketId, scene: &Scene, ctx: &Ctx<'_>) -> Result<(), Refusal> {
        let current = scene.seen(ticket, ctx)?.ticket.version;
        if current == expected {
            return Ok(());
        }
        let events = self.tenants[&scene.tenant].events.iter();
        let since = events.filter(|event| event.subject == Subject::Ticket(ticket) && event.version > expected);
        let fields: std::collections::BTreeSet<_> =
            since.flat_map(|event| event.event.changes()).map(|change| change.field).collect();
        Err(Conflict { expected, current, fields: fields.into_iter().collect() }.into())
    }

    fn stage(&self, tenant: TenantId, needs: &Needs) -> Scene {
        let rows = &self.tenants[&tenant];
        // A scene holds the entries a command needs, and no others.
        let mut wanted = needs.tickets.clone();
        // A ticket that leaves its parent is told of there.
        wanted.extend(needs.tickets.iter().filter_map(|id| rows.cases.get(id)?.ticket.parent));
        // Whoever takes back a grant on a ticket must hold it there.
        let revoked = needs.grant.and_then(|id| rows.grants.get(&id));
        let shared = needs
            .member
            .into_iter()
            .flat_map(|(group, _)| rows.grants.values().filter(move |grant| grant.to == Principal::Group(group)));
        wanted.extend(revoked.into_iter().chain(shared).filter_map(|grant| match grant.scope {
            Scope::Ticket(id) => Some(id),
            Scope::Tenant | Scope::Department(_) | Scope::Company(_) | Scope::Project(_) => None,
        }));
        let cases = wanted.iter().filter_map(|id| rows.cases.get(id)).map(|case| {
            let mut case = Case::clone(case);
            case.entries.retain(|entry| needs.entries.contains(&entry.id));
            case.text = case.text.filter(|_| needs.texts);
            case.links = needs.links.contains(&case.ticket.id).then(|| rows.links_of(case.ticket.id));
            Arc::new(case)
        });
        // What stands below is looked at by transitions only; a real desk asks the workflow whether it must.
        let mut down: Vec<TicketId> = needs.tickets.iter().copied().collect();
        let mut below = vec![];
        while let Some(top) = down.pop() {
            let children = rows.cases.values().filter(|case| case.ticket.parent == Some(top));
            for child in children.filter(|child| !wanted.contains(&child.ticket.id)) {
                down.push(child.ticket.id);
                below.push(child.clone());
            }
        }
        let mut scene = Scene::new(tenant, rows.config.clone(), cases.chain(below));
        scene.looks_below(needs.tickets.iter().copied());
        for group in rows.config.groups.keys() {
            let mut pool: Vec<(Timestamp, PersonId)> = rows
                .members
                .iter()
                .filter(|((of, person), _)| of == group && rows.people.get(person).is_some_and(|p| p.active))
                .map(|((_, person), since)| (*since, *person))
                .collect();
            pool.sort_unstable();
            let open = |person| {
                let counts = |case: &&Arc<Case>| {
                    case.ticket.deleted_at.is_none()
                        && !case.ticket.category.ended()
                        && case.is(person, Relation::Assignee)
                };
                rows.cases.values().filter(counts).count() as u32
            };
            let one =
                |(_, person)| Candidate { person, open: open(person), skills: rows.people[&person].skills.clone() };
            scene.pools.insert(*group, pool.into_iter().map(one).collect());
        }
        // A real desk looks up whom a decision asks for; here everybody is known.
        scene.people = rows.people.clone();
        let mut above = needs.above.and_then(|id| rows.cases.get(&id)).and_then(|case| case.ticket.parent);
        while let Some(case) = above.and_then(|id| rows.cases.get(&id)) {
            scene.ancestors.push((case.ticket.id, case.ticket.version));
            above = case.ticket.parent;
        }
        let tops: Vec<TicketId> = scene.cases().map(|case| case.ticket.id).collect();
        for top in tops {
            let line = std::iter::successors(rows.cases.get(&top), |case| rows.cases.get(&case.ticket.parent?));
            let line = line.skip(1).map(|case| (case.ticket.id, case.ticket.version));
            scene.lines.insert(top, line.collect());
        }
        if !needs.behind.is_empty() {
            // Those that are not behind it do not matter.
            let blocks = rows.links.iter().filter(|link| link.kind == LinkKind::Blocks);
            let step = |link: &Link| {
                let version = rows.cases.get(&link.target)?.ticket.version;
                Some(Step { by: link.source, ticket: link.target, version })
            };
            scene.steps = blocks.filter_map(step).collect();
        }
        rows.know_approvers(&mut scene);
        scene.delegation = needs.delegation.and_then(|id| rows.delegations.get(&id)).cloned();
        scene.grant = needs.grant.and_then(|id| rows.grants.get(&id)).cloned();
        if let Some((group, person)) = needs.member {
            scene.group_grants = rows.grants.values().filter(|g| g.to == Principal::Group(group)).cloned().collect();
            scene.member = rows.members.contains_key(&(group, person));
        }
        let named = rows.grants.values().filter(|grant| Some(&grant.role) == needs.role.as_ref());
        scene.role_until = named.map(|grant| grant.expires_at.unwrap_or(Timestamp::NEVER)).max();
        if needs.departments {
            let there = rows.grants.values().filter(|grant| matches!(grant.scope, Scope::Department(_)));
            scene.group_grants = there.cloned().collect();
        }
        if let Some(place) = needs.place {
            let cards = rows.cards.values().filter(|card| card.board == place.board).cloned().collect();
            let project = rows.cases.get(&place.ticket).map(|case| case.ticket.project);
            let here = rows.cases.values().filter(|case| Some(case.ticket.project) == project);
            let last = here.map(|case| case.ticket.number).max().unwrap_or_default();
            scene.place = Surroundings { cards, last, reach: WIDE };
        }
        scene.tenant_taken = needs
            .tenant_key
            .as_ref()
            .is_some_and(|key| self.tenants.values().any(|other| other.config.tenant.key == *key));
        scene
    }
}

fn tenant_of(by: &Actor, command: &Command) -> Result<TenantId, Refusal> {
    match (by.tenant(), command.tenant()) {
        (None, None) => Err(Refusal::NoTenant),
        (Some(own), Some(named)) if own != named => Err(Refusal::not_found("tenant", named)),
        (Some(tenant), _) | (None, Some(tenant)) => Ok(tenant),
    }
}

/// The next `n` values of a counter, from 1.
fn next<K: Ord>(counters: &BTreeMap<K, i64>, of: K, n: usize) -> std::ops::RangeInclusive<i64> {
    let last = counters.get(&of).copied().unwrap_or_default();
    last + 1..=last + n as i64
}

/// Keeps a row of a list that is in order of its key.
fn put<T, K: Ord>(list: &mut Vec<T>, row: T, key: impl Fn(&T) -> K) {
    match list.binary_search_by_key(&key(&row), &key) {
        Ok(at) => list[at] = row,
        Err(at) => list.insert(at, row),
    }
}

impl Rows {
    /// What approvals look for beyond the tickets.
    fn know_approvers(&self, scene: &mut Scene) {
        scene.looked_up = self.people.keys().copied().collect();
        let roles = Role::ALL.iter().map(|role| RoleKey::from(*role)).chain(self.config.roles.keys().cloned());
        for role in roles {
            let grants = self.grants.values().filter(|grant| grant.role == role).cloned().collect();
            scene.holders.insert(role, grants);
        }
        for person in self.people.keys() {
            let mut given: Vec<Delegation> =
                self.delegations.values().filter(|it| it.principal == *person).cloned().collect();
            given.sort_by_key(|it| (it.created_at, it.id));
            scene.delegations.insert(*person, given);
        }
        for ticket in self.cases.keys() {
            let edits =
                self.events.iter().filter(|event| event.subject == Subject::Ticket(*ticket) && event.version > 1);
            let edits = edits.filter_map(|event| Some((event.by.person()?, event.event.changes())));
            let all = edits.flat_map(|(by, changes)| changes.into_iter().map(move |change| (change.field, by)));
            scene.editors.insert(*ticket, all.collect());
        }
    }

    fn blank(tenant: TenantId, now: Timestamp) -> Self {
        Self {
            config: Arc::new(TenantConfig::blank(tenant, now)),
            people: BTreeMap::new(),
            grants: BTreeMap::new(),
            members: BTreeMap::new(),
            cases: BTreeMap::new(),
            links: vec![],
            cards: BTreeMap::new(),
            docs: BTreeMap::new(),
            events: vec![],
            delegations: BTreeMap::new(),
            numbers: BTreeMap::new(),
            turns: BTreeMap::new(),
        }
    }

    /// The links of a ticket, in order of key.
    pub fn links_of(&self, id: TicketId) -> Vec<Link> {
        let mut links: Vec<Link> = self.links.iter().filter(|link| link.seen_from(id).is_some()).cloned().collect();
        links.sort_by_key(Link::key);
        links
    }

    /// The grants that concern somebody.
    fn grants_of(&self, who: &Actor) -> Vec<Grant> {
        let concerns = |grant: &&Grant| match &grant.to {
            Principal::Person(id) => Some(*id) == who.person_id(),
            Principal::Group(group) => who.person_id().is_some_and(|id| self.members.contains_key(&(*group, id))),
            Principal::Plugin(id) => matches!(who, Actor::Plugin(_, own) if own == id),
        };
        self.grants.values().filter(concerns).cloned().collect()
    }

    fn case(&mut self, id: TicketId) -> Option<&mut Case> {
        self.cases.get_mut(&id).map(Arc::make_mut)
    }

    fn approvals(&mut self, id: TicketId) -> &mut Approvals {
        self.case(id).expect("a known ticket").approvals.get_or_insert_default()
    }

    /// Keeps one row image, as a store would.
    fn keep(&mut self, write: Write) {
        let gone = write.after.is_none();
        let Some(row) = write.after.or(write.before) else { return };
        let config = Arc::make_mut(&mut self.config);
        match row {
            Row::Tenant(row) => config.tenant = row,
            Row::Project(row) => drop(config.projects.insert(row.id, row)),
            Row::Group(row) => drop(config.groups.insert(row.id, row)),
            Row::Tag(row) => drop(config.tags.insert(row.id, row)),
            Row::Role(row) if gone => drop(config.roles.remove(&row.key)),
            Row::Role(row) => drop(config.roles.insert(row.key.clone(), row)),
            Row::Installation(row) if gone => drop(config.plugins.remove(&row.plugin)),
            Row::Installation(row) => drop(config.plugins.insert(row.plugin.clone(), Arc::new(row))),
            Row::Workflow(row) => {
                let workflow = Definition::from_json(&row.definition).and_then(|it| it.publish(row.version));
                let workflow = workflow.expect("what was published can be read");
                assert_eq!(workflow.id, WorkflowRef { key: row.key.as_str().into(), version: row.version });
                config.workflows.put(Arc::new(workflow));
            }
            Row::Person(row) => drop(self.people.insert(row.id, row)),
            Row::Membership(row) if gone => drop(self.members.remove(&(row.group, row.person))),
            Row::Membership(row) => drop(self.members.insert((row.group, row.person), row.since)),
            Row::Grant(row) if gone => drop(self.grants.remove(&row.id)),
            Row::Grant(row) => drop(self.grants.insert(row.id, row)),
            Row::Ticket(Head { ticket, .. }) => match self.case(ticket.id) {
                Some(case) => case.ticket = ticket,
                None => {
                    let workflow = self.config.workflows.get(&ticket.workflow).cloned().expect("a known workflow");
                    let id = ticket.id;
                    let case = Case {
                        ticket,
                        workflow,
                        text: None,
                        people: vec![],
                        tags: vec![],
                        links: None,
                        approvals: Some(Approvals::default()),
                        entries: vec![],
                        revisions: vec![],
                    };
                    self.cases.insert(id, Arc::new(case));
                }
            },
            Row::TicketText(row) => {
                let case = self.case(row.ticket).expect("a known ticket");
                case.text = Some(row);
            }
            Row::Participant(row) => {
                let people = &mut self.case(row.ticket).expect("a known ticket").people;
                people.retain(|p| (p.relation, p.person) != (row.relation, row.person));
                if row.until.is_none() {
                    people.push(row);
                    people.sort_by_key(|p| (p.relation, p.person));
                }
            }
            Row::Tagging(row) => {
                let tags = &mut self.case(row.ticket).expect("a known ticket").tags;
                tags.retain(|tagging| tagging.tag != row.tag);
                if !gone {
                    tags.push(row);
                    tags.sort_by_key(|tagging| tagging.tag);
                }
            }
            Row::Link(row) => {
                self.links.retain(|link| link.key() != row.key());
                if !gone {
                    self.links.push(row);
                }
            }
            Row::Entry(row) => {
                let entries = &mut self.case(row.ticket).expect("a known ticket").entries;
                entries.retain(|entry| entry.id != row.id);
                entries.push(row);
                entries.sort_by_key(|entry| (entry.created_at, entry.id));
            }
            Row::Revision(row) => self.case(row.ticket).expect("a known ticket").revisions.push(row),
            Row::SearchDoc(row) => {
                let docs = self.docs.entry(row.ticket).or_default();
                docs.retain(|doc| doc.entry != row.entry);
                if !gone {
                    docs.push(row);
                }
            }
            Row::Template(row) => {
                let template = TemplateDefinition::from_json(&row.definition).and_then(|it| it.publish(row.version));
                config.templates.put(Arc::new(template.expect("what was published can be read")));
            }
            Row::Approval(row) => put(&mut self.approvals(row.ticket).all, row, |it| it.number),
            Row::ApprovalStep(row) => {
                put(&mut self.approvals(row.ticket).steps, row, |it| (it.approval, it.round, it.index));
            }
            Row::Slot(row) => put(&mut self.approvals(row.ticket).slots, row, |it| it.number),
            Row::ApprovalDecision(row) => put(&mut self.approvals(row.ticket).decisions, row, |it| it.number),
            Row::Delegation(row) => drop(self.delegations.insert(row.id, row)),
            Row::Board(row) => drop(config.boards.insert(row.id, Arc::new(row))),
            Row::Card(row) => drop(self.cards.insert((row.board, row.ticket), row)),
            Row::Kv(_) | Row::Run(_) => {}
        }
    }
}
