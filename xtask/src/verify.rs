//! The lanes: which steps there are and in which order, the quick ones first.

use std::path::Path;
use std::process::ExitCode;

use crate::lane::{Lane, Outcome, PASSED};
use crate::process::{cargo, run};
use crate::{packages, plugins, rules, supply, tests_run, tools};

/// `cargo xtask test`.
pub(crate) fn everything(root: &Path, fast: bool, long: bool) -> ExitCode {
    let mut lane = Lane::default();
    let equipped = lane.step("tools", || tools::ensure(root).map(|()| Outcome::Passed(None)));
    lane.step("house rules", || rules::check(root));
    lane.step("packages", || packages::check(root));
    lane.step("format", || cargo_step(root, &["fmt", "--all", "--check"]));
    lane.step("lints", || {
        cargo_step(root, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
    });
    if !fast {
        lean_builds(&mut lane, root);
    }
    // Without the tools every test against PostgreSQL would fail with the same words.
    if equipped {
        lane.step("tests", || tests_run::all(root));
    }
    if !fast {
        lane.step("documentation", || documentation(root));
        lane.step("prebuilt plugins", || prebuilt_plugins(root));
        lane.step("supply chain", || supply::check(root));
    }
    if long && equipped {
        lane.step("long tests", || tests_run::long(root));
    }
    lane.close()
}

/// `cargo xtask long`.
pub(crate) fn long(root: &Path) -> ExitCode {
    let mut lane = Lane::default();
    if lane.step("tools", || tools::ensure(root).map(|()| Outcome::Passed(None))) {
        lane.step("long tests", || tests_run::long(root));
    }
    lane.close()
}

/// `cargo xtask rules`.
pub(crate) fn rules_only(root: &Path) -> ExitCode {
    let mut lane = Lane::default();
    lane.step("house rules", || rules::check(root));
    lane.step("packages", || packages::check(root));
    lane.close()
}

/// A host that wants one database must not be made to build the other; one that brings its own store, neither.
fn lean_builds(lane: &mut Lane, root: &Path) {
    for features in ["", "postgres", "sqlite"] {
        let name = if features.is_empty() { "no store".to_owned() } else { format!("{features} alone") };
        lane.step(&format!("lean build, {name}"), || {
            let args = ["clippy", "-p", "helpdesk-core", "--no-default-features", "--features", features];
            run(cargo(root, &args).args(["--", "-D", "warnings"]))?;
            PASSED
        });
    }
}

fn documentation(root: &Path) -> anyhow::Result<Outcome> {
    let mut command = cargo(root, &["doc", "--no-deps", "--all-features"]);
    for package in ["helpdesk-core", "helpdesk-graphql", "helpdesk-plugins", "helpdesk-plugin"] {
        command.args(["-p", package]);
    }
    run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    PASSED
}

/// Their source must make them again; needs a compiler for WebAssembly, which building the workspace does not.
fn prebuilt_plugins(root: &Path) -> anyhow::Result<Outcome> {
    match plugins::check(root) {
        Err(error) if error.to_string().starts_with("no compiler for") => Ok(Outcome::Skipped(error.to_string())),
        checked => checked.map(|()| Outcome::Passed(None)),
    }
}

fn cargo_step(root: &Path, args: &[&str]) -> anyhow::Result<Outcome> {
    run(&mut cargo(root, args))?;
    PASSED
}
