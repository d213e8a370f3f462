//! An import whose steps the desk refuses in part: what it reports is the same when it is run again, and whatever
//! happens to it, the right to import does not stay behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use helpdesk_core::command::RemoveMember;
use helpdesk_core::role::{Grant, Principal, Role};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::{Actor, Desk};
use helpdesk_examples::import::ground::{Ground, RIGHT};
use helpdesk_examples::import::judge::judge;
use helpdesk_examples::import::run::run;
use helpdesk_examples::import::{Options, Planned};
use helpdesk_examples::replay::{Log, OddReason, Report};

const HEADER: &str = "number,incident_state,reassignment_count,reopen_count,caller_id,opened_by,opened_at,\
                      sys_updated_by,sys_updated_at,priority,assignment_group,assigned_to";

/// Eve's changes are refused below. The sixth row finds group B although its log says otherwise, so that it changes
/// nothing.
const ROWS: [(&str, &str, &str); 7] = [
    ("New", "A", "ida"),
    ("Active", "A", "eve"),
    ("Active", "B", "ida"),
    ("Awaiting Vendor", "B", "ida"),
    ("Awaiting Vendor", "C", "eve"),
    ("Awaiting Vendor", "B", "ida"),
    ("Resolved", "B", "ida"),
];

fn planned() -> Planned {
    let mut csv = HEADER.to_owned();
    for (day, (state, group, by)) in (1..).zip(ROWS) {
        csv += &format!("\nINC1,{state},0,0,zoe,ida,1/5/2021 08:00,{by},{day}/5/2021 09:00,3,{group},?");
    }
    Planned::of(&Log::read(csv.as_bytes()).unwrap())
}

async fn desk() -> Desk {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    Desk::builder(store).build().await.unwrap()
}

/// Those of the grants that let a group administer the tenant.
async fn rights(desk: &Desk, system: &Actor) -> Vec<Grant> {
    let grants = desk.grants(system).await.unwrap();
    grants.into_iter().filter(|one| one.role == Role::Admin && matches!(one.to, Principal::Group(_))).collect()
}

/// One run of the import during which Eve may do nothing.
async fn import(desk: &Desk, planned: &Planned) -> Report {
    let ground = Arc::new(Ground::lay(desk, planned, &Options::default()).await.unwrap());
    let system = ground.system();
    let group = desk.config(&system).await.unwrap().group_by_name("Import of INC").unwrap().id;
    for person in desk.members(&system, group).await.unwrap().iter().filter(|one| one.name.contains("eve")) {
        desk.act(&system, RemoveMember { group, person: person.id }).await.unwrap();
    }
    let followed = run(desk, ground.clone(), planned, 1, |_| ()).await.unwrap();
    ground.close(desk).await.unwrap();
    judge(desk, &system, planned, &followed).await.unwrap()
}

#[tokio::test]
async fn a_second_run_reports_what_the_first_had_refused() {
    let (desk, planned) = (desk().await, planned());
    let first = import(&desk, &planned).await;
    let second = import(&desk, &planned).await;
    for report in [&first, &second] {
        assert_eq!((report.accounted(), report.opened, report.changed), (7, 1, 4), "{report}");
        assert_eq!(report.by_reason(), BTreeMap::from([(OddReason::Refused, 2)]), "{report}");
        assert_eq!(report.odd.iter().map(|odd| odd.line).collect::<Vec<_>>(), [3, 6]);
    }
    assert_eq!(first.mismatches, second.mismatches);
    assert_eq!(second.odd[0].found, "no trace in the ticket's timeline");
}

#[tokio::test]
async fn the_right_to_import_ends_by_itself_and_is_renewed() {
    let (desk, planned, options) = (desk().await, planned(), Options::default());
    let begun = desk.clock().now();
    // Never closed, as if the program had died.
    let system = Ground::lay(&desk, &planned, &options).await.unwrap().system();
    let left = rights(&desk, &system).await;
    let end = left[0].expires_at.unwrap();
    assert!(left.len() == 1 && end >= begun.plus_millis(RIGHT) && end <= desk.clock().now().plus_millis(RIGHT));
    let again = Ground::lay(&desk, &planned, &options).await.unwrap();
    let renewed = rights(&desk, &system).await;
    assert!(renewed.len() == 1 && renewed[0].id != left[0].id && renewed[0].expires_at >= left[0].expires_at);
    again.close(&desk).await.unwrap();
    assert_eq!(rights(&desk, &system).await, []);
}
