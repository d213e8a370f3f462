//! The directory, configuration, and what is loaded for one command.

use super::Bench;
use super::commits::epoch;
use crate::actor::Actor;
use crate::command::{
    AddMember, Comment, CreateGroup, CreateTicket, DefineRole, EditTenant, EnsurePerson, GrantRole, InstallPlugin,
    Patch, PublishWorkflow, RemoveMember, RevokeRole,
};
use crate::decide::Needs;
use crate::desk::read::Page;
use crate::filter::Filter;
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permission, Permissions, Principal, Role, Scope};
use crate::store::{PeopleFind, Store};
use crate::testing::World;
use crate::time::{Clock, Timestamp};
use crate::workflow::{Definition, Workflow};

pub(super) async fn people_are_found_by_name_and_address(bench: &Bench) {
    let world = bench.world().await;
    for (external, name, kind) in [
        ("x1", "Åsa Öberg", PersonKind::Contact),
        ("x2", "100% Bob_by", PersonKind::Contact),
        ("x3", "asan", PersonKind::Staff),
    ] {
        let ask = EnsurePerson::external(world.tenant, external, name).kind(kind);
        world.must(&world.root, ask.email(format!("{external}@Example.org"))).await;
    }
    let search = async |find: PeopleFind| {
        let people = world.store.find_people(world.tenant, &find).await.unwrap();
        assert!(people.is_sorted_by_key(|person| person.id));
        let mut names: Vec<String> = people.into_iter().map(|person| person.name).collect();
        names.sort();
        names.join(", ")
    };
    let of = |text: &str| PeopleFind { search: text.into(), limit: 100, ..PeopleFind::default() };
    assert_eq!(search(of("asa")).await, "asan, Åsa Öberg");
    assert_eq!(search(of("example.org")).await, "100% Bob_by, asan, Åsa Öberg");
    assert_eq!(search(of("x1@")).await, "Åsa Öberg");
    assert_eq!(search(of("0%")).await, "100% Bob_by");
    assert_eq!(search(of("b_b")).await, "100% Bob_by", "% and _ are letters");
    assert_eq!(search(of("%")).await, "100% Bob_by");
    let staff = PeopleFind { kind: Some(PersonKind::Staff), ..of("asa") };
    assert_eq!(search(staff).await, "asan");
    let mut find = PeopleFind { limit: 4, ..PeopleFind::default() };
    let mut all = vec![];
    loop {
        let page = world.store.find_people(world.tenant, &find).await.unwrap();
        let Some(last) = page.last() else { break };
        find.after = Some(last.id);
        all.extend(page.into_iter().map(|person| person.id));
    }
    assert_eq!(all.len(), 11);
    assert!(all.is_sorted_by(|a, b| a < b));
}

pub(super) async fn people_are_loaded_by_external_id(bench: &Bench) {
    let world = bench.world().await;
    let mut needs = Needs::default();
    needs.externals.extend(["users/rita".to_owned(), "users/nobody".to_owned()]);
    needs.people.insert(World::id(&world.ana));
    let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
    let mut names: Vec<_> = loaded.people.iter().map(|person| person.external.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["users/ana", "users/rita"]);
    let again = EnsurePerson::external(world.tenant, "users/rita", "Rita R.");
    assert_eq!(world.must(&world.root, again).await, World::id(&world.rita), "upsert by the host's own id");
    let people = world.store.people(world.tenant, &[World::id(&world.rita)]).await.unwrap();
    assert_eq!((people[0].name.as_str(), people[0].version), ("Rita R.", 2));
    assert_eq!(people[0].email, "rita@example.com");
}

pub(super) async fn configuration_is_complete(bench: &Bench) {
    let world = bench.world().await;
    let mut definition = Definition::built_in().remove(0);
    definition.name = "Kanban, renamed".into();
    let published = world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    let plugin = InstallPlugin {
        tenant: world.tenant,
        plugin: "triage".parse().unwrap(),
        digest: "0".repeat(64),
        manifest: "{}".into(),
        granted: "[]".into(),
        config: "{\"a\":1}".into(),
        enabled: true,
    };
    world.must(&world.root, plugin).await;
    let permissions = Permissions::of(&[Permission::TicketRead, Permission::Import]);
    let role = DefineRole { tenant: world.tenant, key: "triager".into(), name: "Triäger".into(), permissions };
    let role = world.must(&world.root, role).await;
    let config = world.store.config(world.tenant).await.unwrap().unwrap();
    let stored = &config.roles[&role];
    assert_eq!((stored.name.as_str(), stored.permissions, stored.version), ("Triäger", permissions, 1));
    assert_eq!((config.permissions_of(&role), config.roles.len()), (permissions, 1));
    assert_eq!(config.epoch, epoch(&world).await);
    assert_eq!((config.tenant.id, config.tenant.key.as_str()), (world.tenant, "acme"));
    let mut projects: Vec<_> = config.projects.values().map(|project| project.key.as_str()).collect();
    projects.sort_unstable();
    assert_eq!(projects, ["IT", "OPS"]);
    assert_eq!((config.groups.len(), config.tags.len(), config.plugins.len()), (2, 2, 1));
    assert_eq!(config.plugins.values().next().map(|plugin| plugin.config.as_str()), Some("{\"a\":1}"));
    assert_eq!((published.version, config.workflows.iter().count()), (2, 5));
    assert_eq!(config.workflows.newest(Workflow::KANBAN).unwrap().definition().name, "Kanban, renamed");
    assert_eq!(config.tags[&world.urgent].name, "urgent");
    assert_eq!(config.projects[&world.ops].workflow, Workflow::ITIL);
}

