//! What a plugin asks for: one value per staged host call, so that a rule can be tested without any host.
//! Whether it may is the host's decision.

#[cfg(feature = "http")]
use crate::Request;
#[cfg(feature = "http")]
use crate::raw::helpdesk::plugin::http;
use crate::raw::helpdesk::plugin::{effects, kv};
use crate::{Field, HostError};

/// One thing that should happen. The returned list is applied in order, in one transaction, or not at all.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Refuse the whole list when the ticket has another version by then.
    ExpectVersion { ticket: String, version: u64 },
    /// Set fields of a ticket; [`Value::Null`](crate::Value::Null) clears.
    SetFields { ticket: String, fields: Vec<Field> },
    /// Add tags; those already there stay.
    AddTags { ticket: String, tags: Vec<String> },
    /// Remove tags; those not there are no error.
    RemoveTags { ticket: String, tags: Vec<String> },
    /// Follow a transition of the ticket's workflow, with the fields it asks for.
    Transition { ticket: String, transition: String, fields: Vec<Field> },
    /// Assign to a person, a group or both; `None` leaves as it is.
    Assign { ticket: String, agent: Option<String>, group: Option<String> },
    /// Write a comment in Markdown.
    Comment { ticket: String, body: String, internal: bool },
    /// Create a ticket; later actions name it by [`Action::created`] of the same `client_ref`.
    CreateTicket { client_ref: String, fields: Vec<Field> },
    /// Link two tickets.
    Link { source: String, target: String, relation: String },
    /// Ask for an approval under a named policy; `data` is a JSON object.
    RequestApproval { ticket: String, policy: String, data: String },
    /// Notify people through a channel with a template; `data` is a JSON object.
    Notify { channel: String, recipients: Vec<String>, template: String, data: String },
    /// Call this plugin again at a time (milliseconds since 1970 UTC); the same key replaces.
    Schedule { key: String, at_ms: u64, data: String },
    /// Take back a scheduled call.
    CancelSchedule { key: String },
    /// Append an event of the plugin's own; `kind` starts with the plugin's id and a dot.
    Emit { kind: String, subject: Option<String>, data: String },
    /// In mode `before`: refuse the command.
    Veto { code: String, message: String },
    /// Store a value; `expect` is the version that must still be there (0: none).
    KvSet { key: String, value: Vec<u8>, expect: Option<u64>, ttl_seconds: Option<u32> },
    /// Add to a counter.
    KvAdd { key: String, delta: i64 },
    /// Remove a value.
    KvDelete { key: String, expect: Option<u64> },
    /// Queue an HTTP request, sent after the commit. Needs the world `connector`.
    #[cfg(feature = "http")]
    Http(Request),
}

impl Action {
    /// An internal comment.
    pub fn note(ticket: impl Into<String>, body: impl Into<String>) -> Self {
        Self::Comment { ticket: ticket.into(), body: body.into(), internal: true }
    }

    /// A public comment.
    pub fn comment(ticket: impl Into<String>, body: impl Into<String>) -> Self {
        Self::Comment { ticket: ticket.into(), body: body.into(), internal: false }
    }

    /// One field set.
    pub fn set(ticket: impl Into<String>, name: impl Into<String>, value: impl Into<crate::Value>) -> Self {
        Self::SetFields { ticket: ticket.into(), fields: vec![Field::new(name, value)] }
    }

    /// The id by which later actions of the same list name a ticket made by [`Action::CreateTicket`].
    #[must_use]
    pub fn created(client_ref: &str) -> String {
        format!("new:{client_ref}")
    }

    /// The host function behind the action, as the contract names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ExpectVersion { .. } => "expect-version",
            Self::SetFields { .. } => "set-fields",
            Self::AddTags { .. } => "add-tags",
            Self::RemoveTags { .. } => "remove-tags",
            Self::Transition { .. } => "transition",
            Self::Assign { .. } => "assign",
            Self::Comment { .. } => "comment",
            Self::CreateTicket { .. } => "create-ticket",
            Self::Link { .. } => "link",
            Self::RequestApproval { .. } => "request-approval",
            Self::Notify { .. } => "notify",
            Self::Schedule { .. } => "schedule",
            Self::CancelSchedule { .. } => "cancel-schedule",
            Self::Emit { .. } => "emit",
            Self::Veto { .. } => "veto",
            Self::KvSet { .. } => "kv.set",
            Self::KvAdd { .. } => "kv.add",
            Self::KvDelete { .. } => "kv.delete",
            #[cfg(feature = "http")]
            Self::Http(_) => "http.enqueue",
        }
    }

    /// Hands the action to the host.
    pub(crate) fn stage(&self) -> Result<(), HostError> {
        match self {
            Self::ExpectVersion { ticket, version } => effects::expect_version(ticket, *version),
            Self::SetFields { ticket, fields } => effects::set_fields(ticket, fields),
            Self::AddTags { ticket, tags } => effects::add_tags(ticket, tags),
            Self::RemoveTags { ticket, tags } => effects::remove_tags(ticket, tags),
            Self::Transition { ticket, transition, fields } => effects::transition(ticket, transition, fields),
            Self::Assign { ticket, agent, group } => effects::assign(ticket, agent.as_deref(), group.as_deref()),
            Self::Comment { ticket, body, internal } => effects::comment(ticket, body, *internal),
            Self::CreateTicket { client_ref, fields } => effects::create_ticket(client_ref, fields).map(drop),
            Self::Link { source, target, relation } => effects::link(source, target, relation),
            Self::RequestApproval { ticket, policy, data } => effects::request_approval(ticket, policy, data),
            Self::Notify { channel, recipients, template, data } => {
                effects::notify(channel, recipients, template, data)
            }
            Self::Schedule { key, at_ms, data } => effects::schedule(key, *at_ms, data),
            Self::CancelSchedule { key } => effects::cancel_schedule(key),
            Self::Emit { kind, subject, data } => effects::emit(kind, subject.as_deref(), data),
            Self::Veto { code, message } => effects::veto(code, message),
            Self::KvSet { key, value, expect, ttl_seconds } => kv::set(key, value, *expect, *ttl_seconds),
            Self::KvAdd { key, delta } => kv::add(key, *delta).map(drop),
            Self::KvDelete { key, expect } => kv::delete(key, *expect),
            #[cfg(feature = "http")]
            Self::Http(request) => http::enqueue(request),
        }
    }
}
