//! Parents: nothing tells a hidden one from an unknown one, and the old one hears when a sub-ticket leaves it.

use helpdesk_core::command::{CreateTicket, EditTicket, MoveTo, Patch};
use helpdesk_core::desk::read::Page;
use helpdesk_core::event::{ChildAdded, ChildRemoved};
use helpdesk_core::filter::{Cond, Filter};
use helpdesk_core::id::{ProjectId, TicketId};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::Visibility;
use helpdesk_core::{Actor, Cursor, Envelope, Event};

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
    let told = |events: Vec<std::sync::Arc<Envelope>>| family(events.iter().map(AsRef::as_ref));
    let (by_mia, _) = world.desk.events(&world.mia, &Filter::All, from, 500).await.unwrap();
    assert_eq!(told(by_mia), [(hidden, false, small), (open, true, small)]);
    let (by_ana, _) = world.desk.events(&world.ana, &Filter::All, from, 500).await.unwrap();
    assert!(!by_ana.iter().any(|event| event.event.data().contains(&hidden.to_string())));
    assert_eq!(told(by_ana), [(open, true, small)]);
}
