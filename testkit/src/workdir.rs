//! A new private directory per server, owned by the account the server runs as.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Error;
use crate::programs::Account;

/// The directory, and the account when it is not this process's own.
#[derive(Debug)]
pub(crate) struct Workdir {
    path: PathBuf,
    account: Option<Account>,
}

impl Workdir {
    /// Creates one below the system's temporary directory. Its removal is the watchdog's business.
    pub(crate) fn create(purpose: &str) -> Result<Self, Error> {
        let path = unique(purpose)?;
        let owner = std::fs::metadata(&path).map_err(Error::io("cannot look at", &path))?.uid();
        let account = if owner == 0 { Some(Account::unprivileged()?) } else { None };
        if let Some(Account { uid, gid }) = account {
            chown(&path, Some(uid), Some(gid)).map_err(Error::io("cannot hand over", &path))?;
        }
        Ok(Self { path, account })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file there that the server may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        std::fs::write(&path, text).map_err(Error::io("cannot write", &path))?;
        if let Some(Account { uid, gid }) = self.account {
            chown(&path, Some(uid), Some(gid)).map_err(Error::io("cannot hand over", &path))?;
        }
        Ok(path)
    }

    /// Makes `command` run in the directory, without root's rights.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.current_dir(&self.path).env("HOME", &self.path);
        if let Some(account) = self.account {
            account.wear(command);
        }
    }

    /// The end of a log file, for error messages.
    pub(crate) fn tail(&self, name: &str) -> String {
        const LINES: usize = 15;
        let bytes = std::fs::read(self.path.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

fn unique(purpose: &str) -> Result<PathBuf, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("helpdesk-{purpose}-{}-{n}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            // Left behind by an earlier process of the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("cannot create", path)(error)),
        }
    }
}
