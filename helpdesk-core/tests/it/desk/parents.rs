//! Parents: nothing tells a hidden one from an unknown one, and the old one hears when a sub-ticket leaves it.

use std::sync::Arc;

use futures_util::StreamExt;
use helpdesk_core::command::{CreateTicket, DeleteTicket, EditTicket, MoveTo, Patch, PublishWorkflow, RestoreTicket};
use helpdesk_core::desk::live::Live;
use helpdesk_core::desk::read::{Page, View};
use helpdesk_core::error::WorkflowRefusal;
use helpdesk_core::event::{ChildAdded, ChildRemoved};
use helpdesk_core::filter::{Cond, Filter, Order, SortBy};
use helpdesk_core::id::{ProjectId, TicketId};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::{Priority, Visibility};
use helpdesk_core::time::Timestamp;
use helpdesk_core::value::Field;
use helpdesk_core::workflow::{Definition, Workflow};
use helpdesk_core::{ActError, Actor, Cursor, Envelope, Event, Refusal};

use super::{head, world};

/// A ticket only moderators see.
async fn secret(world: &World) -> TicketId {
    let fields = Patch { visibility: Some(Visibility::Restricted), ..Patch::default() };
    world.must(&world.mia, CreateTicket::new(world.it, "secret").fields(fields)).await
}

fn under(parent: Option<TicketId>) -> Patch {
    Patch { parent: Some(parent), ..Patch::default() }
}

async fn child(world: &World, project: ProjectId, parent: TicketId) -> TicketId {
    world.must(&world.mia, CreateTicket::new(project, "small").fields(under(Some(parent)))).await
}

/// What a filter finds: the tickets by id, the count, and the number of events.
async fn found(world: &World, viewer: &Actor, filter: &Filter) -> (Vec<TicketId>, u32, usize) {
    let views = world.desk.tickets(viewer, filter, Page::first(100)).await.unwrap();
    let count = world.desk.count(viewer, filter).await.unwrap();
    let (events, _) = world.desk.events(viewer, filter, Cursor::START, 500).await.unwrap();
    let mut list: Vec<TicketId> = views.into_iter().map(|view| view.case.ticket.id).collect();
    list.sort();
    (list, count.value, events.len())
}

/// What a subscription from the beginning delivers until it has caught up.
async fn live(world: &World, viewer: &Actor, filter: &Filter) -> Vec<Arc<Envelope>> {
    let (end, mut told) = (head(world).await, vec![]);
    let mut feed = Box::pin(world.desk.subscribe(viewer, filter.clone(), Cursor::START));
    loop {
        match feed.next().await.expect("it goes on").unwrap() {
            Live::Event(event) => told.push(event),
            Live::Caught(upto) if upto == end => return told,
            Live::Caught(_) => {}
        }
    }
}

#[tokio::test]
async fn a_hidden_parent_filters_like_an_unknown_id() {
    let world = world().await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let mut under_hidden = [child(&world, world.it, hidden).await, child(&world, world.ops, hidden).await];
    under_hidden.sort();
    let under_open = child(&world, world.it, open).await;
    let unknown: TicketId = uuid::Uuid::from_u128(7 << 76 | 1 << 63).into();
    let asks = |ids: &[TicketId]| Filter::from(Cond::Parent(ids.to_vec()));
    let shapes: [fn(Filter) -> Filter; 4] = [
        |asked| asked,
        |asked| Filter::Not(Box::new(asked)),
        |asked| Filter::And(vec![Filter::All, asked]),
        |asked| Filter::Or(vec![Filter::None, Filter::Not(Box::new(asked))]),
    ];
    for viewer in [&world.ana, &world.kai, &world.olaf, &world.rita] {
        assert_eq!(found(&world, viewer, &asks(&[unknown])).await, (vec![], 0, 0));
        for shape in shapes {
            for (one, other) in [(vec![hidden], vec![unknown]), (vec![hidden, open], vec![unknown, open])] {
                let (one, other) = (shape(asks(&one)), shape(asks(&other)));
                assert_eq!(found(&world, viewer, &one).await, found(&world, viewer, &other).await, "{one:?}");
            }
        }
    }
    assert_eq!(found(&world, &world.ana, &asks(&[hidden, open])).await.0, [under_open]);
    assert_eq!(found(&world, &world.mia, &asks(&[hidden])).await.0, under_hidden);
}

