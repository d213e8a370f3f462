//! A ticket's row as one text, `hd_ticket.head`, which commits write beside the columns: to send, receive and take apart
//! one value costs a fraction of what 33 cost. What stands in it the migration `whole_rows` says, in `hd_ticket_head`;
//! columns that came later are read beside it. No SQL runs here.

use std::fmt::Write as _;

use tokio_postgres::Row;
use uuid::Uuid;

use super::value::seen;
use crate::id::TenantId;
use crate::store::sql::column::{Kind, Seen, Val, odd};
use crate::store::sql::head::cut;
use crate::store::sql::image::{Image, Table};
use crate::store::{Head, StoreError};
use crate::time::Timestamp;

/// How many columns the text holds, from the second on: the tenant is known to whoever reads.
const HELD: usize = 33;
/// The title, as a column: its field is the last.
const TITLE: usize = 9;
/// The salt, as a column: its field is the last but one.
const SALT: usize = 30;

/// The columns as they are written: the text stands behind those of every store.
const WRITTEN: [(&str, Kind); Head::TABLE.columns.len() + 1] = {
    let mut columns = [("head", Kind::Text); Head::TABLE.columns.len() + 1];
    let mut i = 0;
    while i < Head::TABLE.columns.len() {
        columns[i] = Head::TABLE.columns[i];
        i += 1;
    }
    columns
};
/// The table as it is written.
static TABLE: Table = Table { columns: &WRITTEN, derived: Head::TABLE.derived + 1, ..Head::TABLE };

/// The table whose `values` are given, as it is written here, with the text added to the values of a ticket.
pub(super) fn completed(table: &'static Table, values: &mut Vec<Val>) -> &'static Table {
    if table.name != Head::TABLE.name {
        return table;
    }
    let whole = whole(values);
    values.push(Val::Text(whole));
    &TABLE
}

/// The bit of the text's column: it changes whenever another does.
pub(super) fn bit(table: &Table) -> u64 {
    if table.name == Head::TABLE.name { 1 << (WRITTEN.len() - 1) } else { 0 }
}

/// The text of a ticket with these values.
fn whole(values: &[Val]) -> String {
    let mut text = String::with_capacity(640);
    let inner = (1..=HELD).filter(|column| ![TITLE, SALT].contains(column));
    for value in inner.chain([SALT, TITLE]).filter_map(|column| values.get(column)) {
        // Writing to a String cannot fail.
        let _ = match value {
            Val::Uuid(id) if id.is_nil() => Ok(()),
            Val::Uuid(id) => write!(text, "{id}"),
            Val::Int(at) if *at == Timestamp::NEVER.millis() => Ok(()),
            Val::Int(int) => write!(text, "{int}"),
            Val::Text(word) | Val::Words(word) => text.write_str(word),
            Val::Bool(is) => write!(text, "{is}"),
            Val::Bytes(bytes) => match Uuid::from_slice(bytes) {
                Ok(salt) => write!(text, "{}", salt.simple()),
                Err(_) => Ok(()), // a salt has 16 bytes
            },
        };
        text.push('\t');
    }
    text.pop();
    text
}

/// What is read of the ticket `t`.
pub(super) fn columns() -> String {
    let mut list = "t.\"head\"".to_owned();
    for (name, _) in &Head::TABLE.read()[1 + HELD..] {
        list.push_str(&format!(", t.\"{name}\""));
    }
    list
}

/// How many values [`columns`] asks for.
pub(super) const fn width() -> usize {
    Head::TABLE.columns.len() - Head::TABLE.derived - HELD
}

/// The ticket in the columns from `at` on; none where nothing was joined.
pub(super) fn read(row: &Row, at: usize, tenant: TenantId) -> Result<Option<Head>, StoreError> {
    let text: Option<&str> = row.try_get(at).map_err(|error| StoreError::Defect(error.to_string()))?;
    let Some(text) = text else { return Ok(None) };
    let broken = || odd("a whole ticket", text);
    let (rest, title) = text.rsplit_once('\t').ok_or_else(broken)?;
    let (rest, salt) = rest.rsplit_once('\t').ok_or_else(broken)?;
    let salt = Uuid::try_parse(salt).map_err(|_| broken())?;
    let mut columns =
        Columns { tenant, rest, title, salt: salt.as_bytes(), row, at, column: 0, broken: false, later: None };
    let head = Head::read(&mut columns);
    match (columns.later, columns.broken) {
        (Some(error), _) => Err(error),
        (None, true) => Err(broken()),
        (None, false) => head.map(Some),
    }
}

/// The values of the columns, in order.
struct Columns<'a> {
    tenant: TenantId,
    /// The fields not yet read, without the last two.
    rest: &'a str,
    title: &'a str,
    salt: &'a [u8],
    row: &'a Row,
    at: usize,
    column: usize,
    broken: bool,
    later: Option<StoreError>,
}

impl<'a> Columns<'a> {
    fn field(&mut self) -> &'a str {
        let (field, rest) = cut(self.rest, b'\t');
        self.rest = rest;
        field
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Seen<'a>;

    fn next(&mut self) -> Option<Seen<'a>> {
        let column = self.column;
        self.column += 1;
        let value = match column {
            0 => Some(Seen::Uuid(self.tenant.into())),
            TITLE => Some(Seen::Text(self.title)),
            SALT => Some(Seen::Bytes(self.salt)),
            held if held <= HELD => value(self.field(), Head::TABLE.columns[held].1),
            later => {
                let (_, kind) = Head::TABLE.read().get(later)?;
                match seen(self.row, self.at + later - HELD, *kind) {
                    Ok(seen) => Some(seen),
                    Err(error) => {
                        self.later = Some(error);
                        return None;
                    }
                }
            }
        };
        self.broken |= value.is_none();
        value
    }
}

/// A field as the value of its column, if it is one.
fn value(field: &str, kind: Kind) -> Option<Seen<'_>> {
    match kind {
        Kind::Text | Kind::Words => Some(Seen::Text(field)),
        Kind::Uuid if field.is_empty() => Some(Seen::Uuid(Uuid::nil())),
        Kind::Uuid => Uuid::try_parse(field).ok().map(Seen::Uuid),
        Kind::Int if field.is_empty() => Some(Seen::Int(Timestamp::NEVER.millis())),
        Kind::Int => field.parse().ok().map(Seen::Int),
        Kind::Bool => Some(Seen::Bool(field == "true")),
        Kind::Bytes => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_where_they_are_looked_for() {
        let names = |column: usize| Head::TABLE.columns[column].0;
        assert_eq!((names(TITLE), names(SALT), names(HELD)), ("title", "salt", "company_id"));
        assert_eq!(width(), columns().split(", ").count());
        let bytes = Head::TABLE.columns[..=HELD].iter().filter(|(_, kind)| *kind == Kind::Bytes);
        assert_eq!(bytes.count(), 1);
    }

    #[test]
    fn what_is_no_value_is_found() {
        assert_eq!(value("", Kind::Int), Some(Seen::Int(i64::MAX)));
        assert_eq!(value("-5", Kind::Int), Some(Seen::Int(-5)));
        assert_eq!(value("", Kind::Uuid), Some(Seen::Uuid(Uuid::nil())));
        assert_eq!((value("x", Kind::Int), value("x", Kind::Uuid), value("x", Kind::Bytes)), (None, None, None));
    }
}
