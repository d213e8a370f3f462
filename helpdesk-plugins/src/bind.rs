//! The plugin host as a desk knows it: a durable subscriber of the log that runs plugins and applies what they stage.
//!
//! What is here knows both the desk and the runtime; the rest of the crate knows only the runtime.

mod apply;
mod asked;
mod budget;
mod deliver;
mod failure;
mod guard;
mod kv;
mod reads;
mod show;
mod sight;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use helpdesk_core::command::InstallPlugin;
use helpdesk_core::config::TenantConfig;
use helpdesk_core::feed::{Addressee, Delivery, Subscriber};
use helpdesk_core::filter::{Cond, Filter};
use helpdesk_core::id::TenantId;
use helpdesk_core::jobs::Verdict;
use helpdesk_core::org::Installation;
use helpdesk_core::role::{Denied, Permission};
use helpdesk_core::{ActError, Actor, Author, Desk, Envelope, PluginId, Refusal};

use self::guard::Guard;
use crate::breaker::Standing;
use crate::capability::{Capabilities, Grant};
use crate::limits::Limits;
use crate::load::{LoadError, Loaded};
use crate::manifest::{Manifest, ManifestError, On, OnPoison, Trigger};
use crate::run::{CheckError, Runtime};
use crate::schema::ConfigProblem;
use crate::{EngineError, Mode};

/// How often a delivery to a plugin is tried.
const TRIES: i32 = 8;
/// Deepest chain of automation (SEMANTICS, Automation).
const DEPTH_MAX: u8 = 8;

/// Actions of a manifest's `do` list that this host can carry out.
const ACTIONS: [&str; 4] = ["comment-internal", "comment-public", "transition", "create-ticket"];

/// Plugins a host provides, and the desk's subscriber that runs them. Cheap to clone.
///
/// The host hands in manifests and components ([`PluginHost::provide`]); each tenant decides by commands which of them
/// it installs, with which grants and configuration ([`PluginHost::installation`]). What a plugin does it does as the
/// principal `plugin:<id>`, with the roles granted to it.
#[derive(Clone)]
pub struct PluginHost(Arc<Host>);

struct Host {
    runtime: Runtime,
    /// In the order they were provided.
    packages: Mutex<Vec<Arc<Package>>>,
    running: Mutex<HashMap<(TenantId, PluginId), Arc<Set>>>,
    breakers: Mutex<HashMap<(TenantId, PluginId), guard::Seen>>,
    /// What stored manifests say, by their JSON text (a digest names only a component); `None`: cannot be read here.
    stored: Mutex<HashMap<String, Option<Arc<Subscriptions>>>>,
}

/// What a plugin is told of.
#[derive(Debug)]
struct Subscriptions {
    on: Vec<On>,
    /// One for each of `on`.
    filters: Vec<Filter>,
}

/// A manifest with its component.
struct Package {
    manifest: Manifest,
    toml: String,
    component: Vec<u8>,
    // Keeps the compiled component in the runtime's cache.
    _compiled: Loaded,
    told: Arc<Subscriptions>,
}

/// An installation that is ready to run.
struct Set {
    installed: Arc<Installation>,
    loaded: Loaded,
    told: Arc<Subscriptions>,
    config: Arc<str>,
}