#[tokio::test]
async fn a_deleted_parent_looks_like_none_to_those_who_cannot_restore_it() {
    let world = world().await;
    let gone = world.ticket("gone").await;
    let mut small = vec![child(&world, world.it, gone).await, child(&world, world.it, gone).await];
    small.sort();
    world.must(&world.mia, DeleteTicket { ticket: gone, reason: None }).await;
    let (under_it, under_none) = (Filter::from(Cond::Parent(vec![gone])), Filter::from(Cond::Parent(vec![])));
    for viewer in [&world.ana, &world.olaf] {
        let views = world.desk.tickets(viewer, &Filter::All, Page::first(9)).await.unwrap();
        let one = world.desk.ticket(viewer, small[0]).await.unwrap();
        let many = world.desk.tickets_by_id(viewer, &small).await.unwrap();
        assert!(views.iter().chain(&many).chain([&one]).all(|view| view.case.ticket.parent.is_none()));
        assert_eq!(found(&world, viewer, &under_it).await, (vec![], 0, 0));
        assert_eq!(found(&world, viewer, &under_it.clone().negate()).await.0, small);
        let (list, count, _) = found(&world, viewer, &under_none).await;
        assert_eq!((list, count), (small.clone(), 2));
        let (events, _) = world.desk.events(viewer, &Filter::All, Cursor::START, 500).await.unwrap();
        let told = |event: &&Arc<Envelope>| event.event.data().contains(&gone.to_string());
        assert_eq!(events.iter().find(told), None);
    }
    let seen = world.desk.ticket(&world.mia, small[0]).await.unwrap();
    assert_eq!(seen.case.ticket.parent, Some(gone));
    assert_eq!(found(&world, &world.mia, &under_it).await.0, small);
    assert_eq!(found(&world, &world.mia, &under_none).await.0, []);
    world.must(&world.mia, RestoreTicket { ticket: gone, reason: None }).await;
    assert_eq!(found(&world, &world.ana, &under_it).await.0, small);
    assert_eq!(found(&world, &world.ana, &under_none).await.0, [gone]);
}

#[tokio::test]
async fn who_has_no_parent_goes_by_what_the_viewer_is_shown() {
    let world = world().await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let deleted = world.ticket("deleted").await;
    for parent in [hidden, open, deleted, hidden, open] {
        child(&world, world.it, parent).await;
        child(&world, world.ops, parent).await;
    }
    world.must(&world.mia, DeleteTicket { ticket: deleted, reason: None }).await;
    let none = || Filter::from(Cond::Parent(vec![]));
    let under_open = || Filter::from(Cond::Parent(vec![open]));
    let in_it = Filter::from(Cond::Project(vec![world.it]));
    let text = Filter::from(Cond::Text("small".into()));
    let shapes = [
        none(),
        none().negate(),
        none().negate().negate(),
        none().and(in_it.clone()),
        none().negate().and(in_it.clone()),
        none().or(under_open()),
        Filter::Or(vec![under_open().negate(), none()]).negate(),
        Filter::And(vec![none().negate(), under_open().negate()]),
    ];
    for viewer in [&world.ana, &world.kai, &world.olaf, &world.mia, &world.rita] {
        let all = world.desk.tickets(viewer, &Filter::All, Page::first(100)).await.unwrap();
        for shape in &shapes {
            let fits = |view: &&View| shape.matches(&view.case, &[], false);
            let mut expected: Vec<TicketId> = all.iter().filter(fits).map(|view| view.case.ticket.id).collect();
            expected.sort();
            let (list, count, _) = found(&world, viewer, shape).await;
            assert_eq!((&list, count as usize), (&expected, expected.len()), "{shape:?}");
            let (told, _) = world.desk.events(viewer, shape, Cursor::START, 500).await.unwrap();
            assert_eq!(told, live(&world, viewer, shape).await, "{shape:?}");
            let mut told: Vec<TicketId> = told.iter().filter_map(|event| event.subject.ticket()).collect();
            told.retain(|id| *id != deleted); // that it was deleted is told
            told.sort();
            told.dedup();
            assert_eq!(told, expected, "{shape:?}");
            // In pages of two, and with what only the database can tell.
            let (mut paged, mut page) = (vec![], Page::first(2));
            loop {
                let views = world.desk.tickets(viewer, shape, page.clone()).await.unwrap();
                let Some(last) = views.last() else { break };
                page = page.after(last.place);
                paged.extend(views.into_iter().map(|view| view.case.ticket.id));
            }
            paged.sort();
            assert_eq!(paged, expected, "{shape:?}");
            let small: Vec<TicketId> =
                expected.into_iter().filter(|id| ![hidden, open, deleted].contains(id)).collect();
            let views = world.desk.tickets(viewer, &shape.clone().and(text.clone()), Page::first(100)).await.unwrap();
            let mut list: Vec<TicketId> = views.into_iter().map(|view| view.case.ticket.id).collect();
            list.sort();
            assert_eq!(list, small, "{shape:?} with text");
        }
    }
}

