//! Stops a server and removes its directory once this process is gone, however it went.
//!
//! A shell holds the reading end of a pipe whose writing end only this process has. The kernel closes it on a clean end,
//! a panic and a `kill -9` alike; the shell then does what a destructor would have done. Dropping takes the same way, so
//! that there is one way to stop.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Error;

/// Reads process ids, the last one counts; at the end of the input signals it and removes the directory.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -s "$2" "$pid" 2>/dev/null
    n=0
    while kill -0 "$pid" 2>/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.05; done
    kill -s KILL "$pid" 2>/dev/null
fi
n=0
until rm -rf "$1" 2>/dev/null || [ $n -ge 100 ]; do n=$((n + 1)); sleep 0.05; done
"#;

/// The shell that waits.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts to watch over `directory`; `signal` is what stops the server at once (`QUIT` for PostgreSQL).
    pub(crate) fn over(directory: &Path, signal: &str) -> Result<Self, Error> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(directory)
            .arg(signal)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: a Ctrl-C or a group-wide kill of the tests must not take the watchdog along.
            .process_group(0)
            .spawn()
            .map_err(Error::io("cannot start", "/bin/sh"))?;
        Ok(Self { shell })
    }

    /// From now on `pid` is the process to stop.
    pub(crate) fn guard(&mut self, pid: u32) -> Result<(), Error> {
        self.tell(&pid.to_string())
    }

    /// The guarded process ended by itself: its number may belong to somebody else soon.
    pub(crate) fn forget(&mut self) -> Result<(), Error> {
        self.tell("")
    }

    /// Stops `server` and waits until it and its directory are gone.
    pub(crate) fn stop(&mut self, server: &mut Child) {
        if matches!(server.try_wait(), Ok(Some(_))) {
            let _ = self.forget();
        }
        drop(self.shell.stdin.take());
        let _ = server.wait();
        let _ = self.shell.wait();
    }

    fn tell(&mut self, line: &str) -> Result<(), Error> {
        let Some(pipe) = self.shell.stdin.as_mut() else { return Ok(()) };
        writeln!(pipe, "{line}").and_then(|()| pipe.flush()).map_err(Error::io("cannot write to", "the watchdog"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
