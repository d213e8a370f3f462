//! Boards: what was configured is read, and cards stand in one order whoever moves them at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Bench;
use crate::board::card::LONG;
use crate::command::{
    AddColumn, Asking, CreateBoard, CreateTicket, DeleteColumn, EditBoard, EditColumn, MoveCard, MoveColumn, NewColumn,
};
use crate::desk::Desk;
use crate::desk::read::CardView;
use crate::filter::Cond;
use crate::id::{BoardId, ColumnId, TicketId};
use crate::store::Store;
use crate::testing::{Chance, Faulty, World};
use crate::ticket::Priority;

/// A board with the columns `to do` and `at work`.
async fn board(world: &World) -> (BoardId, ColumnId, ColumnId) {
    let columns = [NewColumn::new("to do", ["todo"]), NewColumn::new("at work", ["in_progress", "review"])];
    let board = world.must(&world.root, CreateBoard::new(world.it, "board").columns(columns)).await;
    let stored = world.desk.board(&world.ana, board).await.unwrap();
    (board, stored.columns[0].id, stored.columns[1].id)
}

async fn tickets(world: &World, count: usize) -> Vec<TicketId> {
    let mut all = Vec::with_capacity(count);
    for n in 0..count {
        all.push(world.must(&world.ana, CreateTicket::new(world.it, format!("t{n}"))).await);
    }
    all
}

/// A whole column, in pages of `first`.
async fn cards(world: &World, board: BoardId, column: ColumnId, first: u16) -> Vec<CardView> {
    let mut all: Vec<CardView> = Vec::new();
    loop {
        let after = all.last().map(|card| card.rank.clone());
        let page = world.desk.cards(&world.ana, board, column, first, after).await.unwrap();
        let full = page.len() == usize::from(first);
        all.extend(page);
        if !full {
            assert!(all.is_sorted_by(|a, b| a.rank < b.rank), "a total order");
            let count = world.desk.count_cards(&world.ana, board, column).await.unwrap();
            assert_eq!(count.value as usize, all.len());
            return all;
        }
    }
}

fn ids(cards: &[CardView]) -> Vec<TicketId> {
    cards.iter().map(|card| card.view.case.ticket.id).collect()
}

pub(super) async fn boards_are_in_the_configuration(bench: &Bench) {
    let world = bench.world().await;
    let (board, todo, doing) = board(&world).await;
    let filter = Cond::Priority(vec![Priority::High]);
    let edit = EditBoard { name: Some("Bräter".into()), filter: Some(filter.clone().into()), ..EditBoard::new(board) };
    let version = world.act(&world.root, edit.clone().expecting(1)).await.unwrap().version;
    assert_eq!(version, 2);
    let stale = world.act(&world.root, EditBoard { name: Some("late".into()), ..edit }.expecting(1)).await.unwrap_err();
    assert_eq!(stale.code(), "VERSION_CONFLICT");
    let column = NewColumn { colour: "#00ff00".into(), limit: Some(3), ..NewColumn::new("gone", ["done"]) };
    let gone = world.must(&world.root, AddColumn { board, column, before: Some(todo) }).await;
    world.must(&world.root, MoveColumn { board, column: todo, before: Some(gone) }).await;
    world.must(&world.root, EditColumn { limit: Some(Some(7)), ..EditColumn::new(board, doing) }).await;
    world.must(&world.root, DeleteColumn { board, column: gone, into: Some(doing) }).await;
    let config = world.store.config(world.tenant).await.unwrap().unwrap();
    let stored = &config.boards[&board];
    assert_eq!((stored.name.as_str(), &stored.filter, stored.version), ("Bräter", &filter.into(), 6));
    let live: Vec<_> = stored.live().map(|c| (c.id, c.states.join(" "), c.limit)).collect();
    assert_eq!(live, [(todo, "todo".into(), None), (doing, "in_progress review done".into(), Some(7))]);
    let old = stored.columns.iter().find(|column| column.id == gone).expect("it is kept");
    assert_eq!((old.colour.as_str(), old.deleted_at), ("#00ff00", Some(crate::time::Clock::now(&world.clock))));
    assert_eq!(*world.desk.board(&world.ana, board).await.unwrap(), **stored);
}