pub(super) async fn standing_has_own_and_group_grants(bench: &Bench) {
    let world = bench.world().await;
    let soon = world.clock.now().plus_millis(1000);
    let group = world.must(&world.root, GrantRole::new(Role::Auditor, world.network).on(world.it).until(soon)).await;
    let other = world.must(&world.root, GrantRole::new(Role::Auditor, world.service)).await;
    let roles = async |by| {
        let (_, standing) = world.store.standing(by).await.unwrap();
        let mut roles: Vec<_> =
            standing.grants.iter().map(|grant| (grant.role.built_in(), grant.scope, grant.expires_at)).collect();
        roles.sort_by_key(|(role, ..)| *role);
        (standing.person.map(|person| person.name), roles)
    };
    let agent = (Some(Role::Agent), Scope::Tenant, None);
    let auditor = (Some(Role::Auditor), Scope::Project(world.it), Some(soon));
    assert_eq!(roles(&world.ana).await, (Some("Ana".into()), vec![agent, auditor]), "expired ones, too");
    assert_eq!(roles(&world.ben).await, (Some("Ben".into()), vec![agent]));
    world.must(&world.root, RemoveMember { group: world.network, person: World::id(&world.ana) }).await;
    assert_eq!(roles(&world.ana).await.1, [agent]);
    world.must(&world.root, AddMember { group: world.service, person: World::id(&world.ben) }).await;
    assert_eq!(roles(&world.ben).await.1, [agent, (Some(Role::Auditor), Scope::Tenant, None)]);
    world.must(&world.root, RevokeRole { grant: other }).await;
    assert_eq!(roles(&world.ben).await.1, [agent]);
    let all = world.store.grants(world.tenant).await.unwrap();
    assert!(all.is_sorted_by_key(|grant| grant.id));
    assert!(all.iter().any(|grant| grant.id == group) && all.iter().all(|grant| grant.id != other));
    let members = world.store.members(world.tenant, world.service).await.unwrap();
    assert_eq!(members.iter().map(|member| member.person).collect::<Vec<_>>(), [World::id(&world.ben)]);
    assert!(world.store.members(world.tenant, world.network).await.unwrap().is_empty());
    let plugin = crate::Actor::Plugin(world.tenant, "triage".parse().unwrap());
    assert!(roles(&plugin).await.1.is_empty());
    let nobody = crate::Actor::person(world.tenant, crate::id::PersonId::NIL);
    assert_eq!(roles(&nobody).await, (None, vec![]));
}

