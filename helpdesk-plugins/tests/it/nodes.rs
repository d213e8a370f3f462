//! Two processes over one database, of which only one was handed the plugin's code: whichever reads the log first, the
//! plugin is told of everything, once.

use helpdesk_core::Desk;
use helpdesk_core::feed::queue;
use helpdesk_core::id::TicketId;
use helpdesk_core::jobs::Ticked;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_plugins::{Limits, PluginHost};

use super::world::World;

/// A desk with the guest that counts what it is told, and another over the same database that lacks its code.
async fn two(path: &std::path::Path) -> (World, Desk) {
    let store = SqliteStore::open(path).await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::default();
    let host = PluginHost::new(Limits::default()).unwrap();
    let desk = Desk::builder(store).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
    let world = World::on(desk, host, clock.clone()).await;
    world.hostile("counter").await;
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
