//! Approvals: loaded whole, decided by many at once, found in inboxes, mended when somebody leaves.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Bench;
use super::commits::head;
use crate::actor::Actor;
use crate::approval::{ApprovalState, Overall, SlotState, StepState, TemplateDefinition, Verdict, Vote};
use crate::command::*;
use crate::decide::Needs;
use crate::desk::Desk;
use crate::desk::link::LinkKey;
use crate::error::ActError;
use crate::event::{Event, Subject};
use crate::id::{ApprovalId, GroupId, PersonId, TicketId};
use crate::org::{GroupKind, PersonKind};
use crate::role::{Role, Scope};
use crate::store::{Concerned, Log, Store};
use crate::testing::{Faulty, World};
use crate::time::Clock;

/// A template that asks these, in TOML, by this rule.
async fn template(world: &World, key: &str, ask: &str, rule: &str) {
    let text = format!(
        "key = \"{key}\"\nname = \"{key}\"\nwatched = [\"title\"]\n[[steps]]\nkey = \"one\"\nname = \"One\"\nask = [{ask}]\nrule = {rule}"
    );
    let definition = TemplateDefinition::from_toml(&text).expect("a template");
    world.must(&world.host(), PublishTemplate { tenant: world.tenant, definition }).await;
}

fn person(actor: &Actor) -> String {
    format!("{{ person = \"{}\" }}", World::id(actor))
}

async fn request(world: &World, ticket: TicketId, key: &str) -> ApprovalId {
    world.must(&world.ana, RequestApproval::new(ticket, key)).await
}

/// What the store has of a ticket's approvals equals what the desk shows, and is found with several tickets at once.
pub(super) async fn approvals_are_loaded_with_all_that_belongs_to_them(bench: &Bench) {
    let world = bench.world().await;
    template(&world, "two", &format!("{}, {}", person(&world.mia), person(&world.ben)), "\"all\"").await;
    let (one, two, bare) = (world.ticket("one").await, world.ticket("two").await, world.ticket("bare").await);
    let a = request(&world, one, "two").await;
    let b = request(&world, two, "two").await;
    world.must(&world.mia, DecideApproval::approve(one, a)).await;
    world.must(&world.ben, DecideApproval::reject(one, a, "too dear")).await;
    world.must(&world.ana, ResubmitApproval { ticket: one, approval: a }).await;
    let (approval, step, question) = (b, None, "is it safe?".to_owned());
    let consult = ConsultApprover { ticket: two, approval, step, person: World::id(&world.kai), question };
    world.must(&world.mia, consult).await;
    let ids = [one, two, bare];
    let needs = Needs { tickets: ids.into(), approvals: ids.into(), ..Needs::default() };
    let loaded = world.store.load(world.tenant, &needs, None).await.unwrap();
    let of = |id| {
        let parts = loaded.cases.iter().find(|parts| parts.ticket.id == id).expect("it was asked for");
        parts.approvals.clone().expect("they were asked for")
    };
    let (first, second) = (of(one), of(two));
    assert_eq!((first.all.len(), first.steps.len(), first.slots.len(), first.decisions.len()), (1, 2, 4, 2));
    assert_eq!((second.all.len(), second.steps.len(), second.slots.len(), second.decisions.len()), (1, 1, 2, 1));
    assert!(of(bare).all.is_empty());
    assert_eq!(first.all[0].round, 2);
    assert_eq!(first.decisions[1].comment, "too dear");
    assert_eq!(second.decisions[0].verdict, Verdict::Consulted);
    assert!(first.slots.is_sorted_by_key(|slot| slot.number));
    let carried: Vec<bool> = first.slots.iter().filter(|slot| slot.round == 2).map(|slot| slot.carried).collect();
    assert_eq!(carried, [true, false], "mia's was for the same");
    assert_eq!(world.desk.approvals(&world.mia, one).await.unwrap(), first);
    // Not asked for, they are not loaded where there are some; where there are none, that is known.
    let heads = Needs { tickets: ids.into(), ..Needs::default() };
    let loaded = world.store.load(world.tenant, &heads, None).await.unwrap();
    let known = |id| loaded.cases.iter().find(|parts| parts.ticket.id == id).expect("it was asked for");
    assert_eq!((&known(one).approvals, known(one).ticket.approval), (&None, Overall::Pending));
    assert_eq!(known(bare).approvals, Some(crate::approval::Approvals::default()));
    // What approvers ask each other is theirs: a requester sees that it is under way.
    let seen = world.desk.approvals(&world.kai, two).await.unwrap();
    assert_eq!(seen.decisions.len(), 1, "kai was asked");
    let other = World::found(bench.store().await, "other").await;
    let foreign = other.store.load(other.tenant, &needs, None).await.unwrap();
    assert!(foreign.cases.is_empty());
}

