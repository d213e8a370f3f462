//! `cargo xtask bench floor`: the desk against SQL written by hand and against PostgreSQL's own floor, alternating in one
//! run on one cluster that flushes every commit; then against rusqlite by hand. Only ratios of medians are compared:
//! the time of a flush changes within minutes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use helpdesk_benches::drive::{Contestant, drive};
use helpdesk_benches::hand::Hand;
use helpdesk_benches::lite::Lite;
use helpdesk_benches::minimal::Minimal;
use helpdesk_benches::report::{Line, Report, Who};
use helpdesk_benches::served::Served;
use helpdesk_benches::step::{Board, Op};
use helpdesk_benches::stock;
use helpdesk_benches::world::World;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::{SqliteOptions, SqliteStore};
use helpdesk_core::{Clock, Desk, SystemClock};
use helpdesk_testkit::{Cluster, ClusterOptions};

#[derive(Parser)]
#[command(about = "The desk against hand-written SQL and pgbench")]
struct Options {
    /// Tickets in stock
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    tickets: u64,
    /// Also run the desk and the minimal floor with this many tickets, and say how much slower they are there
    #[arg(long)]
    grown: Option<u64>,
    /// Length of one run
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Callers at once on PostgreSQL
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 16])]
    clients: Vec<usize>,
    /// Alternations
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only these operations: create, get, list, transition, comment
    #[arg(long, value_delimiter = ',')]
    ops: Vec<String>,
    /// Only this database: postgres or sqlite
    #[arg(long)]
    database: Option<String>,
    /// Only stock the cluster and keep it until end of input, to look into it with psql
    #[arg(long)]
    hold: bool,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    fn ops(&self) -> Vec<Op> {
        let wanted = |op: &Op| self.ops.is_empty() || self.ops.iter().any(|name| name == op.name());
        Op::ALL.into_iter().filter(wanted).collect()
    }
    fn on(&self, database: &str) -> bool {
        self.database.as_deref().is_none_or(|only| only == database)
    }
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut report = Report::default();
    if options.on("postgres") {
        runtime.block_on(postgres(&options, &mut report))?;
    }
    if options.on("sqlite") {
        runtime.block_on(sqlite(&options, &mut report))?;
    }
    report.print();
    if options.json {
        println!("{}", report.json(options.tickets));
    }
    Ok(())
}

/// A desk on a database of its own.
struct Place {
    served: Arc<Served>,
    board: Arc<Board>,
}

async fn postgres(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let extra = [
        "max_wal_size=8GB",
        "checkpoint_timeout=30min",
        "synchronous_commit=on",
        "autovacuum_naptime=1h",
        "log_min_messages=error",
    ];
    // A million tickets take more than 1 GB; a server that keeps them has the memory for it.
    let buffers = if options.grown.is_some() { "5GB" } else { "1GB" };
    let settings =
        ClusterOptions { fsync: true, shared_buffers: buffers.into(), extra: extra.map(str::to_owned).to_vec() };
    let cluster = Cluster::start_with(&settings)?;
    println!("{}", cluster.psql("postgres", "SHOW server_version")?.trim());
    let begun = Instant::now();
    let minimal = Minimal::load(&cluster, "minimal", options.tickets)?;
    let most = options.clients.iter().copied().max().unwrap_or(1);
    let stocked = stocked(&cluster, "desk", options.tickets).await?;
    // The same bytes for both.
    cluster.psql("postgres", "CREATE DATABASE hand TEMPLATE desk STRATEGY file_copy")?;
    let desk = served(&cluster, "desk", &stocked, most).await?;
    let hand = Hand::connect(&cluster.url("hand"), Arc::clone(&stocked), Arc::new(SystemClock), most)?;
    let (hand, hand_board) = (Arc::new(hand), Arc::new(Board::stocked(options.tickets)));
    let grown = match options.grown {
        Some(tickets) => {
            let stocked = self::stocked(&cluster, "grown", tickets).await?;
            let minimal = Minimal::load(&cluster, "minimal_grown", tickets)?;
            Some((served(&cluster, "grown", &stocked, most).await?, minimal))
        }
        None => None,
    };
    println!("stocked {} tickets in {:.1} s", options.tickets, begun.elapsed().as_secs_f64());
    if options.hold {
        println!("{}\n{}\nheld until end of input", cluster.url("desk"), cluster.url("hand"));
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        return Ok(());
    }

    let (time, server) = (options.time(), cluster.pid());
    for op in options.ops() {
        warm(&hand, &hand_board, op, most).await?;
        warm(&desk.served, &desk.board, op, most).await?;
        if let Some((grown, _)) = &grown {
            warm(&grown.served, &grown.board, op, most).await?;
        }
    }
    for round in 0..options.rounds {
        // Statistics of tables that grew, since autovacuum would come at a moment of its own.
        for database in ["minimal", "hand", "desk"] {
            cluster.psql(database, "ANALYZE")?;
        }
        for callers in options.clients.iter().copied() {
            for op in options.ops() {
                let line = Line { database: "postgres", callers, op };
                for turn in 0..3 {
                    // Each goes first in turn.
                    match (turn + round) % 3 {
                        0 => report.note(line, Who::Minimal, minimal.run(op, callers, options.seconds)?),
                        1 => {
                            let run = drive(&hand, &hand_board, op, callers, time, server).await?;
                            report.note(line, Who::Hand, run);
                        }
                        _ => {
                            let run = drive(&desk.served, &desk.board, op, callers, time, server).await?;
                            report.note(line, Who::Desk, run);
                        }
                    }
                }
                if let Some((grown, minimal)) = &grown {
                    report.note(line, Who::MinimalGrown, minimal.run(op, callers, options.seconds)?);
                    let run = drive(&grown.served, &grown.board, op, callers, time, server).await?;
                    report.note(line, Who::Grown, run);
                }
            }
        }
        println!("round {} of {} on PostgreSQL, {:.0} s", round + 1, options.rounds, begun.elapsed().as_secs_f64());
    }
    desk.served.desk.close().await;
    Ok(())
}

