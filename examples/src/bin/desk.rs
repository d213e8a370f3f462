//! A desk to try: an SQLite file, demo data, GraphiQL, and the triage plugin at work.
//!
//! ```text
//! cargo run --bin desk                    # prints a link per demo person, then the URL
//! cargo run --bin desk token ana          # prints Ana's token
//! cargo run --bin desk migrate status     # which migrations the database has
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use helpdesk_core::Desk;
use helpdesk_core::id::TenantId;
use helpdesk_examples::database::{Address, Connected};
use helpdesk_examples::tokens::Tokens;
use helpdesk_examples::{demo, serve, triage};

/// Runs a helpdesk with demo data.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Directory of the SQLite file and of the secret that signs tokens; made if there is none.
    #[arg(long, value_name = "DIR", default_value = "desk-data", global = true)]
    data: PathBuf,
    /// Another database: `sqlite:PATH`, `sqlite::memory:` or `postgres://user@host/database`.
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    /// Where to listen; port 0 is any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[derive(Subcommand)]
enum Verb {
    /// Brings the tables of the database up or down, or says where they are.
    Migrate {
        #[command(subcommand)]
        to: Migrate,
    },
    /// Prints the token of a demo person.
    Token {
        /// The person: `olga`, `mo`, `ana`, `ben`, `ravi` or `vera`.
        person: String,
    },
}

#[derive(Subcommand)]
enum Migrate {
    /// To what this program needs.
    Up,
    /// Back by one migration. What its tables held is lost.
    Down,
    /// Says which migrations there are and which are applied.
    Status,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    // Read here and not by clap, which would repeat a wrong address, password and all.
    let address = args.database.map_or_else(|| Ok(Address::File(args.data.join("desk.db"))), |text| text.parse())?;
    let made = std::fs::create_dir_all(&args.data);
    made.with_context(|| format!("cannot make the directory {}", args.data.display()))?;
    let store = address.connect().await?;
    match args.verb {
        Some(Verb::Migrate { to }) => migrate(&store, &to).await,
        Some(Verb::Token { person }) => token(store, &args.data, &person).await,
        None => desk(store, &args.data, args.listen).await,
    }
}

/// Serves until asked to stop.
async fn desk(store: Connected, data: &Path, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = serve::listen(listen).await?;
    let tokens = Tokens::in_dir(data)?;
    store.migrate().await?;
    let plugins = triage::provided()?;
    let desk = store.desk(None).extend(plugins.0.clone()).build().await?;
    let tenant = demo::ensure(&desk, &plugins).await?;
    let workers = desk.workers().spawn();
    let url = format!("http://{}", listener.local_addr()?);
    for (external, token, name) in tokens_of(&desk, &tokens, tenant).await? {
        eprintln!("{external:<6} {name:<16} {url}/graphiql#token={token}");
    }
    println!("{url}");
    serve::serve(listener, serve::app(desk.clone(), tokens), serve::asked_to_stop()).await?;
    workers.stop().await;
    desk.close().await;
    Ok(())
}

/// External id, token and name of every demo person.
async fn tokens_of(desk: &Desk, tokens: &Tokens, tenant: TenantId) -> anyhow::Result<Vec<(String, String, String)>> {
    let people = demo::people(desk, tenant).await?;
    Ok(people.into_iter().map(|(external, person, name)| (external, tokens.of(tenant, person), name)).collect())
}

async fn token(store: Connected, data: &Path, person: &str) -> anyhow::Result<()> {
    let desk = store.desk(None).build().await?;
    let tenants = desk.store().tenants().await?;
    let tenant = tenants.iter().find(|tenant| tenant.key == demo::TENANT);
    let tenant = tenant.context("the database has no demo yet; run `desk` once")?.id;
    let all = tokens_of(&desk, &Tokens::in_dir(data)?, tenant).await?;
    desk.close().await;
    let found = all.iter().find(|(external, ..)| external == person);
    let (_, token, _) = found.with_context(|| {
        let known: Vec<&str> = all.iter().map(|(external, ..)| external.as_str()).collect();
        format!("nobody here is `{person}`; there are {}", known.join(", "))
    })?;
    println!("{token}");
    Ok(())
}

async fn migrate(store: &Connected, to: &Migrate) -> anyhow::Result<()> {
    match to {
        Migrate::Up => store.migrate().await?,
        Migrate::Down => {
            let applied = store.migrations().await?.iter().filter(|one| one.applied_at.is_some()).count();
            anyhow::ensure!(applied > 0, "no migration is applied; there is nothing to go back from");
            store.migrate_to(applied as i64 - 1).await?;
        }
        Migrate::Status => {}
    }
    for one in store.migrations().await? {
        let applied = one.applied_at.map_or("not applied".into(), |at| format!("applied {at}"));
        let fault = one.fault.map_or(String::new(), |fault| format!(", {fault}"));
        println!("{:04} {}: {applied}{fault}", one.number, one.name);
    }
    Ok(())
}
