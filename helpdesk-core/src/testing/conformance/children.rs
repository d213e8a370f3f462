//! Sub-tickets that transitions open: their numbers, and what many at once leave behind.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::Bench;
use crate::command::{CreateProject, CreateTicket, MoveTo, PublishWorkflow};
use crate::desk::Desk;
use crate::desk::read::Page;
use crate::filter::Filter;
use crate::id::{ProjectId, TicketId};
use crate::testing::{Faulty, World};
use crate::ticket::Relation;
use crate::workflow::{ChildTemplate, Definition, Effect};

/// A project whose tickets open two sub-tickets here and one in IT when they are taken up.
async fn opening(world: &World) -> ProjectId {
    let child = |title: &str, project| ChildTemplate {
        title: title.into(),
        description: String::new(),
        project,
        group: None,
        kind: None,
        priority: None,
    };
    let text = r#"
        key = "opening"
        name = "Opening"
        states = [{ id = "new", label = "New", category = "new" }, { id = "open", label = "Open", category = "open" }]
        transitions = [
            { id = "create", label = "Create", from = "nothing", to = "new" },
            { id = "take", label = "Take", from = ["new"], to = "open", required = ["estimate"] },
            { id = "give", label = "Give", from = ["new"], to = "open" },
            { id = "back", label = "Back", from = ["open"], to = "new" },
        ]"#;
    let mut definition = Definition::from_toml(text).unwrap();
    let children = vec![child("one", None), child("two", None), child("three", Some(world.it))];
    definition.states[1].enter.push(Effect::OpenChildren(children));
    world.must(&world.root, PublishWorkflow { tenant: world.tenant, definition }).await;
    world.must(&world.root, CreateProject::new(world.tenant, "OPEN").workflow("opening")).await
}

/// T2: every sub-ticket has a number of its own. Without a race for one parent there are no gaps: what is refused takes none.
pub(super) async fn sub_tickets_of_many_have_numbers_of_their_own(bench: &Bench) {
    const PARENTS: usize = 12;
    let world = bench.world().await;
    let project = opening(&world).await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let mut parents = vec![];
    for n in 0..PARENTS {
        parents.push(world.must(&world.mia, CreateTicket::new(project, format!("{n}"))).await);
    }
    let give = |id: TicketId, desk: &Desk| {
        let (desk, by) = (desk.clone(), world.mia.clone());
        tokio::spawn(async move {
            let refused = desk.act(&by, MoveTo::new(id, "take")).await.unwrap_err();
            assert!(["FIELDS_REQUIRED", "TRANSITION_NOT_ALLOWED"].contains(&refused.code()), "{refused}");
            desk.act(&by, MoveTo::new(id, "give")).await.is_ok()
        })
    };
    // Each by one of the two.
    let desks = [&world.desk, &other].into_iter().cycle();
    let went = join_all(parents.iter().zip(desks).map(|(id, desk)| give(*id, desk)).collect::<Vec<_>>()).await;
    assert!(went.into_iter().all(Result::unwrap));
    let upto = |n: usize| (1..=n as i64).collect::<BTreeSet<i64>>();
    let all = numbers(&world, &parents, 3).await;
    assert_eq!(all, BTreeMap::from([(project, upto(3 * PARENTS)), (world.it, upto(PARENTS))]));
    // Each by both: one comes second, and what it had drawn is lost.
    for id in &parents {
        world.must(&world.mia, MoveTo::new(*id, "back")).await;
    }
    let both = parents.iter().flat_map(|id| [give(*id, &world.desk), give(*id, &other)]);
    let went = join_all(both.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
    assert_eq!(went.filter(|went| *went).count(), PARENTS);
    let all = numbers(&world, &parents, 6).await;
    assert_eq!((all[&project].len(), all[&world.it].len()), (5 * PARENTS, 2 * PARENTS));
}

/// The numbers of all tickets, by project; each of `parents` has so many sub-tickets, a third of each kind.
async fn numbers(world: &World, parents: &[TicketId], children: usize) -> BTreeMap<ProjectId, BTreeSet<i64>> {
    let mut numbers: BTreeMap<ProjectId, BTreeSet<i64>> = BTreeMap::new();
    let mut under: BTreeMap<TicketId, BTreeMap<String, usize>> = BTreeMap::new();
    for view in world.desk.tickets(&world.mia, &Filter::All, Page::first(100)).await.unwrap() {
        let ticket = &view.case.ticket;
        assert!(numbers.entry(ticket.project).or_default().insert(ticket.number), "{} twice", view.key);
        if let Some(parent) = ticket.parent {
            assert!(view.case.is(World::id(&world.mia), Relation::Requester));
            *under.entry(parent).or_default().entry(ticket.title.clone()).or_default() += 1;
        }
    }
    let each = BTreeMap::from(["one", "two", "three"].map(|title| (title.to_owned(), children / 3)));
    assert_eq!(under, parents.iter().map(|parent| (*parent, each.clone())).collect());
    numbers
}
