//! The house rules that a machine can check, each one held by a test that plants an offence.
//!
//! They read the text of the sources, not their meaning: approximations on purpose, quick enough to run first. What a
//! compiler or clippy can say is left to them.

mod crates;
mod engines;
mod layout;
mod matches;
mod migrations;
mod names;
mod source;
mod sql;
mod tree;

use std::fmt;
use std::path::Path;

use crate::lane::Outcome;
use tree::Tree;

/// One rule.
struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Offence>,
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Offence {
    path: String,
    /// 1 for the first; 0 when the file as a whole is meant.
    line: usize,
    says: String,
}

const RULES: &[Rule] = &[
    Rule { name: "engines are pure", check: engines::pure },
    Rule { name: "engines know no store", check: engines::below_stores },
    Rule { name: "SQL stays in the store", check: sql::words },
    Rule { name: "drivers stay in the store", check: sql::drivers },
    Rule { name: "crates keep apart", check: crates::apart },
    Rule { name: "no catch-all over events and commands", check: matches::no_catch_all },
    Rule { name: "files are small", check: layout::small_files },
    Rule { name: "files say what they are", check: layout::heads },
    Rule { name: "no mod.rs", check: layout::no_mod_rs },
    Rule { name: "names from the desk", check: names::of_the_desk },
    Rule { name: "migrations come in fours", check: migrations::in_fours },
];

/// Holds all rules against the workspace.
pub(crate) fn check(root: &Path) -> anyhow::Result<Outcome> {
    let tree = Tree::read(root)?;
    let mut broken = 0;
    for rule in RULES {
        let offences = (rule.check)(&tree);
        if !offences.is_empty() {
            println!("{}:", rule.name);
        }
        for offence in &offences {
            println!("    {offence}");
        }
        broken += offences.len();
    }
    anyhow::ensure!(broken == 0, "{broken} offences, listed above");
    Ok(Outcome::Passed(Some(format!("{} rules over {} files", RULES.len(), tree.len()))))
}

impl Offence {
    fn at(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, says: says.into() }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Planted = (&'static str, &'static str);

    /// Per rule: a file that offends, and one much like it that does not.
    const PLANTED: &[(&str, Planted, Planted)] = &[
        (
            "engines are pure",
            ("helpdesk-core/src/ticket/decide.rs", "pub async fn decide() {}"),
            ("helpdesk-core/src/desk.rs", "pub async fn act() {}"),
        ),
        (
            "engines know no store",
            ("helpdesk-core/src/scene.rs", "use crate::store::Store;"),
            ("helpdesk-core/src/desk.rs", "use crate::store::Store;"),
        ),
        (
            "SQL stays in the store",
            ("helpdesk-graphql/src/ticket.rs", "fn q() -> &'static str { \"SELECT 1 FROM t\" }"),
            ("helpdesk-core/src/store/postgres.rs", "fn q() -> &'static str { \"SELECT 1 FROM t\" }"),
        ),
        (
            "drivers stay in the store",
            ("helpdesk-core/src/desk.rs", "use rusqlite::Connection;"),
            ("helpdesk-core/src/store/sqlite.rs", "use rusqlite::Connection;"),
        ),
        (
            "crates keep apart",
            ("helpdesk-graphql/Cargo.toml", "[dev-dependencies]\nhelpdesk-plugins.workspace = true"),
            ("examples/Cargo.toml", "[dependencies]\nhelpdesk-plugins.workspace = true"),
        ),
        (
            "no catch-all over events and commands",
            ("helpdesk-core/src/case.rs", "fn f(e: Event) { match e { Event::A { .. } => 1, _ => 0 }; }"),
            ("helpdesk-core/src/sla.rs", "fn react(e: Event) { match e { Event::A { .. } => 1, _ => 0 }; }"),
        ),
        ("files are small", ("helpdesk-core/src/long.rs", ""), ("helpdesk-core/src/case.rs", "//! The case.\n")),
        (
            "files say what they are",
            ("helpdesk-core/src/desk.rs", "use std::fmt;"),
            ("helpdesk-core/src/case.rs", "//! The case.\n"),
        ),
        (
            "no mod.rs",
            ("helpdesk-core/src/ticket/mod.rs", "//! Tickets."),
            ("helpdesk-core/src/ticket.rs", "//! Tickets."),
        ),
        (
            "names from the desk",
            ("helpdesk-core/src/desk.rs", "pub struct TicketManager;"),
            ("helpdesk-core/src/case.rs", "pub struct Case;"),
        ),
        (
            "migrations come in fours",
            ("migrations/postgres/0002_sla.up.sql", "SELECT 1;"),
            ("helpdesk-core/notes/0002_sla.up.sql", "SELECT 1;"),
        ),
    ];

    #[test]
    fn every_rule_catches_what_is_planted_and_only_that() {
        for rule in RULES {
            let (_, bad, good) = PLANTED
                .iter()
                .find(|(name, ..)| *name == rule.name)
                .unwrap_or_else(|| panic!("plant an offence against `{}`", rule.name));
            let long = "//! Long.\n".repeat(501);
            let text = if bad.0.ends_with("long.rs") { long.as_str() } else { bad.1 };
            let found = (rule.check)(&Tree::of(&[(bad.0, text), *good]));
            assert!(found.iter().any(|offence| offence.path == bad.0), "`{}` missed its offence", rule.name);
            assert!(!found.iter().any(|offence| offence.path == good.0), "`{}` is too eager: {found:?}", rule.name);
        }
    }
}
