//! Many at once: conflicts are told, numbers and names are given once, nothing is lost.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Bench;
use super::commits::head;
use crate::actor::Actor;
use crate::command::{
    Asking, Claim, Comment, CreateProject, CreateTicket, EditTicket, EnsurePerson, GrantRole, Patch, Reassign, Relate,
    RevokeRole,
};
use crate::desk::read::Page;
use crate::desk::{Desk, Set};
use crate::error::{ActError, Refusal};
use crate::filter::{Filter, Order, SortBy};
use crate::role::Role;
use crate::store::Store;
use crate::testing::{Faulty, World};
use crate::ticket::{Priority, Relation};
use crate::value::Field;

pub(super) async fn two_writers_on_one_version_conflict_by_field(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("contended").await;
    let patches = [
        Patch { priority: Some(Some(Priority::High)), ..Patch::default() },
        Patch { title: Some("Contended".into()), ..Patch::default() },
    ];
    // Two desks, so that the database decides and not the lanes of one process.
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let [one, two] = patches.clone().map(|patch| EditTicket::new(id, patch).expecting(1));
    let (one, two) = tokio::join!(world.desk.act(&world.ana, one), other.act(&world.ben, two));
    let (changed, error) = match (one, two) {
        (Ok(_), Err(error)) => (Field::Priority, error),
        (Err(error), Ok(_)) => (Field::Title, error),
        (one, two) => panic!("exactly one wins: {one:?} {two:?}"),
    };
    let ActError::Refused(Refusal::Conflict(conflict)) = error else { panic!("no conflict: {error}") };
    assert_eq!((conflict.expected, conflict.current, conflict.fields), (1, 2, vec![changed]));
}

/// A creation does not ask for the policy before it commits: what another desk changed must hold all the same.
pub(super) async fn a_creation_goes_by_the_policy_of_its_commit(bench: &Bench) {
    let world = bench.world().await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let create = |title: &str| CreateTicket::new(world.ops, title);
    let count = async || world.desk.count(&world.root, &Filter::All).await.unwrap().value;
    let refused = world.desk.act(&world.olaf, create("not yet")).await.unwrap_err();
    assert_eq!((refused.code(), count().await), ("FORBIDDEN", 0));
    let grant = other.act(&world.root, GrantRole::new(Role::Agent, World::id(&world.olaf))).await.unwrap().out;
    world.desk.act(&world.olaf, create("granted meanwhile")).await.unwrap();
    other.act(&world.root, RevokeRole { grant }).await.unwrap();
    let refused = world.desk.act(&world.olaf, create("no more")).await.unwrap_err();
    assert_eq!((refused.code(), count().await), ("FORBIDDEN", 1));
}

/// Half of a set may be creatable under the old policy: its numbers are drawn once the whole set is.
pub(super) async fn a_set_gets_all_its_numbers(bench: &Bench) {
    let world = bench.world().await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    // The desk has compiled the owner's access, so that it believes without asking.
    world.must(&world.root, CreateTicket::new(world.it, "one")).await;
    let project = other.act(&world.root, CreateProject::new(world.tenant, "NEW")).await.unwrap().out;
    let set = |titles: [&str; 2]| Set {
        commands: vec![CreateTicket::new(world.it, titles[0]).into(), CreateTicket::new(project, titles[1]).into()],
        ..Set::default()
    };
    world.desk.act_all(&world.root, set(["two", "three"])).await.unwrap();
    world.desk.act_all(&world.root, set(["four", "five"])).await.unwrap();
    let views = world.desk.tickets(&world.root, &Filter::All, Page::first(100)).await.unwrap();
    let mut keys: Vec<&str> = views.iter().map(|view| view.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["IT-1", "IT-2", "IT-3", "NEW-1", "NEW-2"]);
}

pub(super) async fn sixty_four_creators_get_sixty_four_keys(bench: &Bench) {
    let world = bench.world().await;
    let ids = join_all((0..64).map(|n| {
        let (desk, by, create) = (world.desk.clone(), world.ana.clone(), CreateTicket::new(world.it, format!("t{n}")));
        tokio::spawn(async move { desk.act(&by, create).await.unwrap().out })
    }))
    .await;
    let ids: BTreeSet<_> = ids.into_iter().map(Result::unwrap).collect();
    let page = Page::first(100).order(Order { by: SortBy::Number, descending: false });
    let views = world.desk.tickets(&world.ana, &Filter::All, page).await.unwrap();
    let keys: BTreeSet<_> = views.iter().map(|view| view.key.clone()).collect();
    assert_eq!((ids.len(), views.len(), keys.len()), (64, 64, 64));
    assert!(views.iter().all(|view| view.case.ticket.number > 0));
}