pub(super) async fn load_brings_what_is_needed(bench: &Bench) {
    let world = bench.world().await;
    let id = world.must(&world.ana, CreateTicket::new(world.it, "one").description("long")).await;
    let entry = world.must(&world.ana, crate::command::Comment::public(id, "hello")).await;
    world.must(&world.ana, crate::command::Comment::public(id, "other")).await;
    let grant = world.must(&world.root, GrantRole::new(Role::Observer, world.network)).await;
    let mut needs = Needs::default();
    needs.tickets.insert(id);
    let load = async |needs: &Needs| world.store.load(world.tenant, needs, None).await.unwrap();
    let bare = load(&needs).await;
    assert_eq!(bare.cases.len(), 1);
    assert!(bare.cases[0].text.is_none() && bare.cases[0].entries.is_empty());
    assert!(bare.grant.is_none() && !bare.member && !bare.tenant_taken && bare.group_grants.is_empty());
    needs.texts = true;
    needs.entries.insert(entry);
    needs.grant = Some(grant);
    needs.member = Some((world.network, World::id(&world.ana)));
    needs.tenant_key = Some("acme".into());
    let full = load(&needs).await;
    assert_eq!(full.cases[0].text.as_ref().map(|text| text.description.as_str()), Some("long"));
    assert_eq!(full.cases[0].entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [entry]);
    assert_eq!(full.grant.as_ref().and_then(|grant| grant.role.built_in()), Some(Role::Observer));
    assert_eq!(full.group_grants.iter().map(|grant| grant.id).collect::<Vec<_>>(), [grant]);
    assert_eq!(full.group_grants[0].to, Principal::Group(world.network));
    assert!(full.member && full.tenant_taken);
    assert_eq!((bare.role_until, full.role_until), (None, None));
    let department = CreateGroup::new(world.tenant, GroupKind::Department, "works");
    let department = Scope::Department(world.must(&world.root, department).await);
    let until = world.clock.now().plus_millis(1000);
    let on = world.must(&world.root, GrantRole::new(Role::Approver, world.network).on(department).until(until)).await;
    let wants = |role: Role| Needs { role: Some(role.into()), departments: true, ..Needs::default() };
    let there = load(&wants(Role::Approver)).await;
    assert_eq!(there.group_grants.iter().map(|grant| (grant.id, grant.scope)).collect::<Vec<_>>(), [(on, department)]);
    assert_eq!(there.role_until, Some(until));
    assert_eq!(load(&wants(Role::Owner)).await.role_until, Some(Timestamp::NEVER));
    assert_eq!(load(&wants(Role::Admin)).await.role_until, Some(Timestamp::from_millis(0)));
    needs.member = Some((world.network, World::id(&world.ben)));
    needs.tenant_key = Some("nobody".into());
    let other = load(&needs).await;
    assert!(!other.member && !other.tenant_taken);
    let missing = world.store.load(crate::id::TenantId::NIL, &Needs::default(), None).await.unwrap();
    assert_eq!(missing.epoch, None);
    // The empty text is a text.
    let short = world.ticket("short").await;
    let mut needs = Needs { texts: true, ..Needs::default() };
    needs.tickets.insert(short);
    assert_eq!(load(&needs).await.cases[0].text.as_ref().map(|text| text.description.as_str()), Some(""));
}

pub(super) async fn ancestors_come_nearest_first(bench: &Bench) {
    let world = bench.world().await;
    let mut above = None;
    let mut line = vec![];
    for n in 0..5 {
        let fields = Patch { parent: above.map(Some), ..Patch::default() };
        let id = world.must(&world.ana, CreateTicket::new(world.it, format!("{n}")).fields(fields)).await;
        above = Some(id);
        line.push(id);
    }
    let needs = Needs { above: Some(line[3]), ..Needs::default() };
    let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
    let ids: Vec<_> = loaded.ancestors.iter().map(|(id, _)| *id).collect();
    // Each has become a parent: version 2.
    assert_eq!(ids, [line[2], line[1], line[0]]);
    assert!(loaded.ancestors.iter().all(|(_, version)| *version == 2), "{:?}", loaded.ancestors);
    let top = Needs { above: Some(line[0]), ..Needs::default() };
    assert!(world.store.load(world.tenant, &top, None).await.unwrap().ancestors.is_empty());
}

/// However many grants and groups somebody has, their access and what they read take the same calls, and no statement
/// more than with few.
pub(super) async fn many_grants_cost_no_extra_call(bench: &Bench) {
    let world = bench.world().await;
    let host = world.host();
    let ticket = world.ticket("seen by many grants").await;
    let hire = async |name: &str, count: usize| {
        let new = EnsurePerson::external(world.tenant, name, name).kind(PersonKind::Staff);
        let person = world.must(&host, new).await;
        for n in 0..count {
            let group = CreateGroup::new(world.tenant, GroupKind::Team, format!("{name} {n}"));
            let group = world.must(&host, group).await;
            world.must(&host, AddMember { group, person }).await;
            let to: Principal = if n % 2 == 0 { person.into() } else { group.into() };
            let scope = if n % 3 == 0 { Scope::Ticket(ticket) } else { Scope::Project(world.it) };
            world.must(&host, GrantRole { role: Role::Agent.into(), to, scope, expires_at: None }).await;
        }
        Actor::person(world.tenant, person)
    };
    let (few, many) = (hire("few", 5).await, hire("many", 60).await);
    let calls = async |by: &Actor| {
        world.desk.ticket(by, ticket).await.unwrap(); // the configuration is in the cache
        world.store.calls();
        world.must(&host, EditTenant { name: Some(format!("named for {by:?}")), suspended: None }).await;
        world.store.calls();
        world.desk.ticket(by, ticket).await.unwrap();
        world.desk.exits(by, ticket).await.unwrap();
        world.desk.tickets(by, &Filter::All, Page::first(50)).await.unwrap();
        world.must(by, Comment::public(ticket, "a word")).await;
        world.store.calls()
    };
    assert_eq!(calls(&few).await, calls(&many).await);
}
