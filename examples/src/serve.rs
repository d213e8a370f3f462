//! A desk on HTTP: GraphQL, subscriptions and GraphiQL, for the holders of [`Tokens`].

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use helpdesk_core::{Actor, Desk};
use helpdesk_graphql::{Bearer, graphiql, router};
use tokio::net::TcpListener;

use crate::tokens::Tokens;

/// How long requests that are under way may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything the demo serves: `/` leads to GraphiQL, `/graphql` and `/graphql/ws` are the API.
pub fn app(desk: Desk, tokens: Tokens) -> Router {
    let whose = move |token: String| {
        let holder = tokens.holder(&token).map(|(tenant, person)| Actor::person(tenant, person));
        async move { holder }
    };
    router(desk, Bearer(whose)).merge(graphiql()).route("/", get(async || Redirect::temporary("/graphiql")))
}

/// Listens on `address`; port 0 is any free one.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another address with --listen, such as 127.0.0.1:0")
    })
}

/// Serves until `stop`, then lets what is under way end, for a while.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (told, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        stop.await;
        let _ = told.send(()); // nobody waits when serving has failed already
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop);
    tokio::select! {
        ended = async { serving.await } => ended.context("the server failed"),
        () = async { let _ = stopped.await; tokio::time::sleep(PATIENCE).await } => Ok(()),
    }
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
pub async fn asked_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await; // cannot be heard here: the other one may be
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
