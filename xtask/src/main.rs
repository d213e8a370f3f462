//! The project's chores: `cargo xtask test`, `long`, `bench`, `plugins build`, `rules`.
//!
//! Each does what a newcomer would otherwise have to read up on. Nothing here is needed to *use* the crates.

mod bench;
mod lane;
mod packages;
mod plugins;
mod process;
mod rules;
mod supply;
mod tests_run;
mod tools;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check everything: tools, house rules, packages, format, lints, lean builds, tests, docs, supply chain
    Test {
        /// Leave out the lean builds, the documentation and the supply chain
        #[arg(long)]
        fast: bool,
        /// Afterwards also run the longer lanes, as `cargo xtask long` does
        #[arg(long, conflicts_with = "fast")]
        long: bool,
    },
    /// Run the tests with their long sizes (HELPDESK_LONG=1), the ignored ones included
    Long,
    /// Check only the house rules and what the packages contain; takes seconds
    Rules,
    /// Run a load program, built for release
    #[command(disable_help_flag = true)]
    Bench {
        /// Which one
        program: Bench,
        /// Passed on as they are
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// The shipped plugins
    Plugins {
        /// `build` when left out
        chore: Option<PluginChore>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// The pure decisions, with few and with many grants
    Decisions,
    /// The desk against hand-written SQL and pgbench
    Floor,
    /// Deliveries to plugins
    Plugins,
}

#[derive(Clone, Copy, ValueEnum)]
enum PluginChore {
    /// Build them from source and refresh the prebuilt ones
    Build,
    /// Build them from source and compare with the prebuilt ones
    Check,
}

fn main() -> anyhow::Result<ExitCode> {
    let root = root()?;
    match Cli::parse().chore {
        Chore::Test { fast, long } => Ok(verify::everything(&root, fast, long)),
        Chore::Long => Ok(verify::long(&root)),
        Chore::Rules => Ok(verify::rules_only(&root)),
        Chore::Bench { program: Bench::Decisions, args } => bench::run(&root, "decisions", &args),
        Chore::Bench { program: Bench::Floor, args } => bench::run(&root, "floor", &args),
        Chore::Bench { program: Bench::Plugins, args } => bench::run(&root, "plugins", &args),
        Chore::Plugins { chore: Some(PluginChore::Check) } => plugins::check(&root).map(|()| ExitCode::SUCCESS),
        Chore::Plugins { chore: Some(PluginChore::Build) | None } => plugins::build(&root).map(|()| ExitCode::SUCCESS),
    }
}

fn root() -> anyhow::Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    parent.map(Path::to_path_buf).context("xtask stands at the top of the disk; check it out into a folder")
}
