//! Reading tickets and what hangs on them.

use std::collections::BTreeSet;

use super::Bench;
use super::commits::{epoch, head};
use crate::command::{Asking, Comment, CreateTicket, EditComment, EditTicket, Patch, Relate, TagTicket, Unrelate};
use crate::event::Subject;
use crate::filter::{Cond, Filter, Order, SortBy};
use crate::id::TicketId;
use crate::store::{Find, Log, Store, Which};
use crate::testing::World;
use crate::ticket::{EntryVisibility, Relation};
use crate::time::{Clock, Timestamp};

fn find(world: &World, filter: Filter, order: Order, limit: u16) -> Find {
    let (tenant, internal) = (world.tenant, Filter::All);
    Find { tenant, filter, internal, parents: Filter::All, order, after: None, limit }
}

/// All pages of a list, with the sort keys in order.
async fn pages(world: &World, mut find: Find) -> Vec<(i64, TicketId)> {
    let mut all: Vec<(i64, TicketId)> = vec![];
    loop {
        let (_, found) = world.store.find(&find).await.unwrap();
        let page: Vec<_> = found.iter().map(|parts| (sort_key(&parts.ticket, find.order), parts.ticket.id)).collect();
        let Some(last) = page.last().copied() else { return all };
        assert!(page.len() <= usize::from(find.limit));
        find.after = Some(last);
        all.extend(page);
    }
}

fn sort_key(ticket: &crate::ticket::Ticket, order: Order) -> i64 {
    match order.by {
        SortBy::Created => ticket.created_at.millis(),
        SortBy::Updated => ticket.updated_at.millis(),
        SortBy::Due => ticket.due_at.unwrap_or(Timestamp::NEVER).millis(),
        SortBy::Priority => ticket.priority as i64,
        SortBy::Number => ticket.number,
    }
}

pub(super) async fn pages_neither_skip_nor_repeat(bench: &Bench) {
    let world = bench.world().await;
    let mut all = BTreeSet::new();
    for n in 0..23_i64 {
        let due = (n % 3 != 0).then(|| world.clock.now().plus_millis(n % 4 * 1000));
        let priority = crate::ticket::Priority::ALL.get(n as usize % 5).copied();
        let fields = Patch { due_at: Some(due), priority: Some(priority), ..Patch::default() };
        all.insert(world.must(&world.ana, CreateTicket::new(world.it, format!("{n}")).fields(fields)).await);
        world.clock.advance(n % 2 * 1000);
    }
    for by in SortBy::ALL {
        for descending in [false, true] {
            for limit in [1, 4, 100] {
                let order = Order { by: *by, descending };
                let list = pages(&world, find(&world, Filter::All, order, limit)).await;
                assert!(list.is_sorted_by(|a, b| if descending { a > b } else { a < b }), "{order:?} {list:?}");
                assert_eq!(list.iter().map(|(_, id)| *id).collect::<BTreeSet<_>>(), all, "{order:?} {limit}");
            }
        }
    }
}

pub(super) async fn pages_hold_under_concurrent_writes(bench: &Bench) {
    let world = bench.world().await;
    let mut old = BTreeSet::new();
    for n in 0..30 {
        old.insert(world.ticket(&format!("old {n}")).await);
    }
    let (desk, by, it) = (world.desk.clone(), world.ben.clone(), world.it);
    let writer = tokio::spawn(async move {
        for n in 0..30 {
            desk.act(&by, CreateTicket::new(it, format!("new {n}"))).await.unwrap();
        }
    });
    let order = Order { by: SortBy::Number, descending: false };
    let list = pages(&world, find(&world, Filter::All, order, 3)).await;
    writer.await.unwrap();
    let ids: Vec<TicketId> = list.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "none twice");
    assert!(old.iter().all(|id| ids.contains(id)), "none of those that were there is skipped");
}

pub(super) async fn counts_stop_at_the_cap(bench: &Bench) {
    let world = bench.world().await;
    for n in 0..7 {
        world.ticket(&n.to_string()).await;
    }
    let find = find(&world, Filter::All, Order::default(), 1);
    for (cap, value, exact) in [(100, 7, true), (7, 7, true), (6, 6, false), (1, 1, false)] {
        let (_, count) = world.store.count(&find, cap).await.unwrap();
        assert_eq!((count.value, count.exact), (value, exact), "cap {cap}");
    }
    let none = Find { filter: Filter::None, ..find };
    let (_, count) = world.store.count(&none, 10).await.unwrap();
    assert_eq!((count.value, count.exact), (0, true));
}

