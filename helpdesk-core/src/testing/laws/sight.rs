//! Who sees what: one predicate for lists, counts, reads, commands, events and explanations, whatever was granted on
//! whatever scope, whatever relations give, and whatever the host takes away.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{docs, shown, stored};
use crate::actor::Actor;
use crate::command::Comment;
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::desk::read::Page;
use crate::event::Cursor;
use crate::filter::{Cond, Filter};
use crate::id::TicketId;
use crate::role::explain::{Rule, Whom, explain};
use crate::role::{Access, Authorizer, Permission, Permissions};
use crate::store::{Database, Parts, Store};
use crate::testing::World;
use crate::testing::generate::Population;
use crate::time::Clock;

/// What a host might take away from each of some actors.
#[derive(Clone, Default)]
struct Whims(HashMap<Actor, (Filter, Permissions)>);

impl Authorizer for Whims {
    fn narrow(&self, actor: &Actor, _: &TenantConfig) -> Filter {
        self.0.get(actor).map_or(Filter::All, |(within, _)| within.clone())
    }
    fn veto(&self, actor: &Actor, _: &TenantConfig) -> Permissions {
        self.0.get(actor).map_or(Permissions::NONE, |(_, vetoed)| *vetoed)
    }
}

/// For everybody: what is listed is what may be read is what is counted, acted on and told of.
pub async fn lists(store: Arc<dyn Database>, seed: u64) {
    let mut population = peopled(store, &format!("listed{seed}"), seed).await;
    agree(&mut population, &Whims::default(), seed).await;
}

/// The same, with a host that takes away at random.
pub async fn narrowed(store: Arc<dyn Database>, seed: u64) {
    let mut population = peopled(store, &format!("narrowed{seed}"), seed).await;
    let mut whims = Whims::default();
    for (_, actor) in population.world.people().map(|(name, actor)| (name, actor.clone())) {
        // Conditions an authorizer cannot use show nothing, which the law holds, too.
        let (within, _) = population.filter();
        let within = if population.chance.percent(60) { within.negate() } else { within };
        let vetoed = Permission::ALL.iter().copied().filter(|_| population.chance.percent(15)).collect();
        whims.0.insert(actor, (within, vetoed));
    }
    agree(&mut population, &whims, seed).await;
}

async fn peopled(store: Arc<dyn Database>, key: &str, seed: u64) -> Population {
    let world = World::found(store, key).await;
    let mut population = Population::found(world, seed).await;
    population.mix_roles(6).await;
    population.grow(160).await;
    population.mix_roles(12).await; // on tickets, too
    if !seed.is_multiple_of(3) {
        population.mix_relations().await;
    }
    population.world.clock.advance(5_001); // some grants end
    population
}

