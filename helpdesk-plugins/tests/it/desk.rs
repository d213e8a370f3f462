//! Plugins on a real desk: what they stage happens once, as themselves, together with the end of the delivery.

use helpdesk_core::Author;
use helpdesk_core::command::{EditTicket, Patch};
use helpdesk_core::feed::queue;
use helpdesk_core::jobs::Ticked;
use helpdesk_core::role::Role;
use helpdesk_core::ticket::Priority;
use helpdesk_plugins::ProvideError;

use super::world::{RULES, TRIAGE, World};

#[tokio::test]
async fn triage_sorts_a_ticket_once_and_as_itself() {
    let world = World::new().await;
    let triage = world.host.provide(TRIAGE.0, TRIAGE.1).unwrap();
    world.install(&triage, RULES, Some(Role::Agent)).await;
    let ticket = world.create("The PRINTER is out of toner").await;
    assert_eq!(world.desk.tick().await.unwrap().done, 1);
    let view = world.see(ticket).await;
    assert_eq!(view.case.ticket.priority, Priority::High);
    assert_eq!(view.case.tags.len(), 1);
    assert!(view.case.ticket.group.is_some());
    assert_eq!(view.case.ticket.updated_by, Author::Plugin(triage.clone()));
    assert_eq!(view.version(), 2, "one set is one version");
    assert!(view.case.people.iter().all(|p| p.person == world.ana_id));
    // Its own events do not come back to it, and a second round finds nothing to do.
    assert_eq!(world.desk.tick().await.unwrap(), Ticked::default());
    let events = world.desk.timeline(&world.ana, ticket, 1, 50).await.unwrap();
    let causes: Vec<_> = events.iter().map(|event| (event.cause.depth, event.cause.via.clone())).collect();
    assert!(causes.iter().all(|cause| *cause == (1, vec![triage.clone()])), "{causes:?}");
    let runs = world.desk.store().runs(world.tenant, "triage", 10).await.unwrap();
    assert_eq!((runs.len(), runs[0].outcome.as_str(), runs[0].effects > 0), (1, "done", true));
}

#[tokio::test]
async fn a_change_of_the_text_is_looked_at_again_and_a_choice_by_hand_stays() {
    let world = World::new().await;
    let triage = world.host.provide(TRIAGE.0, TRIAGE.1).unwrap();
    world.install(&triage, RULES, Some(Role::Agent)).await;
    let ticket = world.create("something is wrong").await;
    world.desk.tick().await.unwrap();
    let by_hand = Patch { priority: Some(Some(Priority::Low)), ..Patch::default() };
    world.desk.act(&world.ana, EditTicket::new(ticket, by_hand)).await.unwrap();
    let title = Patch { title: Some("the printer is wrong".into()), ..Patch::default() };
    world.desk.act(&world.ana, EditTicket::new(ticket, title)).await.unwrap();
    world.desk.tick().await.unwrap();
    let view = world.see(ticket).await;
    assert_eq!((view.case.ticket.priority, view.case.tags.len()), (Priority::Low, 1));
}

#[tokio::test]
async fn without_a_role_a_plugin_sees_nothing_and_does_nothing() {
    let world = World::new().await;
    let triage = world.host.provide(TRIAGE.0, TRIAGE.1).unwrap();
    world.install(&triage, RULES, None).await;
    let ticket = world.create("printer").await;
    assert_eq!(world.desk.tick().await.unwrap().done, 1);
    assert_eq!(world.see(ticket).await.version(), 1);
    let runs = world.desk.store().runs(world.tenant, "triage", 10).await.unwrap();
    assert_eq!((runs[0].outcome.as_str(), runs[0].message.as_str()), ("skipped", "the plugin may not see the ticket"));
}

#[tokio::test]
async fn one_refused_effect_drops_the_whole_set() {
    let world = World::new().await;
    world.hostile("trap-after-two").await;
    let ticket = world.create("x").await;
    let round = world.desk.tick().await.unwrap();
    assert_eq!((round.done, round.retried), (0, 1));
    assert_eq!(world.see(ticket).await.version(), 1);
    let (_, depth) = world.desk.store().dead(&queue("plugins"), 10).await.unwrap();
    assert_eq!((depth.live, depth.dead), (1, 0));
}

#[tokio::test]
async fn a_loop_a_bomb_and_a_panic_end_as_typed_failures_and_later_events_still_flow() {
    // Written with an escape, for the plain word makes the guest loop while it checks its configuration.
    for what in [r"\u006coop", "memory", "panic", "reject"] {
        let world = World::new().await;
        world.hostile(what).await;
        let ticket = world.create("x").await;
        let round = world.desk.tick().await.unwrap();
        assert_eq!(round.retried + round.dead, 1, "{what}: {round:?}");
        assert_eq!(world.see(ticket).await.version(), 1, "{what}");
    }
}

#[tokio::test]
async fn stored_values_are_written_with_the_set() {
    let world = World::new().await;
    world.hostile("counter").await;
    for _ in 0..3 {
        world.create("x").await;
    }
    assert_eq!(world.desk.tick().await.unwrap().done, 3);
    let seen = world.desk.store().kv(world.tenant, "hostile", "seen").await.unwrap().unwrap();
    assert_eq!((seen.value.as_slice(), seen.version), (b"3".as_slice(), 3));
}

#[tokio::test]
async fn what_the_host_cannot_do_is_refused_before_it_is_installed() {
    let world = World::new().await;
    let toml = TRIAGE.0.replace("[config]", "emit = [\"triage.done\"]\n\n[config]");
    let error = world.host.provide(&toml, TRIAGE.1).unwrap_err();
    assert!(matches!(&error, ProvideError::Unsupported { what, .. } if what == "emit:triage.done"), "{error}");
    for (line, unsupported) in [("receive-own = true", "receive-own"), ("on-poison = \"stop\"", "on-poison stop")] {
        let toml = TRIAGE.0.replacen("[[on]]", &format!("[[on]]\n{line}"), 1);
        let error = world.host.provide(&toml, TRIAGE.1).unwrap_err();
        assert!(matches!(&error, ProvideError::Unsupported { what, .. } if what == unsupported), "{error}");
    }
    let triage = world.host.provide(TRIAGE.0, TRIAGE.1).unwrap();
    let error = world.host.installation(world.tenant, &triage, r#"{"rules":[{"if":{},"then":{}}]}"#, None).unwrap_err();
    assert!(matches!(error, ProvideError::Config(_)), "{error}");
}