/// Why a plugin cannot be provided or installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvideError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The component.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The manifest asks for what this host cannot do yet.
    #[error("plugin `{plugin}` asks for `{what}`, which this host cannot do yet; use a newer host or leave it out")]
    Unsupported {
        /// The plugin.
        plugin: String,
        /// What it asks for.
        what: String,
    },
    /// A `where` filter of the manifest is none.
    #[error("plugin `{plugin}`, on[{index}].where: {message}")]
    Filter {
        /// The plugin.
        plugin: String,
        /// Which `[[on]]`, from 0.
        index: usize,
        /// What is wrong.
        message: String,
    },
    /// Nobody provided it.
    #[error("no plugin `{0}` was provided; hand its manifest and component to `provide` first")]
    Unknown(String),
    /// More was granted than the manifest asks for.
    #[error(transparent)]
    Granted(#[from] crate::capability::NotRequested),
    /// The configuration has problems; every one is listed.
    #[error("the configuration does not fit: {}", .0.iter().map(|p| format!("{}: {}", p.pointer, p.message)).collect::<Vec<_>>().join("; "))]
    Config(Vec<ConfigProblem>),
    /// The plugin failed while it looked at its configuration.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl PluginHost {
    /// A host without plugins yet.
    ///
    /// # Errors
    /// When the process may not reserve the address space of the pool, or start a thread.
    pub fn new(limits: Limits) -> Result<Self, EngineError> {
        let runtime = Runtime::new(limits)?;
        Ok(Self(Arc::new(Host {
            runtime,
            packages: Mutex::default(),
            running: Mutex::default(),
            breakers: Mutex::default(),
            stored: Mutex::default(),
        })))
    }

    /// Provides a plugin: its `plugin.toml` and its component. Compiles it, which takes a while: call it at start.
    ///
    /// # Errors
    /// When the manifest, the component or what it asks for is refused.
    pub fn provide(&self, toml: &str, component: &[u8]) -> Result<PluginId, ProvideError> {
        let manifest = Manifest::parse(toml)?;
        supported(&manifest)?;
        let id: PluginId = manifest.id.parse().map_err(|_| ProvideError::Unknown(manifest.id.clone()))?;
        let told = Arc::new(Subscriptions::of(&manifest)?);
        let compiled = self.0.runtime.load(manifest.clone(), Grant::all(&manifest), component)?;
        let package =
            Package { _compiled: compiled, toml: toml.to_owned(), component: component.to_vec(), told, manifest };
        let mut packages = self.0.packages.lock().unwrap_or_else(PoisonError::into_inner);
        packages.retain(|known| known.toml != package.toml);
        packages.push(Arc::new(package));
        Ok(id)
    }

    /// The command that installs a provided plugin (of several versions, the one provided last) in a tenant with `config` (JSON), granting it all it asks for, or a
    /// part. The plugin checks its configuration first.
    ///
    /// # Errors
    /// When nobody provided it, more is granted than asked for, or the configuration has problems.
    pub fn installation(
        &self,
        tenant: TenantId,
        plugin: &PluginId,
        config: &str,
        granted: Option<Capabilities>,
    ) -> Result<InstallPlugin, ProvideError> {
        let package = self.package(|package| package.manifest.id == plugin.as_str());
        let package = package.ok_or_else(|| ProvideError::Unknown(plugin.to_string()))?;
        let grant = match granted {
            Some(granted) => Grant::new(&package.manifest, granted)?,
            None => Grant::all(&package.manifest),
        };
        let granted = serde_json::to_string(grant.granted()).unwrap_or_default(); // plain data always serialises
        let loaded = self.0.runtime.load(package.manifest.clone(), grant, &package.component)?;
        let problems = self.0.runtime.check_config(&loaded, config)?;
        if !problems.is_empty() {
            return Err(ProvideError::Config(problems));
        }
        Ok(InstallPlugin {
            tenant,
            plugin: plugin.clone(),
            digest: package.manifest.sha256.to_string(),
            manifest: serde_json::to_string(&package.toml).unwrap_or_default(),
            granted,
            config: config.to_owned(),
            enabled: true,
        })
    }

    fn package(&self, which: impl Fn(&Package) -> bool) -> Option<Arc<Package>> {
        let packages = self.0.packages.lock().unwrap_or_else(PoisonError::into_inner);
        packages.iter().rev().find(|package| which(package)).cloned()
    }

    /// The installation, ready to run; `None` when its code was not provided to this process, or it no longer fits.
    fn ready(&self, installed: &Arc<Installation>) -> Option<Arc<Set>> {
        let key = (installed.tenant, installed.plugin.clone());
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = running.get(&key).filter(|set| set.installed == *installed) {
            return Some(set.clone());
        }
        let fits = |package: &Package| {
            package.manifest.id == installed.plugin.as_str() && package.manifest.sha256.to_string() == installed.digest
        };
        // The same code may come with several manifests; the one it was installed with, if that is here.
        let toml: Option<String> = serde_json::from_str(&installed.manifest).ok();
        let its = |package: &Package| fits(package) && toml.as_deref() == Some(&package.toml);
        let package = self.package(its).or_else(|| self.package(fits))?;
        let granted: Capabilities = serde_json::from_str(&installed.granted).ok()?;
        let grant = Grant::new(&package.manifest, granted).ok()?;
        let loaded = self.0.runtime.load(package.manifest.clone(), grant, &package.component).ok()?;
        let set = Arc::new(Set {
            installed: installed.clone(),
            loaded,
            told: package.told.clone(),
            config: Arc::from(installed.config.as_str()),
        });
        running.insert(key, set.clone());
        Some(set)
    }

    /// What a plugin is told of, whether or not its code is here: a process without the code must not lose events for
    /// those that have it. `None` when the stored manifest cannot be read, such as one of a newer host.
    fn told(&self, installed: &Arc<Installation>) -> Option<Arc<Subscriptions>> {
        if let Some(set) = self.ready(installed) {
            return Some(set.told.clone());
        }
        let mut stored = self.0.stored.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = stored.get(&installed.manifest) {
            return known.clone();
        }
        let told = match Subscriptions::stored(&installed.manifest) {
            Ok(told) => Some(Arc::new(told)),
            Err(why) => {
                tracing::warn!(
                    plugin = %installed.plugin,
                    why,
                    "a plugin's manifest cannot be read by this process; every event is kept for those that can"
                );
                None
            }
        };
        stored.insert(installed.manifest.clone(), told.clone());
        told
    }
}

