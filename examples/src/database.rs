//! Where a program keeps its desk: `sqlite:PATH`, `sqlite::memory:` or `postgres://user@host/database`.
//!
//! The rest of a program does not care which it is: it gets a [`Builder`] and builds its desk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use helpdesk_core::Desk;
use helpdesk_core::desk::Builder;
use helpdesk_core::store::migrate::MigrationStatus;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::store::{Database, StoreError};

use crate::faults::{Fault, Faulty};

/// The address of a database.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// SQLite in memory: gone when the program ends.
    Memory,
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL URL.
    Postgres(String),
}

/// A text that is no address of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no database; give `sqlite:desk.db`, `sqlite::memory:` or `postgres://user@host/database`")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        match text.split_once(':') {
            Some(("sqlite", ":memory:")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(':') => {
                Ok(Self::File(path.strip_prefix("//").unwrap_or(path).into()))
            }
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres(text.into())),
            _ => Err(BadAddress(public(text))),
        }
    }
}

/// Without user, password and query.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => out.write_str("sqlite::memory:"),
            Self::File(path) => write!(out, "sqlite:{}", path.display()),
            Self::Postgres(url) => out.write_str(&public(url)),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What may be shown of an address: scheme, hosts and path. Where it cannot be told for sure what is a password, `…`
/// stands for everything behind the scheme.
fn public(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (front, query) = rest.split_once(['?', '#']).unwrap_or((rest, ""));
    let place = front.rsplit_once('@').map_or(front, |(_, place)| place);
    let (hosts, _) = place.split_once('/').unwrap_or((place, ""));
    let plain = |c: char| c.is_alphanumeric() || ".-_~%/:,[]".contains(c);
    let port = |host: &str| host.rsplit_once(':').is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()));
    let sure = place.chars().all(plain) && !query.contains('@');
    let shown = |text: &str| text.chars().take(80).collect::<String>();
    match scheme {
        "" if sure && place == rest => shown(rest),
        "" => "…".into(),
        _ if !scheme.chars().all(|c| c.is_ascii_alphanumeric()) => "…".into(),
        _ if sure && hosts.split(',').all(|host| host.ends_with(']') || port(host)) => {
            format!("{}://{}", shown(scheme), shown(place))
        }
        _ => format!("{}://…", shown(scheme)),
    }
}

impl Address {
    /// Opens the database; it may still lack its tables.
    pub async fn connect(&self) -> anyhow::Result<Connected> {
        let connected = match self {
            Self::Memory => SqliteStore::memory().await.map(Connected::Sqlite),
            Self::File(path) => SqliteStore::open(path).await.map(Connected::Sqlite),
            Self::Postgres(url) => PgStore::connect(url, PgOptions::default()).await.map(Connected::Postgres),
        };
        connected.with_context(|| format!("cannot open the database {self}"))
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory | Self::Postgres(_) => None,
        }
    }
}

/// An open database.
pub enum Connected {
    Sqlite(SqliteStore),
    Postgres(PgStore),
}

impl Connected {
    /// Brings the tables up to what this program needs.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.migrate().await.map(drop),
            Self::Postgres(store) => store.migrate().await.map(drop),
        }
    }

    /// Brings the tables up or down to migration `target`; 0 removes everything.
    pub async fn migrate_to(&self, target: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.migrate_to(target).await.map(drop),
            Self::Postgres(store) => store.migrate_to(target).await.map(drop),
        }
    }

    /// Which migrations there are and which are applied.
    pub async fn migrations(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        match self {
            Self::Sqlite(store) => store.migration_status().await,
            Self::Postgres(store) => store.migration_status().await,
        }
    }

    /// A desk over it, to be furnished; with `fault` in its database, if one is given.
    pub fn desk(self, fault: Option<Fault>) -> Builder {
        fn over(store: impl Database, fault: Option<Fault>) -> Builder {
            match fault {
                Some(fault) => Desk::builder(Faulty::new(store, fault)),
                None => Desk::builder(store),
            }
        }
        match self {
            Self::Sqlite(store) => over(store, fault),
            Self::Postgres(store) => over(store, fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        for (text, shown) in [
            ("postgres://ana:se/cr@et@db:5432/desk?password=secret", "postgres://db:5432/desk"),
            ("postgresql://a.example:1,[::1]:2,[::1]/desk", "postgresql://a.example:1,[::1]:2,[::1]/desk"),
            ("postgres://%2Fvar%2Frun/desk?user=ana#secret", "postgres://%2Fvar%2Frun/desk"),
            ("postgres://ana:sec?ret@db/desk", "postgres://…"),
            ("postgres://ana:sec@x?ret@db/desk", "postgres://…"),
            ("postgres://ana:secret/desk", "postgres://…"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.to_owned(), shown.to_owned()));
        }
        for (text, shown) in [
            ("mysql://ana:secret@db/desk?x=secret", "`mysql://db/desk`"),
            ("postgres:ana:secret@db/desk", "`…`"),
            ("host=db password=secret", "`…`"),
            ("desk.db", "`desk.db`"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().starts_with(shown), "{error}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    #[test]
    fn addresses_read_and_print_without_passwords() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read("sqlite::memory:").as_deref(), Ok("sqlite::memory:"));
        assert_eq!(read("sqlite:/tmp/a.db").as_deref(), Ok("sqlite:/tmp/a.db"));
        assert_eq!(read("sqlite:///tmp/a.db").as_deref(), Ok("sqlite:/tmp/a.db"));
        assert_eq!(read("postgres://ana:secret@db/desk").as_deref(), Ok("postgres://db/desk"));
        for bad in ["", "sqlite:", "sqlite::none:", "mysql://x", "desk.db"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
