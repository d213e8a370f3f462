//! One PostgreSQL cluster: started, asked, stopped.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::programs::{Programs, run, succeeded};
use crate::server_url::ServerUrl;
use crate::watchdog::Watchdog;
use crate::workdir::Workdir;
use crate::{Error, port};

/// The variable that names a server to use instead of starting one: `postgres://user:password@host:port/postgres`.
///
/// Its user must be allowed to create databases.
pub const EXTERNAL_SERVER: &str = "HELPDESK_TEST_POSTGRES";

const READY_WITHIN: Duration = Duration::from_secs(60);
const LOG: &str = "server.log";

/// How a cluster is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Whether commits reach the disk. Off for tests; on for everything that measures.
    pub fsync: bool,
    /// PostgreSQL's `shared_buffers`, such as `128MB`.
    pub shared_buffers: String,
    /// Further settings, each `name=value`.
    pub extra: Vec<String>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { fsync: false, shared_buffers: "128MB".to_owned(), extra: Vec::new() }
    }
}

/// A running PostgreSQL, ours until dropped (or somebody else's, see [`EXTERNAL_SERVER`]).
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    server: ServerUrl,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    postmaster: Child,
    watchdog: Watchdog,
}

impl Cluster {
    /// A cluster with default options, or the server that [`EXTERNAL_SERVER`] names.
    ///
    /// # Errors
    /// A program that is missing, a server that does not come up, a bad URL.
    pub fn start() -> Result<Self, Error> {
        match std::env::var(EXTERNAL_SERVER) {
            Ok(url) if !url.is_empty() => Self::external(&url),
            _ => Self::start_with(&ClusterOptions::default()),
        }
    }

    /// A cluster of our own, whatever the environment says.
    ///
    /// # Errors
    /// A program that is missing, a server that does not come up.
    pub fn start_with(options: &ClusterOptions) -> Result<Self, Error> {
        const ATTEMPTS: u32 = 5;
        let programs = Programs::find();
        // Looked for first, so that a machine without PostgreSQL says so before anything is created.
        programs.path("initdb")?;
        programs.path("postgres")?;
        let workdir = Workdir::create("postgres")?;
        let mut watchdog = Watchdog::over(workdir.path(), "QUIT")?;
        initialise(&programs, &workdir, &mut watchdog)?;
        let mut attempt = 1;
        loop {
            let port = port::free()?;
            let mut postmaster = launch(&programs, &workdir, options, port)?;
            watchdog.guard(postmaster.id())?;
            match await_ready(&workdir, &mut postmaster, port) {
                Ok(()) => {
                    let server = ServerUrl::local("postgres", port);
                    return Ok(Self { programs, server, own: Some(Own { postmaster, watchdog }) });
                }
                // The port may have been taken in between.
                Err(_) if attempt < ATTEMPTS && matches!(postmaster.try_wait(), Ok(Some(_))) => {
                    watchdog.forget()?;
                    attempt += 1;
                }
                Err(error) => {
                    watchdog.stop(&mut postmaster);
                    return Err(error);
                }
            }
        }
    }

    /// A server that runs already. It is not stopped and its databases are not removed.
    ///
    /// # Errors
    /// [`Error::Url`] when the text is no URL of a server.
    pub fn external(url: &str) -> Result<Self, Error> {
        Ok(Self { programs: Programs::find(), server: ServerUrl::parse(url)?, own: None })
    }

