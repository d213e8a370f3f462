//! The time a command is said to have happened at: for importers, and within bounds.

use helpdesk_core::command::{Comment, CreateTicket, GrantRole};
use helpdesk_core::desk::Set;
use helpdesk_core::role::{Permission, Role};
use helpdesk_core::testing::World;
use helpdesk_core::{ActError, Actor, Asking, Clock, Refusal, Timestamp};

use super::{fault, head, world};

const MINUTE: i64 = 60_000;

fn now(world: &World) -> Timestamp {
    world.clock.now()
}

#[tokio::test]
async fn a_recorded_time_lies_between_1970_and_five_minutes_from_now() {
    let world = world().await;
    let soon = now(&world).plus_millis(5 * MINUTE);
    for by in [&world.root, &world.host()] {
        let before = head(&world).await;
        for wrong in [Timestamp::from_millis(-1), soon.plus_millis(1), Timestamp::NEVER] {
            let ask = CreateTicket::new(world.it, "x").at(wrong);
            assert_eq!(fault(world.act(by, ask).await), "at", "{}", wrong.millis());
            let commands = vec![CreateTicket::new(world.it, "x").into(), CreateTicket::new(world.it, "y").into()];
            let set = Set { commands, at: Some(wrong), ..Set::default() };
            assert_eq!(fault(world.desk.act_all(by, set).await), "at", "{}", wrong.millis());
        }
        assert_eq!(head(&world).await, before, "nothing was written");
        for right in [Timestamp::from_millis(0), soon] {
            let id = world.must(by, CreateTicket::new(world.it, "x").at(right)).await;
            let ticket = world.desk.ticket(&world.root, id).await.unwrap().case.ticket;
            assert_eq!((ticket.created_at, ticket.updated_at), (right, right));
        }
    }
}

#[tokio::test]
async fn it_needs_import_in_the_whole_tenant() {
    let world = world().await;
    let ticket = world.ticket("one").await;
    // An admin of one project may import nowhere: rows of the tenant carry the time too.
    world.must(&world.host(), GrantRole::new(Role::Admin, World::id(&world.rob)).on(world.it)).await;
    let at = now(&world).plus_millis(-MINUTE);
    let before = head(&world).await;
    let needs_import = |answer: Result<(), ActError>| {
        let denied = match answer.unwrap_err() {
            ActError::Refused(Refusal::Denied(denied)) => denied.needed,
            other => panic!("{other}"),
        };
        assert_eq!(denied, Permission::Import);
    };
    for by in [&world.ana, &world.mia, &world.rob] {
        needs_import(world.act(by, Comment::public(ticket, "late").at(at)).await.map(drop));
        let set = Set { commands: vec![Comment::public(ticket, "late").into()], at: Some(at), ..Set::default() };
        needs_import(world.desk.act_all(by, set).await.map(drop));
        // Even the present moment is the desk's to tell.
        needs_import(world.act(by, Comment::public(ticket, "late").at(now(&world))).await.map(drop));
    }
    assert_eq!(head(&world).await, before, "nothing was written");
    let admin: &Actor = &world.rob;
    world.must(&world.host(), GrantRole::new(Role::Admin, World::id(admin))).await;
    world.must(admin, Comment::public(ticket, "late").at(at)).await;
    let entries = world.desk.entries(&world.ana, ticket, None, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.created_at).collect::<Vec<_>>(), [at]);
}
