//! One value of one column, the same for both databases.

use uuid::Uuid;

use crate::id::Salt;
use crate::store::StoreError;
use crate::time::Timestamp;

/// The type of a column. PostgreSQL: uuid, bigint, text, boolean, bytea, tsvector. SQLite: BLOB(16), INTEGER, TEXT,
/// INTEGER 0/1, BLOB, TEXT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Uuid,
    Int,
    Text,
    Bool,
    Bytes,
    /// Words separated by one space, indexed for full text.
    Words,
}

/// A value. There are no NULLs in the tables: what is absent is a sentinel (nil uuid, [`Timestamp::NEVER`], -1, empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Val {
    Uuid(Uuid),
    Int(i64),
    Text(String),
    Bool(bool),
    Bytes(Vec<u8>),
    Words(String),
}

/// A value as it stands in a row that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    Uuid(Uuid),
    Int(i64),
    Text(&'a str),
    Bool(bool),
    Bytes(&'a [u8]),
    Words(&'a str),
}

/// A Rust type that fits a column.
pub(crate) trait Column: Sized {
    const KIND: Kind;
    fn put(&self) -> Val;
    fn get(seen: Seen<'_>) -> Result<Self, StoreError>;
}

/// A value that should not stand there.
pub(crate) fn odd(what: &str, val: impl std::fmt::Debug) -> StoreError {
    StoreError::Defect(format!("expected {what}, found {val:?}"))
}

macro_rules! column {
    ($($type:ty = $kind:ident, $self:ident => $put:expr, $val:pat => $get:expr;)*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::$kind;
            fn put(&self) -> Val { let $self = self; Val::$kind($put) }
            fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
                match seen { Seen::$kind($val) => $get, other => Err(odd(stringify!($type), other)) }
            }
        }
    )*};
}

column! {
    Uuid = Uuid, v => *v, v => Ok(v);
    i64 = Int, v => *v, v => Ok(v);
    i32 = Int, v => i64::from(*v), v => i32::try_from(v).map_err(|_| odd("a 32-bit number", v));
    i16 = Int, v => i64::from(*v), v => i16::try_from(v).map_err(|_| odd("a 16-bit number", v));
    u32 = Int, v => i64::from(*v), v => u32::try_from(v).map_err(|_| odd("a positive number", v));
    bool = Bool, v => *v, v => Ok(v);
    String = Text, v => v.clone(), v => Ok(v.to_owned());
    Vec<u8> = Bytes, v => v.clone(), v => Ok(v.to_vec());
    Salt = Bytes, v => v.0.to_vec(), v => v.try_into().map(Salt).map_err(|_| odd("16 bytes of salt", v.len()));
    Timestamp = Int, v => v.millis(), v => Ok(Timestamp::from_millis(v));
    Option<Timestamp> = Int, v => v.unwrap_or(Timestamp::NEVER).millis(),
        v => Ok(Some(Timestamp::from_millis(v)).filter(|at| *at != Timestamp::NEVER));
    Option<u32> = Int, v => v.map_or(-1, i64::from),
        v => if v == -1 { Ok(None) } else { u32::try_from(v).map(Some).map_err(|_| odd("a positive number", v)) };
}

macro_rules! id_columns {
    ($($type:ident),*) => {$(
        impl Column for crate::id::$type {
            const KIND: Kind = Kind::Uuid;
            fn put(&self) -> Val { Val::Uuid((*self).into()) }
            fn get(seen: Seen<'_>) -> Result<Self, StoreError> { Uuid::get(seen).map(Self::from) }
        }
        impl Column for Option<crate::id::$type> {
            const KIND: Kind = Kind::Uuid;
            fn put(&self) -> Val { Val::Uuid(self.map_or(Uuid::nil(), Uuid::from)) }
            fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
                Uuid::get(seen).map(|id| (!id.is_nil()).then(|| id.into()))
            }
        }
    )*};
}
id_columns!(
    TenantId,
    ProjectId,
    TicketId,
    PersonId,
    GroupId,
    GrantId,
    TagId,
    EntryId,
    EventId,
    JobId,
    ApprovalId,
    SlotId,
    DecisionId,
    DelegationId,
    BoardId
);

macro_rules! name_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Text;
            fn put(&self) -> Val { Val::Text(self.to_string()) }
            fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
                match seen {
                    Seen::Text(text) => text.parse().map_err(|error| odd(stringify!($type), format!("{error}"))),
                    other => Err(odd(stringify!($type), other)),
                }
            }
        }
    )*};
}
name_columns!(
    crate::ticket::TicketType,
    crate::ticket::Visibility,
    crate::ticket::Relation,
    crate::ticket::EntryVisibility,
    crate::ticket::LinkKind,
    crate::approval::ApprovalState,
    crate::approval::Overall,
    crate::approval::StepState,
    crate::approval::SlotState,
    crate::approval::Verdict,
    crate::org::PersonKind,
    crate::org::GroupKind,
    crate::role::RoleKey,
    crate::actor::Author,
    crate::actor::PluginId,
    crate::board::Rank
);

