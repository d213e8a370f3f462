//! Contract 1.x: generated bindings, and nothing but translation between them and the crate's own words.
//! Checks and budgets are in `host`, equal for every version.

use wasmtime::Result;

use crate::effect::{Effect, HttpRequest};
use crate::event;
use crate::host::{State, Stop};
use crate::outcome::Level;

mod bindings {
    #![allow(unreachable_pub, missing_docs, clippy::all)]
    wasmtime::component::bindgen!({
        path: "wit",
        world: "connector",
        imports: { default: trappable },
    });
}

pub(crate) use bindings::exports::helpdesk::plugin::handler::ConfigProblem;
use bindings::helpdesk::plugin::{effects, env, http, kv, log, query, types};
pub(crate) use bindings::{Connector, ConnectorPre};
pub(crate) use types::Failure;

/// The contract's version, told to plugins.
pub(crate) const CONTRACT: &str = "1.0.0";

type Told<T> = Result<std::result::Result<T, types::HostError>>;

/// A refusal is an answer; an end is a trap.
fn told<T>(answer: std::result::Result<T, Stop>) -> Told<T> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Refuse { code, message }) => Ok(Err(types::HostError { code: code.into(), message })),
        Err(Stop::End) => Err(wasmtime::Error::msg("ended by the host")),
    }
}

impl types::Host for State {}

impl query::Host for State {
    fn get(&mut self, kind: String, id: String, fields: Vec<String>) -> Told<Option<Vec<types::Field>>> {
        told(
            State::get(self, &kind, &id, &fields)
                .map(|found| found.map(|all| all.into_iter().map(lower_field).collect())),
        )
    }
    fn related(
        &mut self,
        kind: String,
        id: String,
        relation: String,
        limit: u32,
        after: Option<String>,
    ) -> Told<query::Page> {
        told(State::related(self, &kind, &id, &relation, limit, after.as_deref()).map(lower_page))
    }
    fn search(&mut self, kind: String, filter: String, limit: u32, after: Option<String>) -> Told<query::Page> {
        told(State::search(self, &kind, &filter, limit, after.as_deref()).map(lower_page))
    }
    fn business_seconds(&mut self, calendar: String, start: u64, end: u64) -> Told<u64> {
        told(State::business_seconds(self, &calendar, start, end))
    }
}

impl effects::Host for State {
    fn expect_version(&mut self, ticket: String, version: u64) -> Told<()> {
        told(self.stage(Effect::ExpectVersion { ticket, version }))
    }
    fn set_fields(&mut self, ticket: String, fields: Vec<types::Field>) -> Told<()> {
        told(self.stage(Effect::SetFields { ticket, fields: lift_fields(fields) }))
    }
    fn add_tags(&mut self, ticket: String, tags: Vec<String>) -> Told<()> {
        told(self.stage(Effect::AddTags { ticket, tags }))
    }
    fn remove_tags(&mut self, ticket: String, tags: Vec<String>) -> Told<()> {
        told(self.stage(Effect::RemoveTags { ticket, tags }))
    }
    fn transition(&mut self, ticket: String, transition: String, fields: Vec<types::Field>) -> Told<()> {
        told(self.stage(Effect::Transition { ticket, transition, fields: lift_fields(fields) }))
    }
    fn assign(&mut self, ticket: String, agent: Option<String>, group: Option<String>) -> Told<()> {
        told(self.stage(Effect::Assign { ticket, agent, group }))
    }
    fn comment(&mut self, ticket: String, body: String, internal: bool) -> Told<()> {
        told(self.stage(Effect::Comment { ticket, body, internal }))
    }
    fn create_ticket(&mut self, client_ref: String, fields: Vec<types::Field>) -> Told<String> {
        let id = format!("new:{client_ref}");
        told(self.stage(Effect::CreateTicket { client_ref, fields: lift_fields(fields) }).map(|()| id))
    }
    fn link(&mut self, source: String, target: String, relation: String) -> Told<()> {
        told(self.stage(Effect::Link { source, target, relation }))
    }
    fn request_approval(&mut self, ticket: String, policy: String, data: String) -> Told<()> {
        told(self.stage(Effect::RequestApproval { ticket, policy, data }))
    }
    fn notify(&mut self, channel: String, recipients: Vec<String>, template: String, data: String) -> Told<()> {
        told(self.stage(Effect::Notify { channel, recipients, template, data }))
    }
    fn schedule(&mut self, key: String, at: u64, data: String) -> Told<()> {
        told(self.stage(Effect::Schedule { key, at, data }))
    }
    fn cancel_schedule(&mut self, key: String) -> Told<()> {
        told(self.stage(Effect::CancelSchedule { key }))
    }
    fn emit(&mut self, kind: String, subject: Option<String>, data: String) -> Told<()> {
        told(self.stage(Effect::Emit { kind, subject, data }))
    }
    fn veto(&mut self, code: String, message: String) -> Told<()> {
        told(self.stage(Effect::Veto { code, message }))
    }
}

