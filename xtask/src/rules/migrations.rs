//! A migration is four files: up and down, for each database, under one number and name.

use std::collections::BTreeMap;

use super::Offence;
use super::tree::Tree;

const DATABASES: &[&str] = &["postgres", "sqlite"];
const WAYS: &[&str] = &["up", "down"];

/// None of the four is missing, no number is used twice or left out.
pub(super) fn in_fours(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in tree.files() {
        let Some(inside) = file.path.strip_prefix("migrations/") else { continue };
        match step(inside) {
            Some(step) => found.entry(step).or_default().push(&file.path),
            None => offences.push(Offence::at(&file.path, 0, "name it DATABASE/0001_what.up.sql or .down.sql")),
        }
    }
    for (position, (step, paths)) in found.iter().enumerate() {
        for (database, way) in DATABASES.iter().flat_map(|database| WAYS.iter().map(move |way| (database, way))) {
            let wanted = format!("migrations/{database}/{step}.{way}.sql");
            if !paths.contains(&wanted.as_str()) {
                offences.push(Offence::at(paths[0], 0, format!("{wanted} is missing")));
            }
        }
        if !step.starts_with(&format!("{:04}_", position + 1)) {
            offences.push(Offence::at(paths[0], 0, format!("the next number is {:04}", position + 1)));
        }
    }
    offences
}

/// `0001_base` of `postgres/0001_base.up.sql`.
fn step(inside: &str) -> Option<&str> {
    let (database, name) = inside.split_once('/')?;
    let step = WAYS.iter().find_map(|way| name.strip_suffix(&format!(".{way}.sql")))?;
    let (number, what) = step.split_once('_')?;
    let numbered = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && !what.is_empty();
    (DATABASES.contains(&database) && numbered).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(names: &[&str]) -> Vec<String> {
        let paths: Vec<String> = names.iter().map(|name| format!("migrations/{name}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        in_fours(&Tree::of(&files)).into_iter().map(|offence| offence.says).collect()
    }

    #[test]
    fn four_files_make_a_migration() {
        let base =
            ["postgres/0001_a.up.sql", "postgres/0001_a.down.sql", "sqlite/0001_a.up.sql", "sqlite/0001_a.down.sql"];
        assert_eq!(says(&base), Vec::<String>::new());
        assert_eq!(says(&base[..3]), ["migrations/sqlite/0001_a.down.sql is missing"]);
    }

    #[test]
    fn numbers_have_no_gaps_and_names_a_form() {
        let gap =
            ["postgres/0003_a.up.sql", "postgres/0003_a.down.sql", "sqlite/0003_a.up.sql", "sqlite/0003_a.down.sql"];
        assert_eq!(says(&gap), ["the next number is 0001"]);
        assert_eq!(says(&["oracle/0001_a.up.sql"]), ["name it DATABASE/0001_what.up.sql or .down.sql"]);
    }
}
