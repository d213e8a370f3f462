//! Engines are functions from values to values, and stand below everything that stores or schedules.

use super::Offence;
use super::tree::Tree;

/// The rooms and files of `helpdesk-core/src` in which rules live.
const ROOMS: &[&str] = &["ticket", "workflow", "approval", "role", "sla", "rule", "org", "case", "scene", "filter"];

const IMPURE: &[(&str, &str)] = &[
    ("async", "the desk waits, engines do not"),
    (".await", "the desk waits, engines do not"),
    ("tokio", "the desk waits, engines do not"),
    ("futures_util", "the desk waits, engines do not"),
    ("std::fs", "engines read no files: the scene brings all facts"),
    ("std::io", "engines do no IO: the scene brings all facts"),
    ("std::net", "engines do no IO: the scene brings all facts"),
    ("std::env", "engines read no environment: configuration comes with the scene"),
    ("std::process", "engines start nothing"),
    ("std::thread", "engines start nothing"),
    ("Instant", "take `now` from the context"),
    ("SystemTime", "take `now` from the context"),
    ("Timestamp::now", "take `now` from the context"),
    ("Zoned::now", "take `now` from the context"),
    ("now_v7", "take ids from the Mint in the context"),
    ("new_v4", "take ids from the Mint in the context"),
    ("rand", "chance is no rule: take what varies from the context"),
    ("getrandom", "chance is no rule: take what varies from the context"),
    ("RandomState", "the order of hashing differs from run to run"),
    ("println!", "engines print nothing"),
    ("eprintln!", "engines print nothing"),
];

const ABOVE: &[&str] = &["desk", "feed", "jobs"];

/// What acts in the store's room. Its values (rows and writes) are what a scene settles into, and may be named.
const STORES: &[&str] =
    &["Store", "Queue", "Log", "SqliteStore", "PostgresStore", "sql", "sqlite", "postgres", "self", "*"];

/// No waiting, no IO, no clock, no randomness.
pub(super) fn pure(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(is_engine) {
        for (word, says) in IMPURE {
            let lines = source.lines_with(word);
            offences.extend(lines.into_iter().map(|line| Offence::at(path, line, format!("`{word}`: {says}"))));
        }
    }
    offences
}

/// Engines know models, never what stores or delivers them.
pub(super) fn below_stores(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(is_engine) {
        for room in ABOVE {
            let lines = source.lines_with(&format!("crate::{room}"));
            let says = format!("`crate::{room}`: an engine gets what it needs from the scene");
            offences.extend(lines.into_iter().map(|line| Offence::at(path, line, says.clone())));
        }
        let code = source.code();
        for (at, begin) in code.match_indices("crate::store::") {
            let rest = &code[at + begin.len()..];
            let names = rest[..rest.find([';', '(', '\n']).unwrap_or(rest.len())].split(['{', '}', ',', ':']);
            for name in names.map(str::trim).filter(|name| STORES.contains(name)) {
                let says = format!("`store::{name}`: an engine makes rows and leaves writing them to the desk");
                offences.push(Offence::at(path, source.line(at), says));
            }
        }
    }
    offences
}

fn is_engine(path: &str) -> bool {
    let Some(inside) = path.strip_prefix("helpdesk-core/src/") else { return false };
    let room = inside.split(['/', '.']).next().unwrap_or_default();
    ROOMS.contains(&room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_impure_word_is_caught() {
        for (word, _) in IMPURE {
            let text = format!("fn f() {{ {word} }}");
            assert_eq!(pure(&Tree::of(&[("helpdesk-core/src/sla/decide.rs", &text)])).len(), 1, "{word}");
        }
    }

    #[test]
    fn rooms_are_engines_by_their_whole_name() {
        assert!(is_engine("helpdesk-core/src/rule.rs") && is_engine("helpdesk-core/src/filter/eval.rs"));
        assert!(!is_engine("helpdesk-core/src/store/filter.rs") && !is_engine("helpdesk-graphql/src/ticket.rs"));
    }

    #[test]
    fn rows_may_be_named_and_stores_not() {
        let said = |text| below_stores(&Tree::of(&[("helpdesk-core/src/scene.rs", text)])).len();
        assert_eq!(said("use crate::store::{NewEvent, Row, Write};"), 0);
        assert_eq!(said("use crate::store::{Row, Store};"), 1);
        assert_eq!(said("fn f(s: &crate::store::sqlite::SqliteStore) {}"), 1);
    }

    #[test]
    fn words_like_them_are_fine() {
        let text = "fn brand(operand: Grandchild) { let asynchronous = operand; }";
        assert_eq!(pure(&Tree::of(&[("helpdesk-core/src/role.rs", text)])), []);
    }
}
