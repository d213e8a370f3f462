//! Typed ids and the [`Mint`] that makes them.
//!
//! Every noun has an id type of its own, so that a ticket and a person never meet by mistake. Ids are UUIDv7
//! (RFC 9562): they sort by the time they were made, but their order is never the order of commits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What all typed ids share.
pub trait Id: Copy + From<Uuid> + Into<Uuid> {}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {noun} id; give a UUID such as `018f2b6e-0000-7000-8000-000000000000`")]
pub struct BadId {
    given: String,
    noun: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// No such thing: what a store writes where a column must not be empty.
            pub const NIL: Self = Self(Uuid::nil());
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        impl Id for $name {}
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", $noun, self.0)
            }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(s: &str) -> Result<Self, BadId> {
                Uuid::try_parse(s).map(Self).map_err(|_| BadId { given: s.chars().take(64).collect(), noun: $noun })
            }
        }
    )*};
}

ids! {
    /// A tenant: a wholly separate customer of the host.
    TenantId = "tenant";
    /// A project: the container that gives tickets their key.
    ProjectId = "project";
    /// A ticket.
    TicketId = "ticket";
    /// A person, with or without a login, or a service account.
    PersonId = "person";
    /// A group of people: department, team or company.
    GroupId = "group";
    /// A grant of a role.
    GrantId = "grant";
    /// A tag of a project.
    TagId = "tag";
    /// A board of a project.
    BoardId = "board";
    /// A column of a board.
    ColumnId = "column";
    /// An entry of a ticket's conversation.
    EntryId = "entry";
    /// An event of the log.
    EventId = "event";
    /// A job or delivery.
    JobId = "job";
    /// An approval of a ticket.
    ApprovalId = "approval";
    /// The place of one person who is asked to approve.
    SlotId = "slot";
    /// One decision on an approval.
    DecisionId = "decision";
    /// A standing delegation of approvals.
    DelegationId = "delegation";
    /// One command as it was sent: the seed of every id it makes.
    CommandId = "command";
}

/// Makes the ids and salts of one command, the same ones each time the command is decided.
///
/// Seeded by the command's id alone, so a retry after a conflict, a replay and both databases give the same ids. The
/// time inside the ids is the one inside the seed.
#[derive(Debug, Clone)]
pub struct Mint {
    seed: Uuid,
    made: u64,
}

impl Mint {
    /// A mint for the command `seed`.
    pub fn new(seed: CommandId) -> Self {
        Self { seed: seed.0, made: 0 }
    }

    fn draw(&mut self, purpose: u8) -> [u8; 32] {
        self.made += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.as_bytes());
        hash.update([purpose]);
        hash.update(self.made.to_le_bytes());
        hash.finalize().into()
    }

    /// The next id.
    pub fn id<T: Id>(&mut self) -> T {
        let random = self.draw(b'i');
        self.stamp(&random)
    }

    /// The id that belongs to `name`, whatever else was made: the same name gives the same id.
    pub fn named<T: Id>(&self, name: &str) -> T {
        let mut hash = Sha256::new();
        hash.update(self.seed.as_bytes());
        hash.update(b"n");
        hash.update(name.as_bytes());
        self.stamp(&hash.finalize())
    }

    fn stamp<T: Id>(&self, random: &[u8]) -> T {
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[..10]);
        let millis = (self.seed.as_u128() >> 80) as u64;
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }

    /// The next salt, for a digest of erasable text.
    pub fn salt(&mut self) -> Salt {
        let random = self.draw(b's');
        let mut salt = [0; 16];
        salt.copy_from_slice(&random[..16]);
        Salt(salt)
    }
}

/// Random bytes kept beside an erasable text, so that its digest in the log says nothing once both are gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 16]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Salt {
    /// The first 128 bits of SHA-256 over the salt and `text`, in hexadecimal.
    pub fn digest(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(text.as_bytes());
        hex(&hash.finalize()[..16])
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mint_repeats_itself_and_keeps_the_seed_s_time() {
        let seed = CommandId::from(Uuid::from_u128(0x018f_2b6e_0000_7000_8000_0000_0000_0001));
        let (mut a, mut b) = (Mint::new(seed), Mint::new(seed));
        let first: TicketId = a.id();
        assert_eq!(first, b.id::<TicketId>());
        assert_ne!(first, a.id::<TicketId>());
        let id: Uuid = first.into();
        assert_eq!((id.get_version_num(), id.as_u128() >> 80), (7, 0x018f_2b6e_0000));
    }

    #[test]
    fn a_bad_id_names_the_noun() {
        let error = "DEMO-1".parse::<TicketId>().unwrap_err().to_string();
        assert!(error.starts_with("`DEMO-1` is not a ticket id"), "{error}");
    }
}
