//! Cached rights: they go by the epoch the database is at, and a plugin's begin with its installation.

use std::collections::BTreeMap;

use helpdesk_core::command::{Comment, CreateGroup, GrantRole, InstallPlugin, RemovePlugin, RevokeRole};
use helpdesk_core::desk::read::Page;
use helpdesk_core::filter::Filter;
use helpdesk_core::id::TicketId;
use helpdesk_core::org::GroupKind;
use helpdesk_core::role::{Role, Scope};
use helpdesk_core::testing::World;
use helpdesk_core::{ActError, Actor, Clock, Desk, PluginId};

use super::world;

/// Another node over the same database, with a cache of its own.
async fn node(world: &World) -> Desk {
    Desk::builder(world.store.clone()).clock(world.clock.clone()).build().await.unwrap()
}

async fn listed(desk: &Desk, viewer: &Actor) -> Result<usize, ActError> {
    Ok(desk.tickets(viewer, &Filter::All, Page::first(10)).await?.len())
}

/// What `desk` shows of the one ticket: by id, in a list, in a count. They must agree.
async fn sees(desk: &Desk, viewer: &Actor, ticket: TicketId) -> Result<bool, ActError> {
    let listed = listed(desk, viewer).await?;
    let counted = desk.count(viewer, &Filter::All).await?.value;
    let one = match desk.ticket(viewer, ticket).await {
        Ok(_) => true,
        Err(error) if error.code() == "NOT_FOUND" => false,
        Err(error) => return Err(error),
    };
    assert_eq!((listed, counted), (usize::from(one), u32::from(one)));
    Ok(one)
}

#[tokio::test]
async fn rights_are_renewed_when_another_node_moves_the_epoch() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    let rob = World::id(&world.rob);
    let other = node(&world).await;
    assert!(!sees(&world.desk, &world.rob, ticket).await.unwrap());
    for round in 0..4 {
        let grant = other.act(&world.root, GrantRole::new(Role::Agent, rob)).await.unwrap().out;
        // Each round begins with another kind of call: whichever comes first must notice.
        match round {
            0 => assert_eq!(world.desk.count(&world.rob, &Filter::All).await.unwrap().value, 1),
            1 => drop(world.desk.act(&world.rob, Comment::public(ticket, "seen")).await.unwrap()),
            2 => drop(world.desk.ticket(&world.rob, ticket).await.unwrap()),
            _ => assert_eq!(listed(&world.desk, &world.rob).await.unwrap(), 1),
        }
        assert!(sees(&world.desk, &world.rob, ticket).await.unwrap());
        other.act(&world.root, RevokeRole { grant }).await.unwrap();
        match round {
            0 => assert_eq!(world.desk.count(&world.rob, &Filter::All).await.unwrap().value, 0),
            1 => {
                let answer = world.desk.act(&world.rob, Comment::public(ticket, "late")).await;
                assert_eq!(answer.unwrap_err().code(), "NOT_FOUND");
            }
            2 => assert_eq!(world.desk.ticket(&world.rob, ticket).await.unwrap_err().code(), "NOT_FOUND"),
            _ => assert_eq!(listed(&world.desk, &world.rob).await.unwrap(), 0),
        }
        assert!(!sees(&world.desk, &world.rob, ticket).await.unwrap());
    }
}

#[tokio::test]
async fn rights_are_read_once_while_the_epoch_stands() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    assert!(sees(&world.desk, &world.ben, ticket).await.unwrap());
    world.store.calls();
    assert!(sees(&world.desk, &world.ben, ticket).await.unwrap());
    let calls = world.store.calls();
    assert_eq!((calls.get("standing"), calls.get("config")), (None, None), "{calls:?}");
}

