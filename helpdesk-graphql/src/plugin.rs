//! Installed plugins. Their code is the host's to provide.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, InputObject, Object, Result};
use helpdesk_core::Refusal;
use helpdesk_core::actor::{BadPluginId, PluginId};
use helpdesk_core::command::{InstallPlugin, RemovePlugin};
use helpdesk_core::error::Fault;
use helpdesk_core::org::Installation;

use crate::connection::{connection, page_of};
use crate::fault::{failed, not_found};
use crate::id::{Ref, global};
use crate::payload::{Outcome, With, act, payloads};
use crate::scalar::{DateTime, Json};
use crate::session::Session;
use crate::user_error::mendable;

/// A plugin installed in the tenant.
#[derive(Debug, Clone, Description)]
pub(crate) struct Plugin(pub(crate) Arc<Installation>);

#[Object(use_type_description)]
impl Plugin {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.plugin)
    }
    /// Its name.
    async fn name(&self) -> &str {
        self.0.plugin.as_str()
    }
    /// SHA-256 of the component, hexadecimal.
    async fn digest(&self) -> &str {
        &self.0.digest
    }
    /// The manifest it was installed with.
    async fn manifest(&self) -> Json {
        Json::of(&self.0.manifest)
    }
    /// The capabilities granted to it.
    async fn granted(&self) -> Json {
        Json::of(&self.0.granted)
    }
    /// Its configuration.
    async fn config(&self) -> Json {
        Json::of(&self.0.config)
    }
    /// Whether it gets events.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }
    /// Counts changes, from 1.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// When it was installed.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection! {
    /// A page of plugins.
    PluginConnection,
    /// A plugin in a list.
    PluginEdge of Plugin, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &PluginId) -> Result<Plugin> {
    let config = Session::of(ctx)?.config().await?;
    config.plugins.get(id).cloned().map(Plugin).ok_or_else(|| not_found("plugin", id))
}

#[derive(Default)]
pub(crate) struct PluginQuery;

#[Object]
impl PluginQuery {
    /// The installed plugins by name: for those who manage them.
    async fn plugins(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<PluginConnection> {
        let config = Session::of(ctx)?.config().await?;
        let all: Vec<Plugin> = config.plugins.values().cloned().map(Plugin).collect();
        let count = all.len();
        Ok(PluginConnection { page: page_of(all, |plugin| plugin.0.plugin.clone(), first, after.as_deref())?, count })
    }
}

/// Installs a plugin, or sets it up anew.
#[derive(InputObject)]
struct PluginInstallInput {
    /// Its name, as the manifest gives it.
    name: String,
    /// SHA-256 of the component, hexadecimal.
    digest: String,
    /// The manifest.
    manifest: Json,
    /// The capabilities granted to it: a subset of what the manifest asks for.
    granted: Json,
    /// Its configuration.
    config: Json,
    /// Whether it gets events.
    #[graphql(default = true)]
    enabled: bool,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Removes a plugin; its past deeds stay.
#[derive(InputObject)]
struct PluginRemoveInput {
    /// The plugin.
    plugin: Ref<PluginId>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

async fn removed(_: &Context<'_>, id: &PluginId) -> Result<ID> {
    Ok(global(id))
}

payloads! {
    /// What `pluginInstall` answers.
    PluginInstallPayload {
        /// The plugin after the command.
        plugin: Plugin = load, from PluginId
    }
    /// What `pluginRemove` answers.
    PluginRemovePayload {
        /// The plugin that is no more.
        plugin_id: ID = removed, from PluginId
    }
}

#[derive(Default)]
pub(crate) struct PluginMutation;

#[Object]
impl PluginMutation {
    /// Installs a plugin, or sets it up anew.
    async fn plugin_install(
        &self,
        ctx: &Context<'_>,
        input: PluginInstallInput,
    ) -> Result<Option<PluginInstallPayload>> {
        let plugin: PluginId = match input.name.parse() {
            Ok(plugin) => plugin,
            Err(error) => {
                let fault = Fault { field: "name", message: BadPluginId::to_string(&error) };
                let refused = mendable(Refusal::Invalid(vec![fault]).into(), &[]).map_err(|error| failed(&error))?;
                return Ok(Some(PluginInstallPayload(Outcome::refused(refused))));
            }
        };
        let command = InstallPlugin {
            tenant: crate::viewer::tenant(ctx)?,
            plugin: plugin.clone(),
            digest: input.digest,
            manifest: input.manifest.text(),
            granted: input.granted.text(),
            config: input.config.text(),
            enabled: input.enabled,
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(PluginInstallPayload(act(ctx, command, with).await?.about(plugin))))
    }

    /// Removes a plugin.
    async fn plugin_remove(&self, ctx: &Context<'_>, input: PluginRemoveInput) -> Result<Option<PluginRemovePayload>> {
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, RemovePlugin { plugin: input.plugin.0.clone() }, with).await?;
        Ok(Some(PluginRemovePayload(outcome.about(input.plugin.0))))
    }
}
