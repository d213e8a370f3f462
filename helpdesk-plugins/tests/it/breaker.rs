//! A plugin that keeps failing is left alone: for a while, then for longer, then until somebody looks. Events wait.

use helpdesk_core::jobs::Ticked;
use helpdesk_core::role::Role;
use helpdesk_core::{Actor, Clock, PluginId};
use helpdesk_plugins::Standing;

use super::world::{HOSTILE, World, hostile_toml};

impl World {
    async fn standing(&self, plugin: &PluginId) -> Standing {
        self.host.standing(&self.desk, &self.root(), plugin).await.unwrap()
    }

    /// Moves to the end of a pause and makes the plugin fail once more.
    async fn fail_again(&self, plugin: &PluginId) -> Standing {
        let Standing::Paused { until } = self.standing(plugin).await else { panic!("it is not paused") };
        self.clock.advance(until.millis() - self.clock.now().millis());
        self.create("one more").await;
        self.desk.tick().await.unwrap();
        self.standing(plugin).await
    }

    /// Ten failures in a row: two each, of which the second makes a dead letter.
    async fn ten_failures(&self) -> PluginId {
        let plugin = self.hostile("panic").await;
        for _ in 0..5 {
            self.create("x").await;
        }
        assert_eq!(self.desk.tick().await.unwrap().retried, 5);
        assert_eq!(self.standing(&plugin).await, Standing::Running);
        self.clock.advance(10_000);
        assert_eq!(self.desk.tick().await.unwrap().dead, 5);
        plugin
    }
}

#[tokio::test]
async fn after_ten_failures_in_a_row_events_wait_for_a_minute() {
    let world = World::new().await;
    let plugin = world.ten_failures().await;
    let until = world.clock.now().plus_millis(60_000);
    assert_eq!(world.standing(&plugin).await, Standing::Paused { until });
    world.create("y").await;
    for _ in 0..5 {
        world.desk.tick().await.unwrap();
        assert_eq!(world.runs().await.len(), 10, "none runs");
        world.clock.advance(11_999);
    }
    world.clock.advance(5);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { retried: 1, ..Ticked::default() });
    assert_eq!(world.runs().await.len(), 11, "the waiting did not count as tries");
    // Whoever sets it up anew begins anew, and what waited is delivered.
    let toml = hostile_toml("\"ticket.created\"");
    let same = world.host.provide(&toml, HOSTILE).unwrap();
    world.install(&same, r#"{"do":"counter"}"#, Some(Role::Agent)).await;
    assert_eq!(world.standing(&plugin).await, Standing::Running);
    world.clock.advance(10 * 60 * 1000);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { done: 1, ..Ticked::default() });
}

#[tokio::test]
async fn the_fifth_pause_in_a_day_lasts_until_somebody_resumes_it() {
    let world = World::new().await;
    let plugin = world.ten_failures().await;
    for minutes in [2, 4, 8] {
        let standing = world.fail_again(&plugin).await;
        assert_eq!(standing, Standing::Paused { until: world.clock.now().plus_millis(minutes * 60_000) });
    }
    let since = match world.fail_again(&plugin).await {
        Standing::Quarantined { since } => since,
        other => panic!("{other:?}"),
    };
    let (runs, before) = (world.runs().await.len(), world.see(world.create("waits").await).await.version());
    for _ in 0..50 {
        world.clock.advance(24 * 60 * 60 * 1000);
        assert_eq!(world.desk.tick().await.unwrap().dead, 0);
    }
    assert_eq!((world.standing(&plugin).await, before), (Standing::Quarantined { since }, 1));
    assert!(world.runs().await.len() <= runs, "none runs");

    let refused = world.host.resume(&world.desk, &world.ana, &plugin).await.unwrap_err();
    assert_eq!(refused.code(), "FORBIDDEN");
    assert_eq!(world.host.standing(&world.desk, &world.ana, &plugin).await.unwrap_err().code(), "FORBIDDEN");
    let unknown = world.host.resume(&world.desk, &world.root(), &"other".parse().unwrap()).await.unwrap_err();
    assert_eq!(unknown.code(), "NOT_FOUND");
    world.host.resume(&world.desk, &Actor::system_of(world.tenant), &plugin).await.unwrap();
    assert_eq!(world.standing(&plugin).await, Standing::Running);
    world.clock.advance(5 * 60 * 1000);
    let round = world.desk.tick().await.unwrap();
    assert!(round.retried + round.dead > 0 && !world.runs().await.is_empty(), "{round:?}");
}
