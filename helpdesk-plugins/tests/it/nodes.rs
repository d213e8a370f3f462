//! Two processes over one database, of which only one was handed the plugin's code: whichever reads the log first, the
//! plugin is told of everything, once.

use helpdesk_core::Desk;
use helpdesk_core::command::{CreateTicket, GrantRole, Patch};
use helpdesk_core::feed::queue;
use helpdesk_core::id::TicketId;
use helpdesk_core::jobs::Ticked;
use helpdesk_core::role::Role;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_core::ticket::TicketType;
use helpdesk_plugins::{Limits, PluginHost};

use super::world::{HOSTILE, World, hostile_toml};

/// A desk that is handed code, and another over the same database that is not.
async fn two(path: &std::path::Path) -> (World, Desk) {
    let store = SqliteStore::open(path).await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::default();
    let host = PluginHost::new(Limits::default()).unwrap();
    let desk = Desk::builder(store).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
    let world = World::on(desk, host, clock.clone()).await;
    let store = SqliteStore::open(path).await.unwrap();
    let poor = PluginHost::new(Limits::default()).unwrap();
    let poor = Desk::builder(store).clock(clock).extend(poor).build().await.unwrap();
    (world, poor)
}

async fn seen(world: &World) -> String {
    let seen = world.desk.store().kv(world.tenant, "hostile", "seen").await.unwrap();
    String::from_utf8(seen.map_or(vec![], |seen| seen.value)).unwrap()
}

async fn waiting(world: &World) -> (i64, i64) {
    let (_, depth) = world.desk.store().dead(&queue("plugins"), 10).await.unwrap();
    (depth.live, depth.dead)
}

#[tokio::test]
async fn a_node_without_the_code_loses_nothing_for_the_one_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let (world, poor) = two(&dir.path().join("desk.db")).await;
    world.hostile("counter").await;
    let mut tickets: Vec<TicketId> = Vec::new();
    for n in 0..3 {
        tickets.push(world.create(&format!("ticket {n}")).await);
        // It reads the log first, and may not pass over the event although it cannot run the plugin.
        let round = poor.tick().await.unwrap();
        assert_eq!((round.done, round.dead), (0, 0));
    }
    assert_eq!(waiting(&world).await, (3, 0));
    // Nor may it use up the tries while the other is away, however long.
    for _ in 0..20 {
        world.clock.advance(10 * 60 * 1000);
        assert_eq!(poor.tick().await.unwrap().dead, 0);
    }
    assert_eq!(waiting(&world).await, (3, 0));
    world.clock.advance(10 * 60 * 1000);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { done: 3, ..Ticked::default() });
    assert_eq!((seen(&world).await.as_str(), waiting(&world).await), ("3", (0, 0)));
    // Both side by side: one of them is first with each event, and each is told once.
    for n in 0..5 {
        world.create(&format!("more {n}")).await;
    }
    for _ in 0..10 {
        let (one, other) = tokio::join!(world.desk.tick(), poor.tick());
        one.and(other).unwrap();
        world.clock.advance(10 * 60 * 1000);
    }
    world.desk.tick().await.unwrap();
    assert_eq!((seen(&world).await.as_str(), waiting(&world).await), ("8", (0, 0)));
    assert_eq!(world.runs().await.len(), 8);
}

#[tokio::test]
async fn a_node_that_cannot_read_a_manifest_loses_nothing_for_the_one_that_can() {
    let dir = tempfile::tempdir().unwrap();
    let (world, poor) = two(&dir.path().join("desk.db")).await;
    let toml = hostile_toml("\"ticket.created\"").replace("input =", "where = { type = [\"incident\"] }\ninput =");
    let plugin = world.host.provide(&toml, HOSTILE).unwrap();
    let mut install = world.host.installation(world.tenant, &plugin, r#"{"do":"counter"}"#, None).unwrap();
    // As a newer host would keep it.
    install.manifest = serde_json::to_string(&format!("{toml}\n[future]\nword = true\n")).unwrap();
    world.desk.act(&world.root(), install).await.unwrap();
    world.desk.act(&world.root(), GrantRole::new(Role::Agent, plugin)).await.unwrap();
    world.desk.tick().await.unwrap();
    let fields = Patch { kind: Some(TicketType::Incident), ..Patch::default() };
    let incident = CreateTicket::new(world.project, "on fire").fields(fields);
    world.desk.act(&world.ana, incident).await.unwrap();
    world.create("a wish").await;
    poor.tick().await.unwrap();
    assert_eq!(waiting(&world).await, (2, 0), "it cannot say which are wanted");
    world.clock.advance(10 * 60 * 1000);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { done: 2, ..Ticked::default() });
    assert_eq!((seen(&world).await.as_str(), waiting(&world).await), ("1", (0, 0)));
}
