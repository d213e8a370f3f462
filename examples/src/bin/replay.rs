//! Imports a ServiceNow-style incident audit log into a desk and compares what came out with the log's own columns.
//!
//! ```text
//! cargo run --bin replay -- incidents.csv.gz --database sqlite:desk.db --automation
//! ```
//!
//! An import that was interrupted is run again with the same arguments: it goes on where it ended.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser;
use helpdesk_core::{Desk, PluginId};
use helpdesk_examples::database::Address;
use helpdesk_examples::dump::{Detail, dump};
use helpdesk_examples::faults::Fault;
use helpdesk_examples::import::ground::Ground;
use helpdesk_examples::import::judge::judge;
use helpdesk_examples::import::run::{Followed, run};
use helpdesk_examples::import::{Options, Planned, automation};
use helpdesk_examples::replay::{Log, Report};
use helpdesk_examples::triage;
use helpdesk_plugins::PluginHost;
use indicatif::{ProgressBar, ProgressStyle};

/// Imports an incident log through ordinary commands at their recorded times.
#[derive(Parser)]
struct Args {
    /// The log: CSV, plain or gzip.
    file: PathBuf,
    /// Where the desk is: `sqlite:PATH`, `sqlite::memory:` or `postgres://user@host/database`.
    #[arg(long, value_name = "URL")]
    database: String,
    /// Key of the tenant to import into; registered if there is none.
    #[arg(long, value_name = "KEY", default_value = "incidents")]
    tenant: String,
    /// Key of the project to import into; created if there is none.
    #[arg(long, value_name = "KEY", default_value = "INC")]
    project: String,
    /// How many cases are worked on at a time.
    #[arg(long, value_name = "N", default_value_t = 16)]
    at_once: usize,
    /// Print the report on stderr, and one line of JSON on stdout.
    #[arg(long)]
    json: bool,
    /// Install the triage plugin and let it work during the import.
    #[arg(long)]
    automation: bool,
    /// Write every ticket with its events into this file, to compare databases.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match replay(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn replay(args: Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    // Read here and not by clap, which would repeat a wrong address, password and all.
    let address: Address = args.database.parse()?;
    let log = Log::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let planned = Planned::of(&log);
    let store = address.connect().await?;
    store.migrate().await?;
    let plugins = args.automation.then(triage::provided).transpose()?;
    let mut builder = store.desk(Fault::from_env()?);
    if let Some((host, _)) = &plugins {
        builder = builder.extend(host.clone());
    }
    let desk = builder.build().await?;

    let options = Options { tenant: args.tenant, project: args.project, at_once: args.at_once };
    let bar = bar(planned.steps());
    bar.set_message("people and groups");
    let ground = Arc::new(Ground::lay(&desk, &planned, &options).await?);
    let imported = import(&desk, &ground, &planned, &options, plugins.as_ref(), &bar).await;
    let closed = ground.close(&desk).await;
    if let (Err(_), Err(error)) = (&imported, &closed) {
        eprintln!("warning: {error:#}");
    }
    let followed = imported?;
    closed?;
    bar.finish_and_clear();

    let system = ground.system();
    let report = judge(&desk, &system, &planned, &followed).await?;
    let figures = report.figures(begun.elapsed());
    if let Some(file) = &args.dump {
        let text = dump(&desk, &system, Detail::Exact).await?;
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    desk.close().await;
    if args.json {
        eprint!("{report}");
        writeln!(std::io::stdout(), "{}", figures.json())?;
    } else {
        writeln!(std::io::stdout(), "{report}{:.1} seconds", figures.seconds)?;
    }
    every_row(&report)
}

/// Carries the plans out, with the plugins at work beside it if there are any.
async fn import(
    desk: &Desk,
    ground: &Arc<Ground>,
    planned: &Planned,
    options: &Options,
    plugins: Option<&(PluginHost, PluginId)>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Followed>> {
    let mut workers = None;
    if let Some(plugins) = plugins {
        automation::install(desk, plugins, ground, planned).await?;
        workers = Some(desk.workers().spawn());
    }
    bar.set_message("incidents");
    tracing::info!(cases = planned.cases.len(), "importing incidents");
    let ticking = bar.clone();
    let followed = run(desk, ground.clone(), planned, options.at_once, move |steps| ticking.inc(steps)).await?;
    if let Some((host, _)) = plugins {
        bar.set_message("automation");
        let depth = automation::drained(desk, host).await?;
        if depth.dead > 0 {
            eprintln!("{} deliveries to plugins were given up; see the run records", depth.dead);
        }
    }
    if let Some(workers) = workers {
        workers.stop().await;
    }
    Ok(followed)
}

/// Rows that nobody can tell the fate of are a defect of this program.
fn every_row(report: &Report) -> anyhow::Result<()> {
    let (accounted, rows) = (report.accounted(), report.rows);
    anyhow::ensure!(accounted == rows, "{accounted} rows are accounted for, the file has {rows}");
    Ok(())
}

/// A progress bar on stderr; nothing when that is no terminal.
fn bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}
