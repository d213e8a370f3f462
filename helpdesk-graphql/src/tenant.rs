//! Tenants.

use async_graphql::{Context, Description, ID, InputObject, Object, Result};
use helpdesk_core::command::{EditTenant, RegisterTenant};
use helpdesk_core::id::TenantId;
use helpdesk_core::{Actor, org};

use crate::fault::not_found;
use crate::id::global;
use crate::payload::{With, act, payloads};
use crate::scalar::DateTime;
use crate::session::Session;

/// A tenant: a wholly separate customer of the host.
#[derive(Debug, Clone, Description)]
pub(crate) struct Tenant(pub(crate) org::Tenant);

#[Object(use_type_description)]
impl Tenant {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// Short unique name, lower-case.
    async fn key(&self) -> &str {
        &self.0.key
    }
    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// While suspended nobody but the host may act or read.
    async fn suspended(&self) -> bool {
        self.0.suspended
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// The tenant, as the viewer or as the host that has just registered it.
pub(crate) async fn load(ctx: &Context<'_>, id: &TenantId) -> Result<Tenant> {
    let session = Session::of(ctx)?;
    if session.actor.tenant() == Some(*id) {
        return Ok(Tenant(session.config().await?.tenant.clone()));
    }
    if session.actor != Actor::system() {
        return Err(not_found("tenant", id));
    }
    let host = Actor::system_of(*id);
    let config = session.loaders.read(|desk, _| async move { desk.config(&host).await }).await?;
    Ok(Tenant(config.tenant.clone()))
}

/// Registers a tenant with the built-in workflows.
#[derive(InputObject)]
struct TenantRegisterInput {
    /// 2 to 40 of a-z 0-9 -, beginning with a letter; unique.
    key: String,
    /// Display name.
    name: String,
    /// The first owner.
    owner: Option<TenantOwnerInput>,
    /// A first project.
    project: Option<TenantProjectInput>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// The first owner of a tenant.
#[derive(InputObject)]
struct TenantOwnerInput {
    /// The host's own user id.
    external_id: String,
    /// Display name.
    name: String,
}

/// The first project of a tenant.
#[derive(InputObject)]
struct TenantProjectInput {
    /// 2 to 10 of A-Z 0-9, beginning with a letter.
    key: String,
    /// Display name.
    name: String,
}

/// Changes the viewer's tenant; what is omitted stays.
#[derive(InputObject)]
struct TenantEditInput {
    /// New display name.
    name: Option<String>,
    /// Suspend or reopen.
    suspended: Option<bool>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `tenantRegister` answers.
    TenantRegisterPayload {
        /// The new tenant.
        tenant: Tenant = load, from TenantId
    }
    /// What `tenantEdit` answers.
    TenantEditPayload {
        /// The tenant after the command.
        tenant: Tenant = load, from TenantId
    }
}

#[derive(Default)]
pub(crate) struct TenantMutation;

#[Object]
impl TenantMutation {
    /// Registers a tenant. For the host itself.
    async fn tenant_register(
        &self,
        ctx: &Context<'_>,
        input: TenantRegisterInput,
    ) -> Result<Option<TenantRegisterPayload>> {
        let command = RegisterTenant {
            key: input.key,
            name: input.name,
            owner: input.owner.map(|owner| (owner.external_id, owner.name)),
            project: input.project.map(|project| (project.key, project.name)),
        };
        let with = With::new(None, input.idempotency_key).at(&[
            ("owner_external", "owner.externalId"),
            ("owner_name", "owner.name"),
            ("project_key", "project.key"),
            ("project_name", "project.name"),
        ]);
        Ok(Some(TenantRegisterPayload(act(ctx, command, with).await?)))
    }

    /// Renames, suspends or reopens the viewer's tenant.
    async fn tenant_edit(&self, ctx: &Context<'_>, input: TenantEditInput) -> Result<Option<TenantEditPayload>> {
        let tenant = Session::of(ctx)?.actor.tenant().unwrap_or(TenantId::NIL);
        let command = EditTenant { name: input.name, suspended: input.suspended };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(TenantEditPayload(act(ctx, command, with).await?.about(tenant))))
    }
}
