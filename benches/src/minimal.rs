//! Contestant (a): the least schema with the same guarantees, under pgbench with prepared statements.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use helpdesk_testkit::Cluster;

use crate::cpu;
use crate::drive::Run;
use crate::step::Op;

const SCHEMA: &str = include_str!("../floor/schema.sql");
const LOAD: &str = include_str!("../floor/load.sql");

/// The minimal floor in a database of its own.
pub struct Minimal {
    pgbench: PathBuf,
    url: String,
    tickets: u64,
    /// Where scripts and pgbench's logs stand.
    folder: tempfile::TempDir,
    server: Option<u32>,
}

/// In prepared mode every `:name` outside quotes becomes a parameter, also `:17` inside a text.
fn script(op: Op) -> &'static str {
    match op {
        Op::Create => include_str!("../floor/scripts/create.sql"),
        Op::Transition => include_str!("../floor/scripts/transition.sql"),
        Op::Comment => include_str!("../floor/scripts/comment.sql"),
        Op::Get => include_str!("../floor/scripts/get.sql"),
        Op::List => include_str!("../floor/scripts/list.sql"),
    }
}

impl Minimal {
    /// Creates the database and loads `tickets`.
    pub fn load(cluster: &Cluster, database: &str, tickets: u64) -> anyhow::Result<Self> {
        cluster.create_database(database)?;
        cluster.psql(database, SCHEMA)?;
        cluster.psql(database, &LOAD.replace(":n", &tickets.to_string()))?;
        cluster.psql(database, "VACUUM ANALYZE")?;
        cluster.psql(database, "CHECKPOINT")?;
        let folder = tempfile::tempdir()?;
        for op in Op::ALL {
            std::fs::write(folder.path().join(op.name()), script(op))?;
        }
        let pgbench = cluster.program("pgbench")?;
        Ok(Self { pgbench, url: cluster.url(database), tickets, folder, server: cluster.pid() })
    }

    /// Runs one script.
    pub fn run(&self, op: Op, clients: usize, seconds: f64) -> anyhow::Result<Run> {
        let (_, children) = cpu::own();
        let server = cpu::server(self.server);
        let seconds = seconds.ceil().max(1.0);
        let mut command = Command::new(&self.pgbench);
        command.current_dir(self.folder.path());
        command.args(["-n", "-M", "prepared", "-j", "1", "-l", "--log-prefix=times", "--sampling-rate=0.2"]);
        command.args(["-f", op.name(), "-D", &format!("n={}", self.tickets)]);
        command.args(["-c", &clients.to_string(), "-T", &seconds.to_string(), &self.url]);
        let output = command.output().context("pgbench cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("pgbench failed on {}: {text}{}", op.name(), String::from_utf8_lossy(&output.stderr));
        }
        let number = |begins: &str, at: usize| -> Option<f64> {
            let line = text.lines().find(|line| line.starts_with(begins))?;
            line.split_whitespace().nth(at)?.split('/').next()?.parse().ok()
        };
        let tps = number("tps", 2).with_context(|| format!("pgbench says no tps: {text}"))?;
        let done = number("number of transactions actually processed", 5).unwrap_or(tps * seconds);
        let server = cpu::server(self.server) - server;
        let client = cpu::own().1 - children;
        Ok(Run { tps, p50: self.median()?, client: client as f64 / done, server: server as f64 / done })
    }

    /// The median of the logged latencies in microseconds; removes the logs.
    fn median(&self) -> anyhow::Result<f64> {
        let mut times: Vec<u32> = Vec::new();
        for entry in std::fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("times.")) {
                let log = std::fs::read_to_string(&path)?;
                times.extend(log.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
                std::fs::remove_file(path)?;
            }
        }
        Ok(crate::drive::median(&mut times))
    }
}
