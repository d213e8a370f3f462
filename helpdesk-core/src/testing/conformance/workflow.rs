//! What transitions look at beyond their ticket: who can be chosen, and what stands below.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Bench;
use crate::command::{
    AddMember, CreateProject, CreateTicket, DeleteTicket, EditPerson, EditTicket, GrantRole, MigrateTicket, MoveTo,
    Patch, PublishWorkflow, Relate,
};
use crate::decide::Needs;
use crate::desk::migrate::Migrated;
use crate::desk::{Desk, Set};
use crate::event::{Cursor, Envelope, Event, Subject};
use crate::id::{Mint, PersonId, ProjectId, TicketId};
use crate::role::Role;
use crate::store::{Counter, Log as _, Store as _};
use crate::testing::{Faulty, World};
use crate::ticket::{Relation, Visibility};
use crate::workflow::migrate::Migration;
use crate::workflow::{Category, Definition, WorkflowRef};

const TURNS: &str = r#"
    key = "turns"
    name = "Turns"
    states = [
        { id = "new", label = "New", category = "new", enter = [{ assign = { by = "round_robin" } }] },
        { id = "done", label = "Done", category = "closed" },
    ]
    transitions = [
        { id = "create", label = "Create", from = "nothing", to = "new" },
        { id = "finish", label = "Finish", from = ["new"], to = "done" },
    ]"#;

const FAMILY: &str = r#"
    key = "family"
    name = "Family"
    states = [{ id = "new", label = "New", category = "new" }, { id = "done", label = "Done", category = "closed" }]
    transitions = [
        { id = "create", label = "Create", from = "nothing", to = "new" },
        { id = "finish", label = "Finish", from = ["new"], to = "done", validators = ["children_ended"] },
        { id = "back", label = "Back", from = ["done"], to = "new" },
    ]"#;

async fn project(world: &World, key: &str, workflow: &str) -> ProjectId {
    let definition = Definition::from_toml(workflow).unwrap();
    let name = definition.key.clone();
    world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    world.must(&world.root, CreateProject::new(world.tenant, key).workflow(name)).await
}

/// Everything that happened in the tenant, in the order of the log.
async fn whole_log(world: &World) -> Vec<Envelope> {
    let (mut all, mut cursor) = (vec![], Cursor::at(0));
    loop {
        let (events, next) = world.store.after(Some(world.tenant), cursor, 500).await.unwrap();
        if next == cursor {
            return all;
        }
        cursor = next;
        all.extend(events);
    }
}

async fn other_desk(bench: &Bench, world: &World) -> Desk {
    Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap()
}

pub(super) async fn a_pool_has_active_members_with_what_they_have(bench: &Bench) {
    let world = bench.world().await;
    let [ana, ben, rob] = [&world.ana, &world.ben, &world.rob].map(World::id);
    world.clock.advance(1000);
    for person in [ben, rob] {
        world.must(&world.root, AddMember { group: world.service, person }).await;
        world.clock.advance(1000);
    }
    world.must(&world.root, AddMember { group: world.service, person: ana }).await;
    world.must(&world.root, EditPerson { active: Some(false), ..EditPerson::new(rob) }).await;
    let mut given = vec![];
    for title in ["open", "another", "ended", "deleted"] {
        let id = world.ticket(title).await;
        world.must(&world.ana, Relate::new(id, Relation::Assignee, [ben])).await;
        given.push(id);
    }
    let skills = Some(vec![" Paper jams".into(), "NETWORK".into(), "network".into()]);
    world.must(&world.root, EditPerson { skills, ..EditPerson::new(ana) }).await;
    // Neither watching nor having been assigned counts.
    world.must(&world.ana, Relate::new(given[0], Relation::Watcher, [ana])).await;
    world.must(&world.ana, MoveTo::new(given[2], "finish")).await;
    world.must(&world.mia, DeleteTicket { ticket: given[3], reason: None }).await;
    let needs = Needs { pools: BTreeSet::from([world.service]), ..Needs::default() };
    let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
    let pool: Vec<(PersonId, u32)> = loaded.pools[&world.service].iter().map(|one| (one.person, one.open)).collect();
    assert_eq!(pool, [(ben, 2), (ana, 0)]);
    let skills: Vec<&[String]> = loaded.pools[&world.service].iter().map(|one| &one.skills[..]).collect();
    assert_eq!(skills, [&[] as &[String], &["network".into(), "paper jams".into()]]);
}

