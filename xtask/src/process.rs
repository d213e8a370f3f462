//! Running other programs from the workspace's root, without a standard input.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context;

/// `program` at `root`, reading nothing.
pub(crate) fn command(root: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// The cargo that runs us, without what it told us about this very package: a nested cargo must not see another
/// environment than one started by hand, or it builds things anew.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = command(root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Runs to the end, its output shown as it comes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    check(command, status)
}

/// Runs to the end and gives its standard output.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {}", shown(command)))?;
    check(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} did not print text", shown(command)))
}

/// Ends a whole group of processes when nobody holds the other end of its input any more: on purpose, or because we are
/// gone ourselves, in whatever way.
const GUARD: &str = r#"trap '' INT TERM HUP; read -r group; cat >/dev/null; kill -s KILL -- "-$group" 2>/dev/null"#;

/// A shell that runs [`GUARD`] over a group until it is dropped.
struct Guard(Child);

impl Guard {
    fn over(group: u32) -> anyhow::Result<Self> {
        let mut shell = Command::new("/bin/sh");
        // A group of its own: what ends the tests must not end it.
        shell.args(["-c", GUARD]).current_dir("/").stdin(Stdio::piped()).process_group(0);
        let mut shell = shell.spawn().context("cannot start /bin/sh")?;
        let pipe = shell.stdin.as_mut().context("the guard has no input")?;
        writeln!(pipe, "{group}").context("cannot write to the guard")?;
        Ok(Self(shell))
    }

    /// The group has ended by itself: its number may be somebody else's soon.
    fn dismiss(mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs to the end; its output is shown as it comes, and each line is handed to `line`.
///
/// # Errors
/// Also when it prints nothing for `patience`: then it is ended, with every program it started.
pub(crate) fn follow(
    command: &mut Command,
    patience: Duration,
    mut line: impl FnMut(&str),
) -> anyhow::Result<ExitStatus> {
    let name = shown(command);
    // A group of its own, so that ending it reaches the test binaries as well.
    let spawned = command.stdout(Stdio::piped()).process_group(0).spawn();
    let mut child = spawned.with_context(|| format!("cannot start {name}"))?;
    let guard = Guard::over(child.id())?;
    let output = child.stdout.take().context("the output was not piped")?;
    let (put, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for bytes in BufReader::new(output).split(b'\n') {
            if put.send(bytes).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(patience) {
            Ok(bytes) => {
                let bytes = bytes.context("cannot read the output")?;
                let text = String::from_utf8_lossy(&bytes);
                println!("{text}");
                line(&text);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                drop(guard);
                child.wait().with_context(|| format!("cannot wait for {name}"))?;
                anyhow::bail!("`{name}` printed nothing for {} s and was ended", patience.as_secs());
            }
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    guard.dismiss();
    Ok(status)
}

/// Whether the program is there and says its version.
pub(crate) fn answers(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn check(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    anyhow::ensure!(status.success(), "`{}` ended with {status}", shown(command));
    Ok(())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_silent_is_ended_with_its_children() {
        let mut script = Command::new("sh");
        script.args(["-c", "sleep 600 & echo $!; wait"]);
        let mut sleeper = String::new();
        let ended = follow(&mut script, Duration::from_millis(300), |line| sleeper = line.to_owned());
        assert!(ended.unwrap_err().to_string().contains("printed nothing for"));
        let begun = std::time::Instant::now();
        while runs(&sleeper) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{sleeper} still sleeps");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn runs(process: &str) -> bool {
        let mut asked = Command::new("sh");
        asked.args(["-c", "kill -0 \"$0\" 2>/dev/null", process]);
        asked.status().unwrap().success()
    }

    #[test]
    fn what_speaks_and_ends_is_not() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo one; echo two; exit 3"]);
        let mut seen = 0;
        let status = follow(&mut script, Duration::from_secs(60), |_| seen += 1).unwrap();
        assert_eq!((seen, status.code()), (2, Some(3)));
    }
}
