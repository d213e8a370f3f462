//! `helpdesk-graphql → helpdesk-core ← helpdesk-plugins`: the two sides never know each other, and the core knows neither.

use toml::{Table, Value};

use super::Offence;
use super::tree::Tree;

/// A manifest and what it must not name: anywhere, and outside its tests.
struct Side {
    manifest: &'static str,
    never: &'static [&'static str],
    not_in_library: &'static [&'static str],
}

const SIDES: &[Side] = &[
    Side {
        manifest: "helpdesk-core/Cargo.toml",
        never: &["helpdesk-graphql", "helpdesk-plugins"],
        not_in_library: &["helpdesk-testkit", "anyhow", "async-graphql", "axum", "hyper", "reqwest", "wasmtime"],
    },
    Side {
        manifest: "helpdesk-graphql/Cargo.toml",
        never: &["helpdesk-plugins", "wasmtime"],
        not_in_library: &["helpdesk-testkit", "anyhow", "rusqlite", "tokio-postgres", "deadpool-postgres", "sea-query"],
    },
    Side {
        manifest: "helpdesk-plugins/Cargo.toml",
        never: &["helpdesk-graphql", "async-graphql", "axum"],
        not_in_library: &["helpdesk-testkit", "rusqlite", "tokio-postgres", "deadpool-postgres", "sea-query"],
    },
    Side {
        manifest: "plugins/sdk/Cargo.toml",
        never: &["helpdesk-graphql"],
        not_in_library: &["helpdesk-core", "helpdesk-plugins", "wasmtime", "tokio"],
    },
];

/// No manifest names what it must not know.
pub(super) fn apart(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in tree.files() {
        let Some(side) = SIDES.iter().find(|side| side.manifest == file.path) else { continue };
        let manifest = match file.text.parse::<Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                offences.push(Offence::at(&file.path, 0, format!("is no TOML: {error}")));
                continue;
            }
        };
        let tables = std::iter::once(&manifest).chain(targets(&manifest));
        for table in tables {
            for (kind, forbidden) in [
                ("dependencies", [side.never, side.not_in_library].concat()),
                ("build-dependencies", [side.never, side.not_in_library].concat()),
                ("dev-dependencies", side.never.to_vec()),
            ] {
                let named = table
                    .get(kind)
                    .and_then(Value::as_table)
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| real(key, value));
                let bad = named.filter(|name| forbidden.contains(name));
                offences.extend(
                    bad.map(|name| Offence::at(&file.path, line(&file.text, name), format!("must not know {name}"))),
                );
            }
        }
    }
    offences
}

/// The crate's own name where the manifest gives it another.
fn real<'a>(key: &'a str, value: &'a Value) -> &'a str {
    value.get("package").and_then(Value::as_str).unwrap_or(key)
}

fn targets(manifest: &Table) -> impl Iterator<Item = &Table> {
    manifest.get("target").and_then(Value::as_table).into_iter().flatten().filter_map(|(_, table)| table.as_table())
}

fn line(text: &str, name: &str) -> usize {
    text.lines().position(|line| line.contains(name)).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offences(manifest: &str, text: &str) -> usize {
        apart(&Tree::of(&[(manifest, text)])).len()
    }

    #[test]
    fn renamed_and_targeted_dependencies_count() {
        let renamed = "[dependencies]\ngql = { package = \"helpdesk-graphql\", version = \"0.1\" }";
        assert_eq!(offences("helpdesk-plugins/Cargo.toml", renamed), 1);
        let targeted = "[target.'cfg(unix)'.dependencies]\nhelpdesk-plugins = \"0.1\"";
        assert_eq!(offences("helpdesk-graphql/Cargo.toml", targeted), 1);
    }

    #[test]
    fn tests_may_bring_up_what_the_library_must_not_know() {
        assert_eq!(offences("helpdesk-core/Cargo.toml", "[dev-dependencies]\nhelpdesk-testkit.workspace = true"), 0);
        assert_eq!(offences("helpdesk-core/Cargo.toml", "[dependencies]\nhelpdesk-testkit.workspace = true"), 1);
    }
}
