//! Who asks, and what they may do.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::id::TenantId;
use helpdesk_core::role::Access;
use helpdesk_core::{ActError, Refusal};

use crate::actor::Actor;
use crate::fault::failed;
use crate::names::Permission;
use crate::person::Person;
use crate::session::Session;
use crate::tenant::Tenant;

/// Who asks.
#[derive(Description)]
pub(crate) struct Viewer(Arc<Access>);

/// The viewer's tenant.
pub(crate) fn tenant(ctx: &Context<'_>) -> Result<TenantId> {
    let none = || failed(&ActError::from(Refusal::NoTenant));
    Session::of(ctx)?.actor.tenant().ok_or_else(none)
}

#[Object(use_type_description)]
impl Viewer {
    /// As whom you are logged in.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Actor> {
        Ok(Actor(Session::of(ctx)?.actor.author()))
    }
    /// Your entry in the directory; null for plugins and the host itself, and when you were deactivated.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        match self.0.person() {
            Some(id) => Ok(Session::of(ctx)?.loaders.person(id).await?.map(Person)),
            None => Ok(None),
        }
    }
    /// Your tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(Session::of(ctx)?.config().await?.tenant.clone()))
    }
    /// Whether you belong to the desk rather than to its clients.
    async fn staff(&self) -> bool {
        self.0.staff()
    }
    /// What your roles allow in the whole tenant; see `Project.viewerPermissions` and `Ticket.viewerPermissions` too.
    async fn permissions(&self) -> Vec<Permission> {
        self.0.everywhere().iter().map(Into::into).collect()
    }
}

#[derive(Default)]
pub(crate) struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who asks, and what they may do.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Session::of(ctx)?.loaders.access().await.map(Viewer)
    }
}