pub(super) async fn everything_below_is_loaded(bench: &Bench) {
    let world = bench.world().await;
    let mut line = vec![world.ticket("top").await];
    for n in 0..4 {
        for twin in 0..2 {
            let fields = Patch { parent: line.last().copied().map(Some), ..Patch::default() };
            let id = world.must(&world.ana, CreateTicket::new(world.it, format!("{n}/{twin}")).fields(fields)).await;
            if twin == 1 {
                line.push(id);
            }
        }
    }
    world.ticket("beside").await;
    let below = async |top: TicketId| {
        let needs = Needs { below: BTreeSet::from([top]), ..Needs::default() };
        let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
        assert!(loaded.below.iter().all(|parts| parts.ticket.parent.is_some() && parts.people.len() == 2));
        loaded.below.iter().map(|parts| parts.ticket.id).collect::<BTreeSet<TicketId>>()
    };
    let all = below(line[0]).await;
    assert_eq!(all.len(), 8);
    assert!(line[1..].iter().all(|id| all.contains(id)));
    assert_eq!(below(line[3]).await.len(), 2);
    assert_eq!(below(line[4]).await.len(), 0);
}

/// FEATURES P5: between two processes the turns of seven people differ by at most one.
pub(super) async fn turns_are_fair_between_two_desks(bench: &Bench) {
    const PEOPLE: usize = 7;
    let rounds = if std::env::var_os("HELPDESK_LONG").is_some() { 1000 } else { 70 };
    let world = bench.world().await;
    let project = project(&world, "TURNS", TURNS).await;
    for (_, actor) in &world.people()[..PEOPLE] {
        world.must(&world.root, AddMember { group: world.service, person: World::id(actor) }).await;
    }
    // A group's turns are its own.
    assert_eq!(world.store.draw(world.tenant, Counter::Turns(world.network), 1).await.unwrap(), 1);
    let other = other_desk(bench, &world).await;
    let create = |n: usize| {
        let fields = Patch { group: Some(Some(world.service)), ..Patch::default() };
        CreateTicket::new(project, format!("{n}")).fields(fields)
    };
    let many = async |desk: &Desk, from: usize| {
        for n in (from..rounds).step_by(2) {
            desk.act(&world.mia, create(n)).await.unwrap();
            // A refused creation takes nobody's turn.
            desk.act(&world.mia, CreateTicket { title: String::new(), ..create(n) }).await.unwrap_err();
        }
    };
    tokio::join!(many(&world.desk, 0), many(&other, 1));
    let mut counts: BTreeMap<PersonId, usize> = BTreeMap::new();
    for event in whole_log(&world).await {
        if let Event::ParticipantAdded(added) = &event.event {
            *counts.entry(added.person).or_default() += 1;
        }
    }
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert_eq!((counts.len(), counts.values().sum::<usize>()), (PEOPLE, rounds));
    assert!(most - least <= 1, "{counts:?}");
}

const REPAIR: [&str; 2] = [
    r#"
    key = "repair"
    name = "Repair"
    states = [
        { id = "in", label = "In", category = "new" },
        { id = "shelf", label = "On the shelf", category = "waiting" },
        { id = "out", label = "Out", category = "resolved" },
    ]
    transitions = [
        { id = "take", label = "Take", from = "nothing", to = "in" },
        { id = "lay", label = "Lay aside", from = ["in"], to = "shelf" },
        { id = "give", label = "Give", from = ["in", "shelf"], to = "out" },
    ]"#,
    r#"
    key = "repair"
    name = "Repair"
    states = [
        { id = "in", label = "In", category = "open", enter = [{ set = { priority = "critical" } }] },
        { id = "out", label = "Out", category = "closed" },
    ]
    transitions = [
        { id = "take", label = "Take", from = "nothing", to = "in" },
        { id = "give", label = "Give", from = ["in"], to = "out", required = ["estimate"] },
    ]"#,
];

