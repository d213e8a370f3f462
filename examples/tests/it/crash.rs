//! A replaying process is killed at named points and at random moments, run again until it ends, and compared with one
//! that nobody disturbed: nothing lost, nothing doubled, in tickets, events and plugin effects.
//!
//! Five times each; twenty times in the long lane (`HELPDESK_LONG=1`).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use helpdesk_examples::dump::Detail;
use helpdesk_examples::faults::Point;

use crate::world::{Kind, Place, invented, line, replay};

const CASES: usize = 40;

fn crashes() -> u64 {
    if std::env::var_os("HELPDESK_LONG").is_some() { 20 } else { 5 }
}

fn run(log: &Path, place: &Place) -> Command {
    let mut command = replay(log, place);
    command.arg("--automation").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// What an undisturbed run leaves, the same for both databases.
fn undisturbed() -> &'static (tempfile::TempDir, String) {
    static DONE: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    DONE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.csv");
        std::fs::write(&log, invented(CASES)).unwrap();
        let place = Place::new(Kind::Sqlite);
        line(&replay(&log, &place).arg("--automation").output().unwrap());
        let dump = place.dump(Detail::Settled);
        assert_eq!(dump.matches("ticket.created by").count(), CASES);
        assert_eq!(dump.matches("ticket.tagged by plugin:triage").count(), CASES);
        (dir, dump)
    })
}

/// Runs it to the end, and compares.
fn finish(log: &Path, place: &Place, expected: &str, told: &str) {
    let said = line(&replay(log, place).arg("--automation").output().unwrap());
    let wanted = format!("{{\"incidents\":{CASES},\"rows\":{rows},\"rows_accounted\":{rows},", rows = CASES * 4);
    assert!(said.starts_with(&wanted), "{told}: {said}");
    let seen = place.dump(Detail::Settled);
    if let Some((a, b)) = seen.lines().zip(expected.lines()).find(|(a, b)| a != b) {
        panic!("{told}: after crashes\n{a}\nundisturbed\n{b}");
    }
    assert_eq!(seen.len(), expected.len(), "{told}");
}

/// Kills at one point after the other: sooner and later passes of it.
fn at_points(kind: Kind) {
    let (dir, expected) = undisturbed();
    let log = dir.path().join("log.csv");
    std::thread::scope(|scope| {
        for (name, _) in Point::ALL {
            let log = &log;
            scope.spawn(move || {
                let place = Place::new(kind);
                for round in 0..crashes() {
                    let pass = 1 + round * round % 37;
                    let fault = format!("{name}:{pass}");
                    let ended = run(log, &place).env("HELPDESK_FAULT", &fault).status().unwrap();
                    // A late pass may no longer be reached.
                    let crashed = ended.code().is_none();
                    assert!(crashed || (ended.success() && pass > 1), "{fault}: {ended}");
                }
                finish(log, &place, expected, name);
            });
        }
    });
}

/// Kills without warning while cases are imported, each time a little earlier or later. No more than five times on one
/// database: a delivery is given up after eight tries, and to be killed in the middle of one is a try.
fn at_random(kind: Kind) {
    let rounds: Vec<u64> = (0..crashes()).collect();
    for rounds in rounds.chunks(5) {
        killed_in(rounds, kind);
    }
}

fn killed_in(rounds: &[u64], kind: Kind) {
    let (dir, expected) = undisturbed();
    let log = dir.path().join("log.csv");
    let place = Place::new(kind);
    let mut killed = 0;
    for round in rounds {
        let mut child = run(&log, &place).env("RUST_LOG", "replay=info").stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("importing incidents")), "it begins");
        std::thread::sleep(Duration::from_millis(round * 67 % 300));
        killed += u64::from(child.try_wait().unwrap().is_none());
        let _ = child.kill(); // SIGKILL; it may have ended a moment ago
        child.wait().unwrap();
    }
    assert!(killed > 0, "nothing was killed");
    finish(&log, &place, expected, "random moments");
}

/// All of it at once: most of the time is waiting for the leases of killed workers to end.
fn killed(kind: Kind) {
    undisturbed();
    std::thread::scope(|scope| {
        scope.spawn(|| at_random(kind));
        at_points(kind);
    });
}

#[test]
fn killed_at_named_points_and_random_moments_on_sqlite() {
    killed(Kind::Sqlite);
}

#[test]
fn killed_at_named_points_and_random_moments_on_postgres() {
    killed(Kind::Postgres);
}