async fn agree(population: &mut Population, whims: &Whims, seed: u64) {
    let stored = stored(population).await;
    let config = population.world.store.config(population.world.tenant).await.unwrap().expect("the tenant");
    let builder = Desk::builder(population.world.store.clone()).clock(population.world.clock.clone());
    let desk = builder.authorizer(whims.clone()).build().await.unwrap();
    let everybody: Vec<Actor> = population.world.people().map(|(_, actor)| actor.clone()).into();
    for viewer in everybody {
        let world = &population.world;
        let now = world.clock.now();
        let (_, standing) = world.store.standing(&viewer).await.unwrap();
        let access = Access::compile(&viewer, standing.person.as_ref(), &standing.grants, &config, now);
        let access = access.narrowed(whims.narrow(&viewer, &config), whims.veto(&viewer, &config));
        let may = |parts: &&Parts| access.on(*parts).has(Permission::TicketRead);
        let open =
            |parts: &&Parts| parts.ticket.deleted_at.is_none() || access.on(*parts).has(Permission::TicketDelete);
        let seen: BTreeSet<TicketId> = stored.iter().filter(may).filter(open).map(|parts| parts.ticket.id).collect();
        for deleted in [false, true] {
            let (wanted, _) = population.filter();
            let wanted = if wanted.mentions(|cond| matches!(cond, Cond::Deleted(_))) { Filter::All } else { wanted };
            let wanted = if deleted { wanted.and(Cond::Deleted(true)) } else { wanted };
            let expected: BTreeSet<TicketId> = stored
                .iter()
                .filter(|parts| seen.contains(&parts.ticket.id) && parts.ticket.deleted_at.is_some() == deleted)
                .filter(|parts| {
                    let workflow = config.workflows.get(&parts.ticket.workflow).expect("its workflow").clone();
                    let internal = access.on(*parts).has(Permission::EntryInternal);
                    wanted.matches(&shown(&(*parts).clone().case(workflow), &seen), &docs(parts), internal)
                })
                .map(|parts| parts.ticket.id)
                .collect();
            let (mut listed, mut page) = (BTreeSet::new(), Page::first(17));
            loop {
                let views = desk.tickets(&viewer, &wanted, page.clone()).await.unwrap();
                let Some(last) = views.last() else { break };
                page = page.after(last.place);
                assert!(views.iter().all(|view| listed.insert(view.case.ticket.id)), "seed {seed}: twice in a list");
            }
            assert_eq!(listed, expected, "seed {seed}: {viewer:?} lists {wanted:?}");
            let count = desk.count(&viewer, &wanted).await.unwrap();
            assert_eq!(count.value as usize, expected.len(), "seed {seed}: {viewer:?} counts {wanted:?}");
        }
        for parts in &stored {
            let (ticket, may) = (parts.ticket.id, access.on(parts));
            let read = desk.ticket(&viewer, ticket).await;
            assert_eq!(read.is_ok(), seen.contains(&ticket), "seed {seed}: {viewer:?} reads {ticket}");
            let permission = *population.chance.pick(Permission::ALL);
            let workflow = config.workflows.get(&parts.ticket.workflow).expect("its workflow").clone();
            let (case, person, grants) = (parts.clone().case(workflow), standing.person.as_ref(), &standing.grants);
            let whom = Whom { actor: &viewer, person, grants, access: &access };
            let told = explain(whom, &config, &case, Permissions::of(&[permission]), now);
            let allowed = seen.contains(&ticket) && may.has(permission);
            assert_eq!(told.allowed(), allowed, "seed {seed}: {told:?}");
            let related = told.relations.iter().any(|reason| reason.gives.has(permission));
            let named = told.deciding().next().is_some() || related || told.rules.contains(&Rule::TenantWide);
            assert!(named || !allowed, "seed {seed}: allowed without a reason: {told:?}");
        }
        tells(&desk, &viewer, &stored, &access, seed).await;
    }
    for parts in stored.iter().take(8) {
        acts(population, &desk, whims, parts, seed).await;
    }
}

/// Events tell of tickets that are seen, and of no others.
async fn tells(desk: &Desk, viewer: &Actor, stored: &[Parts], access: &Access, seed: u64) {
    let (mut told, mut cursor) = (BTreeSet::new(), Cursor::START);
    loop {
        let (events, upto) = desk.events(viewer, &Filter::All, cursor, 500).await.unwrap();
        told.extend(events.iter().filter_map(|event| event.subject.ticket()));
        if upto == cursor {
            break;
        }
        cursor = upto;
    }
    for parts in stored {
        let sees = access.on(parts).has(Permission::TicketRead);
        let gone = parts.ticket.deleted_at.is_some();
        let tells = told.contains(&parts.ticket.id);
        // Of what is deleted, its deletion is told.
        assert!(if sees { tells || gone } else { !tells }, "seed {seed}: {viewer:?} is told of {}", parts.ticket.id);
    }
}

/// Commands find what is seen, and are refused what is not allowed.
async fn acts(population: &Population, desk: &Desk, whims: &Whims, parts: &Parts, seed: u64) {
    let world = &population.world;
    let config = world.store.config(world.tenant).await.unwrap().expect("the tenant");
    for (_, by) in world.people() {
        let (_, standing) = world.store.standing(by).await.unwrap();
        let access = Access::compile(by, standing.person.as_ref(), &standing.grants, &config, world.clock.now());
        let may = access.narrowed(whims.narrow(by, &config), whims.veto(by, &config)).on(parts);
        let expected = if parts.ticket.deleted_at.is_some() || !may.has(Permission::TicketRead) {
            Some("NOT_FOUND")
        } else if !may.has(Permission::EntryWrite) {
            Some("FORBIDDEN")
        } else {
            None
        };
        let done = desk.act(by, Comment::public(parts.ticket.id, "words")).await;
        let code = done.as_ref().err().map(crate::ActError::code);
        assert_eq!(code, expected, "seed {seed}: {by:?} comments on {}", parts.ticket.id);
    }
}
