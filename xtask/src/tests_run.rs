//! `cargo test` over the workspace, its many closing lines made into one.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::lane::Outcome;
use crate::process;

/// How long tests may say nothing before they count as hung. One that takes more than a minute is named by then.
const PATIENCE: Duration = Duration::from_secs(1200);
const LONG_PATIENCE: Duration = Duration::from_secs(3 * 3600);

/// What all test binaries and doctests reported together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    binaries: u64,
    names: Vec<String>,
    /// Named by the test harness as running for long, and not heard of since.
    slow: Vec<String>,
}

/// Every test and doctest with every feature.
pub(crate) fn all(root: &Path) -> anyhow::Result<Outcome> {
    let args = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    // First without a limit: building is silent for long on a new machine.
    process::run(process::cargo(root, &args).arg("--no-run"))?;
    run(process::cargo(root, &args), PATIENCE)
}

/// The same tests with their long sizes, and the ignored ones with them.
pub(crate) fn long(root: &Path) -> anyhow::Result<Outcome> {
    // Doctests stay out: for them "ignored" means "not meant to compile".
    let args = ["test", "--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests"];
    let mut command = process::cargo(root, &args);
    command.args(["--", "--include-ignored"]).env("HELPDESK_LONG", "1");
    run(command, LONG_PATIENCE)
}

fn run(mut command: std::process::Command, patience: Duration) -> anyhow::Result<Outcome> {
    let mut totals = Totals::default();
    let ended = process::follow(&mut command, patience, |line| totals.read(line));
    let status = ended.map_err(|error| anyhow::anyhow!("{error}; {totals}; running: {}", totals.slow.join(", ")))?;
    if status.success() {
        return Ok(Outcome::Passed(Some(totals.to_string())));
    }
    if totals.names.is_empty() {
        anyhow::bail!("{totals}; `{}` ended with {status}", process::shown(&command));
    }
    anyhow::bail!("{totals}:\n    {}", totals.names.join("\n    "))
}

impl Totals {
    fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.names.push(name.to_owned());
        }
        if let Some(rest) = line.strip_prefix("test ") {
            match rest.strip_suffix(" has been running for over 60 seconds") {
                Some(name) => self.slow.push(name.to_owned()),
                None => self.slow.retain(|name| !rest.starts_with(&format!("{name} ... "))),
            }
        }
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        self.binaries += 1;
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored, binaries, .. } = self;
        write!(f, "{passed} tests passed, {failed} failed, {ignored} ignored in {binaries} binaries")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_many_binaries_add_up() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test a::d has been running for over 60 seconds",
            "test a::e has been running for over 60 seconds",
            "test a::d ... ok",
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 4.82s",
            "test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s",
        ] {
            totals.read(line);
        }
        let names = vec!["a::c".to_owned()];
        let slow = vec!["a::e".to_owned()];
        assert_eq!(totals, Totals { passed: 21, failed: 1, ignored: 2, binaries: 2, names, slow });
        assert_eq!(totals.to_string(), "21 tests passed, 1 failed, 2 ignored in 2 binaries");
    }
}