pub(super) async fn one_key_sent_by_many_happens_once(bench: &Bench) {
    let world = bench.world().await;
    let desks = join_all((0..4).map(|_| async {
        Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap()
    }))
    .await;
    let sent = desks.iter().cycle().take(16).map(|desk| {
        let (desk, by, ask) = (desk.clone(), world.ana.clone(), CreateTicket::new(world.it, "once").keyed("same"));
        tokio::spawn(async move { desk.act(&by, ask).await.unwrap() })
    });
    let done: Vec<_> = join_all(sent.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    let made: BTreeSet<_> = done.iter().map(|done| (done.out, done.version, done.cursor)).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(done.iter().filter(|done| done.changed).count(), 1);
}

pub(super) async fn comments_of_many_all_arrive(bench: &Bench) {
    let world = bench.world().await;
    let id = world.ticket("busy").await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let sent: Vec<_> = (0..24)
        .map(|n| {
            let desk = if n % 2 == 0 { world.desk.clone() } else { other.clone() };
            let by = world.ben.clone();
            tokio::spawn(async move { desk.act(&by, Comment::public(id, format!("c{n}"))).await.unwrap() })
        })
        .collect();
    let versions: BTreeSet<i64> = join_all(sent).await.into_iter().map(|done| done.unwrap().version).collect();
    assert_eq!(versions, (2..=25).collect());
    assert_eq!(world.store.entries(world.tenant, id, None, 100).await.unwrap().len(), 24);
    assert_eq!(head(&world, id).await.version, 25);
}

pub(super) async fn one_name_is_taken_once(bench: &Bench) {
    let world = bench.world().await;
    let other = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let ask = || CreateProject::new(world.tenant, "TWIN");
    let (one, two) = tokio::join!(world.desk.act(&world.root, ask()), other.act(&world.root, ask()));
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).map(|error| error.code()).collect();
    assert_eq!(refused, ["ALREADY_EXISTS"]);
}

/// Several desks, so that the database decides and not the lanes of one process.
async fn desks(bench: &Bench, world: &World) -> Vec<Desk> {
    let mut all = vec![];
    for _ in 0..4 {
        let desk = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone());
        all.push(desk.build().await.unwrap());
    }
    all
}

pub(super) async fn of_sixty_four_claimers_one_wins(bench: &Bench) {
    let world = bench.world().await;
    let (id, desks) = (world.ticket("wanted").await, desks(bench, &world).await);
    let mut claimers = vec![];
    for n in 0..64 {
        let person = EnsurePerson::external(world.tenant, format!("users/{n}"), format!("Agent {n}"));
        let person = world.must(&world.host(), person).await;
        world.must(&world.host(), GrantRole::new(Role::Agent, person)).await;
        claimers.push(person);
    }
    let sent = claimers.iter().enumerate().map(|(n, person)| {
        let (desk, by) = (desks[n % desks.len()].clone(), Actor::person(world.tenant, *person));
        tokio::spawn(async move { desk.act(&by, Claim { ticket: id }).await })
    });
    let done: Vec<_> = join_all(sent.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    let people = world.desk.ticket(&world.ana, id).await.unwrap().case.who(Relation::Assignee).collect::<Vec<_>>();
    let [winner] = people.as_slice() else { panic!("not one: {people:?}") };
    for (person, done) in claimers.iter().zip(&done) {
        match done {
            Ok(done) => assert!(done.changed && person == winner, "{person} and {winner}"),
            Err(ActError::Refused(Refusal::Claimed { by })) => assert_eq!(by, &people),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((done.iter().filter(|done| done.is_ok()).count(), head(&world, id).await.version), (1, 2));
}

pub(super) async fn of_many_who_hand_over_one_does(bench: &Bench) {
    let world = bench.world().await;
    let (id, desks) = (world.ticket("contended").await, desks(bench, &world).await);
    let from = World::id(&world.ana);
    world.must(&world.ana, Relate::assign(id, [from])).await;
    let heirs = [&world.ben, &world.mia, &world.kai, &world.root];
    let sent = heirs.iter().zip(&desks).map(|(heir, desk)| {
        let (desk, by, to) = (desk.clone(), world.mia.clone(), World::id(heir));
        let ask = Reassign { ticket: id, from, to, reason: "on leave".into() };
        tokio::spawn(async move { desk.act(&by, ask).await.map(|_| to).map_err(|error| error.code()) })
    });
    let done: Vec<_> = join_all(sent.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    let won: Vec<_> = done.iter().filter_map(|done| done.as_ref().ok().copied()).collect();
    let view = world.desk.ticket(&world.mia, id).await.unwrap();
    assert_eq!((won.len(), view.case.who(Relation::Assignee).collect::<Vec<_>>()), (1, won));
    assert!(done.iter().all(|done| !matches!(done, Err(code) if *code != "FIELD_INVALID")), "{done:?}");
    // One interval ended and another began in one version.
    let intervals = world.store.participants(world.tenant, id).await.unwrap();
    let ends = intervals.iter().filter(|it| it.relation == Relation::Assignee);
    let ends: Vec<_> = ends.map(|it| (it.person == from, it.joined, it.until.is_some())).collect();
    assert_eq!(ends.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([(true, 2, true), (false, 3, false)]));
}

pub(super) async fn draw_never_repeats(bench: &Bench) {
    let world = bench.world().await;
    let mut stores = vec![];
    for _ in 0..4 {
        stores.push(bench.store().await);
    }
    let (tenant, project) = (world.tenant, world.it);
    let draws = stores.into_iter().enumerate().map(|(i, store)| {
        let n = i as u32 % 3 + 1;
        tokio::spawn(async move {
            let mut mine = vec![];
            for _ in 0..25 {
                let first = store.draw(tenant, project.into(), n).await.unwrap();
                mine.extend(first..first + i64::from(n));
            }
            mine
        })
    });
    let all: Vec<i64> = join_all(draws.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap).collect();
    let distinct: BTreeSet<i64> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len());
    assert!(distinct.first().is_some_and(|first| *first >= 1));
    let there = world.store.draw(tenant, world.ops.into(), 1).await.unwrap();
    assert_eq!(there, 1, "every project counts by itself");
}
