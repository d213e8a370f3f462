//! `plugin.toml`: what a plugin is, when it runs, what it asks for. Typed, strict, and free of any host state.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::capability::{Call, Capabilities, DOABLE, is_host_name};
use crate::event::Mode;
use crate::limits::Wanted;
use crate::load::Digest;
use crate::schema::Schema;

/// A checked manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Lower-case letters, digits and hyphens; its principal is `plugin:<id>`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Its own version, `major.minor.patch`.
    pub version: String,
    /// An SPDX expression.
    pub license: String,
    /// What it does, in a sentence.
    pub description: Option<String>,
    /// File name of the component beside the manifest.
    pub component: String,
    /// Digest of the component.
    pub sha256: Digest,
    /// The world of the contract it was built for.
    pub world: World,
    /// When it runs.
    pub on: Vec<On>,
    /// What it asks for.
    pub capabilities: Capabilities,
    /// Limits below the host's.
    pub limits: Wanted,
    /// The schema of its configuration; none accepts every object.
    pub config: Option<Schema>,
}

/// The worlds of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// A deterministic rule.
    Rule,
    /// A rule that may also queue HTTP requests.
    Connector,
}

/// One `[[on]]`: when the plugin runs, and with which fields.
#[derive(Debug, Clone, PartialEq)]
pub struct On {
    /// What starts it.
    pub trigger: Trigger,
    /// Before or after the commit.
    pub mode: Mode,
    /// A filter over the subject in its JSON form, evaluated before any instance exists.
    pub filter: Option<Json>,
    /// Fields of the subject that come along.
    pub input: Vec<String>,
    /// Smaller runs first among the plugins of one event.
    pub priority: i32,
    /// Also sent what it caused itself.
    pub receive_own: bool,
    /// What becomes of the subject's later events once one is dead.
    pub on_poison: OnPoison,
    /// In mode `before`: refuse the command when the plugin fails.
    pub fail_closed: bool,
}

/// What starts a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Events of these kinds.
    Kinds(Vec<String>),
    /// A schedule of its own.
    Schedule(String),
}

/// What happens after a delivery went to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnPoison {
    /// Go on with the subject's next event.
    #[default]
    Skip,
    /// Hold the subject's later events until an administrator decides.
    Stop,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not TOML, an unknown key, a missing key or a wrong type.
    #[error("plugin.toml, line {line}, column {column}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A value that makes no sense.
    #[error("plugin.toml, `{key}`: {message}")]
    Invalid {
        /// The path of the key, such as `on[0].input[2]`.
        key: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The plugin needs a newer host.
    #[error("plugin.toml, `runtime.min-host`: the plugin needs host {wanted}, this is {have}; upgrade the host")]
    HostTooOld {
        /// The version the plugin asks for.
        wanted: String,
        /// This crate's version.
        have: String,
    },
}

impl ManifestError {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "manifest-syntax",
            Self::Invalid { .. } => "manifest-invalid",
            Self::HostTooOld { .. } => "host-too-old",
        }
    }
}

