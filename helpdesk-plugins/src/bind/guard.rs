//! The breaker of an installed plugin: kept in the database, so that all processes go by it.

use helpdesk_core::id::TenantId;
use helpdesk_core::org::Installation;
use helpdesk_core::store::{Kv, Row, StoreError, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{Desk, PluginId};

use super::Host;
use crate::breaker::Breaker;

/// Under whose name it is kept; no plugin can have this id.
const BREAKER: &str = "#breaker";
/// How long what was read is believed, in milliseconds.
const BELIEVED: i64 = 1000;

/// What was read of a breaker, and when.
pub(super) type Seen = (Timestamp, Option<Kv>);

/// What became of a run, as far as the breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It came to its end.
    Succeeded,
    /// It failed, and not because of the host.
    Failed,
    /// Nothing follows from it.
    Neither,
}

/// The breaker of one installation.
pub(super) struct Guard<'a> {
    pub(super) host: &'a Host,
    pub(super) desk: &'a Desk,
    pub(super) installed: &'a Installation,
}

impl Guard<'_> {
    fn key(&self) -> (TenantId, PluginId) {
        (self.installed.tenant, self.installed.plugin.clone())
    }

    /// As it was at most a second ago.
    pub(super) async fn breaker(&self, now: Timestamp) -> Result<Breaker, StoreError> {
        Ok(self.read(self.seen(now).await?.as_ref()))
    }

    /// The row that says what a run has come to; none when that changes nothing.
    pub(super) async fn mark(&self, mark: Mark, now: Timestamp) -> Result<Option<Write>, StoreError> {
        match mark {
            Mark::Neither => return Ok(None),
            Mark::Failed => self.forget(),
            Mark::Succeeded => {}
        }
        let before = self.seen(now).await?;
        let mut breaker = self.read(before.as_ref());
        let was = breaker.clone();
        if mark == Mark::Failed {
            breaker.failed(now)
        } else {
            breaker.succeeded(now)
        }
        Ok((breaker != was).then(|| self.write(before, &breaker)))
    }

    /// The row that lets it begin anew.
    pub(super) async fn reset(&self, now: Timestamp) -> Result<Write, StoreError> {
        self.forget();
        let before = self.seen(now).await?;
        Ok(self.write(before, &Breaker::new(self.installed.version)))
    }

    /// What was read is read again next time: it has been written, or is stale.
    pub(super) fn forget(&self) {
        self.host.breakers().remove(&self.key());
    }

    fn write(&self, before: Option<Kv>, breaker: &Breaker) -> Write {
        self.forget();
        let after = Kv {
            tenant: self.installed.tenant,
            plugin: BREAKER.into(),
            key: self.installed.plugin.to_string(),
            value: serde_json::to_vec(breaker).unwrap_or_default(), // plain data always serialises
            version: before.as_ref().map_or(1, |kv| kv.version + 1),
            expires_at: None,
        };
        Write { before: before.map(Row::Kv), after: Some(Row::Kv(after)) }
    }

    fn read(&self, kv: Option<&Kv>) -> Breaker {
        let version = self.installed.version;
        let breaker: Option<Breaker> = kv.and_then(|kv| serde_json::from_slice(&kv.value).ok());
        breaker.filter(|breaker| breaker.version == version).unwrap_or_else(|| Breaker::new(version))
    }

    async fn seen(&self, now: Timestamp) -> Result<Option<Kv>, StoreError> {
        let known = self.host.breakers().get(&self.key()).cloned();
        if let Some((_, kv)) = known.filter(|(at, _)| (0..BELIEVED).contains(&(now.millis() - at.millis()))) {
            return Ok(kv);
        }
        let kv = self.desk.store().kv(self.installed.tenant, BREAKER, self.installed.plugin.as_str()).await?;
        self.host.breakers().insert(self.key(), (now, kv.clone()));
        Ok(kv)
    }
}
