//! Links: read from both ends, made once, and never closing a circle, however many try at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::Bench;
use super::commits::head;
use crate::command::{Comment, CreateTicket, LinkTickets, UnlinkTickets};
use crate::decide::Needs;
use crate::desk::{Desk, Set};
use crate::id::TicketId;
use crate::store::Store;
use crate::testing::{Faulty, World};
use crate::ticket::link::{STEPS_MAX, Step};
use crate::ticket::{Link, LinkKind};

/// In order of id.
async fn tickets<const N: usize>(world: &World) -> [TicketId; N] {
    let mut all = Vec::with_capacity(N);
    for n in 0..N {
        let project = if n % 2 == 0 { world.it } else { world.ops };
        all.push(world.must(&world.ana, CreateTicket::new(project, format!("t{n}"))).await);
    }
    all.sort();
    all.try_into().expect("as many as were made")
}

async fn link(world: &World, ticket: TicketId, kind: LinkKind, to: TicketId) {
    world.must(&world.ana, LinkTickets::new(ticket, kind, to)).await;
}

/// Another desk over the same database, so that the database decides and not the lanes of one process.
async fn desks(bench: &Bench, world: &World, count: usize) -> Vec<Desk> {
    let mut all = vec![];
    for _ in 0..count {
        let desk = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone());
        all.push(desk.build().await.unwrap());
    }
    all
}

/// What these tickets are to which, as the store has it.
async fn links(world: &World, ids: &[TicketId]) -> Vec<(TicketId, LinkKind, TicketId)> {
    let (_, links, _) = world.store.links(world.tenant, ids).await.unwrap();
    links.iter().map(|link| (link.source, link.kind, link.target)).collect()
}

pub(super) async fn links_are_read_from_both_ends(bench: &Bench) {
    let world = bench.world().await;
    let [a, b, c, d, alone] = tickets(&world).await;
    link(&world, a, LinkKind::Blocks, b).await;
    link(&world, c, LinkKind::DuplicatedBy, a).await;
    link(&world, d, LinkKind::Relates, a).await;
    let (epoch, of_a, heads) = world.store.links(world.tenant, &[a]).await.unwrap();
    assert_eq!(epoch, super::commits::epoch(&world).await);
    let expected = [(a, LinkKind::Blocks, b), (a, LinkKind::Duplicates, c), (a, LinkKind::Relates, d)];
    assert_eq!(links(&world, &[a]).await, expected, "a has the smallest id");
    assert!(of_a.is_sorted_by_key(Link::key));
    assert!(of_a.iter().all(|link| link.by == world.ana.author() && link.tenant == world.tenant));
    let mut found: Vec<TicketId> = heads.iter().map(|parts| parts.ticket.id).collect();
    found.sort();
    let mut wanted = vec![a, b, c, d];
    wanted.sort();
    assert_eq!(found, wanted, "each head once");
    assert!(heads.iter().all(|parts| !parts.people.is_empty() && parts.links.is_none()));
    assert_eq!(links(&world, &[b]).await, expected[..1]);
    // Asked for from both ends it is told once; who has none, or does not exist, adds none.
    assert_eq!(links(&world, &[d, b, a, alone, TicketId::NIL]).await, expected);
    let (_, none, heads) = world.store.links(world.tenant, &[alone, TicketId::NIL]).await.unwrap();
    assert_eq!((none, heads.len()), (vec![], 1));
    // Taken away from the other end, and another one at the same place.
    world.must(&world.ana, UnlinkTickets::new(b, LinkKind::BlockedBy, a)).await;
    assert_eq!(links(&world, &[a, b]).await, expected[1..]);
    link(&world, b, LinkKind::Blocks, a).await;
    assert_eq!(links(&world, &[b]).await, [(b, LinkKind::Blocks, a)]);
    let other = World::found(bench.store().await, "other").await;
    assert_eq!(links(&other, &[a, b]).await, []);
}

pub(super) async fn links_are_loaded_when_they_are_needed(bench: &Bench) {
    let world = bench.world().await;
    let [a, b, c] = tickets(&world).await;
    link(&world, b, LinkKind::Blocks, a).await;
    link(&world, c, LinkKind::Relates, b).await;
    let needs = Needs { tickets: [a, b, c].into(), links: [a, b].into(), ..Needs::default() };
    let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
    let of = |id| {
        let parts = loaded.cases.iter().find(|parts| parts.ticket.id == id).expect("it was asked for");
        parts.links.as_ref().map(|links| links.iter().map(Link::key).collect::<Vec<_>>())
    };
    let (blocks, relates) = ((b, a, LinkKind::Blocks), (b, c, LinkKind::Relates));
    assert_eq!((of(a), of(c)), (Some(vec![blocks]), None));
    assert_eq!(of(b), Some(vec![blocks, relates]));
    assert!(loaded.steps.is_empty());
    let (_, alone) = world.store.tickets(world.tenant, &[a]).await.unwrap();
    assert_eq!(alone[0].links, None);
}

