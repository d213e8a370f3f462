//! The text beside a ticket's columns is always that of the columns, and what is read out of it is what was written.

use helpdesk_core::filter::{Filter, Order};
use helpdesk_core::store::Find;
use helpdesk_core::ticket::Tagging;

use super::*;

/// Every field has another value than the others, as far as it can.
fn full() -> Head {
    let id = |n: u128| Uuid::from_u128(n << 64 | n);
    let ticket = Ticket {
        project: id(1).into(),
        title: "Ärger | mit 'Drucker'\\ \u{2029} 印刷 \\t x".into(),
        workflow: WorkflowRef { key: "itil_incident".into(), version: 17 },
        kind: TicketType::Epic,
        state: "in_progress".into(),
        category: Category::Waiting,
        priority: Priority::Critical,
        priority_manual: true,
        urgency: Urgency::High,
        importance: Importance::Low,
        visibility: Visibility::Restricted,
        group: Some(id(2).into()),
        company: Some(id(3).into()),
        parent: Some(id(4).into()),
        start_at: Some(at(-11)),
        due_at: Some(at(12)),
        estimate: Some(13),
        resolved_at: Some(at(14)),
        closed_at: Some(at(15)),
        reopened: 16,
        regrouped: 18,
        created_by: Author::Plugin("a-b.c_d".parse().unwrap()),
        created_at: at(19),
        updated_by: Author::Service(id(5).into()),
        updated_at: at(20),
        deleted_at: Some(at(21)),
        salt: Salt(std::array::from_fn(|i| i as u8 * 16)),
        ..ticket(9)
    };
    let person = |n, relation| Participant {
        tenant: tenant(),
        ticket: ticket.id,
        person: id(n).into(),
        relation,
        joined: n as i64,
        since: at(30),
        until: None,
    };
    let people = vec![person(6, Relation::Reporter), person(7, Relation::Member)];
    let tag = Tagging { tenant: tenant(), ticket: ticket.id, tag: id(8).into(), by: Author::System, at: at(31) };
    Head { ticket, people, tags: vec![tag] }
}

async fn odd_texts(client: &Client) -> i64 {
    let odd = "SELECT count(*) FROM hd_ticket t WHERE head IS DISTINCT FROM hd_ticket_head(t)";
    client.query_one(odd, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_is_read_of_a_ticket_is_what_stands_in_its_columns() {
    let (desk, first) = (desk().await, full());
    let (client, id) = (desk.client().await, first.ticket.id);
    let write = |before: Option<&Head>, after: &Head| Commit {
        writes: vec![Write { before: before.cloned().map(Row::Ticket), after: Some(Row::Ticket(after.clone())) }],
        ..empty(Epoch::Seen(1))
    };
    let read = async || {
        let (_, by_id) = desk.store.tickets(tenant(), &[id]).await.unwrap();
        let find = Find {
            tenant: tenant(),
            filter: Filter::All,
            internal: Filter::All,
            parents: Filter::All,
            order: Order::default(),
            after: None,
            limit: 9,
        };
        let (_, found) = desk.store.find(&find).await.unwrap();
        let (_, whole) = desk.store.ticket(tenant(), &Which::Id(id), 9).await.unwrap();
        assert_eq!((&by_id, whole.as_slice()), (&found, found.as_slice()));
        let [parts] = found.as_slice() else { panic!("{found:?}") };
        Head { ticket: parts.ticket.clone(), people: parts.people.clone(), tags: parts.tags.clone() }
    };
    desk.done(write(None, &first)).await;
    assert_eq!(read().await, first);
    // One that lacks whatever can be absent.
    let bare = Head::bare(Ticket { id, number: 9, version: 2, ..ticket(9) });
    desk.done(write(Some(&first), &bare)).await;
    assert_eq!(read().await, bare);
    // Several at once go another way.
    let second = Head::bare(ticket(10));
    desk.done(write(None, &second)).await;
    let next = Ticket { version: 3, ..first.ticket.clone() };
    let again = Head { ticket: next, ..first.clone() };
    let mut both = write(Some(&bare), &again);
    both.writes.extend(write(Some(&second), &Head::bare(edited(&second.ticket, "b"))).writes);
    desk.done(both).await;
    let (_, mut heads) = desk.store.tickets(tenant(), &[id, second.ticket.id]).await.unwrap();
    heads.sort_by_key(|parts| parts.ticket.number);
    assert_eq!((&heads[0].ticket, heads[1].ticket.title.as_str()), (&again.ticket, "b"));
    assert_eq!(odd_texts(&client).await, 0);
    // A database that was filled before the text came has it, too.
    desk.store.migrate_to(4).await.unwrap();
    desk.store.migrate().await.unwrap();
    assert_eq!(odd_texts(&client).await, 0);
    let (_, read) = desk.store.tickets(tenant(), &[id]).await.unwrap();
    assert_eq!(read[0].ticket, again.ticket);
    // A row whose text is broken is a defect, not another ticket.
    client.execute("UPDATE hd_ticket SET head = 'x'", &[]).await.unwrap();
    assert!(matches!(desk.store.tickets(tenant(), &[id]).await, Err(StoreError::Defect(_))));
}
