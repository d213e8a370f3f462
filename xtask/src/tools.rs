//! The programs the tests need, brought along where we may: on Debian, as root. Elsewhere it says what to install.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use helpdesk_testkit::Programs;

use crate::process;

const NEEDED: &[(&str, &str)] =
    &[("initdb", "postgresql"), ("postgres", "postgresql"), ("psql", "postgresql"), ("pgbouncer", "pgbouncer")];

const DEBIAN: &str = "/etc/debian_version";
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.conf";
const SERVICES: &str = "/usr/sbin/policy-rc.d";

/// Makes sure they are there. Says on standard error what it installs.
///
/// # Errors
/// What is missing, and the command that brings it.
pub(crate) fn ensure(root: &Path) -> anyhow::Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    anyhow::ensure!(
        Path::new(DEBIAN).exists() && is_root(root),
        "the tests need programs that are missing; install them: sudo apt-get install {packages}"
    );
    eprintln!("installing {packages}");
    install(root, &missing)?;
    let still = self::missing();
    anyhow::ensure!(still.is_empty(), "apt-get ended well, yet {} cannot be found", still.join(" "));
    Ok(())
}

fn missing() -> Vec<&'static str> {
    let programs = Programs::find();
    let mut packages: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| programs.path(program).is_err()).map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

fn install(root: &Path, packages: &[&str]) -> anyhow::Result<()> {
    // The packages would start servers of their own; the tests bring up theirs and want no other.
    let _quiet = NoServices::announce()?;
    process::run(&mut apt(root, &["update"]))?;
    if packages.contains(&"postgresql") {
        process::run(apt(root, &["install", "-y", "--no-install-recommends"]).arg("postgresql-common"))?;
        no_main_cluster()?;
    }
    process::run(apt(root, &["install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt(root: &Path, args: &[&str]) -> Command {
    let mut command = process::command(root, "apt-get");
    // Standard output stays free for those whose last line matters.
    command.arg("-q").args(args).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::from(std::io::stderr()));
    command
}

/// Tells Debian's packaging not to create a cluster on installation, unless somebody has said either way.
fn no_main_cluster() -> anyhow::Result<()> {
    let said = fs::read_to_string(CLUSTERS).unwrap_or_default();
    if said.lines().any(|line| line.trim_start().starts_with("create_main_cluster")) {
        return Ok(());
    }
    fs::write(CLUSTERS, format!("{said}\ncreate_main_cluster = false\n"))
        .with_context(|| format!("cannot write {CLUSTERS}"))
}

fn is_root(root: &Path) -> bool {
    process::read(process::command(root, "id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// While it lives, packages do not start their services.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn announce() -> anyhow::Result<Self> {
        if Path::new(SERVICES).exists() {
            return Ok(Self { ours: false });
        }
        fs::write(SERVICES, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {SERVICES}"))?;
        fs::set_permissions(SERVICES, fs::Permissions::from_mode(0o755))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(SERVICES);
        }
    }
}