/// Forks that meet again, and two ends at once, give each step once, with the version it was seen at.
pub(super) async fn what_is_behind_a_ticket_is_followed_once(bench: &Bench) {
    let world = bench.world().await;
    let [a, b, c, d, e, f] = tickets(&world).await;
    for (one, two) in [(a, b), (a, c), (b, d), (c, d), (d, e), (f, a)] {
        link(&world, one, LinkKind::Blocks, two).await;
    }
    link(&world, e, LinkKind::Relates, f).await;
    link(&world, e, LinkKind::Duplicates, a).await;
    let behind = async |ends: &[TicketId]| {
        let needs = Needs { behind: ends.iter().copied().collect(), ..Needs::default() };
        let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
        let steps: BTreeSet<Step> = loaded.steps.iter().copied().collect();
        assert_eq!(steps.len(), loaded.steps.len(), "each once");
        for step in &steps {
            assert_eq!(step.version, head(&world, step.ticket).await.version);
        }
        steps.into_iter().map(|step| (step.by, step.ticket)).collect::<BTreeSet<_>>()
    };
    let all = BTreeSet::from([(a, b), (a, c), (b, d), (c, d), (d, e)]);
    assert_eq!(behind(&[a]).await, all);
    assert_eq!(behind(&[d]).await, BTreeSet::from([(d, e)]));
    assert_eq!(behind(&[b, d]).await, BTreeSet::from([(b, d), (d, e)]));
    assert_eq!(behind(&[e]).await, BTreeSet::new());
    assert_eq!(behind(&[TicketId::NIL]).await, BTreeSet::new());
    assert!(all.len() < usize::from(STEPS_MAX));
}

pub(super) async fn a_link_made_by_many_is_one(bench: &Bench) {
    let world = bench.world().await;
    let [a, b] = tickets(&world).await;
    let desks = desks(bench, &world, 4).await;
    let sent: Vec<_> = (0..16)
        .map(|n| {
            let (desk, by) = (desks[n % desks.len()].clone(), world.ana.clone());
            // A symmetric one also the other way round.
            let ask = if n % 2 == 0 {
                LinkTickets::new(a, LinkKind::Relates, b)
            } else {
                LinkTickets::new(b, LinkKind::Relates, a)
            };
            tokio::spawn(async move { desk.act(&by, ask).await.unwrap().changed })
        })
        .collect();
    let changed = join_all(sent).await.into_iter().filter(|done| *done.as_ref().unwrap()).count();
    assert_eq!(changed, 1);
    assert_eq!((head(&world, a).await.version, head(&world, b).await.version), (2, 2));
    assert_eq!(links(&world, &[a, b]).await.len(), 1);
}

/// Everybody links at once so that all together would close circles of two, three and six; what stands in the end is
/// none. The tickets a decision only looked at are what keeps two far ends apart.
pub(super) async fn many_links_never_close_a_circle(bench: &Bench) {
    let world = bench.world().await;
    let desks = desks(bench, &world, 3).await;
    for round in 0..4 {
        let [a, b, c, d, e, f] = tickets(&world).await;
        link(&world, a, LinkKind::Blocks, b).await;
        link(&world, c, LinkKind::Blocks, d).await;
        link(&world, e, LinkKind::Blocks, f).await;
        // No two of the first three write the same ticket: alone they close the circle of six.
        let mut asks = vec![(b, c), (d, e), (f, a)];
        if round % 2 == 1 {
            asks.extend([(b, a), (d, c), (c, b)]);
        }
        let count = asks.len();
        let sent: Vec<_> = asks
            .into_iter()
            .enumerate()
            .map(|(n, (one, two))| {
                let (desk, by) = (desks[(n + round) % desks.len()].clone(), world.ana.clone());
                let ask = LinkTickets::new(one, LinkKind::Blocks, two);
                tokio::spawn(async move { desk.act(&by, ask).await.map_err(|error| error.code()) })
            })
            .collect();
        let done: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
        let refused: Vec<&str> = done.iter().filter_map(|done| done.as_ref().err().copied()).collect();
        assert!(!refused.is_empty() && refused.len() < count, "{refused:?}");
        assert!(refused.iter().all(|code| *code == "FIELD_INVALID"), "{refused:?}");
        let mut next: BTreeMap<TicketId, Vec<TicketId>> = BTreeMap::new();
        for (one, _, two) in links(&world, &[a, b, c, d, e, f]).await {
            next.entry(one).or_default().push(two);
        }
        // Those that block nothing are taken away until none is left; the tickets of a circle would stay.
        while let Some(end) = next.keys().copied().find(|id| !next[id].iter().any(|to| next.contains_key(to))) {
            next.remove(&end);
        }
        assert!(next.is_empty(), "a circle: {next:?}");
    }
}

pub(super) async fn a_link_is_one_load_and_one_commit(bench: &Bench) {
    let world = bench.world().await;
    let [a, b, c] = tickets(&world).await;
    let calls = |expected: &[(&'static str, u64)]| {
        let calls = world.store.calls();
        assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
    };
    world.store.calls();
    link(&world, a, LinkKind::Blocks, b).await;
    calls(&[("commit", 1), ("load", 1)]);
    world.desk.links(&world.ana, a).await.unwrap();
    calls(&[("links", 1)]);
    world.desk.links_of(&world.ana, &[a, b, c]).await.unwrap();
    calls(&[("links", 1)]);
    // Several at once, of which a later one goes by what the earlier ones make and take away.
    let set = |commands| Set { commands, ..Set::default() };
    let around = vec![
        LinkTickets::new(b, LinkKind::Blocks, c).into(),
        Comment::public(c, "waits for both").into(),
        LinkTickets::new(c, LinkKind::Blocks, a).into(),
    ];
    assert_eq!(world.desk.act_all(&world.ana, set(around)).await.unwrap_err().code(), "FIELD_INVALID");
    let turned = vec![
        UnlinkTickets::new(b, LinkKind::BlockedBy, a).into(),
        LinkTickets::new(b, LinkKind::Blocks, a).into(),
        LinkTickets::new(c, LinkKind::Blocks, b).into(),
    ];
    world.store.calls();
    world.desk.act_all(&world.ana, set(turned)).await.unwrap();
    calls(&[("commit", 1), ("load", 1)]);
    let mut expected = vec![(b, LinkKind::Blocks, a), (c, LinkKind::Blocks, b)];
    expected.sort();
    assert_eq!(links(&world, &[a, b, c]).await, expected);
}