/// A group of `count` people who may read everything.
async fn crowd(world: &World, count: usize) -> (GroupId, Vec<Actor>) {
    let host = world.host();
    let group = world.must(&host, CreateGroup::new(world.tenant, GroupKind::Team, "board")).await;
    let mut all = vec![];
    for n in 0..count {
        let new = EnsurePerson::external(world.tenant, format!("board/{n}"), format!("Board {n}"));
        let id = world.must(&host, new.kind(PersonKind::Staff)).await;
        world.must(&host, AddMember { group, person: id }).await;
        all.push(Actor::person(world.tenant, id));
    }
    // Who is no longer asked sees the ticket by this alone.
    world.must(&host, GrantRole::new(Role::Observer, group)).await;
    (group, all)
}

/// TRAPS 18. All of those who are needed succeed, whoever else decides at the same moment, and the step ends once.
async fn quorum(bench: &Bench, needed: usize) {
    let world = bench.world().await;
    let (group, all) = crowd(&world, 64).await;
    template(&world, "board", &format!("{{ group = \"{group}\" }}"), &format!("{{ count = {needed} }}")).await;
    let ticket = world.ticket("everybody at once").await;
    let approval = request(&world, ticket, "board").await;
    let second = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    let desks = [world.desk.clone(), second];
    let decide = |(n, by): (usize, &Actor)| {
        let (desk, by) = (desks[n % 2].clone(), by.clone());
        tokio::spawn(async move {
            loop {
                match desk.act(&by, DecideApproval::approve(ticket, approval)).await {
                    // Two desks, one ticket, and sixty-four who write: whoever gives up, asks again.
                    Err(ActError::Busy(_)) => {}
                    other => return other,
                }
            }
        })
    };
    let done = join_all(all.iter().enumerate().map(decide)).await;
    let mut taken = 0;
    for one in done {
        match one.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert_eq!(error.code(), "STEP_ENDED", "{error}"),
        }
    }
    assert_eq!(taken, needed, "those who are needed, and no others");
    let after = world.desk.approvals(&world.mia, ticket).await.unwrap();
    assert_eq!(after.all[0].state, ApprovalState::Approved);
    assert_eq!(after.decisions.len(), needed);
    let approved = after.slots.iter().filter(|slot| slot.state == SlotState::Approved).count();
    let spared = after.slots.iter().filter(|slot| slot.state == SlotState::NotRequired).count();
    assert_eq!((approved, spared), (needed, 64 - needed));
    let mut ends = (0, 0);
    let mut version = 0;
    loop {
        let page = world.store.history(world.tenant, &Subject::Ticket(ticket), version, 500).await.unwrap();
        let Some(last) = page.last() else { break };
        version = last.version;
        ends.0 += page.iter().filter(|event| matches!(event.event, Event::StepEnded(_))).count();
        ends.1 += page.iter().filter(|event| matches!(event.event, Event::ApprovalEnded(_))).count();
    }
    assert_eq!(ends, (1, 1), "it ends exactly once");
}

pub(super) async fn sixty_four_approvals_of_sixty_four_all_count(bench: &Bench) {
    quorum(bench, 64).await;
}

pub(super) async fn a_quorum_ends_its_step_once(bench: &Bench) {
    quorum(bench, 24).await;
}

/// Two decisions on one slot: one wins, the other one learns which.
pub(super) async fn one_slot_is_decided_once(bench: &Bench) {
    let world = bench.world().await;
    template(&world, "two", &format!("{}, {}", person(&world.mia), person(&world.olaf)), "\"all\"").await;
    let given = Delegate {
        principal: World::id(&world.mia),
        delegate: World::id(&world.ben),
        scope: Scope::Project(world.it),
        starts_at: None,
        ends_at: None,
    };
    world.must(&world.mia, given).await;
    let second = Desk::builder(Faulty::calm(bench.store().await)).clock(world.clock.clone()).build().await.unwrap();
    for n in 0..8 {
        let ticket = world.ticket(&format!("both at once {n}")).await;
        let approval = request(&world, ticket, "two").await;
        let proxy = DecideApproval::approve(ticket, approval).on_behalf_of(World::id(&world.mia));
        let reject = DecideApproval::reject(ticket, approval, "no");
        let (one, other) = tokio::join!(world.desk.act(&world.mia, reject), second.act(&world.ben, proxy));
        let odd = match (one, other) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            (one, other) => panic!("{one:?} {other:?}"),
        };
        assert_eq!(odd.code(), "ALREADY_DECIDED", "{odd}");
        let after = world.desk.approvals(&world.mia, ticket).await.unwrap();
        assert_eq!(after.decisions.len(), 1);
    }
}