impl PluginHost {
    /// Whether the deliveries of an installed plugin run.
    ///
    /// # Errors
    /// When the actor may not manage plugins or there is no such plugin, and those of the database.
    pub async fn standing(&self, desk: &Desk, by: &Actor, plugin: &PluginId) -> Result<Standing, ActError> {
        let installed = managed(desk, by, plugin).await?;
        let (guard, now) = (Guard { host: &self.0, desk, installed: &installed }, desk.clock().now());
        guard.forget();
        Ok(guard.breaker(now).await?.standing(now))
    }

    /// Lets a paused or quarantined plugin go on. Deliveries that wait are tried within five minutes.
    ///
    /// # Errors
    /// As [`PluginHost::standing`]; [`ActError::Busy`] when it fails again at this very moment.
    pub async fn resume(&self, desk: &Desk, by: &Actor, plugin: &PluginId) -> Result<(), ActError> {
        let installed = managed(desk, by, plugin).await?;
        let guard = Guard { host: &self.0, desk, installed: &installed };
        let rows = vec![guard.reset(desk.clock().now()).await?];
        let commands = helpdesk_core::desk::Set { rows, ..helpdesk_core::desk::Set::default() };
        desk.act_all(&Actor::system_of(installed.tenant), commands).await.map(drop)
    }
}

/// The installation, for whoever may manage plugins.
async fn managed(desk: &Desk, by: &Actor, plugin: &PluginId) -> Result<Arc<Installation>, ActError> {
    if !desk.access(by).await?.everywhere().has(Permission::PluginManage) {
        return Err(Refusal::from(Denied { needed: Permission::PluginManage }).into());
    }
    let installed = desk.config(by).await?.plugins.get(plugin).cloned();
    installed.ok_or_else(|| Refusal::NotFound { noun: "plugin", id: plugin.to_string() }.into())
}

impl Host {
    fn breakers(&self) -> MutexGuard<'_, HashMap<(TenantId, PluginId), guard::Seen>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriptions {
    fn of(manifest: &Manifest) -> Result<Self, ProvideError> {
        Ok(Self { on: manifest.on.clone(), filters: filters(manifest)? })
    }

    /// As an installation keeps its manifest: a JSON string of TOML. The error is in words.
    fn stored(manifest: &str) -> Result<Self, String> {
        let toml: String = serde_json::from_str(manifest).map_err(|error| error.to_string())?;
        let manifest = Manifest::parse(&toml).map_err(|error| error.to_string())?;
        Self::of(&manifest).map_err(|error| error.to_string())
    }

