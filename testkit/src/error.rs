//! What can go wrong while bringing a server up, in words that say what to do about it.

use std::path::PathBuf;

/// Why a cluster or a bouncer could not be brought up or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program is neither in `PATH` nor where PostgreSQL is usually installed.
    #[error("`{program}` was not found; install it: apt-get install {package}")]
    Missing {
        /// The program looked for.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// The process runs as root, PostgreSQL refuses to, and there is no account to run it as.
    #[error("PostgreSQL refuses to run as root, and neither `postgres` nor `nobody` is in /etc/passwd; create one")]
    NoAccount,
    /// A program ended with an error.
    #[error("`{program}` failed:\n{output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it printed.
        output: String,
    },
    /// A server ended, or did not answer in time.
    #[error("{server} did not come up on port {port} within {seconds} s; its log ends:\n{log}")]
    NotReady {
        /// Which server.
        server: &'static str,
        /// The port it was told to listen on.
        port: u16,
        /// How long it was waited for, in seconds.
        seconds: u64,
        /// The last lines of its log.
        log: String,
    },
    /// A URL that is not of the form `postgres://user[:password]@host[:port]/…`.
    #[error("`{url}` is not a PostgreSQL URL; write postgres://user:password@host:5432/postgres")]
    Url {
        /// The text given.
        url: String,
    },
    /// A feature the installed PgBouncer does not have.
    #[error("PgBouncer {found} cannot {wanted}; install {needed} or newer")]
    TooOld {
        /// The version installed.
        found: String,
        /// What was asked of it.
        wanted: &'static str,
        /// The first version that can.
        needed: &'static str,
    },
    /// The machine refused a file, a port or a process.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The machine's own words.
        source: std::io::Error,
    },
}

impl Error {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "program_missing",
            Self::NoAccount => "no_account",
            Self::Failed { .. } => "program_failed",
            Self::NotReady { .. } => "server_not_ready",
            Self::Url { .. } => "bad_url",
            Self::TooOld { .. } => "too_old",
            Self::Io { .. } => "io",
        }
    }

    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