/// An inbox is what one may decide now: one's own slots and those of principals, page by page, nothing else.
pub(super) async fn an_inbox_is_what_one_may_decide(bench: &Bench) {
    let world = bench.world().await;
    template(&world, "mia", &person(&world.mia), "\"all\"").await;
    template(&world, "ben", &person(&world.ben), "\"all\"").await;
    let mut tickets = vec![];
    for n in 0..5 {
        let ticket = world.ticket(&format!("t{n}")).await;
        request(&world, ticket, if n == 3 { "ben" } else { "mia" }).await;
        tickets.push(ticket);
    }
    let inbox = async |by: &Actor| {
        let items = world.desk.inbox(by, 100, None).await.unwrap();
        items.into_iter().map(|item| item.slot.ticket).collect::<Vec<_>>()
    };
    let sorted = |mut all: Vec<TicketId>| {
        all.sort();
        all
    };
    let mut mine = tickets.clone();
    let bens = mine.remove(3);
    assert_eq!((sorted(inbox(&world.mia).await), inbox(&world.ben).await), (sorted(mine.clone()), vec![bens]));
    let (mut paged, mut after) = (vec![], None);
    loop {
        let page = world.desk.inbox(&world.mia, 2, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.slot.opened_at, last.slot.id));
        paged.extend(page.iter().map(|item| item.slot.ticket));
    }
    assert_eq!(sorted(paged), sorted(mine.clone()));
    // A proxy's holds theirs as well, while it lasts and where they see the ticket themselves.
    let start = world.clock.now().plus_millis(60_000);
    let given = Delegate {
        principal: World::id(&world.mia),
        delegate: World::id(&world.ben),
        scope: Scope::Tenant,
        starts_at: Some(start),
        ends_at: None,
    };
    let given = world.must(&world.mia, given).await;
    assert_eq!(inbox(&world.ben).await, [bens]);
    world.clock.advance(60_000);
    assert_eq!(sorted(inbox(&world.ben).await), sorted(tickets.clone()));
    let listed = world.desk.delegations(&world.ben, World::id(&world.ben)).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [given]);
    assert_eq!(world.desk.delegations(&world.kai, World::id(&world.ben)).await.unwrap_err().code(), "FORBIDDEN");
    world.must(&world.mia, RevokeDelegation { delegation: given }).await;
    assert_eq!(inbox(&world.ben).await, [bens]);
    world.must(&world.root, DeleteTicket { ticket: mine[0], reason: None }).await;
    assert_eq!(sorted(inbox(&world.mia).await), sorted(mine[1..].to_vec()));
    // Deleted, its approval has ended.
    let gone = world.desk.approvals(&world.root, mine[0]).await.unwrap();
    assert_eq!(gone.all[0].state, ApprovalState::Cancelled);
}

