//! Files: small, introduced by a few `//!` lines, `foo.rs` beside `foo/`.

use super::Offence;
use super::tree::Tree;

const LIMIT: usize = 500;

/// Files that may be longer, each with its reason. An entry that is no longer needed is an offence itself.
const LONGER: &[(&str, &str)] = &[];

/// No file beyond 500 lines: what is longer has two meanings and is split by them.
pub(super) fn small_files(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in tree.files().filter(|file| !file.path.ends_with(".md")) {
        let lines = file.text.lines().count();
        let allowed = LONGER.iter().any(|(path, _)| *path == file.path);
        if lines > LIMIT && !allowed {
            offences.push(Offence::at(
                &file.path,
                lines,
                format!("{lines} lines; split it by meaning ({LIMIT} at most)"),
            ));
        }
        if lines <= LIMIT && allowed {
            offences.push(Offence::at(&file.path, 0, "is short again; take it off the list of longer files"));
        }
    }
    offences
}

/// The top of a file is its table of contents.
pub(super) fn heads(tree: &Tree) -> Vec<Offence> {
    let sources = tree.files().filter(|file| file.path.ends_with(".rs"));
    let bare = sources.filter(|file| !file.text.trim_start().starts_with("//!"));
    bare.map(|file| Offence::at(&file.path, 1, "begin with a few `//!` lines: what it is and what it is not")).collect()
}

/// `foo.rs` beside `foo/`.
pub(super) fn no_mod_rs(tree: &Tree) -> Vec<Offence> {
    let named = tree.files().filter(|file| file.path.ends_with("/src/mod.rs") || is_module(&file.path));
    named.map(|file| Offence::at(&file.path, 0, "name it after its folder and put it beside")).collect()
}

/// Below `tests/` a `mod.rs` is the only way to share code without making it a test of its own.
fn is_module(path: &str) -> bool {
    path.ends_with("/mod.rs") && !path.contains("/tests/")
}
