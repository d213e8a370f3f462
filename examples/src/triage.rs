//! The shipped plugin *triage*, provided to a desk's plugin host from its manifest and prebuilt component.

use anyhow::Context as _;
use helpdesk_core::command::GrantRole;
use helpdesk_core::id::{ProjectId, TenantId};
use helpdesk_core::role::{Principal, Role, Scope};
use helpdesk_core::{Actor, Desk, PluginId};
use helpdesk_plugins::{Limits, PluginHost};

const MANIFEST: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/triage/plugin.toml"));
const COMPONENT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/prebuilt/triage.wasm"));

/// A plugin host that knows triage, and triage's name.
pub fn provided() -> anyhow::Result<(PluginHost, PluginId)> {
    let host = PluginHost::new(Limits::default()).context("cannot start the plugin host")?;
    let triage = host.provide(MANIFEST, COMPONENT).context("cannot load the triage plugin")?;
    Ok((host, triage))
}

/// Installs triage in a tenant with `config` (JSON) and lets it work as an agent in `projects`. Installing it once more
/// changes what is different.
pub async fn install(
    desk: &Desk,
    (host, triage): &(PluginHost, PluginId),
    tenant: TenantId,
    projects: &[ProjectId],
    config: &str,
) -> anyhow::Result<()> {
    let system = Actor::system_of(tenant);
    desk.act(&system, host.installation(tenant, triage, config, None)?).await.context("cannot install triage")?;
    let grants = desk.grants(&system).await?;
    for project in projects {
        let (to, scope) = (Principal::Plugin(triage.clone()), Scope::Project(*project));
        if !grants.iter().any(|grant| grant.to == to && grant.scope == scope && grant.role == Role::Agent) {
            desk.act(&system, GrantRole::new(Role::Agent, triage.clone()).on(*project)).await?;
        }
    }
    Ok(())
}