impl kv::Host for State {
    fn get(&mut self, key: String) -> Told<Option<kv::Entry>> {
        let lower = |e: crate::KvEntry| kv::Entry { value: e.value, version: e.version };
        told(self.kv_get(&key).map(|entry| entry.map(lower)))
    }
    fn keys(&mut self, prefix: String, limit: u32, after: Option<String>) -> Told<Vec<String>> {
        told(self.kv_keys(&prefix, limit, after.as_deref()))
    }
    fn set(&mut self, key: String, value: Vec<u8>, expect: Option<u64>, ttl_seconds: Option<u32>) -> Told<()> {
        told(self.kv_set(&key, value, expect, ttl_seconds))
    }
    fn add(&mut self, key: String, delta: i64) -> Told<i64> {
        told(self.kv_add(&key, delta))
    }
    fn delete(&mut self, key: String, expect: Option<u64>) -> Told<()> {
        told(self.kv_delete(&key, expect))
    }
}

impl http::Host for State {
    fn enqueue(&mut self, request: http::Request) -> Told<()> {
        told(State::enqueue(
            self,
            HttpRequest {
                client_ref: request.client_ref,
                method: request.method,
                url: request.url,
                headers: request.headers.into_iter().map(|h| (h.name, h.value)).collect(),
                secret_headers: request.secret_headers.into_iter().map(|h| (h.name, h.secret)).collect(),
                body: request.body,
                timeout_ms: request.timeout_ms,
            },
        ))
    }
}

impl env::Host for State {
    fn config(&mut self) -> Result<String> {
        Ok(self.config.to_string())
    }
    fn has_capability(&mut self, name: String) -> Result<bool> {
        Ok(self.grant.has(&name))
    }
    fn host_info(&mut self) -> Result<String> {
        let version = env!("CARGO_PKG_VERSION");
        Ok(format!(r#"{{"name":"helpdesk","version":"{version}","contract":"{CONTRACT}"}}"#))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String, fields: String) -> Result<()> {
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log(level, message, fields);
        Ok(())
    }
}

pub(crate) fn invocation(invocation: &event::Invocation) -> types::Invocation {
    types::Invocation {
        idempotency_key: invocation.idempotency_key.clone(),
        attempt: invocation.attempt,
        now: invocation.now,
        seed: invocation.seed,
        mode: invocation.mode.as_str().to_owned(),
        dry_run: invocation.dry_run,
    }
}

pub(crate) fn event(event: event::Event) -> types::Event {
    let (actor, origin) = (event.actor, event.origin);
    let change = |c: event::Change| types::Change { name: c.name, before: lower(c.before), after: lower(c.after) };
    types::Event {
        id: event.id,
        seq: event.seq,
        kind: event.kind,
        schema: event.schema,
        occurred_at: event.occurred_at,
        tenant: event.tenant,
        subject: event.subject.map(|s| types::Subject { kind: s.kind, id: s.id, version: s.version }),
        actor: types::Actor { kind: actor.kind, id: actor.id, on_behalf_of: actor.on_behalf_of },
        origin: types::Origin {
            correlation: origin.correlation,
            causation: origin.causation,
            depth: origin.depth,
            via: origin.via,
        },
        changes: event.changes.into_iter().map(change).collect(),
        data: event.data,
    }
}

pub(crate) fn input(fields: Vec<event::Field>) -> Vec<types::Field> {
    fields.into_iter().map(lower_field).collect()
}

fn lower_page(page: crate::Page) -> query::Page {
    query::Page { items: page.items, next: page.next }
}

fn lower_field(field: event::Field) -> types::Field {
    types::Field { name: field.name, value: lower(field.value) }
}

fn lower(value: event::Value) -> types::Value {
    match value {
        event::Value::Null => types::Value::Null,
        event::Value::Boolean(v) => types::Value::Boolean(v),
        event::Value::Int(v) => types::Value::Int(v),
        event::Value::Decimal(v) => types::Value::Decimal(v),
        event::Value::Text(v) => types::Value::Text(v),
        event::Value::Time(v) => types::Value::Time(v),
        event::Value::Texts(v) => types::Value::Texts(v),
        event::Value::Json(v) => types::Value::Json(v),
    }
}

fn lift_fields(fields: Vec<types::Field>) -> Vec<event::Field> {
    fields.into_iter().map(|f| event::Field { name: f.name, value: lift(f.value) }).collect()
}

fn lift(value: types::Value) -> event::Value {
    match value {
        types::Value::Null => event::Value::Null,
        types::Value::Boolean(v) => event::Value::Boolean(v),
        types::Value::Int(v) => event::Value::Int(v),
        types::Value::Decimal(v) => event::Value::Decimal(v),
        types::Value::Text(v) => event::Value::Text(v),
        types::Value::Time(v) => event::Value::Time(v),
        types::Value::Texts(v) => event::Value::Texts(v),
        types::Value::Json(v) => event::Value::Json(v),
    }
}
