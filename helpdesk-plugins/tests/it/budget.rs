//! A chain of automation ends where its budget does, visibly, and what people did stays.

use helpdesk_core::command::{DefineTag, EditTicket, Patch};
use helpdesk_core::event::{AutomationStopped, Event, Subject};
use helpdesk_core::feed::queue;
use helpdesk_core::id::TicketId;
use helpdesk_core::role::Role;

use super::world::{HOSTILE, World, hostile_toml};

impl World {
    /// The guest under another name, told of `kinds`.
    async fn plugin(&self, id: &str, kinds: &str, config: &str) {
        let toml = hostile_toml(kinds).replace("id = \"hostile\"", &format!("id = \"{id}\""));
        let plugin = self.host.provide(&toml, HOSTILE).unwrap();
        self.install(&plugin, config, Some(Role::Agent)).await;
    }

    /// One that sets off fifty events for each new ticket.
    async fn fifty(&self) {
        for n in 0..50 {
            self.desk.act(&self.root(), DefineTag::new(self.project, format!("t{n}"))).await.unwrap();
        }
        self.plugin("first", "\"ticket.created\"", r#"{"do":"effects","count":50}"#).await;
    }

    async fn events(&self, ticket: TicketId) -> Vec<helpdesk_core::Envelope> {
        self.desk.store().history(self.tenant, &Subject::Ticket(ticket), 0, 500).await.unwrap()
    }

    async fn stops(&self, ticket: TicketId) -> Vec<AutomationStopped> {
        let events = self.events(ticket).await.into_iter();
        events
            .filter_map(|event| match event.event {
                Event::AutomationStopped(stopped) => Some(stopped),
                _ => None,
            })
            .collect()
    }

    async fn runs_of(&self, plugin: &str) -> usize {
        self.ended(plugin, "done").await
    }

    async fn ended(&self, plugin: &str, outcome: &str) -> usize {
        let runs = self.desk.store().runs(self.tenant, plugin, 200).await.unwrap();
        runs.iter().filter(|run| run.outcome == outcome).count()
    }

    async fn nothing_waits(&self) -> bool {
        let (_, depth) = self.desk.store().dead(&queue("plugins"), 1).await.unwrap();
        (depth.live, depth.dead) == (0, 0)
    }
}

#[tokio::test]
async fn an_act_sets_off_a_hundred_runs_at_most() {
    let world = World::new().await;
    world.fifty().await;
    for id in ["second", "third", "fourth"] {
        world.plugin(id, "\"ticket.tagged\"", r#"{"do":"counter"}"#).await;
    }
    let ticket = world.create("x").await;
    world.desk.tick().await.unwrap();
    let mut runs = 1;
    for id in ["second", "third", "fourth"] {
        runs += world.runs_of(id).await;
    }
    let stops = world.stops(ticket).await;
    // They run side by side, and may not see each other's last.
    assert!((100..=102).contains(&runs), "{runs}");
    assert_eq!(runs + stops.len(), 151);
    assert!(stops.iter().all(|stop| (stop.limit.as_str(), stop.used, stop.allowed) == ("runs", 101, 100)), "{stops:?}");
    assert!(world.nothing_waits().await);
    assert_eq!(world.see(ticket).await.case.tags.len(), 50, "what was done stays");
    // The next act has a budget of its own.
    let next = world.create("y").await;
    world.desk.tick().await.unwrap();
    assert!((49..=51).contains(&world.stops(next).await.len()));
    assert_eq!(world.stops(ticket).await.len(), stops.len());
}

#[tokio::test]
async fn an_act_sets_off_five_hundred_writes_at_most() {
    let world = World::new().await;
    world.fifty().await;
    world.plugin("second", "\"ticket.tagged\"", r#"{"do":"effects","count":50}"#).await;
    let ticket = world.create("x").await;
    world.desk.tick().await.unwrap();
    assert_eq!(world.runs_of("second").await, 9, "50 + 9 · 50 writes");
    let stops = world.stops(ticket).await;
    assert_eq!((stops.len(), world.ended("second", "stopped").await), (41, 41));
    assert!(
        stops.iter().all(|stop| (stop.limit.as_str(), stop.used, stop.allowed) == ("writes", 550, 500)),
        "{stops:?}"
    );
    assert!(world.nothing_waits().await);
}

#[tokio::test]
async fn a_plugin_changes_a_ticket_thirty_times_a_minute_at_most() {
    let world = World::new().await;
    world.fifty().await;
    world.plugin("second", "\"ticket.tagged\"", r#"{"do":"effect-bytes","bytes":5}"#).await;
    let ticket = world.create("x").await;
    world.desk.tick().await.unwrap();
    assert_eq!((world.runs_of("second").await, world.see(ticket).await.case.entries.len()), (30, 30));
    let stops = world.stops(ticket).await;
    assert_eq!((stops.len(), world.ended("second", "stopped").await), (20, 20));
    assert!(stops.iter().all(|stop| (stop.limit.as_str(), stop.used, stop.allowed) == ("sets", 31, 30)), "{stops:?}");
    assert!(world.nothing_waits().await);
}

#[tokio::test]
async fn many_acts_of_people_are_all_answered_in_their_time() {
    let world = World::new().await;
    world.plugin("second", "\"ticket.edited\"", r#"{"do":"effect-bytes","bytes":5}"#).await;
    let ticket = world.create("x").await;
    for n in 0..40 {
        let title = Patch { title: Some(format!("title {n}")), ..Patch::default() };
        world.desk.act(&world.ana, EditTicket::new(ticket, title)).await.unwrap();
    }
    world.desk.tick().await.unwrap();
    assert_eq!(world.see(ticket).await.case.entries.len(), 30);
    assert!(world.ended("second", "deferred").await > 0, "what ran leaves a record");
    world.clock.advance(59_000);
    world.desk.tick().await.unwrap();
    assert_eq!(world.see(ticket).await.case.entries.len(), 30);
    world.clock.advance(1000);
    world.desk.tick().await.unwrap();
    assert_eq!((world.see(ticket).await.case.entries.len(), world.stops(ticket).await.len()), (40, 0));
    assert!(world.nothing_waits().await);
}

#[tokio::test]
async fn other_tickets_than_the_events_own_are_changed_no_more_often() {
    let world = World::new().await;
    let target = world.create("the target").await;
    world.desk.tick().await.unwrap();
    let config = format!(r#"{{"do":"effect-bytes","bytes":5,"ticket":"{target}"}}"#);
    world.plugin("second", "\"ticket.created\"", &config).await;
    for n in 0..40 {
        world.create(&format!("ticket {n}")).await;
    }
    world.desk.tick().await.unwrap();
    let entries = world.see(target).await.case.entries.len();
    // They run side by side, eight at a time, and may not see each other's last.
    assert!((30..38).contains(&entries), "{entries}");
    assert_eq!(world.ended("second", "deferred").await, 40 - entries);
    world.clock.advance(60_000);
    world.desk.tick().await.unwrap();
    assert_eq!(world.see(target).await.case.entries.len(), 40);
    assert!(world.nothing_waits().await);
}