async fn warm<C: Contestant>(who: &Arc<C>, board: &Arc<Board>, op: Op, callers: usize) -> anyhow::Result<()> {
    drive(who, board, op, callers, Duration::from_millis(300), None).await.map(drop)
}

/// A database with the library's schema and tickets, made through the desk.
async fn stocked(cluster: &Cluster, database: &str, tickets: u64) -> anyhow::Result<Arc<World>> {
    cluster.create_database(database)?;
    let url = cluster.url(database);
    let store = PgStore::connect(&url, PgOptions { listen: false, ..PgOptions::default() }).await?;
    store.migrate().await?;
    let desk = Desk::builder(store).build().await?;
    let world = World::furnish(&desk, tickets).await?;
    desk.close().await;
    stock::postgres(&url, &world, SystemClock.now().millis()).await?;
    Ok(Arc::new(world))
}

async fn served(cluster: &Cluster, database: &str, world: &Arc<World>, most: usize) -> anyhow::Result<Place> {
    // One more connection for what tells other processes.
    let options = PgOptions { pool_size: most + 1, ..PgOptions::default() };
    let store = PgStore::connect(&cluster.url(database), options).await?;
    let desk = Desk::builder(store).build().await?;
    let board = Arc::new(Board::stocked(world.tickets));
    Ok(Place { served: Arc::new(Served { desk, world: Arc::clone(world) }), board })
}

async fn sqlite(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, raw) = (folder.path().join("desk.db"), folder.path().join("raw.db"));
    let world = furnished(&file, options.tickets).await?;
    std::fs::copy(&file, &raw)?;
    let desk = opened(&file, &world).await?;
    let grown = match options.grown {
        Some(tickets) => {
            let file = folder.path().join("grown.db");
            let world = furnished(&file, tickets).await?;
            Some(opened(&file, &world).await?)
        }
        None => None,
    };
    let lite = Lite::open(&raw, world, Arc::new(SystemClock))?;
    let raw_board = Board::stocked(options.tickets);
    for round in 0..options.rounds {
        for callers in [1, 16] {
            for op in options.ops() {
                if !op.writes() && callers > 1 {
                    continue; // one raw connection reads one by one
                }
                let line = Line { database: "sqlite", callers, op };
                for turn in 0..2 {
                    if (turn + round) % 2 == 0 {
                        let run = lite.drive(&raw_board, op, callers, options.time(), round as u64 + 1)?;
                        report.note(line, Who::Hand, run);
                    } else {
                        let run = drive(&desk.served, &desk.board, op, callers, options.time(), None).await?;
                        report.note(line, Who::Desk, run);
                    }
                }
                if let Some(grown) = &grown {
                    let run = drive(&grown.served, &grown.board, op, callers, options.time(), None).await?;
                    report.note(line, Who::Grown, run);
                }
            }
        }
        println!("round {} of {} on SQLite", round + 1, options.rounds);
    }
    desk.served.desk.close().await;
    Ok(())
}

async fn opened(file: &Path, world: &Arc<World>) -> anyhow::Result<Place> {
    // A host with a large file maps it; a small one fits into the cache.
    let mapped = if world.tickets > 100_000 { 8 << 30 } else { 0 };
    let store = SqliteStore::open_with(file, SqliteOptions { mapped, ..SqliteOptions::default() }).await?;
    let desk = Desk::builder(store).build().await?;
    let board = Arc::new(Board::stocked(world.tickets));
    Ok(Place { served: Arc::new(Served { desk, world: Arc::clone(world) }), board })
}

async fn furnished(file: &Path, tickets: u64) -> anyhow::Result<Arc<World>> {
    let store = SqliteStore::open(file).await?;
    store.migrate().await?;
    let desk = Desk::builder(store).build().await?;
    let world = World::furnish(&desk, tickets).await?;
    desk.close().await;
    drop(desk);
    stock::sqlite(file, &world, SystemClock.now().millis())?;
    Ok(Arc::new(world))
}
