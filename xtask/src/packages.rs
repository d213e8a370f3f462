//! What each published crate must contain: its licences, its README, and the files that stand at the workspace's root.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;

use crate::lane::{Outcome, PASSED};
use crate::process::{cargo, read};

/// A published crate and what it takes along.
struct Published {
    name: &'static str,
    /// A folder of the workspace, the folder inside the package it must be found in whole, and how many files at least.
    folders: &'static [(&'static str, &'static str, usize)],
    files: &'static [&'static str],
}

const ALWAYS: &[&str] = &["LICENSE-MIT", "LICENSE-APACHE", "README.md", "src/lib.rs"];

const PUBLISHED: &[Published] = &[
    Published {
        name: "helpdesk-core",
        folders: &[("migrations/postgres", "migrations/postgres", 2), ("migrations/sqlite", "migrations/sqlite", 2)],
        files: &[],
    },
    Published {
        name: "helpdesk-graphql",
        folders: &[("helpdesk-graphql/assets", "assets", 6)],
        files: &["schema.graphql"],
    },
    Published { name: "helpdesk-plugins", folders: &[("helpdesk-plugins/wit", "wit", 1)], files: &[] },
    Published { name: "helpdesk-plugin", folders: &[("helpdesk-plugins/wit", "wit", 1)], files: &[] },
];

/// Asks `cargo package --list` for each.
pub(crate) fn check(root: &Path) -> anyhow::Result<Outcome> {
    let mut missing = Vec::new();
    for package in PUBLISHED {
        let args = ["package", "--list", "--quiet", "--allow-dirty", "-p", package.name];
        let listed = read(&mut cargo(root, &args))?;
        let says = package.lacks(root, &listed.lines().collect())?;
        missing.extend(says.into_iter().map(|says| format!("{}: {says}", package.name)));
    }
    anyhow::ensure!(missing.is_empty(), "packages are incomplete:\n    {}", missing.join("\n    "));
    PASSED
}

impl Published {
    fn lacks(&self, root: &Path, listed: &BTreeSet<&str>) -> anyhow::Result<Vec<String>> {
        let mut lacks = Vec::new();
        let mut wanted: Vec<String> = ALWAYS.iter().chain(self.files).map(|&path| path.to_owned()).collect();
        for &(folder, inside, at_least) in self.folders {
            let found = files_below(&root.join(folder), inside)?;
            if found.len() < at_least {
                lacks.push(format!("{folder} holds {} files, {at_least} are wanted at least", found.len()));
            }
            wanted.extend(found);
        }
        let absent = wanted.into_iter().filter(|path| !listed.contains(path.as_str()));
        lacks.extend(absent.map(|path| format!("{path} is not in the package")));
        Ok(lacks)
    }
}

fn files_below(folder: &Path, inside: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = format!("{inside}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path(), &name)?);
        } else {
            found.push(name);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_told() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let package = Published { name: "p", folders: &[("src/rules", "rules", 99)], files: &["extra.txt"] };
        let listed: BTreeSet<&str> = ALWAYS.iter().copied().chain(["rules/sql.rs"]).collect();
        let says = package.lacks(root, &listed).unwrap().join("\n");
        for expected in ["99 are wanted", "extra.txt is not", "rules/tree.rs is not"] {
            assert!(says.contains(expected), "{says}");
        }
        assert!(!says.contains("sql.rs") && !says.contains("LICENSE"), "{says}");
    }
}
