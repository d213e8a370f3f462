//! The host's authorizer: what it takes away is nowhere, from the moment its version moves.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::StreamExt;
use helpdesk_core::command::{Comment, CreateTicket, EditTicket, Patch};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::desk::live::Live;
use helpdesk_core::desk::read::Page;
use helpdesk_core::filter::{Cond, Filter, TextIs};
use helpdesk_core::role::explain::Rule;
use helpdesk_core::role::{Authorizer, Permission, Permissions};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::TicketType;
use helpdesk_core::{Actor, Desk};

use super::{head, world};

/// While it is strict, people see bugs alone and write nothing.
#[derive(Clone, Default)]
struct House {
    strict: Arc<AtomicBool>,
    version: Arc<AtomicU64>,
}

impl House {
    fn turn(&self, strict: bool) {
        self.strict.store(strict, Ordering::SeqCst);
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

impl Authorizer for House {
    fn narrow(&self, _: &Actor, _: &TenantConfig) -> Filter {
        let strict = self.strict.load(Ordering::SeqCst);
        if strict { Cond::Type(vec![TicketType::Bug]).into() } else { Filter::All }
    }
    fn veto(&self, _: &Actor, _: &TenantConfig) -> Permissions {
        let strict = self.strict.load(Ordering::SeqCst);
        if strict { Permissions::of(&[Permission::EntryWrite]) } else { Permissions::NONE }
    }
    fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }
}

async fn desk(world: &World, house: &House) -> Desk {
    Desk::builder(world.store.clone()).clock(world.clock.clone()).authorizer(house.clone()).build().await.unwrap()
}

#[tokio::test]
async fn a_change_of_mind_reaches_everything() {
    let (world, house) = (world().await, House::default());
    let desk = desk(&world, &house).await;
    let task = world.ticket("a task").await;
    let fields = Patch { kind: Some(TicketType::Bug), ..Patch::default() };
    let bug = world.must(&world.ana, CreateTicket::new(world.it, "a bug").fields(fields.clone())).await;
    let count = async || desk.count(&world.ben, &Filter::All).await.unwrap().value;
    assert_eq!(count().await, 2);
    house.turn(true);
    assert_eq!(count().await, 1);
    let listed = desk.tickets(&world.ben, &Filter::All, Page::first(10)).await.unwrap();
    assert_eq!(listed.iter().map(|view| view.case.ticket.id).collect::<Vec<_>>(), [bug]);
    assert_eq!(desk.ticket(&world.ben, task).await.unwrap_err().code(), "NOT_FOUND");
    assert_eq!(desk.act(&world.ben, Comment::public(task, "x")).await.unwrap_err().code(), "NOT_FOUND");
    assert_eq!(desk.act(&world.ben, Comment::public(bug, "x")).await.unwrap_err().code(), "FORBIDDEN");
    assert!(!desk.ticket(&world.ben, bug).await.unwrap().may.has(Permission::EntryWrite));
    let told = desk.explain(&world.ben, &world.ben, Permission::EntryWrite, bug).await.unwrap();
    assert!(!told.allowed() && told.rules.contains(&Rule::Vetoed), "{told:?}");
    let told = desk.explain(&world.host(), &world.ben, Permission::TicketRead, task).await.unwrap();
    assert!(!told.allowed() && told.rules.contains(&Rule::Narrowed), "{told:?}");
    let made = desk.act(&world.ben, CreateTicket::new(world.it, "another task")).await;
    assert_eq!(made.unwrap_err().code(), "FORBIDDEN");
    desk.act(&world.ben, CreateTicket::new(world.it, "another bug").fields(fields)).await.unwrap();
    assert_eq!(desk.count(&world.host(), &Filter::All).await.unwrap().value, 3, "the host itself is not narrowed");
    house.turn(false);
    assert_eq!(count().await, 3);
    desk.act(&world.ben, Comment::public(task, "x")).await.unwrap();
}

#[tokio::test]
async fn subscriptions_obey_at_once() {
    let (world, house) = (world().await, House::default());
    let desk = desk(&world, &house).await;
    let task = world.ticket("a task").await;
    let mut feed = pin!(desk.subscribe(&world.ben, Filter::All, head(&world).await));
    let mut seen = vec![];
    for (strict, title) in [(false, "first"), (true, "second"), (false, "third")] {
        house.turn(strict);
        world.must(&world.ana, EditTicket::new(task, Patch { title: Some(title.into()), ..Patch::default() })).await;
        let end = head(&world).await;
        loop {
            match feed.next().await.expect("it goes on").unwrap() {
                Live::Event(event) => seen.push((title, event.event.kind().to_owned())),
                Live::Caught(upto) if upto == end => break,
                Live::Caught(_) => {}
            }
        }
    }
    assert_eq!(seen, [("first", "ticket.edited".to_owned()), ("third", "ticket.edited".to_owned())]);
}

/// Asks for what cannot be checked alike everywhere.
struct Odd(Filter);

impl Authorizer for Odd {
    fn narrow(&self, _: &Actor, _: &TenantConfig) -> Filter {
        self.0.clone()
    }
}

#[tokio::test]
async fn what_an_authorizer_cannot_say_shows_nothing() {
    let world = world().await;
    let ticket = world.ticket("a task").await;
    for odd in [Cond::Text("task".into()), Cond::Parent(vec![]), Cond::Title(TextIs::Equal("\0".into()))] {
        for odd in [Filter::from(odd.clone()), Filter::from(odd).negate()] {
            let desk = Desk::builder(world.store.clone()).clock(world.clock.clone()).authorizer(Odd(odd));
            let desk = desk.build().await.unwrap();
            assert_eq!(desk.count(&world.ana, &Filter::All).await.unwrap().value, 0);
            assert_eq!(desk.ticket(&world.ana, ticket).await.unwrap_err().code(), "NOT_FOUND");
        }
    }
}
