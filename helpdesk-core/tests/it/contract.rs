//! `scenarios/CONTRACT.md` names what shows each line of the contract: everything named there exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn texts(folder: &Path, ending: &str, into: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, ending, into);
        } else if path.extension().is_some_and(|it| it == ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push((path, text));
        }
    }
}

#[test]
fn the_contract_names_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut features, mut sources) = (vec![], vec![]);
    texts(&root.join("../scenarios"), "txt", &mut features);
    texts(&root.join("src"), "rs", &mut sources);
    texts(&root.join("tests/it"), "rs", &mut sources);
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (path, text) in &features {
        let feature = path.file_stem().unwrap().to_str().unwrap();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("scenario:"));
        known.extend(names.map(|name| format!("{feature}: {}", name.trim())));
    }
    for (_, text) in &sources {
        let functions = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
        known.extend(functions.map(str::to_owned));
    }
    let contract = std::fs::read_to_string(root.join("../scenarios/CONTRACT.md")).unwrap();
    let rows: Vec<&str> =
        contract.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Line")).collect();
    assert!(rows.len() > 50, "the table is not found");
    let mut missing = vec![];
    for row in rows {
        let shown = row.trim_matches('|').split('|').nth(1).expect("two cells");
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing shows {row}");
        missing.extend(names.into_iter().filter(|name| !name.starts_with("cargo ") && !known.contains(*name)));
    }
    assert!(missing.is_empty(), "named and not there: {missing:#?}");
}