pub(super) async fn tenants_never_meet(bench: &Bench) {
    let world = bench.world().await;
    let other = World::found(bench.store().await, "umbrella").await;
    let theirs = other.ticket("secret").await;
    other.must(&other.ana, Comment::public(theirs, "secret words")).await;
    let store = &world.store;
    let mine = world.tenant;
    assert!(store.ticket(mine, &Which::Id(theirs), 10).await.unwrap().1.is_none());
    assert!(store.ticket(mine, &Which::Key("IT".into(), 1), 10).await.unwrap().1.is_none());
    assert!(store.tickets(mine, &[theirs]).await.unwrap().1.is_empty());
    assert!(store.entries(mine, theirs, None, 10).await.unwrap().is_empty());
    assert!(store.revisions(mine, theirs).await.unwrap().is_empty());
    assert!(store.participants(mine, theirs).await.unwrap().is_empty());
    assert!(store.people(mine, &[World::id(&other.rita)]).await.unwrap().is_empty());
    assert!(store.members(mine, other.network).await.unwrap().is_empty());
    assert!(store.grants(mine).await.unwrap().iter().all(|grant| grant.tenant == mine));
    assert!(store.history(mine, &Subject::Ticket(theirs), 0, 10).await.unwrap().is_empty());
    let all = find(&world, Filter::All, Order::default(), 100);
    assert!(store.find(&all).await.unwrap().1.is_empty());
    assert_eq!(store.count(&all, 10).await.unwrap().1.value, 0);
    let words = find(&world, Cond::Text("secret".into()).into(), Order::default(), 100);
    assert!(store.find(&words).await.unwrap().1.is_empty());
    let mut needs = crate::decide::Needs { texts: true, ..Default::default() };
    needs.tickets.insert(theirs);
    needs.people.insert(World::id(&other.rita));
    let loaded = store.load(mine, &needs, None).await.unwrap();
    assert!(loaded.cases.is_empty() && loaded.people.is_empty());
    let error = world.desk.act(&world.root, Comment::public(theirs, "hello")).await.unwrap_err();
    assert_eq!(error.code(), "NOT_FOUND");
    assert_eq!(store.tenants().await.unwrap().len(), 2);
}

pub(super) async fn entries_come_in_order(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let mut written = vec![];
    for n in 0..9_i64 {
        let comment =
            if n % 2 == 0 { Comment::public(id, format!("{n}")) } else { Comment::internal(id, format!("{n}")) };
        written.push((world.clock.now(), world.must(&world.ana, comment).await));
        world.clock.advance(n % 3 * 1000);
    }
    written.sort();
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = world.store.entries(world.tenant, id, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.created_at, last.id));
        all.extend(page);
    }
    assert_eq!(all.iter().map(|entry| (entry.created_at, entry.id)).collect::<Vec<_>>(), written);
    assert_eq!(all.iter().filter(|entry| entry.visibility == EntryVisibility::Internal).count(), 4);
    let (_, parts) = world.store.ticket(world.tenant, &Which::Id(id), 3).await.unwrap();
    assert_eq!(parts.unwrap().entries, all[..3]);
}

pub(super) async fn revisions_keep_the_old_words(bench: &Bench) {
    let world = bench.world().await;
    let create = CreateTicket::new(world.it, "first title").description("first words");
    let id = world.must(&world.ana, create).await;
    let entry = world.must(&world.ana, Comment::public(id, "first comment")).await;
    let patch =
        Patch { title: Some("second title".into()), description: Some("second words".into()), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(id, patch)).await;
    world.must(&world.ana, EditComment { ticket: id, entry, body: "second comment".into() }).await;
    let all = world.store.revisions(world.tenant, id).await.unwrap();
    let mut shown: Vec<_> = all.iter().map(|r| (r.version, r.of.clone(), r.before.clone())).collect();
    shown.sort();
    let of = |text: &str| text.to_owned();
    let mut expected = vec![
        (3, of("description"), of("first words")),
        (3, of("title"), of("first title")),
        (4, entry.to_string(), of("first comment")),
    ];
    expected.sort();
    assert_eq!(shown, expected);
    assert!(all.is_sorted_by_key(|revision| revision.version), "oldest first");
    let parts = world.store.ticket(world.tenant, &Which::Id(id), 10).await.unwrap().1.unwrap();
    assert_eq!(parts.text.map(|text| text.description).as_deref(), Some("second words"));
    assert_eq!(parts.entries[0].body, "second comment");
}

