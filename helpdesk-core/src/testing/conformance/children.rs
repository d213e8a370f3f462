//! Sub-tickets that transitions open: their numbers, and what many at once leave behind.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::Bench;
use crate::command::{CreateProject, CreateTicket, MoveTo, PublishWorkflow};
use crate::desk::Desk;
use crate::desk::read::Page;
use crate::filter::{Cond, Filter};
use crate::id::{ProjectId, TicketId};
use crate::store::{Counter, Store as _};
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

/// T2: numbers have no gaps as long as nothing but refusals stands between, however many open sub-tickets at once.
pub(super) async fn sub_tickets_of_many_have_numbers_without_gaps(bench: &Bench) {
    const PARENTS: usize = 12;
    let world = bench.world().await;
    let project = opening(&world).await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let mut parents = vec![];
    for n in 0..PARENTS {
        parents.push(world.must(&world.mia, CreateTicket::new(project, format!("{n}"))).await);
    }
    // Twice each: one of the two is refused, or comes second.
    let moves = parents.iter().flat_map(|id| [(*id, &world.desk), (*id, &other)]).map(|(id, desk)| {
        let (desk, by) = (desk.clone(), world.mia.clone());
        tokio::spawn(async move {
            assert_eq!(desk.act(&by, MoveTo::new(id, "take")).await.unwrap_err().code(), "FIELDS_REQUIRED");
            desk.act(&by, MoveTo::new(id, "give")).await.is_ok()
        })
    });
    let went = join_all(moves.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
    assert_eq!(went.filter(|went| *went).count(), PARENTS);
    let mut numbers: BTreeMap<ProjectId, BTreeSet<i64>> = BTreeMap::new();
    let mut under: BTreeMap<TicketId, Vec<String>> = BTreeMap::new();
    for view in world.desk.tickets(&world.mia, &Filter::All, Page::first(100)).await.unwrap() {
        let ticket = &view.case.ticket;
        assert!(numbers.entry(ticket.project).or_default().insert(ticket.number), "{} twice", view.key);
        if let Some(parent) = ticket.parent {
            assert!(view.case.is(World::id(&world.mia), Relation::Requester));
            under.entry(parent).or_default().push(ticket.title.clone());
        }
    }
    let upto = |n: usize| (1..=n as i64).collect::<BTreeSet<i64>>();
    assert_eq!(numbers, BTreeMap::from([(project, upto(3 * PARENTS)), (world.it, upto(PARENTS))]));
    for parent in parents {
        let mut titles = under.remove(&parent).unwrap();
        titles.sort();
        assert_eq!(titles, ["one", "three", "two"]);
        let found = Filter::from(Cond::Parent(vec![parent]));
        assert_eq!(world.desk.count(&world.mia, &found).await.unwrap().value, 3);
    }
    // The next number is the next one.
    let next = |of| world.store.draw(world.tenant, Counter::Numbers(of), 1);
    assert_eq!(next(project).await.unwrap(), 3 * PARENTS as i64 + 1);
    assert_eq!(next(world.it).await.unwrap(), PARENTS as i64 + 1);
}