#[tokio::test]
async fn who_has_no_parent_is_told_in_one_statement() {
    let world = world().await;
    let hidden = secret(&world).await;
    for _ in 0..60 {
        let parent = world.ticket("open").await;
        child(&world, world.it, parent).await;
        child(&world, world.it, parent).await;
    }
    world.clock.advance(1_000);
    let orphan = child(&world, world.it, hidden).await;
    let none = Filter::from(Cond::Parent(vec![]));
    world.desk.tickets(&world.ana, &none, Page::first(50)).await.unwrap();
    let calls = async |viewer: &Actor, filter: &Filter| {
        world.store.calls();
        let views = world.desk.tickets(viewer, filter, Page::first(50)).await.unwrap();
        let calls = world.store.calls();
        (views, calls.values().sum::<u64>())
    };
    let (views, used) = calls(&world.ana, &none).await;
    assert_eq!((views.len(), views[0].case.ticket.id), (50, orphan));
    assert!(views.iter().all(|view| view.case.ticket.parent.is_none()));
    assert_eq!(used, 2, "the list, and the parents it shows");
    let (views, used) = calls(&world.mia, &none).await;
    assert_eq!((views.len(), used), (50, 1));
    assert_eq!(found(&world, &world.ana, &none).await.1, 61);
    let (_, used) = calls(&world.ana, &none.clone().negate()).await;
    assert_eq!(used, 2);
    let (_, used) = calls(&world.ana, &none.clone().and(Filter::from(Cond::Parent(vec![hidden])))).await;
    assert_eq!(used, 1, "that a parent is hidden costs what an unknown one costs");
    world.store.calls();
    world.desk.count(&world.ana, &none).await.unwrap();
    assert_eq!(world.store.calls().values().sum::<u64>(), 1);
    // However often it is asked for.
    let wide = Filter::Or(vec![none; 90]);
    assert_eq!(found(&world, &world.ana, &wide).await.1, 61);
    assert_eq!(found(&world, &world.mia, &wide).await.1, 61);
}

#[tokio::test]
async fn pages_in_every_order_go_by_the_parents_that_are_shown() {
    let world = world().await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let day = |n: i64| Some(Timestamp::from_millis(n * 86_400_000));
    // Few due dates and priorities, so that ties are broken across pages; hidden and shown parents take turns.
    for n in 0..15 {
        let fields = Patch {
            parent: Some([Some(hidden), None, Some(open)][n % 3]),
            due_at: Some(if n % 5 == 0 { None } else { day(1 + n as i64 % 3) }),
            priority: Some(Some(Priority::ALL[n % 2])),
            ..Patch::default()
        };
        world.must(&world.mia, CreateTicket::new(world.it, "small").fields(fields)).await;
    }
    let none = Filter::from(Cond::Parent(vec![]));
    for viewer in [&world.ana, &world.mia] {
        for (by, filter) in
            [SortBy::Due, SortBy::Priority].into_iter().flat_map(|by| [(by, none.clone()), (by, none.clone().negate())])
        {
            let order = Order { by, descending: false };
            let all = world.desk.tickets(viewer, &Filter::All, Page::first(100).order(order)).await.unwrap();
            let fits = |view: &&View| filter.matches(&view.case, &[], false);
            let expected: Vec<TicketId> = all.iter().filter(fits).map(|view| view.case.ticket.id).collect();
            let (mut paged, mut page) = (vec![], Page::first(2).order(order));
            loop {
                let views = world.desk.tickets(viewer, &filter, page.clone()).await.unwrap();
                let Some(last) = views.last() else { break };
                assert!(views.len() == 2 || paged.len() + 1 == expected.len(), "pages are full up to the last");
                page = page.after(last.place);
                paged.extend(views.into_iter().map(|view| view.case.ticket.id));
            }
            assert_eq!(paged, expected, "{order:?} {filter:?}");
        }
    }
    assert_eq!((found(&world, &world.ana, &none).await.1, found(&world, &world.mia, &none).await.1), (11, 7));
}