pub(super) async fn participants_are_intervals(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let ben = World::id(&world.ben);
    let watch = || Relate::new(id, Relation::Watcher, [ben]);
    let leave = || Unrelate { ticket: id, relation: Relation::Watcher, people: vec![ben] };
    let mut instants = vec![];
    for n in 0..3 {
        world.clock.advance(1000);
        instants.push(world.clock.now());
        world.must(&world.ana, watch()).await;
        if n < 2 {
            world.clock.advance(1000);
            instants.push(world.clock.now());
            world.must(&world.ana, leave()).await;
        }
    }
    let all = world.store.participants(world.tenant, id).await.unwrap();
    let key = |p: &crate::ticket::Participant| (p.since, p.relation, p.person);
    assert!(all.is_sorted_by_key(key), "{all:?}");
    let his: Vec<_> = all.iter().filter(|p| p.person == ben).map(|p| (p.since, p.until)).collect();
    let [a, b, c, d, e] = instants[..] else { panic!() };
    assert_eq!(his, [(a, Some(b)), (c, Some(d)), (e, None)]);
    let (_, live) = world.store.tickets(world.tenant, &[id]).await.unwrap();
    let live = &live[0].people;
    assert!(live.iter().all(|p| p.until.is_none()));
    assert!(live.is_sorted_by_key(|p| (p.relation, p.person)));
    assert_eq!(live.iter().filter(|p| p.person == ben).count(), 1);
    // Leaving and joining in the same instant is two intervals, too.
    world.must(&world.ana, leave()).await;
    world.must(&world.ana, watch()).await;
    let (_, live) = world.store.tickets(world.tenant, &[id]).await.unwrap();
    assert_eq!(live[0].people.iter().filter(|p| p.person == ben).count(), 1);
}

/// A store may keep copies of people and tags in a ticket's row, for fast reads: they must be those of the rows.
pub(super) async fn what_is_read_is_what_conditions_see(bench: &Bench) {
    let world = bench.world().await;
    let (ben, rita) = (World::id(&world.ben), World::id(&world.rita));
    let create = CreateTicket { tags: vec![world.urgent], ..CreateTicket::new(world.it, "one") };
    let id = world.must(&world.ana, create).await;
    let agree = async || {
        world.clock.advance(1000);
        let (_, read) = world.store.tickets(world.tenant, &[id]).await.unwrap();
        let [read] = read.as_slice() else { panic!("one ticket") };
        let mut live = world.store.participants(world.tenant, id).await.unwrap();
        live.retain(|participant| participant.until.is_none());
        live.sort_by_key(|participant| (participant.relation, participant.person));
        assert_eq!(read.people, live);
        for person in [ben, rita, World::id(&world.ana)] {
            for relation in Relation::ALL {
                let related = Cond::Related { people: vec![person], relations: vec![*relation] };
                let (_, found) = world.store.find(&find(&world, related.into(), Order::default(), 9)).await.unwrap();
                let is = live.iter().any(|one| (one.person, one.relation) == (person, *relation));
                assert_eq!(found.as_slice(), if is { std::slice::from_ref(read) } else { &[] });
            }
        }
        for tag in [world.urgent, world.printer] {
            let (_, found) =
                world.store.find(&find(&world, Cond::Tag(vec![tag]).into(), Order::default(), 9)).await.unwrap();
            let is = read.tags.iter().any(|tagging| tagging.tag == tag);
            assert_eq!(found.as_slice(), if is { std::slice::from_ref(read) } else { &[] });
        }
        (read.people.len(), read.tags.len())
    };
    assert_eq!(agree().await, (2, 1));
    world.must(&world.ana, Relate::new(id, Relation::Watcher, [rita, ben])).await;
    world.must(&world.ana, Relate::new(id, Relation::Assignee, [ben])).await;
    assert_eq!(agree().await, (5, 1));
    world.must(&world.ana, TagTicket { ticket: id, add: vec![world.printer], remove: vec![] }).await;
    assert_eq!(agree().await, (5, 2));
    world.must(&world.ana, Unrelate { ticket: id, relation: Relation::Watcher, people: vec![rita] }).await;
    world.must(&world.ana, TagTicket { ticket: id, add: vec![], remove: vec![world.urgent] }).await;
    assert_eq!(agree().await, (4, 1));
}

pub(super) async fn a_ticket_is_found_by_key_and_id(bench: &Bench) {
    let world = bench.world().await;
    let create = CreateTicket { tags: vec![world.urgent, world.printer], ..CreateTicket::new(world.it, "one") };
    let id = world.must(&world.ana, create.description("long words")).await;
    let ticket = head(&world, id).await;
    let (_, by_key) = world.store.ticket(world.tenant, &Which::Key("IT".into(), ticket.number), 10).await.unwrap();
    let (_, by_id) = world.store.ticket(world.tenant, &Which::Id(id), 10).await.unwrap();
    assert_eq!(by_key, by_id);
    let parts = by_id.unwrap();
    assert_eq!(parts.text.map(|text| text.description).as_deref(), Some("long words"));
    let mut tags = vec![world.urgent, world.printer];
    tags.sort();
    assert_eq!(parts.tags.iter().map(|tagging| tagging.tag).collect::<Vec<_>>(), tags);
    world.must(&world.ana, TagTicket { ticket: id, add: vec![], remove: vec![tags[0]] }).await;
    let (_, found) = world.store.tickets(world.tenant, &[id]).await.unwrap();
    assert_eq!(found[0].tags.iter().map(|tagging| tagging.tag).collect::<Vec<_>>(), tags[1..]);
}

