//! Commands inside a host's own transaction: visible outside when the host commits, gone when it does not.

use std::sync::Arc;

use helpdesk_core::command::{CreateProject, CreateTicket, EditTicket, Patch, RegisterTenant};
use helpdesk_core::desk::read::Page;
use helpdesk_core::id::ProjectId;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::{ActError, Actor, Asking, Cursor, Desk, Filter, Refusal};
use tokio_postgres::{Client, NoTls};

struct Host {
    store: Arc<PgStore>,
    desk: Desk,
    root: Actor,
    project: ProjectId,
    client: Arc<Client>,
}

async fn host() -> Host {
    let url = helpdesk_testkit::shared().fresh_database("within").unwrap();
    let store = Arc::new(PgStore::connect(&url, PgOptions::default()).await.unwrap());
    store.migrate().await.unwrap();
    let desk = Desk::over(store.clone()).build().await.unwrap();
    let tenant = desk.act(&Actor::system(), RegisterTenant::new("acme", "Acme")).await.unwrap().out;
    let root = Actor::system_of(tenant);
    let project = desk.act(&root, CreateProject::new(tenant, "IT")).await.unwrap().out;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE orders (id int PRIMARY KEY)").await.unwrap();
    Host { store, desk, root, project, client: Arc::new(client) }
}

impl Host {
    async fn titles(&self, desk: &Desk) -> Vec<String> {
        let mut found = desk.tickets(&self.root, &Filter::All, Page::first(50)).await.unwrap();
        found.sort_by_key(|view| view.case.ticket.number);
        found.into_iter().map(|view| view.case.ticket.title).collect()
    }
}

#[tokio::test]
async fn the_host_s_rows_and_the_desk_s_are_one_transaction() {
    let host = host().await;
    let before = host.desk.head_of_log().await.unwrap();
    for (order, end, kept) in [(1, "ROLLBACK", 0), (2, "COMMIT", 1)] {
        host.client.batch_execute("BEGIN").await.unwrap();
        host.client.execute("INSERT INTO orders VALUES ($1)", &[&order]).await.unwrap();
        let joined = host.desk.within(host.store.join(host.client.clone()));
        let title = format!("order {order}");
        joined.act(&host.root, CreateTicket::new(host.project, title.clone())).await.unwrap();
        assert_eq!(host.titles(&joined).await, [title], "inside it is seen");
        assert!(host.titles(&host.desk).await.is_empty(), "outside it is not yet");
        host.client.batch_execute(end).await.unwrap();
        host.store.ring();
        assert_eq!(host.titles(&host.desk).await.len(), kept);
    }
    let (events, _) = host.desk.events(&host.root, &Filter::All, before, 50).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.kind() == "ticket.created").count(), 1);
    let orders = host.client.query_one("SELECT count(*) FROM orders", &[]).await.unwrap();
    assert_eq!(orders.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_refused_command_leaves_the_host_s_transaction_usable() {
    let host = host().await;
    let ticket = host.desk.act(&host.root, CreateTicket::new(host.project, "one")).await.unwrap();
    host.client.batch_execute("BEGIN").await.unwrap();
    let joined = host.desk.within(host.store.join(host.client.clone()));
    let patch = |title: &str| EditTicket::new(ticket.out, Patch { title: Some(title.into()), ..Patch::default() });
    let refused = joined.act(&host.root, patch("")).await.unwrap_err();
    assert_eq!(refused.code(), "FIELD_INVALID");
    let stale = joined.act(&host.root, patch("two").expecting(7)).await.unwrap_err();
    assert!(matches!(stale, ActError::Refused(Refusal::Conflict(_))), "{stale}");
    joined.act(&host.root, patch("two").expecting(1)).await.unwrap();
    joined.act(&host.root, patch("three").expecting(2)).await.unwrap();
    host.client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(host.titles(&host.desk).await, ["three"]);
    assert!(host.desk.head_of_log().await.unwrap() > Cursor::START);
}

#[tokio::test]
async fn each_command_of_a_transaction_is_decided_under_what_the_transaction_did() {
    let host = host().await;
    host.client.batch_execute("BEGIN").await.unwrap();
    let joined = host.desk.within(host.store.join(host.client.clone()));
    joined.act(&host.root, CreateTicket::new(host.project, "one")).await.unwrap();
    let refused = joined.act(&host.root, CreateTicket::new(host.project, "")).await.unwrap_err();
    assert_eq!(refused.code(), "FIELD_INVALID", "not that others were faster");
    let tenant = host.root.tenant().unwrap();
    let project = joined.act(&host.root, CreateProject::new(tenant, "NEW")).await.unwrap().out;
    joined.act(&host.root, CreateTicket::new(project, "two")).await.unwrap();
    joined.act(&host.root, CreateTicket::new(project, "three")).await.unwrap();
    host.client.batch_execute("COMMIT").await.unwrap();
    host.store.ring();
    let mut titles = host.titles(&host.desk).await;
    titles.sort();
    assert_eq!(titles, ["one", "three", "two"]);
}
