//! The replay program on both databases: the same tickets and events, and what it says of them.

use std::path::Path;

use helpdesk_examples::dump::Detail;

use crate::world::{EXCERPT, Kind, Place, invented, line, replay};

/// Without the time it took.
fn figures(line: &str) -> String {
    line.split(",\"seconds\":").next().unwrap_or_default().to_owned()
}

/// Imports `log` on both databases and compares everything; returns the figures.
fn same_on_both(log: &Path) -> String {
    let (sqlite, postgres) = (Place::new(Kind::Sqlite), Place::new(Kind::Postgres));
    let (seen, told): (Vec<String>, Vec<String>) = [&sqlite, &postgres]
        .map(|place| {
            let output = replay(log, place).arg("--dump").arg(place.path("dump")).output().unwrap();
            let said = line(&output);
            println!("{said}");
            (figures(&said), String::from_utf8_lossy(&output.stderr).into_owned())
        })
        .into_iter()
        .unzip();
    assert_eq!(seen[0], seen[1]);
    let dumps = [&sqlite, &postgres].map(|place| std::fs::read_to_string(place.path("dump")).unwrap());
    assert!(!dumps[0].is_empty());
    assert!(dumps[0] == dumps[1], "tickets and events are identical on both databases");
    // Once more: nothing is lost or doubled, and the report is the same, word for word.
    for place in [&sqlite, &postgres] {
        let again = replay(log, place).output().unwrap();
        assert_eq!(figures(&line(&again)), seen[0]);
        assert_eq!(String::from_utf8_lossy(&again.stderr), told[0], "the report for people");
        assert!(place.dump(Detail::Exact) == dumps[0], "a second run changes nothing");
    }
    seen[0].clone()
}

#[test]
fn the_excerpt_is_imported_alike_on_both_databases() {
    let said = same_on_both(Path::new(EXCERPT));
    assert_eq!(
        said,
        r#"{"incidents":13,"rows":67,"rows_accounted":67,"state_mismatch":0,"reopen_mismatch":0,"reassignment_mismatch":1"#
    );
}

#[test]
fn many_cases_at_once_keep_their_numbers_and_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.csv");
    std::fs::write(&log, invented(60)).unwrap();
    let said = same_on_both(&log);
    assert_eq!(
        said,
        r#"{"incidents":60,"rows":240,"rows_accounted":240,"state_mismatch":0,"reopen_mismatch":0,"reassignment_mismatch":0"#
    );
}

#[test]
fn an_import_goes_on_although_its_keys_are_long_forgotten() {
    let (place, undisturbed) = (Place::new(Kind::Sqlite), Place::new(Kind::Sqlite));
    let log = place.path("log.csv");
    std::fs::write(&log, invented(30)).unwrap();
    line(&replay(&log, &undisturbed).output().unwrap());
    let crashed = replay(&log, &place).env("HELPDESK_FAULT", "after-commit:100").output().unwrap();
    assert_eq!(crashed.status.code(), None);
    place.forget_keys();
    line(&replay(&log, &place).output().unwrap());
    place.forget_keys();
    line(&replay(&log, &place).output().unwrap());
    assert!(place.dump(Detail::Settled) == undisturbed.dump(Detail::Settled), "nothing is lost or doubled");
}

/// Runs on a log outside the repository, named by the environment.
#[test]
fn a_real_log_is_imported_alike_on_both_databases() {
    let Some(path) = std::env::var_os("HELPDESK_INCIDENTS") else {
        println!("skipped: HELPDESK_INCIDENTS names no log");
        return;
    };
    let said = same_on_both(Path::new(&path));
    assert_eq!(
        said,
        r#"{"incidents":2053,"rows":11692,"rows_accounted":11692,"state_mismatch":0,"reopen_mismatch":0,"reassignment_mismatch":6"#
    );
}

#[test]
fn what_cannot_be_done_is_said_plainly() {
    let place = Place::new(Kind::Sqlite);
    let told = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let missing = told(&mut replay(Path::new("/nowhere/log.csv"), &place));
    assert!(missing.contains("cannot read /nowhere/log.csv"), "{missing}");
    let mut elsewhere = replay(Path::new(EXCERPT), &place);
    let elsewhere = told(elsewhere.args(["--database", "postgres://127.0.0.1:1/none"]));
    assert!(elsewhere.contains("cannot be used multiple times") || elsewhere.contains("cannot open"), "{elsewhere}");
    let mut nobody = std::process::Command::new(env!("CARGO_BIN_EXE_replay"));
    let nobody = told(nobody.args([EXCERPT, "--database", "postgres://127.0.0.1:1/none"]));
    assert!(nobody.contains("cannot open the database postgres://127.0.0.1:1/none"), "{nobody}");
    let key = told(replay(Path::new(EXCERPT), &place).args(["--tenant", "No Key"]));
    assert!(key.contains("cannot register tenant `No Key`"), "{key}");
}