pub(super) async fn tickets_in_flight_are_migrated(bench: &Bench) {
    let world = bench.world().await;
    let project = project(&world, "FIX", REPAIR[0]).await;
    let admin = World::id(&world.olaf);
    world.must(&world.root, GrantRole::new(Role::Admin, admin)).await;
    let mut made = vec![];
    for title in ["in", "shelf", "out", "deleted", "secret"] {
        made.push(world.must(&world.mia, CreateTicket::new(project, title)).await);
    }
    for (ticket, ways) in [(1, &["lay"][..]), (2, &["give"]), (4, &["lay"])] {
        for way in ways {
            world.must(&world.mia, MoveTo::new(made[ticket], *way)).await;
        }
    }
    world.must(&world.mia, DeleteTicket { ticket: made[3], reason: None }).await;
    let restricted = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.mia, EditTicket::new(made[4], restricted)).await;
    let beside = world.ticket("of another workflow").await;
    let definition = Definition::from_toml(REPAIR[1]).unwrap();
    world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    let states = async || {
        let parts = world.store.tickets(world.tenant, &made).await.unwrap().1;
        let of = |id| parts.iter().find(|parts| parts.ticket.id == id).map(|parts| &parts.ticket).unwrap();
        made.iter().map(|id| format!("{}@{}", of(*id).state, of(*id).workflow.version)).collect::<Vec<_>>()
    };

    // Moving inside a version is for transitions and for force; another workflow is none of its business.
    let to = |key: &str, version| WorkflowRef { key: key.into(), version };
    let inside = MigrateTicket { ticket: made[0], to: to("repair", 1), state: Some("out".into()), from: None };
    assert!(!world.act(&world.olaf, inside).await.unwrap().changed);
    let astray = MigrateTicket { ticket: made[0], to: to("kanban", 1), state: Some("done".into()), from: None };
    assert_eq!(world.act(&world.olaf, astray).await.unwrap_err().code(), "FIELD_INVALID");
    let moved_on = MigrateTicket { ticket: made[0], to: to("repair", 2), state: None, from: Some("shelf".into()) };
    assert!(!world.act(&world.olaf, moved_on).await.unwrap().changed);
    let plan = Migration::new("repair", 2);
    assert_eq!(world.desk.migrate(&world.ana, &plan).await.unwrap_err().code(), "FORBIDDEN");
    assert_eq!(world.desk.rehearse(&world.olaf, &Migration::new("repair", 7)).await.unwrap_err().code(), "NOT_FOUND");
    let wrong = plan.clone().state("shelf", "attic").state("cellar", "in");
    let error = world.desk.rehearse(&world.olaf, &wrong).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_MALFORMED");
    assert!(error.to_string().contains("`attic`") && error.to_string().contains("`cellar`"), "{error}");

    // An admin does not see the restricted one: it is counted, not named.
    let rehearsed = world.desk.rehearse(&world.olaf, &plan).await.unwrap();
    assert_eq!((rehearsed.moved, &rehearsed.blocked), (3, &BTreeMap::from([("shelf".to_owned(), 2)])));
    assert_eq!(rehearsed.named, [(made[1], "shelf".to_owned())]);
    assert_eq!(states().await, ["in@1", "shelf@1", "out@1", "in@1", "shelf@1"]);
    assert_eq!(world.desk.migrate(&world.olaf, &plan).await.unwrap(), rehearsed);
    assert_eq!(states().await, ["in@2", "shelf@1", "out@2", "in@2", "shelf@1"]);
    let whole = plan.state("shelf", "in");
    assert_eq!(world.desk.migrate(&world.olaf, &whole).await.unwrap().moved, 2);
    assert_eq!(states().await, ["in@2", "in@2", "out@2", "in@2", "in@2"]);
    assert_eq!(world.desk.migrate(&world.olaf, &whole).await.unwrap(), Migrated::default());

    // Only the migration is told, no effect of the new definition happened, and what was resolved is closed now.
    let view = world.desk.ticket(&world.mia, made[2]).await.unwrap();
    let ticket = &view.case.ticket;
    assert_eq!((ticket.category, ticket.reopened, ticket.closed_at.is_some()), (Category::Closed, 0, true));
    assert_eq!(view.case.workflow.id.version, 2);
    let subject = Subject::Ticket(made[0]);
    let history = world.store.history(world.tenant, &subject, 0, 10).await.unwrap();
    let kinds: Vec<&str> = history.iter().map(|event| event.event.kind()).collect();
    assert_eq!(kinds, ["ticket.created", "ticket.workflow_migrated"]);
    assert_eq!(world.desk.ticket(&world.mia, beside).await.unwrap().version(), 1);
    // The new version rules from now on.
    let refused = world.desk.act(&world.mia, MoveTo::new(made[0], "give")).await.unwrap_err();
    assert_eq!(refused.code(), "FIELDS_REQUIRED");
}