    /// The URL of one of its databases; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        self.server.database(database)
    }

    /// The port it listens on, at 127.0.0.1 when it is ours.
    pub fn port(&self) -> u16 {
        self.server.port().unwrap_or(5432)
    }

    /// The number of the postmaster process, when it is ours.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref().map(|own| own.postmaster.id())
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// [`Error::Failed`] when it exists already.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        self.psql("postgres", &format!("CREATE DATABASE {}", quoted(name))).map(drop)
    }

    /// Creates an empty database with a name nobody else in this process gets, and gives its URL.
    ///
    /// # Errors
    /// As [`Cluster::psql`].
    pub fn fresh_database(&self, prefix: &str) -> Result<String, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}_{}_{n}", std::process::id());
        if self.own.is_none() {
            // An earlier process of the same number may have left one on a server that outlives it.
            self.psql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&name)))?;
        }
        self.create_database(&name)?;
        Ok(self.url(&name))
    }

    /// Runs `sql` through psql and gives what it prints: unaligned, rows only. Stops at the first error.
    ///
    /// # Errors
    /// [`Error::Failed`] with psql's own words, [`Error::Missing`] without psql.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let mut command = self.programs.command("psql")?;
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d"]).arg(self.url(database));
        run("psql", &mut command)
    }

    /// The path of another of PostgreSQL's programs, of the same installation: `pgbench`, `pg_dump`.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn program(&self, name: &'static str) -> Result<PathBuf, Error> {
        self.programs.path(name)
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
    }
}

/// Stops in immediate mode and removes the cluster's directory.
impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(Own { postmaster, watchdog }) = self.own.as_mut() {
            watchdog.stop(postmaster);
        }
    }
}

/// The one cluster that all tests of this process share; started by the first who asks, stopped at the process's end.
///
/// # Errors
/// As [`Cluster::start`]; the first answer is kept.
pub fn try_shared() -> Result<&'static Cluster, &'static Error> {
    static SHARED: OnceLock<Result<Cluster, Error>> = OnceLock::new();
    SHARED.get_or_init(Cluster::start).as_ref()
}

/// [`try_shared`] for tests.
///
/// # Panics
/// When there is no PostgreSQL; the message says what to install.
pub fn shared() -> &'static Cluster {
    try_shared().unwrap_or_else(|error| panic!("no PostgreSQL to test with: {error}"))
}

fn initialise(programs: &Programs, workdir: &Workdir, watchdog: &mut Watchdog) -> Result<(), Error> {
    let mut command = programs.command("initdb")?;
    command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D", "data"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    workdir.settle(&mut command);
    let child = command.spawn().map_err(Error::io("cannot start", "initdb"))?;
    watchdog.guard(child.id())?;
    let output = child.wait_with_output().map_err(Error::io("cannot wait for", "initdb"))?;
    watchdog.forget()?;
    succeeded("initdb", output).map(drop)
}

fn launch(programs: &Programs, workdir: &Workdir, options: &ClusterOptions, port: u16) -> Result<Child, Error> {
    let log = workdir.write(LOG, "")?;
    let log = File::options().append(true).open(&log).map_err(Error::io("cannot open", &log))?;
    let errors = log.try_clone().map_err(Error::io("cannot share", LOG))?;
    let durable = if options.fsync { "on" } else { "off" };
    let mut command = programs.command("postgres")?;
    command.args(["-D", "data"]);
    let settings = [
        ("listen_addresses", "127.0.0.1"),
        ("port", &port.to_string()),
        ("unix_socket_directories", ""),
        ("max_connections", "200"),
        ("shared_buffers", &options.shared_buffers),
        ("fsync", durable),
        ("full_page_writes", durable),
        ("timezone", "UTC"),
    ];
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    for setting in &options.extra {
        command.arg("-c").arg(setting);
    }
    command.stdout(log).stderr(errors);
    workdir.settle(&mut command);
    command.spawn().map_err(Error::io("cannot start", "postgres"))
}

/// The postmaster writes its state into the eighth line of `postmaster.pid`.
fn await_ready(workdir: &Workdir, postmaster: &mut Child, port: u16) -> Result<(), Error> {
    const STATE_LINE: usize = 7;
    let state_file = workdir.path().join("data/postmaster.pid");
    let begun = Instant::now();
    loop {
        let state = std::fs::read_to_string(&state_file).unwrap_or_default();
        if state.lines().nth(STATE_LINE).is_some_and(|line| line.trim() == "ready") {
            return Ok(());
        }
        let ended = matches!(postmaster.try_wait(), Ok(Some(_)));
        if ended || begun.elapsed() > READY_WITHIN {
            let seconds = begun.elapsed().as_secs();
            return Err(Error::NotReady { server: "PostgreSQL", port, seconds, log: workdir.tail(LOG) });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
