//! SQL, and the crates that speak it, stand below `helpdesk-core/src/store` only.

use super::Offence;
use super::tree::Tree;

const DRIVERS: &[&str] =
    &["rusqlite", "tokio_postgres", "deadpool_postgres", "sea_query", "sea_query_rusqlite", "sea_query_postgres"];

/// Beginnings of a statement, and what must follow for it to be one rather than prose.
const STATEMENTS: &[(&str, &str)] = &[
    ("select ", " from "),
    ("insert into ", ""),
    ("insert or ", " into "),
    ("update ", " set "),
    ("delete from ", ""),
    ("create table", ""),
    ("create index", ""),
    ("create unique index", ""),
    ("alter table", ""),
    ("drop table", ""),
    ("with ", " as ("),
    ("pragma ", ""),
];

/// Written in capitals these are SQL wherever they stand.
const SHOUTED: &[&str] =
    &["SELECT ", "INSERT INTO ", "DELETE FROM ", " WHERE ", "ORDER BY ", "CREATE TABLE ", "ON CONFLICT"];

/// No string literal of the library crates holds SQL.
pub(super) fn words(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(is_outside) {
        let found = source.literals().filter(|(_, text)| is_sql(text));
        offences.extend(found.map(|(line, _)| Offence::at(path, line, "SQL belongs below helpdesk-core/src/store")));
    }
    offences
}

/// No other place names a database driver: hosts would be bound to its version.
pub(super) fn drivers(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(is_outside) {
        for driver in DRIVERS {
            let says = format!("`{driver}` belongs below helpdesk-core/src/store");
            offences.extend(source.lines_with(driver).into_iter().map(|line| Offence::at(path, line, says.clone())));
        }
    }
    offences
}

/// Library code that is not the store's. Load programs and tests may speak SQL.
fn is_outside(path: &str) -> bool {
    let library = ["helpdesk-core/src/", "helpdesk-graphql/src/", "helpdesk-plugins/src/", "plugins/"];
    let store = ["helpdesk-core/src/store.rs", "helpdesk-core/src/store/"];
    library.iter().any(|folder| path.starts_with(folder)) && !store.iter().any(|room| path.starts_with(room))
}

fn is_sql(literal: &str) -> bool {
    if SHOUTED.iter().any(|word| literal.contains(word)) {
        return true;
    }
    let text = literal.trim_start().to_lowercase();
    STATEMENTS.iter().any(|(begin, then)| {
        let Some(rest) = text.strip_prefix(begin) else { return false };
        rest.contains(then) && (!matches!(*begin, "update ") || rest.contains('='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_from_prose() {
        for sql in ["select id from hd_ticket", "UPDATE t SET a = 1", " with x as (select 1)", "x WHERE y"] {
            assert!(is_sql(sql), "{sql}");
        }
        for prose in ["select a workflow", "update the plugin", "with care", "delete the file", "created at"] {
            assert!(!is_sql(prose), "{prose}");
        }
    }
}
