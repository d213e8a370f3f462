//! Boards: the cards of a board are the tickets its columns show and the viewer may see, each once, in one order that is
//! everybody's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::stored;
use crate::actor::Actor;
use crate::board::{Board, Rank};
use crate::command::{CreateBoard, MoveCard, MoveTo, NewColumn};
use crate::event::{Cursor, Event, Subject};
use crate::filter::{Cond, Filter};
use crate::id::{BoardId, TicketId};
use crate::role::{Access, Permission};
use crate::store::{Database, Log, Parts, Store};
use crate::testing::World;
use crate::testing::generate::Population;
use crate::time::Clock;

/// What a law on boards saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moves {
    /// Cards that were moved.
    pub done: usize,
    /// Cards that were listed, all viewers together.
    pub listed: usize,
    /// Boards that some viewer does not know.
    pub hidden: usize,
}

/// For every viewer: cards == tickets that match and may be seen == what is counted; in an order that is strict and the
/// same for all; and nobody is told of a card they do not see.
pub async fn boards(store: Arc<dyn Database>, seed: u64) -> Moves {
    let world = World::found(store, &format!("boards{seed}")).await;
    let mut population = Population::found(world, seed).await;
    population.mix_roles(8).await;
    population.grow(120).await;
    let boards = set_up(&mut population).await;
    let mut moves = Moves::default();
    for _ in 0..120 {
        if population.chance.percent(30) {
            let ways = ["start", "review", "finish", "back"];
            let (ticket, way) = (*population.chance.pick(&population.tickets.clone()), *population.chance.pick(&ways));
            drop(population.world.act(&population.world.ana.clone(), MoveTo::new(ticket, way)).await);
        }
        moves.done += usize::from(moved(&mut population, &boards).await);
    }
    let config = population.world.store.config(population.world.tenant).await.unwrap().expect("the tenant");
    let (stored, places) = (stored(&population).await, places(&population.world).await);
    let people = population.world.people().map(|(_, actor)| actor.clone());
    for viewer in people {
        let world = &population.world;
        let (_, standing) = world.store.standing(&viewer).await.unwrap();
        let access = Access::compile(&viewer, standing.person.as_ref(), &standing.grants, &config, world.clock.now());
        for id in &boards {
            let board = &config.boards[id];
            let may = access.in_project(board.project);
            let known = may.has(Permission::TicketRead) || may.has(Permission::TicketCreate);
            assert_eq!(world.desk.board(&viewer, *id).await.is_ok(), known, "seed {seed}: {viewer:?} knows {id}");
            moves.hidden += usize::from(!known);
            if known {
                moves.listed += agrees(world, &viewer, board, &stored, &places, &access, seed).await;
            } else {
                let read = world.desk.cards(&viewer, *id, board.columns[0].id, 10, None).await;
                assert_eq!(read.unwrap_err().code(), "NOT_FOUND", "seed {seed}");
            }
        }
        told(world, &viewer, &stored, &access, seed).await;
    }
    moves
}

/// Boards with random columns, of which one shows some tickets only.
async fn set_up(population: &mut Population) -> Vec<BoardId> {
    let world = population.world.clone();
    let mine = Cond::Mine(crate::ticket::Relation::ALL.to_vec());
    let filters = [Filter::All, Filter::from(Cond::Tag(vec![world.urgent])).or(mine)];
    let mut boards = Vec::new();
    for (project, states) in [
        (world.it, ["todo", "in_progress", "review", "done"]),
        (world.ops, ["new", "in_progress", "resolved", "closed"]),
    ] {
        for (n, filter) in filters.iter().enumerate() {
            let cut = 1 + population.chance.below(3);
            let (left, right) = states.split_at(cut);
            let right = &right[population.chance.below(right.len())..];
            let columns = [NewColumn::new("left", left.to_vec()), NewColumn::new("right", right.to_vec())];
            let board = CreateBoard::new(project, format!("board {n}")).columns(columns).filter(filter.clone());
            boards.push(world.must(&world.host(), board).await);
        }
    }
    boards
}

