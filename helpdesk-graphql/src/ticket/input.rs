//! The inputs of ticket commands. Omitted is not null: omitted stays, null clears.

use async_graphql::{InputObject, MaybeUndefined};
use helpdesk_core::command::Patch;
use helpdesk_core::id::{GroupId, PersonId, ProjectId, TagId, TicketId};

use crate::id::Ref;
use crate::names::{Importance, Priority, Relation, TicketType, Urgency, Visibility};
use crate::scalar::{DateTime, UuidValue};

/// Fields every ticket command can set.
#[derive(Default, InputObject)]
pub(crate) struct TicketFieldsInput {
    /// The long text, Markdown, up to 64 KiB; null empties it.
    description: MaybeUndefined<String>,
    /// What kind of ticket.
    #[graphql(name = "type")]
    kind: Option<TicketType>,
    /// A priority chosen by hand; null derives it from urgency and importance again.
    priority: MaybeUndefined<Priority>,
    /// How soon the requester needs it.
    urgency: Option<Urgency>,
    /// How much depends on it.
    importance: Option<Importance>,
    /// Who may see it.
    visibility: Option<Visibility>,
    /// The owning group; null for none.
    group: MaybeUndefined<Ref<GroupId>>,
    /// The client's company it is for; null for none.
    company: MaybeUndefined<Ref<GroupId>>,
    /// The ticket above; null for none.
    parent: MaybeUndefined<Ref<TicketId>>,
    /// Planned start; null for none.
    start_at: MaybeUndefined<DateTime>,
    /// Due date; null for none.
    due_at: MaybeUndefined<DateTime>,
    /// Estimated work in minutes; null for none.
    estimate: MaybeUndefined<u32>,
}

/// Omitted, null or a value as the core says it.
fn double<T, U>(field: MaybeUndefined<T>, f: impl Fn(T) -> U) -> Option<Option<U>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(f(value))),
    }
}

impl TicketFieldsInput {
    pub(crate) fn patch(self, title: Option<String>) -> Patch {
        Patch {
            title,
            description: double(self.description, |text| text).map(Option::unwrap_or_default),
            kind: self.kind.map(Into::into),
            priority: double(self.priority, Into::into),
            urgency: self.urgency.map(Into::into),
            importance: self.importance.map(Into::into),
            visibility: self.visibility.map(Into::into),
            group: double(self.group, |it| it.0),
            company: double(self.company, |it| it.0),
            parent: double(self.parent, |it| it.0),
            start_at: double(self.start_at, |it| it.0),
            due_at: double(self.due_at, |it| it.0),
            estimate: double(self.estimate, |it| it),
        }
    }
}

/// Creates a ticket.
#[derive(InputObject)]
pub(super) struct TicketCreateInput {
    /// The project.
    pub(super) project: Ref<ProjectId>,
    /// One line, 1 to 255 characters.
    pub(super) title: String,
    /// Its id, when you make your own: a UUIDv7.
    pub(super) uuid: Option<UuidValue>,
    /// The transition from nothing; the workflow's first when omitted.
    pub(super) transition: Option<String>,
    /// For whom; you when omitted.
    pub(super) requester: Option<Ref<PersonId>>,
    /// Who works on it.
    #[graphql(default)]
    pub(super) assignees: Vec<Ref<PersonId>>,
    /// Tags.
    #[graphql(default)]
    pub(super) tags: Vec<Ref<TagId>>,
    #[graphql(flatten)]
    pub(super) fields: TicketFieldsInput,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Sets fields of a ticket.
#[derive(InputObject)]
pub(super) struct TicketEditInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// One line, 1 to 255 characters.
    pub(super) title: Option<String>,
    #[graphql(flatten)]
    pub(super) fields: TicketFieldsInput,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Fields to set with a move.
#[derive(Default, InputObject)]
pub(crate) struct TicketMoveFieldsInput {
    /// One line, 1 to 255 characters.
    pub(crate) title: Option<String>,
    #[graphql(flatten)]
    pub(crate) fields: TicketFieldsInput,
}

/// Moves a ticket along a transition of its workflow.
#[derive(InputObject)]
pub(super) struct TicketMoveInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// The transition's id.
    pub(super) transition: String,
    /// Fields to set with it.
    pub(super) fields: Option<TicketMoveFieldsInput>,
    /// Why; some transitions ask for it. At most 1000 characters.
    pub(super) reason: Option<String>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Puts a ticket into a state without a transition.
#[derive(InputObject)]
pub(super) struct TicketForceStateInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// The state's id.
    pub(super) state: String,
    /// Why the workflow is passed over.
    pub(super) reason: String,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Gives a ticket to exactly these people.
#[derive(InputObject)]
pub(super) struct TicketAssignInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// Who works on it from now on; nobody when empty.
    pub(super) assignees: Vec<Ref<PersonId>>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Takes a ticket that nobody works on.
#[derive(InputObject)]
pub(super) struct TicketClaimInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Hands a ticket over.
#[derive(InputObject)]
pub(super) struct TicketReassignInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// Who works on it now.
    pub(super) from: Ref<PersonId>,
    /// Who does from then on.
    pub(super) to: Ref<PersonId>,
    /// Why, 1 to 1000 characters.
    pub(super) reason: String,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Makes people something to a ticket.
#[derive(InputObject)]
pub(super) struct TicketRelateInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// As what.
    pub(super) relation: Relation,
    /// Who.
    pub(super) people: Vec<Ref<PersonId>>,
    /// Whether those not named cease to be it.
    #[graphql(default)]
    pub(super) only: bool,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Makes people no longer something to a ticket.
#[derive(InputObject)]
pub(super) struct TicketUnrelateInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// As what.
    pub(super) relation: Relation,
    /// Who.
    pub(super) people: Vec<Ref<PersonId>>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Puts tags on a ticket and takes others off.
#[derive(InputObject)]
pub(super) struct TicketTagInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// To put on.
    #[graphql(default)]
    pub(super) add: Vec<Ref<TagId>>,
    /// To take off.
    #[graphql(default)]
    pub(super) remove: Vec<Ref<TagId>>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Deletes a ticket; it leaves every list and can be restored.
#[derive(InputObject)]
pub(super) struct TicketDeleteInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// Why.
    pub(super) reason: Option<String>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}

/// Restores a deleted ticket.
#[derive(InputObject)]
pub(super) struct TicketRestoreInput {
    /// The ticket.
    pub(super) ticket: Ref<TicketId>,
    /// Why.
    pub(super) reason: Option<String>,
    /// The version you saw: refused when somebody else has changed it since.
    pub(super) expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    pub(super) idempotency_key: Option<String>,
}
