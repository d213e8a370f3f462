//! Global ids: noun, key and checksum in one opaque token. An id of another noun, or a mistyped one, is refused before
//! anything is read.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, MaybeUndefined};
use async_graphql::{OutputType, Positioned, ServerResult, Value};
use helpdesk_core::actor::PluginId;
use helpdesk_core::approval::TemplateRef;
use helpdesk_core::id::{
    ApprovalId, BoardId, ColumnId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId, TagId, TenantId,
    TicketId,
};
use helpdesk_core::workflow::WorkflowRef;
use uuid::Uuid;

/// Something that has a global id.
pub(crate) trait Noun: Sized + Send + Sync {
    /// The stable name of the noun.
    const KIND: &'static str;
    /// Its key inside the noun.
    fn key(&self) -> String;
    /// Reads what [`key`](Self::key) wrote.
    fn read(key: &str) -> Option<Self>;
}

macro_rules! nouns {
    ($($kind:literal => $id:ty,)*) => {$(
        impl Noun for $id {
            const KIND: &'static str = $kind;
            fn key(&self) -> String { Uuid::from(*self).simple().to_string() }
            fn read(key: &str) -> Option<Self> { Uuid::try_parse(key).ok().map(Self::from) }
        }
    )*};
}
nouns! {
    "tenant" => TenantId, "project" => ProjectId, "person" => PersonId, "group" => GroupId, "grant" => GrantId,
    "tag" => TagId, "ticket" => TicketId, "board" => BoardId, "column" => ColumnId,
}

macro_rules! versions {
    ($($kind:literal => $id:ty,)*) => {$(
        impl Noun for $id {
            const KIND: &'static str = $kind;
            fn key(&self) -> String { self.to_string() }
            fn read(key: &str) -> Option<Self> {
                let (key, version) = key.split_once('@')?;
                Some(Self { key: key.into(), version: version.parse().ok()? })
            }
        }
    )*};
}
versions! {
    "workflow" => WorkflowRef, "template" => TemplateRef,
}

impl Noun for PluginId {
    const KIND: &'static str = "plugin";
    fn key(&self) -> String {
        self.to_string()
    }
    fn read(key: &str) -> Option<Self> {
        key.parse().ok()
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident($whole:ty, $part:ty) = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) $whole, pub(crate) $part);

        impl Noun for $name {
            const KIND: &'static str = $kind;
            fn key(&self) -> String {
                format!("{}{}", Uuid::from(self.0).simple(), Uuid::from(self.1).simple())
            }
            fn read(key: &str) -> Option<Self> {
                let (whole, part) = key.split_at_checked(32)?;
                Some(Self(Uuid::try_parse(whole).ok()?.into(), Uuid::try_parse(part).ok()?.into()))
            }
        }
    )*};
}
parts! {
    /// An entry with its ticket: entries are only reached through their tickets.
    EntryOf(TicketId, EntryId) = "entry";
    /// An approval with its ticket: approvals are only reached through their tickets.
    ApprovalOf(TicketId, ApprovalId) = "approval";
    /// A delegation with its principal: delegations are only reached through people.
    DelegationOf(PersonId, DelegationId) = "delegation";
}

/// The global id of something.
pub(crate) fn global<T: Noun>(it: &T) -> ID {
    let key = it.key();
    ID(format!("{}.{key}.{:04x}", T::KIND, check(T::KIND, &key)))
}

/// Noun and key of a global id, if it is whole.
pub(crate) fn split(id: &str) -> Option<(&str, &str)> {
    let (kind, rest) = id.split_once('.')?;
    let (key, sum) = rest.rsplit_once('.')?;
    let sum = u16::from_str_radix(sum, 16).ok()?;
    (sum == check(kind, key)).then_some((kind, key))
}

fn check(kind: &str, key: &str) -> u16 {
    let bytes = kind.bytes().chain([b'.']).chain(key.bytes());
    bytes.fold(0x2545_u16, |sum, byte| sum.rotate_left(5) ^ u16::from(byte).wrapping_mul(0x9e37))
}

/// A global id of one noun, as an argument or an input field: `ID` in the schema. The plain UUID of that noun is taken
/// too, for hosts that keep UUIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ref<T>(pub(crate) T);

impl<T: Noun> Ref<T> {
    pub(crate) fn parse_text(text: &str) -> Result<T, String> {
        if let Some((kind, key)) = split(text) {
            if kind != T::KIND {
                return Err(format!("`{text}` is the id of a {kind}; give the id of a {}", T::KIND));
            }
            if let Some(it) = T::read(key) {
                return Ok(it);
            }
        }
        let plain = Uuid::try_parse(text).ok().and_then(|uuid| T::read(&uuid.simple().to_string()));
        plain.ok_or_else(|| {
            let given: String = text.chars().take(80).collect();
            format!("`{given}` is not the id of a {}; give an `id` the desk handed out, unchanged", T::KIND)
        })
    }
}

impl<T: Noun> InputType for Ref<T> {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Self::parse_text(&text).map(Ref).map_err(InputValueError::custom),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(global(&self.0).0)
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T: Noun> OutputType for Ref<T> {
    fn type_name() -> Cow<'static, str> {
        <ID as OutputType>::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <ID as OutputType>::create_type_info(registry)
    }
    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(self.to_value())
    }
}

/// The id inside an input that may be omitted or null.
pub(crate) fn maybe<T>(given: MaybeUndefined<Ref<T>>) -> Option<Option<T>> {
    Option::<Option<Ref<T>>>::from(given).map(|it| it.map(|it| it.0))
}

/// The ids inside references.
pub(crate) fn ids<T>(refs: Vec<Ref<T>>) -> Vec<T> {
    refs.into_iter().map(|it| it.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_and_a_mistyped_one_does_not() {
        let ticket = TicketId::from(Uuid::from_u128(7));
        let id = global(&ticket);
        assert_eq!(Ref::<TicketId>::parse_text(&id), Ok(ticket));
        assert!(Ref::<PersonId>::parse_text(&id).unwrap_err().contains("is the id of a ticket"));
        let mistyped = id.replace('7', "8");
        assert!(Ref::<TicketId>::parse_text(&mistyped).unwrap_err().contains("is not the id of a ticket"));
        let workflow = WorkflowRef { key: "kanban".into(), version: 3 };
        assert_eq!(Ref::<WorkflowRef>::parse_text(&global(&workflow)), Ok(workflow));
    }
}