/// Somebody moves some card somewhere; whether it was allowed.
async fn moved(population: &mut Population, boards: &[BoardId]) -> bool {
    let world = population.world.clone();
    let board = *population.chance.pick(boards);
    let config = world.store.config(world.tenant).await.unwrap().expect("the tenant");
    let columns = config.boards[&board].columns.clone();
    let mut tickets = Vec::new();
    for column in &columns {
        let cards = world.desk.cards(&world.host(), board, column.id, 100, None).await.unwrap();
        tickets.extend(cards.into_iter().map(|card| card.view.case.ticket.id));
    }
    if tickets.is_empty() || population.chance.percent(10) {
        tickets.clone_from(&population.tickets);
    }
    let people = world.people().map(|(_, actor)| actor.clone());
    let by = if population.chance.percent(60) { world.root.clone() } else { population.chance.pick(&people).clone() };
    let (ticket, beside) = (*population.chance.pick(&tickets), *population.chance.pick(&tickets));
    let ask = MoveCard::new(board, ticket, population.chance.pick(&columns).id);
    let ask = match population.chance.below(4) {
        0 => ask,
        1 => ask.after(beside),
        _ => ask.before(beside),
    };
    world.act(&by, ask).await.is_ok()
}

/// Where the log says that cards stand.
async fn places(world: &World) -> BTreeMap<(BoardId, TicketId), Rank> {
    let (mut places, mut cursor) = (BTreeMap::new(), Cursor::START);
    loop {
        let (events, upto) = world.store.after(Some(world.tenant), cursor, 500).await.unwrap();
        if upto == cursor {
            return places;
        }
        cursor = upto;
        for envelope in events {
            if let Event::CardMoved(moved) = &envelope.event {
                assert_eq!(envelope.subject, Subject::Card(moved.board, moved.ticket));
                places.insert((moved.board, moved.ticket), moved.rank.parse().expect("a rank"));
            }
        }
    }
}

/// Holds what one viewer sees of a board against what is stored; how many cards that is.
async fn agrees(
    world: &World,
    viewer: &Actor,
    board: &Board,
    stored: &[Parts],
    places: &BTreeMap<(BoardId, TicketId), Rank>,
    access: &Access,
    seed: u64,
) -> usize {
    let mut listed = 0;
    for column in board.live() {
        let wanted = board.cards([column]).bind(viewer.person_id());
        let shown = stored.iter().filter(|parts| access.on(*parts).has(Permission::TicketRead));
        let mut expected: Vec<(Rank, TicketId)> = shown
            .filter(|parts| wanted.matches(*parts, &[], false))
            .map(|parts| {
                let ticket = &parts.ticket;
                let place = places.get(&(board.id, ticket.id));
                (place.cloned().unwrap_or_else(|| Rank::of(ticket.number)), ticket.id)
            })
            .collect();
        expected.sort();
        let mut found: Vec<(Rank, TicketId)> = Vec::new();
        loop {
            let after = found.last().map(|(rank, _)| rank.clone());
            let page = world.desk.cards(viewer, board.id, column.id, 7, after).await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page.into_iter().map(|card| (card.rank, card.view.case.ticket.id)));
        }
        assert_eq!(found, expected, "seed {seed}: {viewer:?} on {}", board.name);
        assert!(found.is_sorted_by(|a, b| a.0 < b.0), "seed {seed}: a strict order");
        let count = world.desk.count_cards(viewer, board.id, column.id).await.unwrap();
        assert_eq!(count.value as usize, expected.len(), "seed {seed}");
        listed += found.len();
    }
    listed
}

/// Cards are told of to those who see the ticket.
async fn told(world: &World, viewer: &Actor, stored: &[Parts], access: &Access, seed: u64) {
    let (mut told, mut cursor) = (BTreeSet::new(), Cursor::START);
    loop {
        let (events, upto) = world.desk.events(viewer, &Filter::All, cursor, 500).await.unwrap();
        told.extend(events.iter().filter_map(|event| event.subject.shows()));
        if upto == cursor {
            break;
        }
        cursor = upto;
    }
    for parts in stored.iter().filter(|parts| !access.on(*parts).has(Permission::TicketRead)) {
        assert!(!told.contains(&parts.ticket.id), "seed {seed}: {viewer:?} is told of {}", parts.ticket.id);
    }
}