/// A set is judged by what it does on the way: sub-tickets it makes, versions it takes tickets to, groups it names.
pub(super) async fn a_set_finds_what_its_transitions_ask_for(bench: &Bench) {
    let world = bench.world().await;
    let (family, turns) = (project(&world, "FAM", FAMILY).await, project(&world, "TURNS", TURNS).await);
    world.must(&world.root, AddMember { group: world.service, person: World::id(&world.ben) }).await;
    let mut mint = Mint::new(uuid::Uuid::from(world.ticket("seed").await).into());
    let (parent, child): (TicketId, TicketId) = (mint.id(), mint.id());
    let under = Patch { parent: Some(Some(parent)), ..Patch::default() };
    let commands = vec![
        CreateTicket { id: Some(parent), ..CreateTicket::new(family, "parent") }.into(),
        CreateTicket { id: Some(child), ..CreateTicket::new(family, "child").fields(under) }.into(),
        MoveTo::new(parent, "finish").into(),
    ];
    let refused = world.desk.act_all(&world.mia, Set { commands, ..Set::default() }).await.unwrap_err();
    assert_eq!(refused.code(), "CONDITIONS_UNMET");

    let owned = || Patch { group: Some(Some(world.service)), ..Patch::default() };
    let made: Vec<TicketId> = (0..2).map(|_| mint.id()).collect();
    let create = |id: &TicketId| CreateTicket { id: Some(*id), ..CreateTicket::new(turns, "x").fields(owned()) }.into();
    let set = Set { commands: made.iter().map(create).collect(), ..Set::default() };
    world.desk.act_all(&world.mia, set).await.unwrap();
    for id in made {
        let view = world.desk.ticket(&world.mia, id).await.unwrap();
        assert_eq!(view.case.who(Relation::Assignee).collect::<Vec<_>>(), [World::id(&world.ben)]);
    }
}

/// "All sub-tickets have ended" is a read that must still hold when the parent's move is committed.
pub(super) async fn a_parent_never_ends_over_an_open_child(bench: &Bench) {
    let world = bench.world().await;
    let project = project(&world, "FAM", FAMILY).await;
    let parent = world.must(&world.mia, CreateTicket::new(project, "parent")).await;
    let fields = Patch { parent: Some(Some(parent)), ..Patch::default() };
    let child = world.must(&world.mia, CreateTicket::new(project, "child").fields(fields)).await;
    let other = other_desk(bench, &world).await;
    let way = |desk: Desk, ticket, way: &'static str| {
        let mia = world.mia.clone();
        async move { desk.act(&mia, MoveTo::new(ticket, way)).await.is_ok() }
    };
    let over = AtomicBool::new(false);
    let children = async {
        while !over.load(Ordering::Relaxed) {
            way(other.clone(), child, "finish").await;
            tokio::task::yield_now().await;
            way(other.clone(), child, "back").await;
        }
    };
    let parents = async {
        let mut ended = 0;
        for _ in 0..2000 {
            if way(world.desk.clone(), parent, "finish").await {
                ended += 1;
                assert!(way(world.desk.clone(), parent, "back").await);
            }
            if ended == 5 {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(parents, children);
    // The log tells in which order it happened.
    let (mut open, mut ended) = (true, 0);
    for event in whole_log(&world).await {
        let Event::TicketMoved(moved) = &event.event else { continue };
        if event.subject == Subject::Ticket(child) {
            open = moved.after != Category::Closed;
        } else if moved.after == Category::Closed {
            ended += 1;
            assert!(!open, "the parent ended over an open child at {:?}", event.cursor);
        }
    }
    assert!(ended > 0, "the parent never ended");
}
