//! GraphQL queries, mutations and subscriptions over a [`Desk`](helpdesk_core::Desk), for axum.
//!
//! A resolver parses, makes one call to the desk and shapes the answer; no rule lives here. One file per noun:
//! its type, its queries, its mutations. The host says who asks by implementing [`Login`]:
//!
//! ```no_run
//! use helpdesk_core::{Actor, Desk};
//! use helpdesk_graphql::{Bearer, graphiql, router};
//!
//! # async fn whose(token: String) -> Option<Actor> { None }
//! # async fn example(desk: Desk) {
//! let app = router(desk, Bearer(whose)).merge(graphiql());
//! # }
//! ```
//!
//! The schema is committed as `schema.graphql` beside this crate's README, which tells the conventions.

mod actor;
mod api;
mod approval;
mod board;
mod connection;
mod delegation;
mod drawing;
mod entry;
mod event;
mod explain;
mod fault;
mod grant;
mod graphiql;
mod group;
mod id;
mod limits;
mod link;
mod loaders;
mod login;
mod names;
mod node;
mod payload;
mod person;
mod plugin;
mod project;
mod revision;
mod role;
mod root;
mod scalar;
mod session;
mod subscription;
mod tag;
mod tenant;
mod ticket;
mod transport;
mod user_error;
mod viewer;
mod waves;
mod workflow;

pub use api::{Api, router, schema};
pub use graphiql::graphiql;
pub use limits::Limits;
pub use login::{Bearer, Login, LoginError};
pub use root::{Mutation, Query};
pub use subscription::Subscription;
