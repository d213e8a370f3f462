//! What plugins leave behind: values within their limits, and texts whose digests say nothing once they are erased.

use std::ops::Range;

use helpdesk_core::desk::Set;
use helpdesk_core::event::Event;
use helpdesk_core::feed::queue;
use helpdesk_core::id::{CommandId, JobId, Mint, Salt};
use helpdesk_core::jobs::Ticked;
use helpdesk_core::role::Role;
use helpdesk_core::store::{Kv, Row, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{Author, Clock};
use helpdesk_plugins::Limits;

use super::world::{HOSTILE, World, hostile_toml};

impl World {
    /// Puts values into the guest's store that count for 64 KiB each: with their keys of four bytes, and 256 for a key.
    async fn fill(&self, which: Range<usize>, expires_at: Option<Timestamp>) {
        let kv = |n: usize| Kv {
            tenant: self.tenant,
            plugin: "hostile".into(),
            key: format!("k{n:03}"),
            value: vec![0; (64 << 10) - 4 - 256],
            version: 1,
            expires_at,
        };
        let rows = which.map(|n| Write { before: None, after: Some(Row::Kv(kv(n))) }).collect();
        self.desk.act_all(&self.root(), Set { rows, ..Set::default() }).await.unwrap();
    }

    async fn kept(&self) -> u64 {
        self.desk.store().kv_bytes(self.tenant, "hostile", self.clock.now()).await.unwrap()
    }
}

#[tokio::test]
async fn a_plugin_keeps_16_mib_and_no_byte_more() {
    let allowed = Limits::default().kv_total_bytes;
    assert_eq!(allowed, 16 << 20);
    for (bytes, fits) in [(65_279, true), (65_280, false)] {
        let world = World::new().await;
        let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
        world.install(&plugin, &format!(r#"{{"do":"kv-bytes","bytes":{bytes}}}"#), Some(Role::Agent)).await;
        world.fill(0..255, None).await;
        world.create("x").await;
        let round = world.desk.tick().await.unwrap();
        let run = world.runs().await.remove(0);
        if fits {
            // The key `k` has a byte too.
            assert_eq!(
                (round.done, run.outcome.as_str(), world.kept().await),
                (1, "done", allowed - 256 * 256),
                "{run:?}"
            );
            continue;
        }
        assert_eq!((round.retried, run.outcome.as_str()), (1, "limit-hit"), "{run:?}");
        assert_eq!(run.message, format!("limit `kv-total-bytes`: used {}, allowed {allowed}", allowed + 1));
        assert_eq!(world.kept().await, allowed - (64 << 10) - 255 * 256);
    }
}

#[tokio::test]
async fn a_value_that_would_be_gone_at_once_is_refused() {
    for (ttl, end) in [(0, "rejected"), (1, "done")] {
        let world = World::new().await;
        let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
        let config = format!(r#"{{"do":"kv-bytes","bytes":5,"ttl":{ttl}}}"#);
        world.install(&plugin, &config, Some(Role::Agent)).await;
        world.create("x").await;
        world.desk.tick().await.unwrap();
        let run = world.runs().await.remove(0);
        assert_eq!((run.outcome.as_str(), run.message.contains("invalid: ")), (end, ttl == 0), "{run:?}");
    }
}

#[tokio::test]
async fn a_lost_race_for_a_stored_value_is_not_the_plugins_failure() {
    let world = World::new().await;
    let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
    // It always loses: the key is not there.
    world.install(&plugin, r#"{"do":"kv-bytes","bytes":5,"expect":7}"#, Some(Role::Agent)).await;
    for n in 0..4 {
        world.create(&format!("ticket {n}")).await;
    }
    for _ in 0..3 {
        assert_eq!(world.desk.tick().await.unwrap(), Ticked { retried: 4, ..Ticked::default() });
        world.clock.advance(10 * 60 * 1000);
    }
    let runs = world.runs().await;
    assert_eq!(runs.len(), 12);
    assert!(runs.iter().all(|run| run.outcome == "outrun" && run.fuel > 0), "{runs:?}");
    let standing = world.host.standing(&world.desk, &world.root(), &plugin).await.unwrap();
    assert_eq!(standing, helpdesk_plugins::Standing::Running);
}

#[tokio::test]
async fn what_has_expired_takes_no_room() {
    let world = World::new().await;
    let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
    world.install(&plugin, r#"{"do":"kv-bytes","bytes":60000}"#, Some(Role::Agent)).await;
    world.fill(0..256, Some(world.clock.now().plus_millis(1000))).await;
    world.create("x").await;
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { retried: 1, ..Ticked::default() });
    assert_eq!(world.runs().await[0].outcome, "limit-hit");
    world.clock.advance(10_000);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { done: 1, ..Ticked::default() });
    assert_eq!(world.kept().await, 60_001);
}

#[tokio::test]
async fn a_limit_hit_twice_is_the_same_failure_whatever_figure_it_names() {
    let world = World::new().await;
    let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
    world.install(&plugin, r#"{"do":"kv-bytes","bytes":60000}"#, Some(Role::Agent)).await;
    world.fill(0..256, None).await;
    world.create("x").await;
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { retried: 1, ..Ticked::default() });
    world.fill(256..257, None).await;
    world.clock.advance(10_000);
    assert_eq!(world.desk.tick().await.unwrap(), Ticked { dead: 1, ..Ticked::default() });
    let runs = world.runs().await;
    assert!(runs.len() == 2 && runs.iter().all(|run| run.outcome == "limit-hit"), "{runs:?}");
    assert_ne!(runs[0].message, runs[1].message);
}

#[tokio::test]
async fn the_salt_of_a_plugins_text_does_not_follow_from_the_log() {
    let world = World::new().await;
    let plugin = world.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
    world.install(&plugin, r#"{"do":"effect-bytes","bytes":5}"#, Some(Role::Agent)).await;
    let ticket = world.create("x").await;
    let before = world.desk.head_of_log().await.unwrap();
    assert_eq!(world.desk.tick().await.unwrap().done, 1);
    let view = world.see(ticket).await;
    let [entry] = view.case.entries.as_slice() else { panic!("{:?}", view.case.entries) };
    assert!(matches!(entry.author, Author::Plugin(_)));
    let (events, _) = world.desk.store().after(None, helpdesk_core::event::Cursor::at(0), 100).await.unwrap();
    let digest = events.iter().find_map(|event| match &event.event {
        Event::EntryAdded(added) if event.cursor > before => Some(added.digest.clone()),
        _ => None,
    });
    assert_eq!(digest, Some(entry.salt.digest(&entry.body)));
    // Every id that stands in the log, and the deliveries that follow from it, tried as seeds.
    let mut seeds: Vec<CommandId> = Vec::new();
    for event in &events {
        let id = uuid::Uuid::from(event.id);
        let job: JobId = Mint::new(id.into()).named("plugins/hostile");
        seeds.extend([id, job.into(), ticket.into(), entry.id.into()].map(CommandId::from));
    }
    // Salts and ids are drawn in turn: with up to eight drawn before.
    let guess = |seed: CommandId, skip: usize| -> Salt {
        let mut mint = Mint::new(seed);
        let _: Vec<JobId> = (0..skip).map(|_| mint.id()).collect();
        mint.salt()
    };
    let guesses = seeds.iter().flat_map(|seed| (0..8).map(move |skip| guess(*seed, skip)));
    assert!(guesses.into_iter().all(|guess| guess != entry.salt));
    assert_eq!(world.desk.store().dead(&queue("plugins"), 1).await.unwrap().1.live, 0);
}