pub(super) async fn unknown_ids_are_left_out(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let (_, found) = world.store.tickets(world.tenant, &[TicketId::NIL, id]).await.unwrap();
    assert_eq!(found.iter().map(|parts| parts.ticket.id).collect::<Vec<_>>(), [id]);
    assert!(world.store.tickets(world.tenant, &[]).await.unwrap().1.is_empty());
    assert!(world.store.ticket(world.tenant, &Which::Id(TicketId::NIL), 1).await.unwrap().1.is_none());
    assert!(world.store.ticket(world.tenant, &Which::Key("NO".into(), 1), 1).await.unwrap().1.is_none());
    assert!(world.store.people(world.tenant, &[crate::id::PersonId::NIL]).await.unwrap().is_empty());
    assert!(world.store.people(world.tenant, &[]).await.unwrap().is_empty());
    assert!(world.store.config(crate::id::TenantId::NIL).await.unwrap().is_none());
    let nobody = Find { tenant: crate::id::TenantId::NIL, ..find(&world, Filter::All, Order::default(), 1) };
    assert_eq!(world.store.find(&nobody).await.unwrap().0, 0);
}

pub(super) async fn full_text_finds_words_and_beginnings(bench: &Bench) {
    let world = bench.world().await;
    let printer =
        world.must(&world.ana, CreateTicket::new(world.it, "Printer on Fire").description("Überall Rauch")).await;
    let mouse = world.ticket("mouse 100% dead_now").await;
    world.must(&world.ana, Comment::public(mouse, "the printer is fine")).await;
    world.must(&world.ana, Comment::internal(mouse, "suspicious smoke")).await;
    let search = async |words: &str, internal| {
        let find = Find { internal, ..find(&world, Cond::Text(words.into()).into(), Order::default(), 10) };
        let found: BTreeSet<_> = world.store.find(&find).await.unwrap().1.iter().map(|parts| parts.ticket.id).collect();
        found
    };
    let everywhere = || Filter::All;
    assert_eq!(search("printer", everywhere()).await, [printer, mouse].into());
    assert_eq!(search("PRINTER fi", everywhere()).await, [printer, mouse].into());
    assert_eq!(search("fire prin", everywhere()).await, [printer].into());
    assert_eq!(search("uberall", everywhere()).await, [printer].into());
    assert_eq!(search("rau printer", everywhere()).await, [].into(), "only the last word may be a beginning");
    assert_eq!(search("mouse printer", everywhere()).await, [].into(), "words of one text, not of one ticket");
    assert_eq!(search("smoke", everywhere()).await, [mouse].into());
    assert_eq!(search("smoke", Filter::None).await, [].into());
    assert_eq!(search("smoke", Cond::Project(vec![world.ops]).into()).await, [].into());
    assert_eq!(search("smoke", Cond::Project(vec![world.it]).into()).await, [mouse].into());
    for odd in ["", "%", "_", "\"", "'", "printer*", "NEAR(a b)", "a & b | !c:*", "\\", "prin AND fire", "-printer"] {
        search(odd, everywhere()).await;
    }
    assert_eq!(search("", everywhere()).await, [].into());
    assert_eq!(search("%", everywhere()).await, [].into());
}

pub(super) async fn reads_bring_the_epoch(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("one").await;
    let now = epoch(&world).await;
    let list = find(&world, Filter::All, Order::default(), 1);
    assert_eq!(world.store.find(&list).await.unwrap().0, now);
    assert_eq!(world.store.count(&list, 1).await.unwrap().0, now);
    assert_eq!(world.store.ticket(world.tenant, &Which::Id(id), 1).await.unwrap().0, now);
    assert_eq!(world.store.ticket(world.tenant, &Which::Id(TicketId::NIL), 1).await.unwrap().0, now);
    assert_eq!(world.store.tickets(world.tenant, &[id]).await.unwrap().0, now);
    let none = Find { filter: Filter::None, ..list };
    assert_eq!(world.store.find(&none).await.unwrap().0, now, "an empty page brings it, too");
    let stale = world.act(&world.ana, EditTicket::new(id, Patch::default()).expecting(7)).await.unwrap_err();
    assert_eq!(stale.code(), "VERSION_CONFLICT");
}
