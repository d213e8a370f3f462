//! The load programs. The only place that builds for release.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::{process, tools};

/// Builds and runs `program` of the benches crate; its exit code is ours.
///
/// Prints nothing of its own on standard output: the last line there belongs to the program.
pub(crate) fn run(root: &Path, program: &str, args: &[OsString]) -> anyhow::Result<ExitCode> {
    tools::ensure(root)?;
    let mut with = vec!["run", "--quiet", "--release", "-p", "helpdesk-benches", "--bin", program];
    if program == "plugins" {
        // The engine takes minutes to build; the other program does without.
        with.extend(["--features", "plugins"]);
    }
    with.push("--");
    let mut command = process::cargo(root, &with);
    let status = command.args(args).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
