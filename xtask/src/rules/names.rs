//! Names come from the desk (Case, Step, Vote, Clock), not from the warehouse of empty words.

use super::Offence;
use super::source::{is_word, stands_alone};
use super::tree::Tree;

const EMPTY: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils", "Data", "Info", "Service", "Impl"];
/// Names that a standard gives: Relay's cursor connections.
const GIVEN: &[&str] = &["PageInfo"];
const EMPTY_FILES: &[&str] = &["manager", "helper", "helpers", "util", "utils", "common", "misc"];
const DEFINES: &[&str] = &["struct", "enum", "trait", "type"];

/// No type and no file of ours is named by such a word.
pub(super) fn of_the_desk(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(|_| true) {
        let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
        if EMPTY_FILES.contains(&stem) {
            offences.push(Offence::at(path, 0, format!("`{stem}.rs` says nothing; name the file after what it holds")));
        }
        for (at, name) in defined(source.code()) {
            if EMPTY.iter().any(|word| name.ends_with(word)) && !GIVEN.contains(&name) {
                offences.push(Offence::at(
                    path,
                    source.line(at),
                    format!("`{name}` says nothing; use the desk's own word"),
                ));
            }
        }
    }
    offences
}

/// The names of the types a file defines at its own level (associated types are their trait's).
fn defined(code: &str) -> impl Iterator<Item = (usize, &str)> {
    DEFINES.iter().flat_map(move |keyword| {
        code.match_indices(keyword).filter(move |(at, _)| stands_alone(code, *at, keyword)).filter_map(
            move |(at, _)| {
                let rest = code[at + keyword.len()..].trim_start();
                let name = &rest[..rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())];
                let associated = *keyword == "type" && code[..at].ends_with("    ");
                (!associated).then_some((at, name))
            },
        )
    })
}
