//! A plugin's questions, answered from the desk as its principal sees it.

use std::time::Instant;

use helpdesk_core::desk::read::Page as Wanted;
use helpdesk_core::filter::{Filter, Order, SortBy};
use helpdesk_core::id::TicketId;
use helpdesk_core::{ActError, Actor, Desk, PluginId, Refusal};

use super::{asked, show};
use crate::event::Field;
use crate::load::Loaded;
use crate::reads::{KvEntry, Page, ReadError, Reads};

/// Answers as of now, for one call.
pub(super) struct AsPlugin {
    pub(super) desk: Desk,
    pub(super) actor: Actor,
    pub(super) plugin: PluginId,
    pub(super) loaded: Loaded,
    pub(super) runtime: tokio::runtime::Handle,
}

impl AsPlugin {
    /// Waits for `answer` on this (blocking) thread, at most until `until`.
    fn wait<T>(&self, until: Instant, answer: impl Future<Output = Result<T, ActError>>) -> Result<T, ReadError> {
        let answer = async { tokio::time::timeout_at(until.into(), answer).await };
        match self.runtime.block_on(answer) {
            Err(_) => Err(ReadError::Fault("the database did not answer in time".into())),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(ActError::Refused(refusal))) => Err(ReadError::Invalid(refusal.to_string())),
            Ok(Err(error)) => Err(ReadError::Fault(error.to_string())),
        }
    }
}

fn only_tickets(kind: &str) -> Result<(), ReadError> {
    if kind == "ticket" {
        Ok(())
    } else {
        Err(ReadError::Unsupported(format!("`{kind}` cannot be read here, only `ticket`")))
    }
}

fn ticket(id: &str) -> Result<TicketId, ReadError> {
    id.parse().map_err(|error: helpdesk_core::id::BadId| ReadError::Invalid(error.to_string()))
}

impl Reads for AsPlugin {
    fn get(&self, kind: &str, id: &str, fields: &[String], until: Instant) -> Result<Option<Vec<Field>>, ReadError> {
        only_tickets(kind)?;
        let id = ticket(id)?;
        let found = self.wait(until, async {
            let view = match self.desk.ticket(&self.actor, id).await {
                Ok(view) => view,
                Err(ActError::Refused(Refusal::NotFound { .. })) => return Ok(None),
                Err(error) => return Err(error),
            };
            let config = self.desk.config(&Actor::system_of(view.case.ticket.tenant)).await?;
            Ok(Some((config, view)))
        })?;
        Ok(found.map(|(config, view)| show::fields(&config, &view, fields)))
    }

    fn related(
        &self,
        kind: &str,
        id: &str,
        relation: &str,
        limit: u32,
        after: Option<&str>,
        until: Instant,
    ) -> Result<Page, ReadError> {
        only_tickets(kind)?;
        if relation != "children" {
            return Err(ReadError::Unsupported(format!("no relation `{relation}` here, only `children`")));
        }
        let filter = helpdesk_core::filter::Cond::Parent(vec![ticket(id)?]).into();
        self.page(&filter, limit, after, until)
    }

    fn search(
        &self,
        kind: &str,
        filter: &str,
        limit: u32,
        after: Option<&str>,
        until: Instant,
    ) -> Result<Page, ReadError> {
        only_tickets(kind)?;
        let filter: Filter = serde_json::from_str(filter).map_err(|error| ReadError::Invalid(error.to_string()))?;
        asked::check(&filter, self.loaded.grant())?;
        self.page(&filter, limit, after, until)
    }

    fn business_seconds(&self, _: &str, _: u64, _: u64, _: Instant) -> Result<u64, ReadError> {
        Err(ReadError::Unsupported("this desk has no calendars".into()))
    }

    fn kv_get(&self, key: &str, until: Instant) -> Result<Option<KvEntry>, ReadError> {
        let found = self.wait(until, async {
            let tenant = self.actor.tenant().ok_or(Refusal::NoTenant)?;
            let found = self.desk.store().kv(tenant, self.plugin.as_str(), key).await?;
            let now = self.desk.clock().now();
            Ok(found.filter(|kv| kv.expires_at.is_none_or(|end| end > now)))
        })?;
        Ok(found.map(|kv| KvEntry { value: kv.value, version: kv.version.unsigned_abs() }))
    }

    fn kv_keys(&self, prefix: &str, limit: u32, after: Option<&str>, until: Instant) -> Result<Vec<String>, ReadError> {
        self.wait(until, async {
            let tenant = self.actor.tenant().ok_or(Refusal::NoTenant)?;
            let limit = u16::try_from(limit).unwrap_or(u16::MAX);
            let now = self.desk.clock().now();
            Ok(self.desk.store().kv_keys(tenant, self.plugin.as_str(), prefix, after, now, limit).await?)
        })
    }
}

impl AsPlugin {
    fn page(&self, filter: &Filter, limit: u32, after: Option<&str>, until: Instant) -> Result<Page, ReadError> {
        let first = u16::try_from(limit).unwrap_or(u16::MAX).clamp(1, helpdesk_core::desk::read::PAGE_MAX);
        let mut page = Wanted::first(first).order(Order { by: SortBy::Created, descending: false });
        if let Some(place) = after {
            let place = place
                .parse()
                .map_err(|error: helpdesk_core::desk::read::BadPlace| ReadError::Invalid(error.to_string()))?;
            page = page.after(place);
        }
        let found = self.wait(until, self.desk.tickets(&self.actor, filter, page))?;
        let full = found.len() == usize::from(first);
        Ok(Page {
            next: found.last().filter(|_| full).map(|view| view.place.to_string()),
            items: found.iter().map(|view| view.case.ticket.id.to_string()).collect(),
        })
    }
}
