//! A PgBouncer in transaction mode before a cluster: what many hosts have in production.

use std::fmt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::programs::run;
use crate::server_url::ServerUrl;
use crate::watchdog::Watchdog;
use crate::workdir::Workdir;
use crate::{Cluster, Error, port};

const READY_WITHIN: Duration = Duration::from_secs(20);
const LOG: &str = "pgbouncer.log";
const PREPARED_SINCE: Version = Version { major: 1, minor: 21, patch: 0 };

/// How a bouncer is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncerOptions {
    /// Connections to the server, per database.
    pub pool_size: u32,
    /// Whether named prepared statements survive a change of the server connection. Needs PgBouncer 1.21; off by
    /// default on every version, so that the same tests mean the same everywhere.
    pub prepared_statements: bool,
}

impl Default for BouncerOptions {
    fn default() -> Self {
        Self { pool_size: 8, prepared_statements: false }
    }
}

/// A running PgBouncer that stands for every database of its cluster; stopped on drop.
#[derive(Debug)]
pub struct PgBouncer {
    process: Child,
    watchdog: Watchdog,
    server: ServerUrl,
    version: Version,
}

impl PgBouncer {
    /// One with default options.
    ///
    /// # Errors
    /// A program that is missing, a server that does not come up.
    pub fn start(cluster: &Cluster) -> Result<Self, Error> {
        Self::start_with(cluster, &BouncerOptions::default())
    }

    /// One with the options given.
    ///
    /// # Errors
    /// As [`PgBouncer::start`]; [`Error::TooOld`] when prepared statements are asked of a version before 1.21.
    pub fn start_with(cluster: &Cluster, options: &BouncerOptions) -> Result<Self, Error> {
        const ATTEMPTS: u32 = 5;
        let version = Version::installed(cluster)?;
        if options.prepared_statements && version < PREPARED_SINCE {
            let wanted = "keep prepared statements";
            return Err(Error::TooOld { found: version.to_string(), wanted, needed: "1.21" });
        }
        let workdir = Workdir::create("pgbouncer")?;
        // PgBouncer keeps nothing, and which signal means "at once" differs between its versions.
        let mut watchdog = Watchdog::over(workdir.path(), "KILL")?;
        let mut attempt = 1;
        loop {
            let port = port::free()?;
            let mut process = launch(cluster, &workdir, options, version, port)?;
            watchdog.guard(process.id())?;
            match await_ready(&workdir, &mut process, port) {
                Ok(()) => {
                    let server = ServerUrl::local(cluster.server().user(), port);
                    return Ok(Self { process, watchdog, server, version });
                }
                Err(_) if attempt < ATTEMPTS && matches!(process.try_wait(), Ok(Some(_))) => {
                    watchdog.forget()?;
                    attempt += 1;
                }
                Err(error) => {
                    watchdog.stop(&mut process);
                    return Err(error);
                }
            }
        }
    }

    /// The URL of one of the cluster's databases, through the bouncer.
    pub fn url(&self, database: &str) -> String {
        self.server.database(database)
    }

    /// Which PgBouncer it is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.watchdog.stop(&mut self.process);
    }
}

/// A version of PgBouncer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1 in 1.18.0.
    pub major: u32,
    /// 18 in 1.18.0.
    pub minor: u32,
    /// 0 in 1.18.0.
    pub patch: u32,
}

impl Version {
    fn installed(cluster: &Cluster) -> Result<Self, Error> {
        let mut command = cluster.programs().command("pgbouncer")?;
        let printed = run("pgbouncer", command.arg("--version"))?;
        Self::parse(&printed).ok_or(Error::Failed { program: "pgbouncer", output: printed })
    }

    /// Reads `PgBouncer 1.18.0` and `PgBouncer version 1.7`.
    fn parse(printed: &str) -> Option<Self> {
        let word = printed.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let digits = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default().parse().ok();
        let mut parts = word.split('.').map(digits);
        Some(Self { major: parts.next()??, minor: parts.next()??, patch: parts.next().flatten().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn launch(
    cluster: &Cluster,
    workdir: &Workdir,
    options: &BouncerOptions,
    version: Version,
    port: u16,
) -> Result<Child, Error> {
    let server = cluster.server();
    let password = server.password().map(|password| format!(" password={password}")).unwrap_or_default();
    let prepared = match (version >= PREPARED_SINCE, options.prepared_statements) {
        (true, true) => "max_prepared_statements = 200\n",
        (true, false) => "max_prepared_statements = 0\n",
        (false, _) => "",
    };
    let settings = format!(
        "[databases]\n\
         * = host={host} port={server_port} user={user}{password}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = {pool_size}\n\
         max_client_conn = 500\n\
         ignore_startup_parameters = extra_float_digits\n\
         logfile = {LOG}\n\
         {prepared}",
        host = server.host(),
        server_port = cluster.port(),
        user = server.user(),
        pool_size = options.pool_size,
    );
    let file = workdir.write("pgbouncer.ini", &settings)?;
    let mut command = cluster.programs().command("pgbouncer")?;
    command.arg("--quiet").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    workdir.settle(&mut command);
    command.spawn().map_err(Error::io("cannot start", "pgbouncer"))
}

fn await_ready(workdir: &Workdir, process: &mut Child, port: u16) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let ended = matches!(process.try_wait(), Ok(Some(_)));
        if !ended && port::answers(port) {
            return Ok(());
        }
        if ended || begun.elapsed() > READY_WITHIN {
            let seconds = begun.elapsed().as_secs();
            return Err(Error::NotReady { server: "PgBouncer", port, seconds, log: workdir.tail(LOG) });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let debian = Version::parse("PgBouncer 1.18.0\nlibevent 2.1.12-stable\n").unwrap();
        assert_eq!(debian, Version { major: 1, minor: 18, patch: 0 });
        assert!(debian < PREPARED_SINCE);
        assert!(Version::parse("PgBouncer 1.24.1").unwrap() > PREPARED_SINCE);
        assert_eq!(Version::parse("PgBouncer version 1.7rc1").unwrap().minor, 7);
        assert_eq!(Version::parse("no number here"), None);
    }
}
