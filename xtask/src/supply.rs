//! The supply chain, by cargo-deny: licences, sources, bans, and known advisories. Its absence fails nothing.

use std::path::Path;

use crate::lane::Outcome;
use crate::process::{answers, cargo, run};

/// Holds `deny.toml` against the dependency graph.
pub(crate) fn check(root: &Path) -> anyhow::Result<Outcome> {
    if !answers(&mut cargo(root, &["deny", "--version"])) {
        return Ok(Outcome::Skipped("install it with `cargo install --locked cargo-deny`".to_owned()));
    }
    run(&mut cargo(
        root,
        &["deny", "--all-features", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"],
    ))?;
    // The advisory database comes over the network, which a build machine may not have.
    if !answers(&mut cargo(root, &["deny", "fetch", "db"])) {
        return Ok(Outcome::Passed(Some("advisories left out: their database could not be fetched".to_owned())));
    }
    run(&mut cargo(root, &["deny", "--all-features", "check", "--disable-fetch", "advisories"]))?;
    Ok(Outcome::Passed(None))
}
