//! Published lifecycles of other systems load as data and behave as documented, played through a desk on SQLite.
//!
//! The tables below are written from the documentation that each definition names, independently of its transitions:
//! per role the pairs of states between which it may move a ticket. Every other pair must be refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use helpdesk_core::Actor;
use helpdesk_core::command::{CreateProject, CreateTicket, ForceState, MoveTo, PublishWorkflow};
use helpdesk_core::id::ProjectId;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::{World, lifecycles};
use helpdesk_core::workflow::{Definition, From, Workflow};

/// Old states and new states: every pair of different ones.
type Block = (&'static [&'static str], &'static [&'static str]);

/// What a role may do.
struct May<'a> {
    actor: &'a Actor,
    /// The states in which it may create tickets, the ordinary one first.
    create: &'static [&'static str],
    moves: &'static [Block],
}

async fn world() -> World {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    World::found(Arc::new(store), "acme").await
}

/// A project that goes by the definition.
async fn adopt(world: &World, definition: &Definition) -> ProjectId {
    let definition = definition.clone();
    let key = world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await.key;
    world.must(&world.root, CreateProject::new(world.tenant, "LIFE").workflow(&*key)).await
}

fn pairs(blocks: &[Block]) -> BTreeSet<(String, String)> {
    let all = blocks.iter().flat_map(|(from, to)| from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))));
    all.filter(|(from, to)| from != to).map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
}

