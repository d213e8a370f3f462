//! Timelines: pages end where versions end, so that nothing is split, skipped or shown twice.

use helpdesk_core::command::{Comment, Relate, Unrelate};
use helpdesk_core::id::{PersonId, TicketId};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::Relation;
use helpdesk_core::{Actor, Envelope};

use super::world;

/// Every page of a timeline, each beginning after the last version of the one before.
async fn pages(world: &World, viewer: &Actor, ticket: TicketId, first: u16) -> Vec<Vec<Envelope>> {
    let (mut pages, mut version) = (vec![], 0);
    loop {
        let page = world.desk.timeline(viewer, ticket, version, first).await.unwrap();
        let Some(last) = page.last() else { return pages };
        assert!(last.version > version);
        version = last.version;
        pages.push(page);
    }
}

#[tokio::test]
async fn a_page_never_splits_the_events_of_one_commit() {
    let world = world().await;
    let ticket = world.ticket("busy").await;
    // Three times more events than are read at once, five to seven in each commit: reads end inside commits.
    let all: Vec<PersonId> = world.people().iter().map(|(_, one)| World::id(one)).collect();
    let mut changes = 0;
    for round in 0..140 {
        let (relation, people) = (Relation::Watcher, all[..5 + round % 3].to_vec());
        changes += people.len();
        world.must(&world.ana, Relate::new(ticket, relation, people.clone())).await;
        if round % 5 == 0 {
            world.must(&world.ana, Comment::internal(ticket, "aside")).await;
        }
        world.must(&world.ana, Unrelate { ticket, relation, people }).await;
    }
    let version = world.desk.ticket(&world.ana, ticket).await.unwrap().version();
    for (viewer, asides) in [(&world.ana, 28), (&world.olaf, 0)] {
        for first in [1, 100, 500] {
            let pages = pages(&world, viewer, ticket, first).await;
            let (count, last) = (pages.len(), pages.last().and_then(|page| page.last()).map(|event| event.version));
            let shown = pages.concat();
            assert!(count > 1 && last == Some(version), "{count} pages up to {last:?}");
            assert!(shown.is_sorted_by(|a, b| (a.version, a.ord) < (b.version, b.ord)), "in order, and nothing twice");
            let many = |kind| shown.iter().filter(|event| event.event.kind() == kind).count();
            let counted = (many("ticket.participant_added"), many("ticket.participant_removed"), many("entry.added"));
            assert_eq!(counted, (changes, changes, asides), "nothing left out by pages of {first}");
        }
    }
}
