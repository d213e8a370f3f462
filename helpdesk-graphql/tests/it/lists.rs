//! Lists: pages, order, counts, filters.

use helpdesk_core::command::{CreateTicket, EditTicket, Patch, Relate};
use helpdesk_core::filter::SortBy;
use helpdesk_core::ticket::{Priority, Urgency};
use serde_json::{Value, json};

use crate::stage::Stage;

const LIST: &str = "query($filter: TicketFilter, $order: [TicketOrder!], $first: Int!, $after: String) {
    tickets(filter: $filter, orderBy: $order, first: $first, after: $after) {
        edges { cursor node { key } } nodes { key } totalCount { value isExact }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

fn keys(list: &Value) -> Vec<String> {
    list["tickets"]["nodes"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let stage = Stage::new().await;
    for n in 0..7 {
        stage.world.ticket(&format!("Ticket {n}")).await;
    }
    let ana = &stage.world.ana;
    let order = json!([{"number": "ASC"}]);
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = stage.get(ana, LIST, json!({"first": 3, "order": order, "after": after})).await;
        assert_eq!(page["tickets"]["totalCount"], json!({"value": 7, "isExact": true}));
        assert_eq!(page["tickets"]["pageInfo"]["hasPreviousPage"], json!(after != Value::Null));
        assert_eq!(page["tickets"]["edges"][0]["cursor"], page["tickets"]["pageInfo"]["startCursor"]);
        seen.extend(keys(&page));
        after = page["tickets"]["pageInfo"]["endCursor"].clone();
        if page["tickets"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, (1..=7).map(|n| format!("IT-{n}")).collect::<Vec<_>>());
    let down = stage.get(ana, LIST, json!({"first": 2, "order": {"number": "DESC"}})).await;
    assert_eq!(keys(&down), ["IT-7", "IT-6"]);
    let other = json!({"first": 2, "order": {"createdAt": "ASC"}, "after": after});
    assert_eq!(stage.code(ana, LIST, other).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn every_order_of_the_core_can_be_asked_for_both_ways() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let day = |n: u32| Some(Some(format!("2026-03-0{n}T00:00:00Z").parse().unwrap()));
    let mut tickets = vec![];
    // Number, creation, change, priority and due date each have an order of their own.
    for (priority, due_at) in [(Priority::High, day(2)), (Priority::Low, None), (Priority::Critical, day(1))] {
        world.clock.advance(1_000);
        let fields = Patch { priority: Some(Some(priority)), due_at, ..Patch::default() };
        tickets.push(world.must(&world.ana, CreateTicket::new(world.it, "x").fields(fields)).await);
    }
    for ticket in [tickets[1], tickets[0]] {
        world.clock.advance(1_000);
        let fields = Patch { title: Some("y".into()), ..Patch::default() };
        world.must(&world.ana, EditTicket::new(ticket, fields)).await;
    }
    let schema = stage.get(&world.ana, "{ __type(name: \"TicketOrder\") { inputFields { name } } }", Value::Null).await;
    let offered = schema["__type"]["inputFields"].as_array().unwrap().len();
    let orders = [
        ("createdAt", ["IT-1", "IT-2", "IT-3"]),
        ("updatedAt", ["IT-3", "IT-2", "IT-1"]),
        ("dueAt", ["IT-3", "IT-1", "IT-2"]),
        ("priority", ["IT-2", "IT-1", "IT-3"]),
        ("number", ["IT-1", "IT-2", "IT-3"]),
    ];
    assert_eq!((offered, SortBy::ALL.len()), (orders.len(), orders.len()));
    for (key, mut expected) in orders {
        for direction in ["ASC", "DESC"] {
            let order = |first: u8, after: Value| json!({"first": first, "order": {key: direction}, "after": after});
            let first = stage.get(&world.ana, LIST, order(2, Value::Null)).await;
            let after = first["tickets"]["pageInfo"]["endCursor"].clone();
            let rest = stage.get(&world.ana, LIST, order(2, after)).await;
            assert_eq!([keys(&first), keys(&rest)].concat(), expected, "{key} {direction}");
            expected.reverse();
        }
    }
    let list = stage.get(&world.ana, LIST, json!({"first": 3})).await;
    assert_eq!(keys(&list), ["IT-1", "IT-2", "IT-3"], "most recently changed first");
}

#[tokio::test]
async fn a_page_of_the_largest_size_knows_whether_more_follows() {
    let stage = Stage::new().await;
    for n in 0..101 {
        stage.world.ticket(&format!("Ticket {n}")).await;
    }
    let document = "query($filter: TicketFilter) { tickets(first: 100, filter: $filter) { nodes { key } pageInfo { hasNextPage } } }";
    let all = stage.get(&stage.world.ana, document, Value::Null).await;
    assert_eq!((keys(&all).len(), &all["tickets"]["pageInfo"]["hasNextPage"]), (100, &json!(true)));
    let fewer = json!({"filter": {"number": {"from": 2}}});
    let fewer = stage.get(&stage.world.ana, document, fewer).await;
    assert_eq!((keys(&fewer).len(), &fewer["tickets"]["pageInfo"]["hasNextPage"]), (100, &json!(false)));
}

#[tokio::test]
async fn every_field_of_the_filter_selects() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ana, ben) = (&world.ana, world.ben.person_id().unwrap());
    let parent = world.ticket("Parent").await;
    let fields = Patch {
        priority: Some(Some(Priority::Critical)),
        urgency: Some(Urgency::High),
        group: Some(Some(world.network)),
        parent: Some(Some(parent)),
        due_at: Some(Some("2026-03-01T00:00:00Z".parse().unwrap())),
        estimate: Some(Some(60)),
        description: Some("The flux capacitor is broken".into()),
        ..Patch::default()
    };
    let mut create = CreateTicket::new(world.it, "Étude of a printer").fields(fields);
    create.tags = vec![world.urgent];
    let ticket = world.must(ana, create).await;
    world.must(ana, Relate::assign(ticket, [ben])).await;
    let (network, parent, urgent) = (world.network.to_string(), parent.to_string(), world.urgent.to_string());
    let (it, ben, service) = (world.it.to_string(), ben.to_string(), world.service.to_string());
    let both = ["IT-1", "IT-2"].as_slice();
    let (one, two, none) = (["IT-1"].as_slice(), ["IT-2"].as_slice(), [].as_slice());
    for (filter, expected) in [
        (json!({}), both),
        (json!({"and": []}), both),
        (json!({"or": []}), none),
        (json!({"not": {"priority": {"in": ["CRITICAL"]}}}), one),
        (json!({"id": {"in": [ticket.to_string()]}}), two),
        (json!({"id": {"in": []}}), none),
        (json!({"project": {"in": [it]}, "type": {"in": ["TASK"]}, "state": {"in": ["todo"]}}), both),
        (json!({"category": {"notIn": ["NEW"]}}), none),
        (json!({"priority": {"in": ["CRITICAL"]}, "priorityManual": true}), two),
        (json!({"urgency": {"in": ["HIGH"]}}), two),
        (json!({"importance": {"in": ["NORMAL"]}, "visibility": {"in": ["PROJECT"]}}), both),
        (json!({"group": {"in": [network]}}), two),
        (json!({"group": {"in": [service]}}), none),
        (json!({"group": {"exists": false}}), one),
        (json!({"parent": {"in": [parent]}}), two),
        (json!({"parent": {"exists": false}}), one),
        (json!({"tag": {"in": [urgent]}}), two),
        (json!({"tag": {"exists": false}}), one),
        (json!({"assignee": {"in": [ben]}}), two),
        (json!({"assignee": {"exists": false}}), one),
        (json!({"assignee": {"me": true}}), none),
        (json!({"requester": {"me": true}, "reporter": {"me": true}}), both),
        (json!({"watcher": {"exists": true}}), none),
        (json!({"approver": {"exists": true}}), none),
        (json!({"member": {"notIn": [ben]}}), both),
        (json!({"mine": ["REQUESTER"]}), both),
        (json!({"mine": []}), none),
        (json!({"createdBy": {"people": [world.ana.person_id().unwrap().to_string()]}}), both),
        (json!({"createdBy": {"system": true}}), none),
        (json!({"title": {"contains": "etude"}}), two),
        (json!({"title": {"eq": "parent"}}), one),
        (json!({"title": {"startsWith": "par"}}), one),
        (json!({"text": "flux capa"}), two),
        (json!({"dueAt": {"from": "2026-01-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}}), two),
        (json!({"dueAt": {"exists": false}}), one),
        (json!({"startAt": {"exists": true}}), none),
        (json!({"createdAt": {"exists": true}, "updatedAt": {"from": "2020-01-01T00:00:00Z"}}), both),
        (json!({"resolvedAt": {"exists": true}}), none),
        (json!({"closedAt": {"exists": true}}), none),
        (json!({"number": {"from": 2}}), two),
        (json!({"estimate": {"from": 60, "to": 61}}), two),
        (json!({"estimate": {"exists": false}}), one),
        (json!({"reopened": {"to": 1}}), both),
        (json!({"regrouped": {"from": 5}}), none),
        (json!({"deleted": true}), none),
        (json!({"or": [{"number": {"to": 2}}, {"urgency": {"in": ["HIGH"]}}], "priority": null}), both),
    ] {
        let list = stage.get(ana, LIST, json!({"filter": filter, "order": {"number": "ASC"}, "first": 10})).await;
        assert_eq!(keys(&list), expected, "{filter}");
    }
}

#[tokio::test]
async fn sub_tickets_and_parents_are_connected() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let parent = world.ticket("Parent").await;
    for n in 0..3 {
        let fields = Patch { parent: Some(Some(parent)), ..Patch::default() };
        world.must(&world.ana, CreateTicket::new(world.it, format!("Child {n}")).fields(fields)).await;
    }
    let document = "query($id: ID!, $after: String) { ticket(id: $id) {
        children(first: 2, after: $after, orderBy: {number: ASC}) { nodes { key parent { key } } totalCount { value }
            pageInfo { hasNextPage endCursor } } } }";
    let first = stage.get(&world.ana, document, json!({"id": parent.to_string()})).await["ticket"]["children"].clone();
    assert_eq!(
        first["nodes"],
        json!([{"key": "IT-2", "parent": {"key": "IT-1"}}, {"key": "IT-3", "parent": {"key": "IT-1"}}])
    );
    assert_eq!((&first["totalCount"]["value"], &first["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    let after = first["pageInfo"]["endCursor"].clone();
    let rest = stage.get(&world.ana, document, json!({"id": parent.to_string(), "after": after})).await;
    assert_eq!(rest["ticket"]["children"]["nodes"], json!([{"key": "IT-4", "parent": {"key": "IT-1"}}]));
    assert_eq!(rest["ticket"]["children"]["pageInfo"]["hasNextPage"], json!(false));
}