/// Who joined (`true`) and who left, by parent.
fn family<'a>(events: impl IntoIterator<Item = &'a Envelope>) -> Vec<(TicketId, bool, TicketId)> {
    let of = |event: &Envelope| match &event.event {
        Event::ChildAdded(ChildAdded { child }) => Some((event.subject.ticket()?, true, *child)),
        Event::ChildRemoved(ChildRemoved { child }) => Some((event.subject.ticket()?, false, *child)),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_parent_hears_when_a_sub_ticket_leaves_it_for_another() {
    let world = world().await;
    let (old, new) = (world.ticket("old").await, world.ticket("new").await);
    for by_transition in [false, true] {
        let small = child(&world, world.it, old).await;
        let from = head(&world).await;
        let fields = under(Some(new));
        if by_transition {
            world.must(&world.ana, MoveTo { fields, ..MoveTo::new(small, "start") }).await;
        } else {
            world.must(&world.ana, EditTicket::new(small, fields)).await;
        }
        let (events, _) = world.desk.events(&world.ana, &Filter::All, from, 500).await.unwrap();
        let told = family(events.iter().map(AsRef::as_ref));
        assert_eq!(told, [(old, false, small), (new, true, small)]);
        // Their timelines say the same, and their versions have moved with it.
        for (parent, last) in [(old, (old, false, small)), (new, (new, true, small))] {
            let timeline = world.desk.timeline(&world.ana, parent, 0, 500).await.unwrap();
            assert_eq!(family(&timeline).last(), Some(&last));
            let version = world.desk.ticket(&world.ana, parent).await.unwrap().version();
            assert_eq!(timeline.last().unwrap().version, version);
        }
        let (list, ..) = found(&world, &world.ana, &Cond::Parent(vec![old]).into()).await;
        assert!(list.is_empty());
    }
}

#[tokio::test]
async fn a_hidden_parent_hears_it_too_and_stays_hidden() {
    let world = world().await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let small = child(&world, world.it, hidden).await;
    let from = head(&world).await;
    world.must(&world.ana, EditTicket::new(small, under(Some(open)))).await;
    let told = |events: Vec<Arc<Envelope>>| family(events.iter().map(AsRef::as_ref));
    let (by_mia, _) = world.desk.events(&world.mia, &Filter::All, from, 500).await.unwrap();
    assert_eq!(told(by_mia), [(hidden, false, small), (open, true, small)]);
    let (by_ana, _) = world.desk.events(&world.ana, &Filter::All, from, 500).await.unwrap();
    assert!(!by_ana.iter().any(|event| event.event.data().contains(&hidden.to_string())));
    assert_eq!(told(by_ana), [(open, true, small)]);
}

#[tokio::test]
async fn a_hidden_parent_can_neither_be_guessed_nor_cleared() {
    let world = world().await;
    let hidden = secret(&world).await;
    let id = child(&world, world.it, hidden).await;
    let edit = async |by: &Actor, parent| world.desk.act(by, EditTicket::new(id, under(parent))).await;
    let says = async |parent| edit(&world.ana, Some(parent)).await.unwrap_err().to_string();
    let guessed = says(hidden).await;
    let unknown: TicketId = uuid::Uuid::from_u128(7 << 76 | 1 << 63).into();
    assert_eq!(guessed.replace(&hidden.to_string(), &unknown.to_string()), says(unknown).await);
    assert!(!edit(&world.ana, None).await.unwrap().changed, "to her it has none");
    assert!(!edit(&world.mia, Some(hidden)).await.unwrap().changed, "to a moderator it has this one");
    assert!(edit(&world.mia, None).await.unwrap().changed);
}

#[tokio::test]
async fn a_transition_that_needs_a_parent_goes_by_the_one_that_is_shown() {
    let world = world().await;
    let built_in = Definition::built_in();
    let mut definition = built_in.into_iter().find(|definition| &*definition.key == Workflow::KANBAN).unwrap();
    definition.transitions.iter_mut().filter(|it| it.id == "start").for_each(|it| it.required.push(Field::Parent));
    world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    let (hidden, open) = (secret(&world).await, world.ticket("open").await);
    let deleted = world.ticket("deleted").await;
    let small = [hidden, open, deleted].map(|parent| child(&world, world.it, parent));
    let small = futures_util::future::join_all(small).await;
    let alone = world.ticket("alone").await;
    world.must(&world.mia, DeleteTicket { ticket: deleted, reason: None }).await;
    let cases =
        [(small[0], [false, true]), (small[1], [true, true]), (small[2], [false, true]), (alone, [false, false])];
    for (ticket, opens) in cases {
        for (viewer, opens) in [&world.ana, &world.mia].into_iter().zip(opens) {
            let view = world.desk.ticket(viewer, ticket).await.unwrap();
            let exits = view.exits();
            let start = exits.iter().find(|exit| exit.transition.id == "start").unwrap();
            assert_eq!(start.missing.is_empty(), opens, "the view of {ticket}");
            let moved = world.desk.act(viewer, MoveTo::new(ticket, "start")).await;
            assert_eq!(moved.is_ok(), opens, "{moved:?}");
            if opens {
                break;
            }
            let Err(ActError::Refused(Refusal::Workflow(WorkflowRefusal::Missing { missing, .. }))) = moved else {
                panic!("{moved:?}")
            };
            assert_eq!(missing, [Field::Parent]);
        }
    }
    // Leaving what is not shown is not having one either; a parent that is shown can be set on the way.
    let other = child(&world, world.it, hidden).await;
    let leaves = MoveTo { fields: under(None), ..MoveTo::new(other, "start") };
    assert_eq!(world.desk.act(&world.ana, leaves).await.unwrap_err().code(), "FIELDS_REQUIRED");
    world.must(&world.ana, MoveTo { fields: under(Some(open)), ..MoveTo::new(other, "start") }).await;
}
