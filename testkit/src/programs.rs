//! Where the programs are, and as whom the servers run.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::Error;

/// The PostgreSQL and PgBouncer programs of this machine.
///
/// Looked for in `PATH`, then in `/usr/lib/postgresql/*/bin` (the newest first), then in `pg_config --bindir`.
#[derive(Debug, Clone)]
pub struct Programs {
    folders: Vec<PathBuf>,
}

impl Programs {
    /// Lists the folders that may hold them. Never fails: what is missing is told when it is asked for.
    pub fn find() -> Self {
        let mut folders: Vec<PathBuf> =
            std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
        folders.extend(debian_folders());
        folders.extend(configured_folder());
        Self { folders }
    }

    /// The full path of `program`, one of PostgreSQL's (`initdb`, `psql`, `pgbench`, …) or `pgbouncer`.
    ///
    /// # Errors
    /// [`Error::Missing`] names the package to install.
    pub fn path(&self, program: &'static str) -> Result<PathBuf, Error> {
        let package = if program == "pgbouncer" { "pgbouncer" } else { "postgresql" };
        let found = self.folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
        found.ok_or(Error::Missing { program, package })
    }

    /// A command that reads nothing and sees none of the caller's environment, in which `PG…` variables may stand.
    pub(crate) fn command(&self, program: &'static str) -> Result<Command, Error> {
        let mut command = Command::new(self.path(program)?);
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Ok(command)
    }
}

/// Runs to the end; an exit status other than 0 is an error that carries what was printed.
pub(crate) fn run(program: &'static str, command: &mut Command) -> Result<String, Error> {
    let output = command.output().map_err(Error::io("cannot start", program))?;
    succeeded(program, output)
}

pub(crate) fn succeeded(program: &'static str, output: Output) -> Result<String, Error> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(Error::Failed { program, output: format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)) })
}

/// An account without privileges, for servers that refuse to run as root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// `postgres` where it exists, else `nobody`.
    pub(crate) fn unprivileged() -> Result<Self, Error> {
        let passwd = std::fs::read_to_string("/etc/passwd").map_err(Error::io("cannot read", "/etc/passwd"))?;
        let accounts: HashMap<&str, Self> = passwd.lines().filter_map(Self::parse).collect();
        ["postgres", "nobody"].iter().find_map(|name| accounts.get(name)).copied().ok_or(Error::NoAccount)
    }

    pub(crate) fn wear(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    fn parse(line: &str) -> Option<(&str, Self)> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields.as_slice() else { return None };
        Some((name, Self { uid: uid.parse().ok()?, gid: gid.parse().ok()? }))
    }
}

fn debian_folders() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn configured_folder() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(Path::new(OsStr::new(folder.trim())).to_path_buf())
}