impl Manifest {
    /// Reads a `plugin.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let raw: RawManifest = toml::from_str(text).map_err(|e| syntax(text, &e))?;
        raw.check()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    plugin: RawPlugin,
    runtime: RawRuntime,
    on: Vec<RawOn>,
    #[serde(default)]
    capabilities: Capabilities,
    #[serde(default)]
    limits: Wanted,
    config: Option<Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlugin {
    id: String,
    name: String,
    version: String,
    license: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRuntime {
    component: String,
    sha256: String,
    world: World,
    min_host: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawOn {
    kinds: Option<Vec<String>>,
    schedule: Option<String>,
    mode: Option<Mode>,
    r#where: Option<Json>,
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    receive_own: bool,
    #[serde(default)]
    on_poison: OnPoison,
    on_failure: Option<OnFailure>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum OnFailure {
    FailOpen,
    FailClosed,
}

impl RawManifest {
    fn check(self) -> Result<Manifest, ManifestError> {
        let (plugin, runtime, capabilities) = (self.plugin, self.runtime, self.capabilities);
        require(
            is_id(&plugin.id),
            "plugin.id",
            "use lower-case letters, digits and hyphens, a letter first, up to 63",
        )?;
        require(!plugin.name.trim().is_empty(), "plugin.name", "must not be empty")?;
        require(version(&plugin.version).is_some(), "plugin.version", "must be `major.minor.patch`")?;
        require(!plugin.license.trim().is_empty(), "plugin.license", "must not be empty")?;

        let file = &runtime.component;
        let plain = file.ends_with(".wasm") && !file.starts_with('.') && !file.contains(['/', '\\', '\0']);
        require(plain, "runtime.component", "must be the plain name of a .wasm file beside the manifest")?;
        let sha256 = Digest::from_hex(&runtime.sha256)
            .ok_or_else(|| invalid("runtime.sha256", "must be 64 lower-case hexadecimal digits"))?;
        if let Some(wanted) = runtime.min_host {
            let have = env!("CARGO_PKG_VERSION");
            let Some(needs) = version(&wanted) else {
                return Err(invalid("runtime.min-host", "must be `major.minor.patch`"));
            };
            if version(have).is_some_and(|have| have < needs) {
                return Err(ManifestError::HostTooOld { wanted, have: have.to_owned() });
            }
        }

        check_capabilities(&capabilities, &plugin.id, runtime.world)?;
        require(!self.on.is_empty(), "on", "at least one `[[on]]` must say when the plugin runs")?;
        let on = self.on.into_iter().enumerate().map(|(n, on)| on.check(&format!("on[{n}]"), &capabilities));
        let on = on.collect::<Result<_, _>>()?;
        let config = self.config.map(Schema::parse).transpose();
        let config = config.map_err(|e| invalid("config", &e.to_string()))?;

        Ok(Manifest {
            id: plugin.id,
            name: plugin.name,
            version: plugin.version,
            license: plugin.license,
            description: plugin.description,
            component: runtime.component,
            sha256,
            world: runtime.world,
            on,
            capabilities,
            limits: self.limits,
            config,
        })
    }
}

impl RawOn {
    fn check(self, at: &str, capabilities: &Capabilities) -> Result<On, ManifestError> {
        let trigger = match (self.kinds, self.schedule) {
            (Some(kinds), None) => {
                require(!kinds.is_empty(), &format!("{at}.kinds"), "must name at least one kind of event")?;
                for (n, kind) in kinds.iter().enumerate() {
                    require(is_kind(kind), &format!("{at}.kinds[{n}]"), "must look like `ticket.created`")?;
                }
                Trigger::Kinds(kinds)
            }
            (None, Some(schedule)) => {
                require(!schedule.trim().is_empty(), &format!("{at}.schedule"), "must not be empty")?;
                Trigger::Schedule(schedule)
            }
            _ => return Err(invalid(at, "needs either `kinds` or `schedule`")),
        };
        let usual = if matches!(trigger, Trigger::Schedule(_)) { Mode::Schedule } else { Mode::After };
        let mode = self.mode.unwrap_or(usual);
        let fits = matches!(trigger, Trigger::Schedule(_)) == (mode == Mode::Schedule);
        require(fits, &format!("{at}.mode"), "must be `after` or `before` with `kinds`; leave it out with `schedule`")?;
        let late = self.on_failure.is_none() || mode == Mode::Before;
        require(late, &format!("{at}.on-failure"), "is for mode `before` only")?;
        let subjects: Vec<_> = match &trigger {
            Trigger::Kinds(kinds) => kinds.iter().filter_map(|k| k.split('.').next()).collect(),
            Trigger::Schedule(_) => Vec::new(),
        };
        for (n, field) in self.input.iter().enumerate() {
            let key = format!("{at}.input[{n}]");
            require(!subjects.is_empty(), &key, "a schedule has no subject to read from")?;
            // Sub-resources such as entries carry their ticket as subject.
            let readable = subjects.iter().all(|kind| {
                let kind = if *kind == "entry" { "ticket" } else { kind };
                capabilities.cover(Call::Read { kind, field })
            });
            require(readable, &key, &format!("`{field}` is not among `capabilities.read` for every kind"))?;
        }
        Ok(On {
            trigger,
            mode,
            filter: self.r#where,
            input: self.input,
            priority: self.priority,
            receive_own: self.receive_own,
            on_poison: self.on_poison,
            fail_closed: self.on_failure == Some(OnFailure::FailClosed),
        })
    }
}

fn check_capabilities(all: &Capabilities, id: &str, world: World) -> Result<(), ManifestError> {
    let key = |list: &str, n: usize| format!("capabilities.{list}[{n}]");
    for (n, read) in all.read.iter().enumerate() {
        let fine = read.split_once('.').is_some_and(|(kind, field)| !kind.is_empty() && !field.is_empty());
        require(fine && wildcard_last(read), &key("read", n), "must be `kind.field` or `kind.*`")?;
    }
    for (n, write) in all.write.iter().enumerate() {
        require(!write.is_empty() && wildcard_last(write), &key("write", n), "must be a field or `prefix.*`")?;
    }
    for (n, act) in all.act.iter().enumerate() {
        require(DOABLE.contains(&act.as_str()), &key("do", n), &format!("must be one of {}", DOABLE.join(", ")))?;
    }
    for (n, kind) in all.emit.iter().enumerate() {
        let own = kind.strip_prefix(id).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.')) && is_kind(kind);
        require(own, &key("emit", n), &format!("must start with `{id}.`"))?;
    }
    require(
        all.http.is_empty() || world == World::Connector,
        "capabilities.http",
        "needs `runtime.world` `connector`",
    )?;
    for (n, target) in all.http.iter().enumerate() {
        let key = key("http", n);
        require(is_host_name(&target.host), &format!("{key}.host"), "must be one exact lower-case host name")?;
        let method = |m: &String| !m.is_empty() && m.bytes().all(|b| b.is_ascii_uppercase());
        let methods = !target.methods.is_empty() && target.methods.iter().all(method);
        require(methods, &format!("{key}.methods"), "must list methods such as `POST`")?;
        let paths = !target.paths.is_empty() && target.paths.iter().all(|p| p.starts_with('/'));
        require(paths, &format!("{key}.paths"), "must list prefixes that start with `/`")?;
    }
    for (n, secret) in all.secrets.iter().enumerate() {
        require(is_id(secret), &key("secrets", n), "use lower-case letters, digits and hyphens, a letter first")?;
    }
    Ok(())
}

fn require(holds: bool, key: &str, message: &str) -> Result<(), ManifestError> {
    if holds { Ok(()) } else { Err(invalid(key, message)) }
}

fn invalid(key: &str, message: &str) -> ManifestError {
    ManifestError::Invalid { key: key.to_owned(), message: message.to_owned() }
}

fn syntax(text: &str, error: &toml::de::Error) -> ManifestError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ManifestError::Syntax { line, column, message: error.message().to_owned() }
}

fn is_id(id: &str) -> bool {
    id.len() <= 63
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_kind(kind: &str) -> bool {
    let part = |p: &str| {
        !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    kind.contains('.') && kind.split('.').all(part)
}

fn wildcard_last(pattern: &str) -> bool {
    let stem = pattern.strip_suffix(".*").unwrap_or(pattern);
    !stem.contains('*')
}

fn version(text: &str) -> Option<[u64; 3]> {
    let mut parts = text.split('.').map(|p| p.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}