    /// The first `[[on]]` that wants an event of the subject as it stands now.
    async fn wants(&self, desk: &Desk, id: &PluginId, event: &Envelope) -> Result<Option<usize>, ActError> {
        let own = matches!(&event.by, Author::Plugin(by) if by == id) || event.cause.via.contains(id);
        if own {
            return Ok(None);
        }
        for (index, (on, filter)) in self.on.iter().zip(&self.filters).enumerate() {
            let kind =
                matches!(&on.trigger, Trigger::Kinds(kinds) if kinds.iter().any(|kind| kind == event.event.kind()));
            if kind && on.mode == Mode::After && passes(desk, filter, event).await? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

/// Whether the subject of an event matches a manifest's `where`, as it stands now.
async fn passes(desk: &Desk, filter: &Filter, event: &Envelope) -> Result<bool, ActError> {
    match (filter, event.subject.ticket()) {
        (Filter::All, _) => Ok(true),
        (_, None) => Ok(false),
        (filter, Some(ticket)) => {
            let found = desk.tickets_by_id(&Actor::system_of(event.tenant), &[ticket]).await?;
            Ok(found.iter().any(|view| filter.matches(&view.case, &[], false)))
        }
    }
}

/// Refuses a manifest that asks for what cannot be done here: nothing it stages may be lost silently.
fn supported(manifest: &Manifest) -> Result<(), ProvideError> {
    let caps = &manifest.capabilities;
    let what = caps.act.iter().find(|action| !ACTIONS.contains(&action.as_str())).map(|action| format!("do:{action}"));
    let what = what
        .or_else(|| caps.emit.first().map(|kind| format!("emit:{kind}")))
        .or_else(|| caps.http.first().map(|target| format!("http:{}", target.host)))
        .or_else(|| manifest.on.iter().find(|on| on.mode != Mode::After).map(|on| format!("mode {}", on.mode.as_str())))
        .or_else(|| manifest.on.iter().any(|on| on.receive_own).then(|| "receive-own".to_owned()))
        .or_else(|| manifest.on.iter().any(|on| on.on_poison == OnPoison::Stop).then(|| "on-poison stop".to_owned()));
    match what {
        Some(what) => Err(ProvideError::Unsupported { plugin: manifest.id.clone(), what }),
        None => Ok(()),
    }
}

fn filters(manifest: &Manifest) -> Result<Vec<Filter>, ProvideError> {
    let read = |(index, on): (usize, &crate::manifest::On)| {
        let bad = |message: String| ProvideError::Filter { plugin: manifest.id.clone(), index, message };
        let Some(json) = &on.filter else { return Ok(Filter::All) };
        let filter: Filter = serde_json::from_value(json.clone()).map_err(|error| bad(error.to_string()))?;
        filter.check().map_err(|error| bad(error.to_string()))?;
        if filter.mentions(|cond| matches!(cond, Cond::Text(_) | Cond::Mine(_))) {
            return Err(bad("`text` and `mine` make no sense for an event; leave them out".into()));
        }
        Ok(filter)
    };
    manifest.on.iter().enumerate().map(read).collect()
}

impl Subscriber for PluginHost {
    fn name(&self) -> &str {
        "plugins"
    }

    fn wants<'a>(
        &'a self,
        desk: &'a Desk,
        events: &'a [Envelope],
    ) -> BoxFuture<'a, Result<Vec<Vec<Addressee>>, ActError>> {
        Box::pin(async move {
            let mut configs: HashMap<TenantId, Arc<TenantConfig>> = HashMap::new();
            let mut wanted = Vec::with_capacity(events.len());
            for event in events {
                let config = match configs.get(&event.tenant) {
                    Some(config) => config.clone(),
                    None => {
                        let config = desk.config(&Actor::system_of(event.tenant)).await?;
                        configs.insert(event.tenant, config.clone());
                        config
                    }
                };
                let mut to = Vec::new();
                for installed in config.plugins.values().filter(|installed| installed.enabled) {
                    let priority = match self.told(installed) {
                        Some(told) => {
                            let wants = told.wants(desk, &installed.plugin, event).await?;
                            wants.map(|index| told.on[index].priority)
                        }
                        // A process that can read it decides when it is delivered.
                        None => Some(0),
                    };
                    to.extend(priority.map(|priority| (priority, installed.plugin.clone())));
                }
                to.sort();
                wanted.push(to.into_iter().map(|(_, id)| Addressee { name: id.to_string(), tries: TRIES }).collect());
            }
            Ok(wanted)
        })
    }

    fn deliver<'a>(&'a self, desk: &'a Desk, delivery: &'a Delivery) -> BoxFuture<'a, Result<Verdict, ActError>> {
        Box::pin(deliver::deliver(self, desk, delivery))
    }
}
