//! What a plugin is told is no more than what it may see: the guest here keeps all it is given, and we look.

use helpdesk_core::Clock;
use helpdesk_core::command::{Comment, CreateProject, CreateTicket, EditTicket, MoveTo, Patch, Relate, TagTicket};
use helpdesk_core::feed::queue;
use helpdesk_core::id::{ProjectId, TicketId};
use helpdesk_core::role::{Role, Scope};
use helpdesk_core::ticket::Priority;
use helpdesk_plugins::Capabilities;

use super::world::{HOSTILE, World, hostile_toml};

const KINDS: &str = r#""ticket.created", "ticket.edited", "ticket.moved", "ticket.tagged", "ticket.participant_added",
    "entry.added", "person.added""#;

impl World {
    /// The guest that keeps what it is told, with a role in the first project.
    async fn listener(&self, role: Role, granted: Option<Capabilities>) {
        let plugin = self.host.provide(&hostile_toml(KINDS), HOSTILE).unwrap();
        let scope = Scope::Project(self.project);
        self.install_with(&plugin, r#"{"do":"tell"}"#, granted, Some((role, scope))).await;
    }

    async fn another_project(&self) -> ProjectId {
        self.desk.act(&self.root(), CreateProject::new(self.tenant, "HR")).await.unwrap().out
    }

    async fn create_in(&self, project: ProjectId, title: &str) -> TicketId {
        self.desk.act(&self.ana, CreateTicket::new(project, title)).await.unwrap().out
    }

    /// All it was told, by key.
    async fn told(&self) -> Vec<String> {
        let store = self.desk.store();
        let mut told = Vec::new();
        for key in store.kv_keys(self.tenant, "hostile", "told/", None, self.clock.now(), 100).await.unwrap() {
            let kept = store.kv(self.tenant, "hostile", &key).await.unwrap().unwrap();
            told.push(String::from_utf8(kept.value).unwrap());
        }
        told
    }

    /// How its runs ended, newest first.
    async fn ends(&self) -> Vec<(String, String)> {
        self.runs().await.into_iter().map(|run| (run.outcome, run.message)).collect()
    }
}

fn ends(outcome: &str, message: &str) -> (String, String) {
    (outcome.into(), message.into())
}

#[tokio::test]
async fn an_internal_entry_is_told_only_to_whoever_may_read_it() {
    for (role, entries) in [(Role::Observer, 1), (Role::Agent, 2)] {
        let world = World::new().await;
        world.listener(role, None).await;
        let ticket = world.create("x").await;
        world.desk.act(&world.ana, Comment::public(ticket, "hello")).await.unwrap();
        world.desk.act(&world.ana, Comment::internal(ticket, "psst")).await.unwrap();
        assert_eq!(world.desk.tick().await.unwrap().done, 3, "{role}: none waits");
        let told = world.told().await;
        let internal = told.iter().filter(|told| told.contains("internal")).count();
        assert_eq!(told.iter().filter(|told| told.starts_with("entry.added")).count(), entries, "{role}: {told:?}");
        assert_eq!(internal, entries - 1, "{role}: {told:?}");
        if role == Role::Observer {
            assert!(world.ends().await.contains(&ends("skipped", "the plugin may not see the event")));
        }
    }
}

#[tokio::test]
async fn tickets_outside_its_grants_are_not_told() {
    let world = World::new().await;
    world.listener(Role::Observer, None).await;
    let hr = world.another_project().await;
    let hidden = world.create_in(hr, "a secret").await;
    world.desk.act(&world.ana, Comment::public(hidden, "about the secret")).await.unwrap();
    let open = world.create("open").await;
    assert_eq!(world.desk.tick().await.unwrap().done, 3);
    let told = world.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("open"), "{told:?}");
    let not_seen = ends("skipped", "the plugin may not see the ticket");
    assert_eq!(world.ends().await.into_iter().filter(|end| *end == not_seen).count(), 2);

    // A hidden parent is not named: not by the event that creates, not by one that changes, not by the input.
    let fields = Patch { parent: Some(Some(hidden)), ..Patch::default() };
    world.desk.act(&world.ana, CreateTicket::new(world.project, "below").fields(fields.clone())).await.unwrap();
    let title = Patch { title: Some("below too".into()), ..fields };
    world.desk.act(&world.ana, EditTicket::new(open, title)).await.unwrap();
    world.desk.tick().await.unwrap();
    let told = world.told().await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(!told.concat().contains(&hidden.to_string()), "{told:?}");
}

#[tokio::test]
async fn the_directory_is_not_told_to_a_plugin_that_may_not_read_the_whole_log() {
    let world = World::new().await;
    world.listener(Role::Observer, None).await;
    let someone = helpdesk_core::command::EnsurePerson::external(world.tenant, "u/2", "Ben");
    world.desk.act(&world.root(), someone).await.unwrap();
    assert_eq!(world.desk.tick().await.unwrap().done, 1);
    assert!(world.told().await.is_empty());
    assert_eq!(world.ends().await, [ends("skipped", "the plugin may not see the event")]);
}

#[tokio::test]
async fn fields_that_were_not_granted_do_not_arrive_as_input() {
    let world = World::new().await;
    let granted = Capabilities { read: vec!["ticket.title".into()], kv: true, ..Capabilities::default() };
    world.listener(Role::Agent, Some(granted)).await;
    let create = CreateTicket::new(world.project, "shown").description("not shown");
    world.desk.act(&world.ana, create).await.unwrap();
    assert_eq!(world.desk.tick().await.unwrap().done, 1);
    let told = world.told().await.concat();
    let input = told.split(" input ").nth(1).unwrap();
    assert!(input.contains("shown") && !input.contains("not shown"), "{told}");
    let (_, depth) = world.desk.store().dead(&queue("plugins"), 10).await.unwrap();
    assert_eq!((depth.live, depth.dead), (0, 0));
}