#[tokio::test]
async fn a_grant_ends_in_the_cache_too() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    let end = world.clock.now().plus_millis(1_000);
    world.must(&world.root, GrantRole::new(Role::Observer, World::id(&world.rob)).until(end)).await;
    assert!(sees(&world.desk, &world.rob, ticket).await.unwrap());
    world.clock.advance(999);
    assert!(sees(&world.desk, &world.rob, ticket).await.unwrap());
    world.clock.advance(1);
    assert!(!sees(&world.desk, &world.rob, ticket).await.unwrap());
}

fn install(world: &World, plugin: &PluginId) -> InstallPlugin {
    InstallPlugin {
        tenant: world.tenant,
        plugin: plugin.clone(),
        digest: "0".repeat(64),
        manifest: "{}".into(),
        granted: "{}".into(),
        config: "{}".into(),
        enabled: true,
    }
}

#[tokio::test]
async fn what_was_granted_to_an_earlier_installation_does_not_count() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    let plugin: PluginId = "acme.triage".parse().unwrap();
    let actor = Actor::Plugin(world.tenant, plugin.clone());
    let unknown = |answer: Result<bool, ActError>| assert_eq!(answer.unwrap_err().code(), "NOT_FOUND");
    unknown(sees(&world.desk, &actor, ticket).await);
    world.must(&world.root, install(&world, &plugin)).await;
    assert!(!sees(&world.desk, &actor, ticket).await.unwrap());
    world.must(&world.root, GrantRole::new(Role::Agent, plugin.clone())).await;
    assert!(sees(&world.desk, &actor, ticket).await.unwrap());
    // Set up anew it is the same installation.
    world.clock.advance(1_000);
    world.must(&world.root, InstallPlugin { config: "{\"n\":1}".into(), ..install(&world, &plugin) }).await;
    assert!(sees(&world.desk, &actor, ticket).await.unwrap());

    world.must(&world.root, RemovePlugin { plugin: plugin.clone() }).await;
    unknown(sees(&world.desk, &actor, ticket).await);
    world.clock.advance(1_000);
    world.must(&world.root, install(&world, &plugin)).await;
    assert!(!sees(&world.desk, &actor, ticket).await.unwrap(), "somebody else's plugin of that name");
    let answer = world.act(&actor, Comment::public(ticket, "hello")).await;
    assert_eq!(answer.unwrap_err().code(), "NOT_FOUND");
    assert!(!sees(&node(&world).await, &actor, ticket).await.unwrap());

    world.must(&world.root, GrantRole::new(Role::Agent, plugin.clone())).await;
    assert!(sees(&world.desk, &actor, ticket).await.unwrap());
    world.must(&actor, Comment::public(ticket, "hello")).await;
    world.must(&world.root, InstallPlugin { enabled: false, ..install(&world, &plugin) }).await;
    unknown(sees(&world.desk, &actor, ticket).await);
}

/// What the database is asked while rob lists, counts, reads and writes.
async fn asked(world: &World, ticket: TicketId) -> BTreeMap<&'static str, u64> {
    world.store.calls();
    assert!(sees(&world.desk, &world.rob, ticket).await.unwrap());
    world.must(&world.rob, Comment::public(ticket, "seen")).await;
    world.store.calls()
}

#[tokio::test]
async fn many_grants_cost_no_more_than_few() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    let rob = World::id(&world.rob);
    world.must(&world.root, GrantRole::new(Role::Agent, rob).on(ticket)).await;
    let few = asked(&world, ticket).await;
    assert!(few.len() > 3, "{few:?}");
    for n in 0..40 {
        let group = |kind, name: &str| CreateGroup::new(world.tenant, kind, format!("{name} {n}"));
        let works = world.must(&world.root, group(GroupKind::Department, "works")).await;
        let globex = world.must(&world.root, group(GroupKind::Company, "globex")).await;
        for scope in [Scope::Department(works), Scope::Company(globex)] {
            world.must(&world.root, GrantRole::new(Role::Moderator, rob).on(scope)).await;
        }
    }
    assert_eq!(asked(&world, ticket).await, few);
}
