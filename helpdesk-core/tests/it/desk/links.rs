//! Links: a hidden end leaves no trace at the other one, in lists, counts, events, subscriptions, conflicts or refusals.

use std::sync::Arc;

use futures_util::StreamExt;
use helpdesk_core::command::{Asking, CreateTicket, DeleteTicket, EditTicket, LinkTickets, Patch, UnlinkTickets};
use helpdesk_core::desk::Set;
use helpdesk_core::desk::live::Live;
use helpdesk_core::desk::read::{Linked, Page};
use helpdesk_core::event::{TicketLinked, TicketUnlinked};
use helpdesk_core::id::TicketId;
use helpdesk_core::store::{Commit, Epoch, Outcome, Row, Store, Write};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::link::{LINKS_MAX, STEPS_MAX};
use helpdesk_core::ticket::{Link, LinkKind, Visibility};
use helpdesk_core::time::Clock;
use helpdesk_core::{ActError, Actor, Cursor, Envelope, Event, Filter, Refusal};

use super::{fault, head, world};

/// A ticket only moderators see.
async fn secret(world: &World) -> TicketId {
    let fields = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.mia, CreateTicket::new(world.it, "secret").fields(fields)).await
}

fn unknown() -> TicketId {
    uuid::Uuid::from_u128(7 << 76 | 1 << 63).into()
}

/// What a subscription from the beginning delivers until it has caught up.
async fn live(world: &World, viewer: &Actor) -> Vec<Arc<Envelope>> {
    let (end, mut told) = (head(world).await, vec![]);
    let mut feed = Box::pin(world.desk.subscribe(viewer, Filter::All, Cursor::START));
    loop {
        match feed.next().await.expect("it goes on").unwrap() {
            Live::Event(event) => told.push(event),
            Live::Caught(upto) if upto == end => return told,
            Live::Caught(_) => {}
        }
    }
}

/// Everything `viewer` is shown of all tickets and their links, and of what happened to them, as text.
async fn everything(world: &World, viewer: &Actor, tickets: &[TicketId]) -> String {
    let desk = &world.desk;
    let mut shown = format!("{:?}", desk.tickets(viewer, &Filter::All, Page::first(100)).await.unwrap());
    shown += &format!("{:?}", desk.links_of(viewer, tickets).await.unwrap());
    for ticket in tickets {
        let Ok(view) = desk.ticket(viewer, *ticket).await else { continue };
        shown += &format!("{view:?}{:?}", desk.links(viewer, *ticket).await.unwrap());
        shown += &format!("{:?}", desk.timeline(viewer, *ticket, 0, 500).await.unwrap());
    }
    shown += &format!("{:?}", desk.events(viewer, &Filter::All, Cursor::START, 500).await.unwrap());
    shown + &format!("{:?}", live(world, viewer).await)
}

#[tokio::test]
async fn a_hidden_end_leaves_no_trace_at_the_other() {
    let world = world().await;
    let (hidden, open, other) = (secret(&world).await, world.ticket("open").await, world.ticket("other").await);
    for kind in LinkKind::ALL {
        // One ticket cannot block and be blocked by the same one.
        let ticket = if *kind == LinkKind::BlockedBy { other } else { open };
        world.must(&world.mia, LinkTickets::new(ticket, *kind, hidden)).await;
    }
    world.must(&world.mia, UnlinkTickets::new(open, LinkKind::Relates, hidden)).await;
    world.must(&world.ana, LinkTickets::new(open, LinkKind::Relates, other)).await;
    let all = [hidden, open, other];
    let kinds = ["Blocks", "BlockedBy", "Duplicates", "DuplicatedBy"];
    for viewer in [&world.ana, &world.kai, &world.olaf, &world.rita] {
        let shown = everything(&world, viewer, &all).await;
        assert!(!shown.contains(&hidden.to_string()) && !kinds.iter().any(|kind| shown.contains(kind)), "{shown}");
    }
    let shown = everything(&world, &world.mia, &all).await;
    assert!(shown.contains(&hidden.to_string()) && shown.contains("BlockedBy"), "the sweep finds what is shown");
    let links = world.desk.links(&world.ana, open).await.unwrap();
    let places: Vec<_> = links.iter().map(Linked::place).collect();
    assert_eq!(places, [(LinkKind::Relates, other)]);
    assert_eq!((links[0].ticket.key.as_str(), &links[0].by), ("IT-3", &world.ana.author()));
    // Nor do conflicts: what changed is not said.
    let stale = EditTicket::new(open, Patch { title: Some("x".into()), ..Patch::default() }).expecting(1);
    let Err(ActError::Refused(Refusal::Conflict(conflict))) = world.desk.act(&world.ana, stale).await else {
        panic!("no conflict")
    };
    assert_eq!(conflict.fields, []);
}