/// Cards are moved at random and stand where a list says they should.
pub(super) async fn cards_come_in_one_order(bench: &Bench) {
    let world = bench.world().await;
    let (board, todo, _) = board(&world).await;
    let mut list = tickets(&world, 24).await;
    let mut chance = Chance::new(5);
    for n in 0..60 {
        if n == 30 {
            // New ones come last.
            list.extend(tickets(&world, 3).await);
        }
        let (ticket, beside) = (*chance.pick(&list), *chance.pick(&list));
        let ask = MoveCard::new(board, ticket, todo);
        list.retain(|known| *known != ticket);
        let at = list.iter().position(|known| *known == beside);
        let (ask, at) = match (at, chance.below(3)) {
            (Some(at), 0) => (ask.before(beside), at),
            (Some(at), 1) => (ask.after(beside), at + 1),
            (_, _) => (ask, list.len()),
        };
        list.insert(at, ticket);
        world.must(&world.ana, ask).await;
    }
    for first in [100, 7] {
        assert_eq!(ids(&cards(&world, board, todo, first).await), list, "pages of {first}");
    }
}

pub(super) async fn movers_from_two_desks_keep_one_order(bench: &Bench) {
    let world = bench.world().await;
    let (board, todo, _) = board(&world).await;
    let all = tickets(&world, 20).await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let anchor = all[10];
    let movers = all[..8].iter().enumerate().map(|(n, ticket)| {
        let desk = if n % 2 == 0 { world.desk.clone() } else { other.clone() };
        let (by, ticket, home) = (world.ana.clone(), *ticket, all[19]);
        tokio::spawn(async move {
            for turn in 0..50 {
                // To and fro between two places, and below the anchor in the end.
                let ask = MoveCard::new(board, ticket, todo);
                let ask = if turn % 2 == 0 { ask.before(home) } else { ask.after(anchor) };
                desk.act(&by, ask).await.unwrap();
            }
        })
    });
    for done in join_all(movers.collect::<Vec<_>>()).await {
        done.unwrap();
    }
    let order = ids(&cards(&world, board, todo, 9).await);
    let everyone: BTreeSet<TicketId> = order.iter().copied().collect();
    assert_eq!((order.len(), everyone), (20, all.iter().copied().collect()));
    let resting: Vec<TicketId> = order.iter().copied().filter(|ticket| !all[..8].contains(ticket)).collect();
    assert_eq!(resting, all[8..], "those nobody moved keep their order");
    let at = order.iter().position(|ticket| *ticket == anchor).unwrap();
    let below: BTreeSet<TicketId> = order[at + 1..at + 9].iter().copied().collect();
    assert_eq!(below, all[..8].iter().copied().collect(), "all of them stand below the anchor");
}

/// Many cards at one place, from two desks that meet there: ranks stay short, and the order is that of their coming.
pub(super) async fn a_crowded_place_is_spread(bench: &Bench) {
    let world = bench.world().await;
    let (board, todo, _) = board(&world).await;
    let all = tickets(&world, 5).await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let mut longest = 0;
    for n in 0..500 {
        // Each time the lowest of three comes to stand directly below the first ticket.
        let desk = if n % 5 == 0 { &other } else { &world.desk };
        desk.act(&world.ana, MoveCard::new(board, all[1 + n % 3], todo).after(all[0])).await.unwrap();
        if n % 20 == 19 {
            let found = cards(&world, board, todo, 100).await;
            longest = longest.max(found.iter().map(|card| card.rank.as_str().len()).max().unwrap());
            let newest = [n % 3, (n + 2) % 3, (n + 1) % 3].map(|i| all[1 + i]);
            assert_eq!(ids(&found), [&[all[0]], &newest[..], &[all[4]]].concat());
        }
    }
    assert!((30..=LONG).contains(&longest), "{longest}");
}

pub(super) async fn a_card_is_one_load_and_one_commit(bench: &Bench) {
    let world = bench.world().await;
    let (board, todo, doing) = board(&world).await;
    let all = tickets(&world, 3).await;
    let calls = |expected: &[(&'static str, u64)]| {
        let calls = world.store.calls();
        assert_eq!(calls.into_iter().collect::<Vec<_>>(), expected);
    };
    world.desk.cards(&world.ana, board, todo, 10, None).await.unwrap();
    world.store.calls();
    world.must(&world.ana, MoveCard::new(board, all[2], todo).before(all[0])).await;
    calls(&[("commit", 1), ("load", 1)]);
    world.must(&world.ana, MoveCard::new(board, all[1], doing)).await;
    calls(&[("commit", 1), ("load", 1)]);
    world.desk.cards(&world.ana, board, todo, 10, None).await.unwrap();
    calls(&[("cards", 1)]);
    world.desk.count_cards(&world.ana, board, todo).await.unwrap();
    calls(&[("count", 1)]);
}
