//! A desk in memory with a plugin host, one project, and Ana, an agent. Time stands still until a test moves it.

use std::sync::LazyLock;

use helpdesk_core::command::{
    AddMember, CreateGroup, CreateProject, CreateTicket, DefineTag, EnsurePerson, GrantRole, RegisterTenant,
};
use helpdesk_core::desk::read::View;
use helpdesk_core::id::{PersonId, ProjectId, TenantId, TicketId};
use helpdesk_core::org::{GroupKind, PersonKind};
use helpdesk_core::role::{Role, Scope};
use helpdesk_core::store::RunRecord;
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::ManualClock;
use helpdesk_core::{Actor, Desk, PluginId};
use helpdesk_plugins::{Capabilities, Limits, PluginHost};

pub(crate) const TRIAGE: (&str, &[u8]) =
    (include_str!("../../../plugins/triage/plugin.toml"), include_bytes!("../../../plugins/prebuilt/triage.wasm"));
pub(crate) const HOSTILE: &[u8] = include_bytes!("../../../plugins/prebuilt/hostile-rule.wasm");
pub(crate) const RULES: &str = r#"{"rules":[
    {"if":{"words":["printer","toner"]},"then":{"priority":"high","tags":["hardware"],"group":"Workplace"}}]}"#;

/// One for all tests: compiling is what takes time.
static HOST: LazyLock<PluginHost> = LazyLock::new(|| PluginHost::new(Limits::default()).unwrap());

pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) clock: ManualClock,
    pub(crate) host: PluginHost,
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) ana: Actor,
    pub(crate) ana_id: PersonId,
}

/// The manifest of the hostile guest, told of `kinds` (TOML strings).
pub(crate) fn hostile_toml(kinds: &str) -> String {
    let digest = helpdesk_plugins::Digest::of(HOSTILE);
    format!(
        "[plugin]\nid = \"hostile\"\nname = \"Hostile\"\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\
         [runtime]\ncomponent = \"hostile.wasm\"\nsha256 = \"{digest}\"\nworld = \"rule\"\n\
         [[on]]\nkinds = [{kinds}]\ninput = [\"title\", \"description\", \"parent\"]\n\
         [capabilities]\nread = [\"ticket.*\", \"person.*\"]\nwrite = [\"priority\", \"urgency\", \"tags\"]\nkv = true\n\
         do = [\"comment-internal\"]\n"
    )
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = SqliteStore::memory().await.unwrap();
        store.migrate().await.unwrap();
        let (host, clock) = (HOST.clone(), ManualClock::default());
        let desk = Desk::builder(store).clock(clock.clone()).extend(host.clone()).build().await.unwrap();
        Self::on(desk, host, clock).await
    }

    pub(crate) async fn on(desk: Desk, host: PluginHost, clock: ManualClock) -> Self {
        let tenant = desk.act(&Actor::system(), RegisterTenant::new("acme", "Acme")).await.unwrap().out;
        let root = Actor::system_of(tenant);
        let project = desk.act(&root, CreateProject::new(tenant, "IT")).await.unwrap().out;
        desk.act(&root, DefineTag::new(project, "hardware")).await.unwrap();
        let group = desk.act(&root, CreateGroup::new(tenant, GroupKind::Team, "Workplace")).await.unwrap().out;
        let ana = EnsurePerson::external(tenant, "u/1", "Ana").kind(PersonKind::Staff);
        let ana = desk.act(&root, ana).await.unwrap().out;
        desk.act(&root, AddMember { group, person: ana }).await.unwrap();
        desk.act(&root, GrantRole::new(Role::Agent, ana)).await.unwrap();
        desk.tick().await.unwrap();
        Self { desk, clock, host, tenant, project, ana: Actor::person(tenant, ana), ana_id: ana }
    }

    pub(crate) fn root(&self) -> Actor {
        Actor::system_of(self.tenant)
    }

    pub(crate) async fn install(&self, plugin: &PluginId, config: &str, role: Option<Role>) {
        self.install_with(plugin, config, None, role.map(|role| (role, Scope::Tenant))).await;
    }

    /// Installs with a part of what the manifest asks for, and a role in a scope.
    pub(crate) async fn install_with(
        &self,
        plugin: &PluginId,
        config: &str,
        granted: Option<Capabilities>,
        role: Option<(Role, Scope)>,
    ) {
        let install = self.host.installation(self.tenant, plugin, config, granted).unwrap();
        self.desk.act(&self.root(), install).await.unwrap();
        if let Some((role, scope)) = role {
            self.desk.act(&self.root(), GrantRole::new(role, plugin.clone()).on(scope)).await.unwrap();
        }
        self.desk.tick().await.unwrap();
    }

    /// The guest that does `what`, told of new tickets, as an agent.
    pub(crate) async fn hostile(&self, what: &str) -> PluginId {
        let plugin = self.host.provide(&hostile_toml("\"ticket.created\""), HOSTILE).unwrap();
        self.install(&plugin, &format!(r#"{{"do":"{what}"}}"#), Some(Role::Agent)).await;
        plugin
    }

    pub(crate) async fn create(&self, title: &str) -> TicketId {
        self.desk.act(&self.ana, CreateTicket::new(self.project, title)).await.unwrap().out
    }

    pub(crate) async fn see(&self, ticket: TicketId) -> View {
        self.desk.ticket(&self.ana, ticket).await.unwrap()
    }

    /// The runs of the hostile guest, newest first.
    pub(crate) async fn runs(&self) -> Vec<RunRecord> {
        self.desk.store().runs(self.tenant, "hostile", 100).await.unwrap()
    }
}
