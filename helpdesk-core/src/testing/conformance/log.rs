//! The log: one order, that of commits, and nothing is ever inserted before what was shown.

use std::collections::BTreeMap;

use super::Bench;
use crate::command::{Comment, CreateTicket, EditTicket, Patch};
use crate::event::{Cursor, Envelope, Subject};
use crate::filter::Filter;
use crate::store::{Log, Which};
use crate::testing::World;
use crate::ticket::Priority;

/// The whole log of one tenant, in pages of `limit`.
async fn read(world: &World, from: Cursor, limit: u16) -> Vec<Envelope> {
    let (mut all, mut cursor) = (vec![], from);
    loop {
        let (events, upto) = world.store.after(Some(world.tenant), cursor, limit).await.unwrap();
        assert!(events.len() <= usize::from(limit));
        assert!(events.iter().all(|event| event.cursor > cursor && event.cursor <= upto));
        if upto == cursor {
            return all;
        }
        all.extend(events);
        cursor = upto;
    }
}

pub(super) async fn the_log_is_in_commit_order(bench: &Bench) {
    let world = bench.world().await;
    let writers: Vec<_> = (0..6)
        .map(|n| {
            let (desk, by, it) = (world.desk.clone(), world.ana.clone(), world.it);
            tokio::spawn(async move {
                let mut placed = vec![];
                let made = desk.act(&by, CreateTicket::new(it, format!("w{n}"))).await.unwrap();
                placed.push(made.cursor);
                for i in 0..5 {
                    let cursor = desk.act(&by, Comment::public(made.out, format!("c{i}"))).await.unwrap().cursor;
                    // It is a place to go on from, though others before it may be unfinished.
                    desk.events(&by, &Filter::All, cursor, 1).await.unwrap();
                    placed.push(cursor);
                }
                placed
            })
        })
        .collect();
    for writer in writers {
        let placed = writer.await.unwrap();
        assert!(placed.is_sorted_by(|a, b| a < b), "what happened later stands later: {placed:?}");
    }
    let all = read(&world, Cursor::START, 7).await;
    assert!(all.is_sorted_by(|a, b| a.cursor < b.cursor));
    let mut last: BTreeMap<Subject, (i64, i32)> = BTreeMap::new();
    for event in &all {
        let place = (event.version, event.ord);
        let before = last.insert(event.subject.clone(), place);
        assert!(before.is_none_or(|before| before < place), "{:?} {place:?} after {before:?}", event.subject);
    }
    assert_eq!(read(&world, Cursor::START, 500).await, all);
}

pub(super) async fn a_cursor_never_skips(bench: &Bench) {
    let world = bench.world().await;
    let from = world.store.head().await.unwrap();
    let other = bench.store().await;
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let (desk, by, it) = (world.desk.clone(), world.ben.clone(), world.it);
            tokio::spawn(async move {
                for i in 0..6 {
                    let id = desk.act(&by, CreateTicket::new(it, format!("w{n} {i}"))).await.unwrap().out;
                    let patch = Patch { priority: Some(Some(Priority::High)), ..Patch::default() };
                    desk.act(&by, EditTicket::new(id, patch)).await.unwrap();
                }
            })
        })
        .collect();
    // A reader that follows while they write, with a store of its own.
    let (mut seen, mut cursor) = (vec![], from);
    let mut idle = 0;
    while seen.len() < 96 && idle < 2000 {
        let (events, upto) = other.after(Some(world.tenant), cursor, 5).await.unwrap();
        idle = if upto == cursor { idle + 1 } else { 0 };
        if upto == cursor {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        seen.extend(events.into_iter().map(|event| event.cursor));
        cursor = upto;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let after: Vec<Cursor> = read(&world, from, 500).await.into_iter().map(|event| event.cursor).collect();
    assert_eq!(after.len(), 96);
    assert_eq!(seen, after, "what was shown while writing is the log");
}

pub(super) async fn history_is_per_subject(bench: &Bench) {
    let world = bench.world().await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    for n in 0..3 {
        world.must(&world.ana, Comment::public(one, format!("{n}"))).await;
        world.must(&world.ana, Comment::public(two, format!("{n}"))).await;
    }
    let subject = Subject::Ticket(one);
    let all = world.store.history(world.tenant, &subject, 0, 100).await.unwrap();
    assert!(all.iter().all(|event| event.subject == subject));
    assert_eq!(all.iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let later = world.store.history(world.tenant, &subject, 2, 100).await.unwrap();
    assert_eq!(later, all[2..]);
    assert_eq!(world.store.history(world.tenant, &subject, 0, 2).await.unwrap(), all[..2]);
    let person = Subject::Person(World::id(&world.rita));
    let hers = world.store.history(world.tenant, &person, 0, 10).await.unwrap();
    assert_eq!(hers.iter().map(|event| event.event.kind().to_owned()).collect::<Vec<_>>(), ["person.added"]);
    let (_, parts) = crate::store::Store::ticket(&world.store, world.tenant, &Which::Id(one), 10).await.unwrap();
    assert_eq!(parts.unwrap().ticket.version, 4);
}

pub(super) async fn the_log_moves_on_over_other_tenants(bench: &Bench) {
    let world = bench.world().await;
    let other = World::found(bench.store().await, "umbrella").await;
    let from = world.store.head().await.unwrap();
    for n in 0..5 {
        other.ticket(&format!("theirs {n}")).await;
    }
    let (events, upto) = world.store.after(Some(world.tenant), from, 100).await.unwrap();
    assert!(events.is_empty());
    assert_eq!(upto, world.store.head().await.unwrap(), "it is read to the end although nothing of ours was there");
    world.ticket("ours").await;
    assert_eq!(read(&world, from, 2).await.len(), 1);
    let (all, _) = world.store.after(None, from, 100).await.unwrap();
    assert_eq!(all.iter().filter(|event| event.tenant == other.tenant).count(), 5);
}
