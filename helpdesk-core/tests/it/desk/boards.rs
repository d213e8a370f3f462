//! Boards through the desk: who is told of them, sets with cards in them, and what a repeated command answers.

use helpdesk_core::board::Rank;
use helpdesk_core::command::{
    AddColumn, Asking, Comment, CreateBoard, CreateTicket, EditBoard, EditProject, EditTicket, MoveCard, NewColumn,
    Patch,
};
use helpdesk_core::desk::Set;
use helpdesk_core::event::Cursor;
use helpdesk_core::filter::{Cond, Filter};
use helpdesk_core::id::{BoardId, ColumnId};
use helpdesk_core::testing::World;
use helpdesk_core::{ActError, Actor};

use super::{fault, head, world};

async fn board(world: &World) -> (BoardId, ColumnId, ColumnId) {
    let columns = [NewColumn::new("to do", ["todo"]), NewColumn::new("done", ["done"])];
    let board = world.must(&world.root, CreateBoard::new(world.it, "board").columns(columns)).await;
    let stored = world.desk.board(&world.ana, board).await.unwrap();
    (board, stored.columns[0].id, stored.columns[1].id)
}

/// The kinds of the events `viewer` is told of.
async fn told(world: &World, viewer: &Actor, filter: &Filter, after: Cursor) -> Vec<String> {
    let (events, _) = world.desk.events(viewer, filter, after, 500).await.unwrap();
    events.iter().map(|event| event.event.kind().to_owned()).collect()
}

#[tokio::test]
async fn boards_are_told_of_to_those_who_know_the_project() {
    let world = world().await;
    let before = head(&world).await;
    let (board, todo, _) = board(&world).await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    world.must(&world.ana, MoveCard::new(board, two, todo).before(one)).await;
    let all = ["board.created", "ticket.created", "ticket.created", "board.card_moved"];
    let (it, ops) = (Cond::Project(vec![world.it]).into(), Cond::Project(vec![world.ops]).into());
    for filter in [Filter::All, it] {
        assert_eq!(told(&world, &world.ben, &filter, before).await, all);
        // A requester knows the project, and none of these tickets.
        assert_eq!(told(&world, &world.rita, &filter, before).await, ["board.created"]);
        assert!(told(&world, &world.kai, &filter, before).await.is_empty());
    }
    assert!(told(&world, &world.ben, &ops, before).await.is_empty());
    let only = Filter::from(Cond::Id(vec![two]));
    assert_eq!(told(&world, &world.ben, &only, before).await, ["ticket.created", "board.card_moved"]);
    // The boards of a deleted project are nobody's, and auditors read of them all the same.
    world.must(&world.root, EditProject { deleted: Some(true), ..EditProject::new(world.it) }).await;
    assert!(!told(&world, &world.ben, &Filter::All, before).await.contains(&"board.created".to_owned()));
    assert!(told(&world, &world.root, &Filter::All, before).await.contains(&"board.created".to_owned()));
    assert_eq!(world.desk.board(&world.root, board).await.unwrap_err().code(), "NOT_FOUND");
    assert_eq!(world.desk.boards(&world.root, world.it).await.unwrap_err().code(), "NOT_FOUND");
    let ask = MoveCard::new(board, one, todo);
    assert_eq!(world.act(&world.ana, ask).await.unwrap_err().code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_card_may_go_with_other_commands_and_only_one_of_them() {
    let world = world().await;
    let (board, _, done) = board(&world).await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    let drag = |ticket| MoveCard::new(board, ticket, done).into();
    let set = |commands| Set { commands, ..Set::default() };
    let both = world.desk.act_all(&world.ana, set(vec![drag(one), drag(two)])).await;
    assert_eq!(fault(both), "commands");
    let patch = Patch { title: Some("One".into()), ..Patch::default() };
    let commands = vec![EditTicket::new(one, patch).into(), drag(one), Comment::public(one, "done").into()];
    world.desk.act_all(&world.ana, set(commands)).await.unwrap();
    let cards = world.desk.cards(&world.ana, board, done, 10, None).await.unwrap();
    assert_eq!((cards.len(), cards[0].view.version(), cards[0].comments), (1, 2, 1));
    let alone: Result<_, ActError> =
        world.desk.act_all(&world.root, set(vec![drag(two), CreateBoard::new(world.it, "more").into()])).await;
    assert_eq!(fault(alone), "commands");
}

/// The version is the ticket's, also when only the card moved; a repetition finds the same place in the log.
#[tokio::test]
async fn a_move_inside_a_column_answers_with_the_ticket_s_version() {
    let world = world().await;
    let (board, todo, done) = board(&world).await;
    let (one, two) = (world.ticket("one").await, world.ticket("two").await);
    world.must(&world.ana, Comment::public(two, "words")).await;
    let ask = MoveCard::new(board, two, todo).before(one).expecting(2).keyed("k");
    let first = world.act(&world.ana, ask.clone()).await.unwrap();
    assert_eq!((first.version, first.changed), (2, true));
    let again = world.act(&world.ana, ask).await.unwrap();
    assert_eq!((again.version, again.changed), (2, false));
    let stale = MoveCard::new(board, two, todo).after(one).expecting(1);
    assert_eq!(world.act(&world.ana, stale).await.unwrap_err().code(), "VERSION_CONFLICT");
    let across = MoveCard::new(board, two, done).keyed("across");
    let first = world.act(&world.ana, across.clone()).await.unwrap();
    let again = world.act(&world.ana, across).await.unwrap();
    assert_eq!((first.version, again.version, again.cursor), (3, 3, first.cursor));
}

#[tokio::test]
async fn a_board_has_its_limits() {
    let world = world().await;
    let (board, todo, _) = board(&world).await;
    for n in 0..38 {
        let nothing: [&str; 0] = [];
        let column = NewColumn::new(format!("c{n}"), nothing);
        world.must(&world.root, AddColumn { board, column, before: None }).await;
    }
    let column = NewColumn::new("one more", ["review"]);
    assert_eq!(fault(world.act(&world.root, AddColumn { board, column, before: None }).await), "columns");
    let wide = Filter::Or((0..100).map(|n| Filter::from(Cond::State(vec![format!("s{n}")]))).collect());
    let edit = EditBoard { filter: Some(wide), ..EditBoard::new(board) };
    assert_eq!(fault(world.act(&world.root, edit).await), "filter");
    // What fits by itself is not refused for what a board adds.
    let full = Filter::Or((0..99).map(|n| Filter::from(Cond::State(vec![format!("s{n}"), "todo".into()]))).collect());
    world.must(&world.root, EditBoard { filter: Some(full), ..EditBoard::new(board) }).await;
    let ticket = world.must(&world.ana, CreateTicket::new(world.it, "one")).await;
    let cards = world.desk.cards(&world.ben, board, todo, 10, None).await.unwrap();
    assert_eq!((cards[0].view.case.ticket.id, &cards[0].rank), (ticket, &Rank::of(1)));
    assert_eq!(world.desk.count_cards(&world.ben, board, todo).await.unwrap().value, 1);
    for first in [0, 101] {
        let page = world.desk.cards(&world.ben, board, todo, first, None).await;
        assert_eq!(fault(page), "first");
    }
}
