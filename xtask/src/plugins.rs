//! Builds the guests into components and keeps them under `plugins/prebuilt/`, with their digests in their manifests.
//!
//! Two ways to a compiler: a rustup toolchain that has the target `wasm32-unknown-unknown`, or Debian's rustc with the
//! standard library's source. Bytes are equal for one compiler on any machine, not across compilers: `built-with` says
//! which one made the committed files.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

/// A crate that becomes a component.
struct Guest {
    /// The component's file name, without ending.
    name: &'static str,
    package: &'static str,
    default_features: bool,
    /// Gets the digest written into it.
    manifest: Option<&'static str>,
}

const GUESTS: [Guest; 3] = [
    Guest { name: "triage", package: "triage", default_features: true, manifest: Some("plugins/triage/plugin.toml") },
    Guest { name: "hostile", package: "hostile", default_features: true, manifest: None },
    // The same guest without HTTP: for hosts that send no requests.
    Guest { name: "hostile-rule", package: "hostile", default_features: false, manifest: None },
];
const PREBUILT: &str = "plugins/prebuilt";
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds every guest into `plugins/prebuilt/` and writes the digests.
pub(crate) fn build(root: &Path) -> Result<()> {
    let toolchain = Toolchain::find()?;
    for guest @ Guest { name, manifest, .. } in &GUESTS {
        let component = toolchain.component(root, guest)?;
        let digest = hex(&Sha256::digest(&component));
        std::fs::create_dir_all(root.join(PREBUILT))?;
        std::fs::write(prebuilt(root, name), &component)?;
        if let Some(manifest) = manifest {
            stamp(&root.join(manifest), &digest)?;
        }
        println!("{name}: {} bytes, sha256 {digest}", component.len());
    }
    std::fs::write(root.join(PREBUILT).join("built-with"), format!("{}\n", toolchain.version))?;
    Ok(())
}

/// Rebuilds every guest and compares it with the committed one.
pub(crate) fn check(root: &Path) -> Result<()> {
    let toolchain = Toolchain::find()?;
    let by = std::fs::read_to_string(root.join(PREBUILT).join("built-with")).context("run `cargo xtask plugins`")?;
    let mut differ = String::new();
    for guest @ Guest { name, manifest, .. } in &GUESTS {
        let kept = std::fs::read(prebuilt(root, name)).with_context(|| format!("{name}: run `cargo xtask plugins`"))?;
        let kept = hex(&Sha256::digest(&kept));
        let built = hex(&Sha256::digest(toolchain.component(root, guest)?));
        if kept != built {
            writeln!(differ, "{name}: digest differs: kept {kept}, rebuilt {built}")?;
        }
        if let Some(manifest) = manifest {
            let text = std::fs::read_to_string(root.join(manifest))?;
            ensure!(text.contains(&kept), "{manifest} names another digest than {kept}; run `cargo xtask plugins`");
        }
    }
    if differ.is_empty() {
        println!("the prebuilt plugins are byte-identical to a rebuild");
    } else if by.trim() == toolchain.version {
        bail!("{differ}run `cargo xtask plugins` and commit the result");
    } else {
        println!("{differ}but they were built with {}, this is {}", by.trim(), toolchain.version);
    }
    Ok(())
}

struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    version: String,
    sysroot: PathBuf,
    /// Where the linker that makes components lives; always rustup's, Debian has none.
    linkers: PathBuf,
    build_std: bool,
}

impl Toolchain {
    fn find() -> Result<Self> {
        let host_sysroot = PathBuf::from(output("rustc", &["--print", "sysroot"])?);
        let host = output("rustc", &["--print", "host-tuple"])?;
        let linkers = host_sysroot.join("lib/rustlib").join(host).join("bin");
        let has_linker = linkers.join("wasm-component-ld").exists();
        if has_linker && host_sysroot.join("lib/rustlib").join(TARGET).join("lib").exists() {
            let (cargo, rustc) = (host_sysroot.join("bin/cargo"), host_sysroot.join("bin/rustc"));
            let version = output(&rustc, &["--version"])?;
            return Ok(Self { cargo, rustc, version, sysroot: host_sysroot, linkers, build_std: false });
        }
        let (cargo, rustc) = (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"));
        if has_linker && cargo.exists() && rustc.exists() {
            let sysroot = PathBuf::from(output(&rustc, &["--print", "sysroot"])?);
            if sysroot.join("lib/rustlib/src/rust/library/std").exists() {
                let version = output(&rustc, &["--version"])?;
                return Ok(Self { cargo, rustc, version, sysroot, linkers, build_std: true });
            }
        }
        bail!(
            "no compiler for {TARGET}: run `rustup target add {TARGET}`, or on Debian, beside a rustup toolchain (for \
             its wasm-component-ld), `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src`"
        )
    }

    /// Compiles one guest; its own target directory, because the flags differ from every other build.
    fn component(&self, root: &Path, guest: &Guest) -> Result<Vec<u8>> {
        let name = guest.package;
        let target_dir = root.join("target-wasm");
        let mut path = std::env::var_os("PATH").unwrap_or_default();
        path.push(OsString::from(":"));
        path.push(self.linkers.join("gcc-ld"));
        let mut cargo = Command::new(&self.cargo);
        cargo
            .current_dir(root)
            .args(["build", "--quiet", "--locked", "--profile", "guest", "--target", TARGET, "--lib", "-p", name])
            .arg("--target-dir")
            .arg(&target_dir)
            // Set by the toolchain that runs this program, wrong for the one that builds the guest.
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTC", &self.rustc)
            .env("RUSTFLAGS", self.remap(root)?)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", self.linkers.join("wasm-component-ld"))
            .env("PATH", path);
        if !guest.default_features {
            cargo.arg("--no-default-features");
        }
        if self.build_std {
            cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
        }
        ensure!(cargo.status()?.success(), "building {name} failed");
        let made = target_dir.join(TARGET).join("guest").join(format!("{name}.wasm"));
        std::fs::read(&made).with_context(|| made.display().to_string())
    }

    /// Panic messages carry source paths; these must not tell where the build ran.
    fn remap(&self, root: &Path) -> Result<String> {
        let cargo_home = match std::env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cargo"),
        };
        let library = self.sysroot.join("lib/rustlib/src/rust");
        let real = std::fs::canonicalize(&library).unwrap_or_else(|_| library.clone());
        let pairs = [(cargo_home.as_path(), "/cargo"), (root, "/helpdesk"), (&library, "/rust"), (&real, "/rust")];
        Ok(pairs.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).join(" "))
    }
}

/// Replaces the one `sha256 = "…"` of a manifest.
fn stamp(manifest: &Path, digest: &str) -> Result<()> {
    let text = std::fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let lines: Vec<_> = text
        .lines()
        .map(|line| if line.starts_with("sha256 = ") { format!("sha256 = \"{digest}\"") } else { line.to_owned() })
        .collect();
    Ok(std::fs::write(manifest, lines.join("\n") + "\n")?)
}

fn prebuilt(root: &Path, name: &str) -> PathBuf {
    root.join(PREBUILT).join(format!("{name}.wasm"))
}

fn output(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<String> {
    let out = Command::new(program.as_ref()).args(args).output()?;
    ensure!(out.status.success(), "{}: {}", program.as_ref().display(), String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
