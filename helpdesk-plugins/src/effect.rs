//! What comes out of a plugin: staged effects, KV writes and HTTP requests. Values only; applying them is the caller's.

use crate::event::Field;

/// One thing a plugin wants to happen to the desk.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the contract, documented there")]
pub enum Effect {
    /// Refuse the whole set when the ticket has another version by then.
    ExpectVersion { ticket: String, version: u64 },
    /// Set fields; a null clears.
    SetFields { ticket: String, fields: Vec<Field> },
    /// Add tags.
    AddTags { ticket: String, tags: Vec<String> },
    /// Remove tags.
    RemoveTags { ticket: String, tags: Vec<String> },
    /// Follow a transition of the ticket's workflow.
    Transition { ticket: String, transition: String, fields: Vec<Field> },
    /// Assign to a person, a group (id or name) or both; `None` leaves as it is.
    Assign { ticket: String, agent: Option<String>, group: Option<String> },
    /// Write a comment in Markdown.
    Comment { ticket: String, body: String, internal: bool },
    /// Create a ticket, named `new:<client_ref>` by later effects of the set.
    CreateTicket { client_ref: String, fields: Vec<Field> },
    /// Link two tickets.
    Link { source: String, target: String, relation: String },
    /// Ask for an approval; `data` is a JSON object.
    RequestApproval { ticket: String, policy: String, data: String },
    /// Notify people; `data` is a JSON object.
    Notify { channel: String, recipients: Vec<String>, template: String, data: String },
    /// Call the plugin at a time (milliseconds since 1970 UTC); the same key replaces.
    Schedule { key: String, at: u64, data: String },
    /// Take back a scheduled call.
    CancelSchedule { key: String },
    /// Append an event of the plugin's own.
    Emit { kind: String, subject: Option<String>, data: String },
    /// Refuse the command (mode `before` only).
    Veto { code: String, message: String },
}

impl Effect {
    /// The function of the contract that stages it.
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
        }
    }

    /// Bytes of all its texts.
    pub(crate) fn weight(&self) -> usize {
        let fields = |all: &[Field]| all.iter().map(Field::weight).sum::<usize>();
        let texts = |all: &[String]| all.iter().map(|t| t.len() + 1).sum::<usize>();
        let maybe = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::ExpectVersion { ticket, .. } => ticket.len() + 8,
            Self::SetFields { ticket, fields: f } => ticket.len() + fields(f),
            Self::AddTags { ticket, tags } | Self::RemoveTags { ticket, tags } => ticket.len() + texts(tags),
            Self::Transition { ticket, transition, fields: f } => ticket.len() + transition.len() + fields(f),
            Self::Assign { ticket, agent, group } => ticket.len() + maybe(agent) + maybe(group),
            Self::Comment { ticket, body, .. } => ticket.len() + body.len(),
            Self::CreateTicket { client_ref, fields: f } => client_ref.len() + fields(f),
            Self::Link { source, target, relation } => source.len() + target.len() + relation.len(),
            Self::RequestApproval { ticket, policy, data } => ticket.len() + policy.len() + data.len(),
            Self::Notify { channel, recipients, template, data } => {
                channel.len() + texts(recipients) + template.len() + data.len()
            }
            Self::Schedule { key, data, .. } => key.len() + data.len() + 8,
            Self::CancelSchedule { key } => key.len(),
            Self::Emit { kind, subject, data } => kind.len() + maybe(subject) + data.len(),
            Self::Veto { code, message } => code.len() + message.len(),
        }
    }
}

/// A staged write to the plugin's store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the contract, documented there")]
pub enum KvWrite {
    /// Store a value; `expect` is the version that must still be there, 0 for none.
    Set { key: String, value: Vec<u8>, expect: Option<u64>, ttl_seconds: Option<u32> },
    /// Add to a counter, kept as decimal text.
    Add { key: String, delta: i64 },
    /// Remove a value.
    Delete { key: String, expect: Option<u64> },
}

/// A staged request, to be sent after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Comes back with the answer.
    pub client_ref: String,
    /// Such as `POST`.
    pub method: String,
    /// An https URL on a granted host.
    pub url: String,
    /// Name and value.
    pub headers: Vec<(String, String)>,
    /// Name of the header, name of the secret.
    pub secret_headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the sender waits for the answer.
    pub timeout_ms: u32,
}
