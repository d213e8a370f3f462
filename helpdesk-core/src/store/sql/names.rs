//! Which database, and what its tables are called. Tables bear the prefix `hd_`; on PostgreSQL they may stand in a
//! schema of the host's choice.

use sea_query::{DynIden, IntoTableRef, SelectStatement, TableRef, Value, Values};
use sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};

use super::column::Val;
use super::image::Image;

/// Which database a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The statement as text, with its values in order. Placeholders are `?` on SQLite, `$1` on PostgreSQL.
    pub(crate) fn render(self, statement: &SelectStatement) -> (String, Values) {
        match self {
            Self::Sqlite => statement.build(SqliteQueryBuilder),
            Self::Postgres => statement.build(PostgresQueryBuilder),
        }
    }

    /// The function that tells where a text stands in another, from 1; 0 when it does not.
    pub(crate) const fn position(self) -> &'static str {
        match self {
            Self::Sqlite => "instr",
            Self::Postgres => "strpos",
        }
    }

    /// The nil uuid: what an absent id is.
    pub(crate) const fn nil(self) -> &'static str {
        match self {
            Self::Sqlite => "x'00000000000000000000000000000000'",
            Self::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
        }
    }

    /// A uuid column as text, the way ids print.
    pub(crate) fn uuid_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => {
                let parts = [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)];
                let parts = parts.map(|(from, n)| format!("substr(hex({column}), {from}, {n})"));
                format!("lower({})", parts.join(" || '-' || "))
            }
            Self::Postgres => format!("CAST({column} AS text)"),
        }
    }
}

/// How tables are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) dialect: Dialect,
    /// None: whatever the connection finds.
    pub(crate) schema: Option<String>,
}

impl Names {
    /// A table, for sea-query.
    pub(crate) fn table(&self, name: &'static str) -> TableRef {
        match &self.schema {
            Some(schema) => (DynIden::from(schema.clone()), DynIden::from(name)).into_table_ref(),
            None => DynIden::from(name).into_table_ref(),
        }
    }

    /// A table, for a statement written by hand.
    pub(crate) fn text(&self, name: &str) -> String {
        match &self.schema {
            Some(schema) => format!("\"{}\".{name}", schema.replace('"', "\"\"")),
            None => name.to_owned(),
        }
    }

    /// The table of a row image.
    pub(crate) fn of<T: Image>(&self) -> String {
        self.text(T::TABLE.name)
    }
}

/// The columns of a row image that are read, in order, for a statement written by hand; `prefix` is an alias with its dot, or empty.
/// Every name is quoted: `key`, `type`, `of` and `at` mean something to one database or the other.
pub(crate) fn columns<T: Image>(prefix: &str) -> String {
    let columns: Vec<String> = T::TABLE.read().iter().map(|(name, _)| format!("{prefix}\"{name}\"")).collect();
    columns.join(", ")
}

impl From<Val> for Value {
    fn from(val: Val) -> Self {
        match val {
            Val::Uuid(id) => id.into(),
            Val::Int(int) => int.into(),
            Val::Text(text) => text.as_str().into(),
            Val::Bool(is) => is.into(),
            Val::Bytes(bytes) => bytes.into(),
            Val::Words(words) => words.into(),
        }
    }
}