/// A departure is noticed by the desk's own workers; nobody has to say so (TRAPS 20).
pub(super) async fn whoever_leaves_is_replaced_or_missed(bench: &Bench) {
    let world = bench.world().await;
    world.desk.tick().await.unwrap(); // from here on the log is followed
    template(&world, "mia", &person(&world.mia), "\"all\"").await;
    let ticket = world.ticket("who is left?").await;
    request(&world, ticket, "mia").await;
    let other = world.ticket("and here?").await;
    request(&world, other, "mia").await;
    let host = world.host();
    let leaves = |active| EditPerson { active: Some(active), ..EditPerson::new(World::id(&world.mia)) };
    world.must(&host, leaves(false)).await;
    world.desk.tick().await.unwrap();
    for id in [ticket, other] {
        assert_eq!(head(&world, id).await.approval, Overall::Blocked);
    }
    let stuck = world.desk.stuck_approvals(&world.root, 100, None).await.unwrap();
    assert_eq!(stuck.len(), 2, "whoever manages approvals is told");
    assert_eq!(world.desk.stuck_approvals(&world.ana, 100, None).await.unwrap_err().code(), "FORBIDDEN");
    let whom = Concerned::Stuck;
    let first = world.store.concerned(world.tenant, &whom, None, 1).await.unwrap();
    let second = world.store.concerned(world.tenant, &whom, Some(first[0]), 100).await.unwrap();
    assert_eq!(second.len(), 1, "page by page");
    world.must(&host, leaves(true)).await;
    world.desk.tick().await.unwrap();
    assert_eq!(head(&world, ticket).await.approval, Overall::Pending);
    assert!(world.desk.stuck_approvals(&world.root, 100, None).await.unwrap().is_empty());
    // Whoever loses the role they were asked through has left, too.
    template(&world, "holders", "{ role = \"observer\" }", "\"any\"").await;
    let third = world.ticket("observers").await;
    request(&world, third, "holders").await;
    let asked: Vec<PersonId> =
        world.desk.approvals(&world.root, third).await.unwrap().slots.iter().map(|slot| slot.person).collect();
    assert_eq!(asked, [World::id(&world.olaf)]);
    let grants = world.store.grants(world.tenant).await.unwrap();
    let grant = grants.iter().find(|grant| grant.to == World::id(&world.olaf).into()).expect("a grant");
    world.must(&host, RevokeRole { grant: grant.id }).await;
    world.desk.tick().await.unwrap();
    assert_eq!(head(&world, third).await.approval, Overall::Blocked);
}

/// A link decides once, for what it was made for.
pub(super) async fn a_link_decides_once(bench: &Bench) {
    let world = bench.world().await;
    template(&world, "two", &format!("{}, {}", person(&world.mia), person(&world.ben)), "\"all\"").await;
    let key = LinkKey::new([7; 32]).unwrap();
    assert_eq!(LinkKey::new([7; 31]).unwrap_err().code(), "FIELD_INVALID");
    let ticket = world.ticket("by mail").await;
    let approval = request(&world, ticket, "two").await;
    let (host, far) = (world.host(), world.clock.now().plus_millis(3_600_000));
    let slot_of = async |by: &Actor| {
        let all = world.desk.approvals(&world.root, ticket).await.unwrap();
        let open = |slot: &&crate::approval::Slot| {
            slot.person == World::id(by) && slot.round == all.all[0].round && slot.state != SlotState::NotRequired
        };
        all.slots.iter().find(open).expect("a slot").id
    };
    let mias = slot_of(&world.mia).await;
    let link = world.desk.decision_link(&host, &key, ticket, mias, far).await.unwrap();
    let code = |error: ActError| error.code();
    let forbidden = world.desk.decision_link(&world.mia, &key, ticket, mias, far).await.map_err(code);
    assert_eq!(forbidden.unwrap_err(), "FORBIDDEN");
    let use_link = async |key: &LinkKey, link: &str| {
        world.desk.decide_by_link(key, link, Vote::Approved, None).await.map(drop).map_err(code)
    };
    let other_key = LinkKey::new([8; 32]).unwrap();
    let mut forged = link.clone();
    forged.replace_range(link.len() - 1.., if link.ends_with('0') { "1" } else { "0" });
    for (key, link) in [(&other_key, link.as_str()), (&key, &forged), (&key, "nonsense"), (&key, "")] {
        assert_eq!(use_link(key, link).await, Err("LINK_SPENT"));
    }
    assert_eq!(use_link(&key, &link).await, Ok(()));
    assert_eq!(use_link(&key, &link).await, Err("LINK_SPENT"));
    // Taken back, the slot is open; the link stays spent.
    world.must(&world.mia, RetractDecision { ticket, approval, step: None }).await;
    assert_eq!(use_link(&key, &link).await, Err("LINK_SPENT"));
    let again = world.desk.decision_link(&host, &key, ticket, mias, far).await.unwrap();
    // An edit of what is watched begins another round: what was sent out was for the one before.
    let fields = Patch { title: Some("by letter".into()), ..Patch::default() };
    world.must(&world.ana, EditTicket::new(ticket, fields)).await;
    assert_eq!(use_link(&key, &again).await, Err("LINK_SPENT"));
    let bens = slot_of(&world.ben).await;
    let link = world.desk.decision_link(&host, &key, ticket, bens, far).await.unwrap();
    world.clock.advance(3_600_000);
    assert_eq!(use_link(&key, &link).await, Err("LINK_SPENT"), "it has expired");
    let all = Arc::new(world.desk.approvals(&world.root, ticket).await.unwrap());
    assert_eq!(all.steps.last().map(|step| step.state), Some(StepState::Open));
}
