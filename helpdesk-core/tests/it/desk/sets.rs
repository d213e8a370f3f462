//! Sets of commands: what may not go together is refused before anything is read, and nothing is written.

use helpdesk_core::Actor;
use helpdesk_core::command::{
    AddMember, Command, CreateGroup, CreateTicket, DefineTag, EditTicket, GrantRole, Patch, Relate, Unrelate,
};
use helpdesk_core::desk::Set;
use helpdesk_core::filter::Filter;
use helpdesk_core::id::TicketId;
use helpdesk_core::org::GroupKind;
use helpdesk_core::role::{Role, Scope};
use helpdesk_core::testing::World;
use helpdesk_core::ticket::Relation;

use super::{fault, head, world};

fn set<const N: usize>(commands: [Command; N]) -> Set {
    Set { commands: commands.into(), ..Set::default() }
}

fn under(ticket: TicketId, parent: TicketId) -> Command {
    EditTicket::new(ticket, Patch { parent: Some(Some(parent)), ..Patch::default() }).into()
}

/// Sends a set that must be refused for its commands, having written nothing.
async fn refused<const N: usize>(world: &World, by: &Actor, commands: [Command; N]) {
    let before = head(world).await;
    assert_eq!(fault(world.desk.act_all(by, set(commands)).await), "commands");
    assert_eq!(head(world).await, before, "nothing was written");
}

/// What a group was granted is read for one membership only: a second one in the set would go unchecked.
#[tokio::test]
async fn nobody_joins_a_group_unchecked_in_the_company_of_another_command() {
    let world = world().await;
    let host = world.host();
    let owners = world.must(&host, CreateGroup::new(world.tenant, GroupKind::Team, "owners")).await;
    world.must(&host, GrantRole::new(Role::Owner, owners)).await;
    world.must(&host, GrantRole::new(Role::Admin, World::id(&world.ben))).await;
    let person = World::id(&world.ben);
    let join = |group| AddMember { group, person };
    // Alone it is refused: an admin does not make owners.
    assert_eq!(world.act(&world.ben, join(owners)).await.unwrap_err().code(), "FORBIDDEN");
    refused(&world, &world.ben, [join(owners).into(), join(world.service).into()]).await;
    refused(&world, &world.ben, [join(world.service).into(), join(owners).into()]).await;
    assert!(world.desk.members(&world.ana, owners).await.unwrap().is_empty());
    assert!(!world.desk.access(&world.ben).await.unwrap().in_scope(Scope::Tenant).covers(Role::Owner.permissions()));
}

#[tokio::test]
async fn only_commands_on_tickets_go_together() {
    let world = world().await;
    let create = || CreateTicket::new(world.it, "one").into();
    refused(&world, &world.host(), [create(), DefineTag::new(world.it, "new").into()]).await;
    refused(&world, &world.host(), [DefineTag::new(world.it, "new").into(), create()]).await;
    assert_eq!(world.desk.count(&world.ana, &Filter::All).await.unwrap().value, 0);
    let done = world.desk.act_all(&world.host(), set([create(), create()])).await.unwrap();
    assert_eq!(done.out.len(), 2);
}

/// The ancestors are read for one parent only: two choices could close a ring.
#[tokio::test]
async fn a_set_chooses_one_parent_at_most() {
    let world = world().await;
    let (a, b) = (world.ticket("a").await, world.ticket("b").await);
    refused(&world, &world.ana, [under(a, b), under(b, a)]).await;
    let parent = Patch { parent: Some(Some(a)), ..Patch::default() };
    let create = CreateTicket::new(world.it, "c").fields(parent);
    refused(&world, &world.ana, [create.into(), under(a, b)]).await;
    for ticket in [a, b] {
        assert_eq!(world.desk.ticket(&world.ana, ticket).await.unwrap().case.ticket.parent, None);
    }
    world.desk.act_all(&world.ana, set([under(a, b), Relate::watch(a, World::id(&world.ana)).into()])).await.unwrap();
}

/// A version's events are read at once, so a commit must not hold more than that: the limit is the set's, not only each
/// command's.
#[tokio::test]
async fn the_events_of_a_set_are_limited_together() {
    let world = world().await;
    let ticket = world.ticket("busy").await;
    let (relation, all) = (Relation::Watcher, world.people().map(|(_, one)| World::id(one)));
    let commands = |count: usize| -> Vec<Command> {
        let join = || Relate::new(ticket, relation, all).into();
        let leave = || Unrelate { ticket, relation, people: all.into() }.into();
        (0..count).map(|n| if n % 2 == 0 { join() } else { leave() }).collect()
    };
    let before = head(&world).await;
    let too_many = Set { commands: commands(65), ..Set::default() };
    assert_eq!(world.desk.act_all(&world.mia, too_many).await.unwrap_err().code(), "AUTOMATION_STOPPED");
    assert_eq!(head(&world).await, before, "nothing was written");
    let just = Set { commands: commands(64), ..Set::default() };
    world.desk.act_all(&world.mia, just).await.unwrap();
    assert_eq!(world.desk.timeline(&world.mia, ticket, 1, 1).await.unwrap().len(), 512);
}
