//! A lane of steps: each prints its name and seconds, all run even when one fails, and the last line counts them.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How a step ended well.
pub(crate) enum Outcome {
    /// It holds; with a few words worth repeating in the closing summary.
    Passed(Option<String>),
    /// It could not be checked here, and why.
    Skipped(String),
}

/// It holds, and there is nothing to add.
pub(crate) const PASSED: anyhow::Result<Outcome> = Ok(Outcome::Passed(None));

struct Record {
    name: String,
    took: Duration,
    result: anyhow::Result<Outcome>,
}

/// Steps that ran.
#[derive(Default)]
pub(crate) struct Lane {
    records: Vec<Record>,
}

impl Lane {
    /// Runs one step; whether it passed or was skipped.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<Outcome>) -> bool {
        println!("\n== {name}");
        let begun = Instant::now();
        let result = work();
        let record = Record { name: name.to_owned(), took: begun.elapsed(), result };
        println!("{}", record.line());
        let fine = record.result.is_ok();
        self.records.push(record);
        fine
    }

    /// Prints the summary; its last line is `N passed, N failed`.
    pub(crate) fn close(self) -> ExitCode {
        println!("\n== summary");
        for record in &self.records {
            println!("{}", record.line());
        }
        let failed = self.records.iter().filter(|record| record.result.is_err()).count();
        let passed = self.records.iter().filter(|record| matches!(record.result, Ok(Outcome::Passed(_)))).count();
        println!("{passed} passed, {failed} failed");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Record {
    fn line(&self) -> String {
        let Self { name, took, result } = self;
        let seconds = took.as_secs_f64();
        match result {
            Ok(Outcome::Passed(None)) => format!("{name}: passed in {seconds:.1} s"),
            Ok(Outcome::Passed(Some(words))) => format!("{name}: passed in {seconds:.1} s ({words})"),
            Ok(Outcome::Skipped(why)) => format!("{name}: skipped: {why}"),
            Err(error) => format!("{name}: FAILED in {seconds:.1} s: {error:#}"),
        }
    }
}
