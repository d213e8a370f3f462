//! What the tests of programs share: databases to use up, an invented log of many cases, and the program's own dump.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use helpdesk_core::store::Sweep;
use helpdesk_core::{Actor, Desk, Timestamp};
use helpdesk_examples::database::Address;
use helpdesk_examples::dump::{Detail, dump};

pub(crate) const EXCERPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/incidents-excerpt.csv");

/// The kinds of databases everything is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database of its own, gone with the directory or the cluster.
pub(crate) struct Place {
    pub(crate) address: String,
    dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = match kind {
            Kind::Sqlite => format!("sqlite:{}", dir.path().join("desk.db").display()),
            Kind::Postgres => helpdesk_testkit::shared().fresh_database("replay").unwrap(),
        };
        Self { address, dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Every ticket, as the import's own tenant sees it.
    pub(crate) fn dump(&self, detail: Detail) -> String {
        self.with(async |desk| {
            let tenant = desk.store().tenants().await.unwrap().pop().unwrap();
            dump(desk, &Actor::system_of(tenant.id), detail).await.unwrap()
        })
    }

    /// Drops every idempotency key, as if a day had passed.
    pub(crate) fn forget_keys(&self) {
        self.with(async |desk| {
            let now = desk.clock().now();
            let sweep = Sweep { keys: now.plus_millis(1000), runs: Timestamp::from_millis(0), now };
            assert!(desk.store().sweep(sweep).await.unwrap() > 0);
        });
    }

    fn with<T>(&self, look: impl AsyncFnOnce(&Desk) -> T) -> T {
        let address: Address = self.address.parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = address.connect().await.unwrap().desk(None).build().await.unwrap();
            let seen = look(&desk).await;
            desk.close().await;
            seen
        })
    }
}

/// The replay program on `log` and `place`, not yet started.
pub(crate) fn replay(log: &Path, place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg(log).args(["--database", &place.address, "--json"]).env_remove("HELPDESK_FAULT");
    command
}

/// The one line on stdout of a program that ended well.
pub(crate) fn line(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {err}", output.status);
    let mut lines = out.lines();
    let line = lines.next().unwrap_or_else(|| panic!("nothing on stdout: {err}")).to_owned();
    assert_eq!(lines.next(), None, "one line on stdout");
    line
}

/// An invented log of `cases`, each with a history of its own; times meet and overlap.
pub(crate) fn invented(cases: usize) -> String {
    let mut csv = "number,incident_state,reassignment_count,reopen_count,caller_id,opened_by,opened_at,sys_updated_by,\
                   sys_updated_at,category,priority,assignment_group,assigned_to\n"
        .to_owned();
    let ways: [&[(&str, &str, &str)]; 4] = [
        &[("New", "?", "?"), ("Active", "Desk", "1"), ("Resolved", "Desk", "1"), ("Closed", "Desk", "1")],
        &[("New", "Desk", "?"), ("Active", "Net", "2"), ("Active", "?", "?"), ("Awaiting Vendor", "Net", "3")],
        &[("Resolved", "Desk", "1"), ("Active", "Desk", "1"), ("Active", "Net", "2"), ("Resolved", "Net", "2")],
        &[("New", "Net", "2"), ("Awaiting User Info", "Net", "2"), ("Active", "Net", "2"), ("Closed", "Net", "2")],
    ];
    for case in 0..cases {
        let way = ways[case % ways.len()];
        let (mut reassigned, mut reopened, mut before) = (0, 0, way[0]);
        for (at, row) in way.iter().enumerate() {
            reassigned += u32::from(row.1 != before.1);
            reopened += u32::from(before.0 == "Resolved" && row.0 != "Resolved" && row.0 != "Closed");
            let (caller, category, priority) = (case % 7, case % 5, 2 + (case + at) % 3);
            let (day, minute) = (1 + at * 2, case % 60);
            // Writing to a String cannot fail.
            let _ = writeln!(
                csv,
                "C{case:04},{},{reassigned},{reopened},{caller},{},1/3/2021 08:{minute:02},{},{day}/3/2021 09:{minute:02},\
                 {category},{priority},{},{}",
                row.0,
                case % 3,
                (case + at) % 4,
                row.1,
                row.2,
            );
            before = *row;
        }
    }
    csv
}