#[tokio::test]
async fn nobody_finds_out_by_searching_what_they_may_not_read() {
    let search = |filter: &str| format!(r#"{{"do":"search","filter":{filter:?}}}"#);
    let priority = search(r#"{"priority":["high"]}"#);
    let children = r#"{"do":"related","relation":"children"}"#;
    for (config, field) in [(priority.as_str(), "priority"), (children, "children")] {
        for granted in ["title", field, "*"] {
            let world = World::new().await;
            let plugin = world.host.provide(&hostile_toml(KINDS), HOSTILE).unwrap();
            let granted = Capabilities { read: vec![format!("ticket.{granted}")], ..Capabilities::default() };
            let may = granted.read[0] != "ticket.title";
            world.install_with(&plugin, config, Some(granted), Some((Role::Agent, Scope::Tenant))).await;
            world.create("x").await;
            world.desk.tick().await.unwrap();
            let end = world.ends().await.remove(0);
            if may {
                assert_eq!(end, ends("done", ""), "{config}");
            } else {
                assert_eq!(end.0, "rejected");
                let denied = format!("denied: `read:ticket.{field}` is requested but not granted");
                assert!(end.1.contains(&denied), "{end:?}");
            }
        }
    }
}

impl World {
    /// What a plugin with these read capabilities is told of the content of each event: its changes and its data.
    async fn content(read: &[&str]) -> Vec<String> {
        let world = Self::new().await;
        let read = read.iter().map(ToString::to_string).collect();
        world.listener(Role::Agent, Some(Capabilities { read, kv: true, ..Capabilities::default() })).await;
        let project = world.desk.config(&world.ana).await.unwrap();
        let tag = project.tags.values().next().unwrap().id;
        let fields = Patch { priority: Some(Some(Priority::Low)), ..Patch::default() };
        let create = CreateTicket::new(world.project, "one").description("long").fields(fields);
        let ticket = world.desk.act(&world.ana, create).await.unwrap().out;
        let fields = Patch { title: Some("two".into()), priority: Some(Some(Priority::High)), ..Patch::default() };
        world.desk.act(&world.ana, EditTicket::new(ticket, fields)).await.unwrap();
        world.desk.act(&world.ana, TagTicket { ticket, add: vec![tag], remove: vec![] }).await.unwrap();
        world.desk.act(&world.ana, Relate::assign(ticket, [world.ana_id])).await.unwrap();
        world.desk.act(&world.ana, MoveTo::new(ticket, "start")).await.unwrap();
        world.desk.act(&world.ana, Comment::public(ticket, "hello")).await.unwrap();
        while world.desk.tick().await.unwrap().retried > 0 {
            eprintln!("a busy machine, perhaps: {:?}", world.ends().await);
            world.clock.advance(10 * 60 * 1000);
        }
        let content = |told: String| told.split(" input ").next().map(without_ids).unwrap_or_default();
        let mut told: Vec<String> = world.told().await.into_iter().map(content).collect();
        told.sort();
        told
    }
}

/// Ids and digests as `#`, and no backslashes.
fn without_ids(told: &str) -> String {
    let plain = told.replace('\\', "");
    let is_id = |part: &str| part.len() >= 32 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    plain.split('"').map(|part| if is_id(part) { "#" } else { part }).collect::<Vec<_>>().join("'")
}

#[tokio::test]
async fn what_an_event_changed_is_told_only_of_fields_that_were_granted() {
    let none = ["ticket.created [] {}", "ticket.edited [] {'changes':[]}", "ticket.moved [] {}"];
    let rest = ["ticket.participant_added [] {}", "ticket.tagged [] {}"];
    assert_eq!(World::content(&[]).await, [&["entry.added [] {}"][..], &none, &rest].concat());
    let title = "Change { name: 'title', before: Value::Null, after: Value::Json('{'digest':'#'}') }";
    let digest = "{'digest':'#'}";
    assert_eq!(
        World::content(&["ticket.title"]).await,
        [
            "entry.added [] {}",
            &format!("ticket.created [{title}] {{'title':'#'}}"),
            &format!(
                "ticket.edited [Change {{ name: 'title', before: Value::Json('{digest}'), after: Value::Json('{digest}') }}] \
                 {{'changes':[{{'field':'title','before':{digest},'after':{digest}}}]}}"
            ),
            none[2],
            rest[0],
            rest[1],
        ]
    );
    let assignee = "Change { name: 'assignees', before: Value::Null, after: Value::Text('#') }";
    assert_eq!(
        World::content(&["ticket.assignees", "ticket.requester", "ticket.category", "ticket.entries"]).await,
        [
            "entry.added [] {'digest':'#','entry':'#','length':5,'visibility':'public'}",
            "ticket.created [] {'category':'new','people':[['requester','#']]}",
            none[1],
            "ticket.moved [] {'after':'open','before':'new'}",
            &format!("ticket.participant_added [{assignee}] {{'person':'#','relation':'assignee'}}"),
            rest[1],
        ]
    );
    // Whoever may read all of it is told all of it, but for the log's own marks.
    let all = World::content(&["ticket.*"]).await;
    assert!(all[1].contains("'priority_manual':true") && all[1].contains("['reporter','#']"), "{all:?}");
    assert!(all[2].contains("{'field':'priority','before':'low','after':'high'}"), "{all:?}");
    assert!(all[3].ends_with(
        "{'transition':'start','from':'todo','to':'in_progress','before':'new','after':'open','reason':null}"
    ));
    assert!(all[5].ends_with("{'added':['#'],'removed':[]}"), "{all:?}");
}