impl Column for crate::role::Permissions {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        Val::Text(self.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(" "))
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            // What a newer node named and this one does not know, it cannot allow.
            Seen::Text(text) => Ok(text.split_whitespace().filter_map(|name| name.parse().ok()).collect()),
            other => Err(odd("permissions", other)),
        }
    }
}

/// Ids, separated by one space.
impl Column for Vec<crate::id::GroupId> {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        Val::Text(self.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        let id = |text: &str| text.parse().map_err(|error| odd("group ids", format!("{error}")));
        match seen {
            Seen::Text(text) => text.split_whitespace().map(id).collect(),
            other => Err(odd("group ids", other)),
        }
    }
}

/// JSON; empty for none.
impl Column for Vec<String> {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        // A list of texts always serialises.
        Val::Text(if self.is_empty() { String::new() } else { serde_json::to_string(self).unwrap_or_default() })
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            Seen::Text("") => Ok(vec![]),
            Seen::Text(text) => serde_json::from_str(text).map_err(|error| odd("a list of texts", error.to_string())),
            other => Err(odd("a list of texts", other)),
        }
    }
}

/// JSON; empty for nothing.
impl Column for Option<crate::approval::Needed> {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        // Plain data with string keys always serialises.
        Val::Text(self.as_ref().map(|needed| serde_json::to_string(needed).unwrap_or_default()).unwrap_or_default())
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            Seen::Text("") => Ok(None),
            Seen::Text(text) => {
                serde_json::from_str(text).map(Some).map_err(|error| odd("how many are needed", error.to_string()))
            }
            other => Err(odd("how many are needed", other)),
        }
    }
}

/// `purchase@2`.
impl Column for crate::approval::TemplateRef {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        Val::Text(self.to_string())
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        let Seen::Text(text) = seen else { return Err(odd("a template", seen)) };
        let parts = text.rsplit_once('@').and_then(|(key, version)| Some((key, version.parse().ok()?)));
        let (key, version) = parts.ok_or_else(|| odd("a template", text))?;
        Ok(Self { key: key.into(), version })
    }
}

/// `tenant`, or the kind and the id: `project 0192…`.
impl Column for crate::role::Scope {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        let id: Option<Uuid> = match *self {
            Self::Tenant => None,
            Self::Department(group) | Self::Company(group) => Some(group.into()),
            Self::Project(project) => Some(project.into()),
            Self::Ticket(ticket) => Some(ticket.into()),
        };
        let id = id.map(|id| format!(" {id}")).unwrap_or_default();
        Val::Text(format!("{}{id}", self.kind()))
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        let Seen::Text(text) = seen else { return Err(odd("a scope", seen)) };
        let (kind, id) = text.split_once(' ').unwrap_or((text, ""));
        let id = || Uuid::try_parse(id).map_err(|_| odd("a scope", text));
        Ok(match kind {
            "tenant" => Self::Tenant,
            "department" => Self::Department(id()?.into()),
            "company" => Self::Company(id()?.into()),
            "project" => Self::Project(id()?.into()),
            "ticket" => Self::Ticket(id()?.into()),
            _ => return Err(odd("a scope", text)),
        })
    }
}

/// JSON; empty for all tickets.
impl Column for crate::filter::Filter {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        // Lists and texts always serialise.
        let json = |filter: &Self| serde_json::to_string(filter).unwrap_or_default();
        Val::Text(if *self == Self::All { String::new() } else { json(self) })
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            Seen::Text("") => Ok(Self::All),
            Seen::Text(text) => serde_json::from_str(text).map_err(|error| odd("a filter", error.to_string())),
            other => Err(odd("a filter", other)),
        }
    }
}

/// JSON.
impl Column for Vec<crate::board::Column> {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        Val::Text(serde_json::to_string(self).unwrap_or_default()) // plain data always serialises
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            Seen::Text(text) => serde_json::from_str(text).map_err(|error| odd("columns", error.to_string())),
            other => Err(odd("columns", other)),
        }
    }
}

/// JSON; empty where everything is by default.
impl Column for crate::role::Relations {
    const KIND: Kind = Kind::Text;
    fn put(&self) -> Val {
        // A map of names to lists of names always serialises.
        let text = if self.is_default() { String::new() } else { serde_json::to_string(self).unwrap_or_default() };
        Val::Text(text)
    }
    fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
        match seen {
            Seen::Text("") => Ok(Self::DEFAULT),
            Seen::Text(text) => serde_json::from_str(text).map_err(|error| odd("relations", error.to_string())),
            other => Err(odd("relations", other)),
        }
    }
}

/// Ordered names are stored by rank, so that they sort and index well.
macro_rules! rank_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Int;
            fn put(&self) -> Val { Val::Int(*self as i64) }
            fn get(seen: Seen<'_>) -> Result<Self, StoreError> {
                let rank = i64::get(seen)?;
                usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank)).copied()
                    .ok_or_else(|| odd(stringify!($type), rank))
            }
        }
    )*};
}
rank_columns!(crate::ticket::Priority, crate::ticket::Urgency, crate::ticket::Importance, crate::workflow::Category);