/// Plays every pair of states for every role, and compares with the table.
async fn behaves(world: &World, definition: &Definition, roles: &[May<'_>]) {
    let project = adopt(world, definition).await;
    let states: Vec<&str> = definition.states.iter().map(|state| state.id.as_str()).collect();
    for role in roles {
        created(world, definition, project, role).await;
        let (may, mut did) = (pairs(role.moves), BTreeSet::new());
        for from in &states {
            for to in states.iter().filter(|to| *to != from) {
                let leads = |t: &&helpdesk_core::workflow::Transition| t.leaves(from) && t.to == **to;
                for transition in definition.transitions.iter().filter(leads) {
                    // Everybody reported the tickets they try to move.
                    let mut create = CreateTicket::new(project, "A ticket");
                    create.requester = role.actor.person_id();
                    let ticket = world.must(&world.root, create).await;
                    let head = world.desk.ticket(&world.root, ticket).await.unwrap().case.ticket.state;
                    if head != *from {
                        world
                            .must(
                                &world.root,
                                ForceState { ticket, state: (*from).to_owned(), reason: "set the scene".into() },
                            )
                            .await;
                    }
                    let shown = world.desk.ticket(role.actor, ticket).await.unwrap().exits();
                    let open = shown.iter().any(|exit| exit.transition.id == transition.id && exit.open());
                    let moved = world.desk.act(role.actor, MoveTo::new(ticket, &*transition.id)).await;
                    assert_eq!(
                        open,
                        moved.is_ok(),
                        "{}: {from} to {to} by {}: {moved:?}",
                        definition.key,
                        transition.id
                    );
                    if moved.is_ok() {
                        let head = world.desk.ticket(&world.root, ticket).await.unwrap().case.ticket.state;
                        assert_eq!(head, **to);
                        did.insert(((*from).to_owned(), (*to).to_owned()));
                    }
                }
            }
        }
        assert_eq!(did, may, "{} for {:?}", definition.key, role.actor);
    }
}

async fn created(world: &World, definition: &Definition, project: ProjectId, role: &May<'_>) {
    for transition in definition.transitions.iter().filter(|transition| transition.from == From::Nothing) {
        let mut create = CreateTicket::new(project, "A ticket");
        create.transition = Some(transition.id.clone());
        let created = world.desk.act(role.actor, create).await;
        assert_eq!(created.is_ok(), role.create.contains(&transition.to.as_str()), "{}: {created:?}", transition.id);
    }
    if let Some(first) = role.create.first() {
        let ticket = world.must(role.actor, CreateTicket::new(project, "A ticket")).await;
        let view = world.desk.ticket(&world.root, ticket).await.unwrap();
        assert_eq!(view.case.ticket.state, *first);
    }
}

#[tokio::test]
async fn request_tracker_s_default_lifecycle() {
    const ALL: &[&str] = &["new", "open", "stalled", "resolved", "rejected", "deleted"];
    const MODIFY: &[&str] = &["new", "open", "stalled", "resolved", "rejected"];
    let world = world().await;
    let definition = Definition::from_toml(lifecycles::REQUEST_TRACKER).unwrap();
    let create = &["new", "open", "resolved"];
    let roles = [
        // DeleteTicket and ModifyTicket.
        May { actor: &world.mia, create, moves: &[(ALL, ALL)] },
        // ModifyTicket.
        May { actor: &world.ana, create, moves: &[(ALL, MODIFY)] },
        // CreateTicket.
        May { actor: &world.rita, create, moves: &[] },
        // ShowTicket.
        May { actor: &world.olaf, create: &[], moves: &[] },
    ];
    behaves(&world, &definition, &roles).await;
}

#[tokio::test]
async fn bugzilla_s_default_status_workflow() {
    const MOVES: &[Block] = &[
        (&["unconfirmed"], &["confirmed", "in_progress", "resolved"]),
        (&["confirmed"], &["in_progress", "resolved"]),
        (&["in_progress"], &["confirmed", "resolved"]),
        (&["resolved"], &["unconfirmed", "confirmed", "verified"]),
        (&["verified"], &["unconfirmed", "confirmed"]),
    ];
    let world = world().await;
    let definition = Definition::from_toml(lifecycles::BUGZILLA).unwrap();
    let roles = [
        // editbugs, which includes canconfirm.
        May { actor: &world.ana, create: &["unconfirmed", "confirmed", "in_progress"], moves: MOVES },
        // Neither.
        May { actor: &world.rita, create: &["unconfirmed"], moves: &[] },
    ];
    behaves(&world, &definition, &roles).await;
}

#[tokio::test]
async fn redmine_s_default_matrix_of_statuses_and_roles() {
    const ALL: &[&str] = &["new", "in_progress", "resolved", "feedback", "closed", "rejected"];
    const ACTIVE: &[&str] = &["new", "in_progress", "resolved", "feedback"];
    let world = world().await;
    let definition = Definition::from_toml(lifecycles::REDMINE).unwrap();
    let roles = [
        // Manager.
        May { actor: &world.mia, create: &["new"], moves: &[(ALL, ALL)] },
        // Developer.
        May {
            actor: &world.ana,
            create: &["new"],
            moves: &[(ACTIVE, &["in_progress", "resolved", "feedback", "closed"])],
        },
        // Reporter.
        May { actor: &world.rita, create: &["new"], moves: &[(ACTIVE, &["closed"]), (&["resolved"], &["feedback"])] },
    ];
    behaves(&world, &definition, &roles).await;
}

/// ITIL: an incident is logged, worked on or waiting, resolved, and closed after confirmation; a closed one may be
/// reopened, a cancelled one only taken up anew (ITIL 4, incident management practice; ITIL 2011, Service Operation 4.2.5).
#[tokio::test]
async fn itil_s_incident() {
    const LIVE: &[&str] =
        &["new", "in_progress", "awaiting_user", "awaiting_vendor", "awaiting_problem", "awaiting_evidence"];
    const WORK: &[&str] = &["in_progress", "awaiting_user", "awaiting_vendor", "awaiting_problem", "awaiting_evidence"];
    let world = world().await;
    let definition = Definition::built_in().into_iter().find(|it| it.key == Workflow::ITIL).unwrap();
    let roles = [
        May {
            actor: &world.ana,
            create: &["new"],
            moves: &[
                (LIVE, LIVE),
                (LIVE, &["resolved", "closed", "cancelled"]),
                (&["resolved"], &["closed"]),
                (&["resolved", "closed"], WORK),
                (&["cancelled"], &["new"]),
            ],
        },
        May { actor: &world.rita, create: &["new"], moves: &[] },
    ];
    behaves(&world, &definition, &roles).await;
}
