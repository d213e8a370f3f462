//! The whole of an embedding: a database, a desk, a plugin host, some people, a ticket, and the API to mount.

use futures_util::StreamExt as _;
use helpdesk_core::command::{CreateProject, CreateTicket, EnsurePerson, GrantRole, MoveTo, RegisterTenant};
use helpdesk_core::desk::live::Live;
use helpdesk_core::desk::read::Page;
use helpdesk_core::filter::build::{category, requester};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::workflow::{Category, Workflow};
use helpdesk_core::{Actor, Asking, Desk, Filter, role::Role};
use helpdesk_graphql::{Bearer, router};
use helpdesk_plugins::{Limits, PluginHost};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let plugins = PluginHost::new(Limits::default())?;
    let store = SqliteStore::memory().await?; // or SqliteStore::open("desk.db")
    store.migrate().await?;
    let desk = Desk::builder(store).extend(plugins).build().await?;

    let acme = desk.act(&Actor::system(), RegisterTenant::new("acme", "Acme Ltd")).await?.out;
    let root = Actor::system_of(acme);
    let it = desk.act(&root, CreateProject::new(acme, "IT").workflow(Workflow::ITIL)).await?.out;
    let ana = desk.act(&root, EnsurePerson::external(acme, "users/42", "Ana")).await?.out; // the host's own user id
    desk.act(&root, GrantRole::new(Role::Agent, ana).on(it)).await?;
    let ana = Actor::person(acme, ana);
    let workers = desk.workers().spawn(); // nothing runs before this line

    let t = desk.act(&ana, CreateTicket::new(it, "printer on fire")).await?;
    desk.act(&ana, MoveTo::new(t.out, "start").expecting(t.version).keyed("req-7")).await?;
    let mine = desk.tickets(&ana, &requester().is_me().and(category().is(Category::Open)), Page::first(50)).await?;
    println!("{} {} ({})", mine[0].key, mine[0].case.ticket.title, mine[0].case.ticket.state);

    let live = desk.subscribe(&ana, Filter::All, t.cursor); // resumes after the creation, loses nothing
    if let Some(Live::Event(event)) = std::pin::pin!(live).next().await.transpose()? {
        println!("{} by {}", event.event.kind(), event.by.kind());
    }

    let whose = move |token: String| std::future::ready((token == "secret").then(|| ana.clone()));
    let _app: axum::Router = router(desk.clone(), Bearer(whose)); // mount it in your own

    workers.stop().await;
    desk.close().await;
    Ok(())
}
