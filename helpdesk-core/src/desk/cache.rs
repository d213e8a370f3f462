//! Configuration and compiled access, cached by policy epoch. No messages between nodes: whatever is read brings the
//! epoch, and a mismatch refreshes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Desk;
use crate::actor::Actor;
use crate::config::TenantConfig;
use crate::error::{ActError, Refusal};
use crate::id::TenantId;
use crate::role::{Access, Grant};
use crate::store::Standing;

/// Most actors whose access is kept per tenant; beyond it the cache starts anew.
const ACTORS_MAX: usize = 10_000;
/// How often the policy may move under one read before it gives up.
pub(super) const ROUNDS: u32 = 16;

/// A tenant's configuration and the access compiled under it, at one epoch.
pub(super) struct Policy {
    pub(super) config: Arc<TenantConfig>,
    access: Mutex<HashMap<Actor, Compiled>>,
}

/// What an actor may do, and the version of the host's say in it.
#[derive(Clone)]
struct Compiled {
    access: Arc<Access>,
    version: u64,
}

#[derive(Default)]
pub(super) struct Policies(Mutex<HashMap<TenantId, Arc<Policy>>>);

impl Policies {
    fn get(&self, tenant: TenantId) -> Option<Arc<Policy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }
    fn forget(&self, tenant: TenantId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }
    fn put(&self, tenant: TenantId, policy: Arc<Policy>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = all.get(&tenant).is_none_or(|known| known.config.epoch <= policy.config.epoch);
        if newer {
            all.insert(tenant, policy);
        }
    }
}

/// An actor's view of a tenant at one epoch.
#[derive(Clone)]
pub(crate) struct Standpoint {
    pub(crate) config: Arc<TenantConfig>,
    pub(crate) access: Arc<Access>,
}

impl Desk {
    /// Configuration and access at `epoch` or, when the database has moved on meanwhile, later.
    ///
    /// # Errors
    /// `NOT_FOUND` for people who are unknown or inactive and plugins that are not installed and enabled; `Suspended`.
    pub(super) async fn standpoint(&self, by: &Actor, tenant: TenantId, epoch: i64) -> Result<Standpoint, ActError> {
        let now = self.inner.clock.now();
        let mut wanted = epoch;
        for _ in 0..ROUNDS {
            let policy = self.policy(tenant, wanted).await?;
            let config = policy.config.clone();
            if matches!(by, Actor::System(_)) {
                return Ok(Standpoint { config, access: Arc::new(Access::system()) });
            }
            if config.tenant.suspended {
                return Err(Refusal::Suspended.into());
            }
            let cached = policy.access.lock().unwrap_or_else(PoisonError::into_inner).get(by).cloned();
            // Before it is asked: what it says meanwhile may be older, never newer, than its version.
            let version = self.inner.authorizer.version();
            if let Some(known) = cached.filter(|known| known.access.until > now && known.version == version) {
                return Ok(Standpoint { config, access: known.access });
            }
            let (seen, standing) = self.inner.store.standing(by).await?;
            if seen != config.epoch {
                // Between the two reads the policy moved, or what we remember was rolled back.
                self.inner.policies.forget(tenant);
                wanted = seen;
                continue;
            }
            match by {
                Actor::System(_) => {}
                Actor::Person(_, id) | Actor::Service(_, id) => {
                    // Not cached: somebody who is added later moves no epoch.
                    let active = standing.person.as_ref().is_some_and(|person| person.active);
                    if !active {
                        return Err(Refusal::not_found("person", id).into());
                    }
                }
                Actor::Plugin(_, id) => {
                    if !config.plugins.get(id).is_some_and(|installed| installed.enabled) {
                        return Err(Refusal::not_found("plugin", id).into());
                    }
                }
            }
            let access = Arc::new(self.compiled(by, &standing, &config));
            let mut all = policy.access.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= ACTORS_MAX {
                all.clear();
            }
            all.insert(by.clone(), Compiled { access: access.clone(), version });
            return Ok(Standpoint { config, access });
        }
        Err(ActError::Busy(ROUNDS))
    }

    /// What somebody known to the directory like this may do now.
    pub(super) fn compiled(&self, by: &Actor, standing: &Standing, config: &TenantConfig) -> Access {
        let now = self.inner.clock.now();
        // What was granted to an earlier installation of a plugin of that name does not count.
        let since = match by {
            Actor::Plugin(_, id) => config.plugins.get(id).map(|installed| installed.created_at),
            Actor::System(_) | Actor::Person(..) | Actor::Service(..) => None,
        };
        let counts = |grant: &&Grant| since.is_none_or(|since| grant.granted_at >= since);
        let grants: Vec<Grant> = standing.grants.iter().filter(counts).cloned().collect();
        let access = Access::compile(by, standing.person.as_ref(), &grants, config, now);
        if matches!(by, Actor::System(_)) {
            return access;
        }
        let authorizer = &self.inner.authorizer;
        access.narrowed(authorizer.narrow(by, config), authorizer.veto(by, config))
    }

    /// The tenant's policy at `epoch`, or a later one.
    async fn policy(&self, tenant: TenantId, epoch: i64) -> Result<Arc<Policy>, ActError> {
        if let Some(policy) = self.inner.policies.get(tenant).filter(|policy| policy.config.epoch >= epoch) {
            return Ok(policy);
        }
        let config = self.inner.store.config(tenant).await?;
        let config = config.ok_or_else(|| Refusal::not_found("tenant", tenant))?;
        let policy = Arc::new(Policy { config: Arc::new(config), access: Mutex::default() });
        self.inner.policies.put(tenant, policy.clone());
        Ok(policy)
    }

    /// What was read at `epoch` does not fit what we believe: believe the database.
    pub(super) async fn again(&self, by: &Actor, tenant: TenantId, epoch: i64) -> Result<Standpoint, ActError> {
        if self.believed(tenant) > epoch {
            self.inner.policies.forget(tenant);
        }
        self.standpoint(by, tenant, epoch).await
    }

    /// The epoch the cache believes in; 0 when it knows nothing of the tenant.
    pub(super) fn believed(&self, tenant: TenantId) -> i64 {
        self.inner.policies.get(tenant).map_or(0, |policy| policy.config.epoch)
    }

    /// The tenant the actor reads.
    pub(super) fn tenant_of(by: &Actor) -> Result<TenantId, ActError> {
        by.tenant().ok_or_else(|| Refusal::NoTenant.into())
    }
}