#[tokio::test]
async fn a_hidden_end_is_refused_like_an_unknown_one() {
    let world = world().await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let linked = secret(&world).await;
    world.must(&world.mia, LinkTickets::new(open, LinkKind::Blocks, linked)).await;
    let from = head(&world).await;
    let told = |error: ActError, id: TicketId| (error.code(), error.to_string().replace(&id.to_string(), "?"));
    for kind in LinkKind::ALL {
        let mut answers = vec![];
        for id in [hidden, linked, unknown()] {
            let asks = [(open, id), (id, open), (id, id)];
            let mut of = vec![];
            for (ticket, to) in asks {
                of.push(told(world.desk.act(&world.ana, LinkTickets::new(ticket, *kind, to)).await.unwrap_err(), id));
                of.push(told(world.desk.act(&world.ana, UnlinkTickets::new(ticket, *kind, to)).await.unwrap_err(), id));
            }
            of.push(told(world.desk.links(&world.ana, id).await.unwrap_err(), id));
            assert!(of.iter().all(|(code, _)| *code == "NOT_FOUND"), "{of:?}");
            answers.push(of);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
    assert_eq!(head(&world).await, from, "refusals write nothing");
}

#[tokio::test]
async fn losing_the_sight_of_one_end_takes_the_link_away_and_gaining_it_brings_it_back() {
    let world = world().await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    world.must(&world.ana, LinkTickets::new(one, LinkKind::Duplicates, two)).await;
    let told = async |viewer: &Actor| {
        let (events, _) = world.desk.events(viewer, &Filter::All, Cursor::START, 500).await.unwrap();
        let linked = events.iter().filter(|event| matches!(event.event, Event::TicketLinked(_)));
        (world.desk.links(viewer, one).await.unwrap().len(), linked.count())
    };
    assert_eq!(told(&world.ben).await, (1, 2));
    let visible = |visibility| EditTicket::new(two, Patch { visibility: Some(visibility), ..Patch::default() });
    world.must(&world.mia, visible(Visibility::Restricted)).await;
    assert_eq!((told(&world.ben).await, told(&world.mia).await), ((0, 0), (1, 2)));
    world.must(&world.mia, visible(Visibility::Project)).await;
    world.must(&world.mia, DeleteTicket { ticket: two, reason: None }).await;
    assert_eq!((told(&world.ben).await, told(&world.mia).await), ((0, 0), (1, 2)));
}

#[tokio::test]
async fn both_timelines_tell_of_a_link_as_it_is_seen_from_there() {
    let world = world().await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    let linked = world.act(&world.ana, LinkTickets::new(one, LinkKind::Blocks, two)).await.unwrap();
    world.must(&world.ana, UnlinkTickets::new(two, LinkKind::BlockedBy, one)).await;
    assert_eq!((linked.version, linked.changed), (2, true));
    for (ticket, other, kind) in [(one, two, LinkKind::Blocks), (two, one, LinkKind::BlockedBy)] {
        let timeline = world.desk.timeline(&world.ana, ticket, 1, 500).await.unwrap();
        let told: Vec<(i64, &Event)> = timeline.iter().map(|event| (event.version, &event.event)).collect();
        let (came, went) = (TicketLinked { other, kind }.into(), TicketUnlinked { other, kind }.into());
        assert_eq!(told, [(2, &came), (3, &went)]);
        assert_eq!(world.desk.ticket(&world.ana, ticket).await.unwrap().version(), 3);
    }
}

#[tokio::test]
async fn a_new_ticket_is_linked_in_the_set_that_makes_it() {
    let world = world().await;
    let old = world.ticket("old").await;
    let id: TicketId = uuid::Uuid::from_u128(0x019b_8d62_7a80_7000_8000_0000_0000_0001).into();
    let create = CreateTicket { id: Some(id), ..CreateTicket::new(world.it, "new") };
    let set = |commands| Set { commands, ..Set::default() };
    let around = LinkTickets::new(old, LinkKind::BlockedBy, id);
    let commands = vec![create.clone().into(), LinkTickets::new(id, LinkKind::BlockedBy, old).into(), around.into()];
    assert_eq!(fault(world.desk.act_all(&world.ana, set(commands)).await), "to");
    let commands = vec![create.into(), LinkTickets::new(id, LinkKind::BlockedBy, old).into()];
    world.desk.act_all(&world.ana, set(commands)).await.unwrap();
    for (ticket, other, kind, version) in [(id, old, LinkKind::BlockedBy, 1), (old, id, LinkKind::Blocks, 2)] {
        let links = world.desk.links(&world.ana, ticket).await.unwrap();
        assert_eq!(links.iter().map(Linked::place).collect::<Vec<_>>(), [(kind, other)]);
        assert_eq!(world.desk.ticket(&world.ana, ticket).await.unwrap().version(), version);
    }
}

/// Puts links into the database, as many commands would.
async fn put(world: &World, links: Vec<Link>) {
    let writes = links.into_iter().map(|link| Write { before: None, after: Some(Row::Link(link)) }).collect();
    let config = world.store.config(world.tenant).await.unwrap().unwrap();
    let (reads, events, jobs) = (vec![], vec![], vec![]);
    let epoch = Epoch::Seen(config.epoch);
    let commit = Commit { tenant: world.tenant, epoch, writes, reads, events, jobs, key: None, done: None };
    assert_eq!(world.store.commit(commit).await.unwrap(), Outcome::Done(None));
}

fn of(world: &World, ticket: TicketId, kind: LinkKind, other: TicketId) -> Link {
    Link::new(world.tenant, ticket, kind, other, world.ana.author(), world.clock.now())
}

async fn many(world: &World, count: usize) -> Vec<TicketId> {
    let mut all = vec![];
    for n in 0..count {
        all.push(world.ticket(&format!("t{n}")).await);
    }
    all
}

#[tokio::test]
async fn a_ticket_has_so_many_links() {
    let world = world().await;
    let all = many(&world, 52).await;
    let (hub, last) = (all[0], all[51]);
    let kinds = [LinkKind::Blocks, LinkKind::Duplicates, LinkKind::DuplicatedBy, LinkKind::Relates];
    let pairs = all[1..51].iter().flat_map(|to| kinds.map(|kind| of(&world, hub, kind, *to)));
    put(&world, pairs.take(LINKS_MAX - 1).collect()).await;
    world.must(&world.ana, LinkTickets::new(last, LinkKind::Relates, hub)).await;
    for (one, two) in [(hub, last), (last, hub)] {
        let more = world.desk.act(&world.ana, LinkTickets::new(one, LinkKind::Duplicates, two)).await;
        assert_eq!(fault(more), "to");
    }
    let links = world.desk.links(&world.ana, hub).await.unwrap();
    assert!(links.len() == LINKS_MAX && links.is_sorted_by_key(Linked::place));
    world.must(&world.ana, LinkTickets::new(last, LinkKind::Duplicates, all[1])).await;
    world.must(&world.ana, UnlinkTickets::new(hub, LinkKind::Relates, last)).await;
    world.must(&world.ana, LinkTickets::new(hub, LinkKind::Duplicates, last)).await;
}

#[tokio::test]
async fn so_many_steps_are_followed_behind_a_link() {
    let world = world().await;
    let all = many(&world, 50).await;
    let pairs = (0..48).flat_map(|n| all[n + 1..48].iter().map(move |to| (n, *to)));
    let mut steps: Vec<Link> = pairs.map(|(n, to)| of(&world, all[n], LinkKind::Blocks, to)).collect();
    steps.truncate(usize::from(STEPS_MAX));
    assert_eq!(steps.len(), usize::from(STEPS_MAX));
    put(&world, steps).await;
    let (first, end, other) = (all[0], all[48], all[49]);
    world.must(&world.ana, LinkTickets::new(end, LinkKind::Blocks, first)).await;
    // One more, and it is refused whether it closes a circle or not.
    let error = world.desk.act(&world.ana, LinkTickets::new(other, LinkKind::Blocks, end)).await.unwrap_err();
    assert!(error.code() == "FIELD_INVALID" && error.to_string().contains("too many to follow"), "{error}");
    world.must(&world.ana, LinkTickets::new(other, LinkKind::Duplicates, end)).await;
    world.must(&world.ana, UnlinkTickets::new(end, LinkKind::Blocks, first)).await;
    world.must(&world.ana, LinkTickets::new(other, LinkKind::Blocks, end)).await;
}
