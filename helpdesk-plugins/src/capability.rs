//! What a plugin may do: what its manifest requests, what was granted of it, and the one place where a call is checked.
//! Pure, and independent of the version of the contract.

use serde::{Deserialize, Serialize};

/// Actions of the `do` list.
pub(crate) const DOABLE: [&str; 9] = [
    "comment-internal",
    "comment-public",
    "transition",
    "create-ticket",
    "link",
    "request-approval",
    "notify",
    "schedule",
    "veto",
];

/// A set of capabilities: the manifest's `[capabilities]`, or the part of it that an administrator granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Capabilities {
    /// Fields it may read, as `kind.field` or `kind.*`.
    pub read: Vec<String>,
    /// Ticket fields it may set; tags, group and assignees are such fields too.
    pub write: Vec<String>,
    /// What else it may do: `comment-internal`, `comment-public`, `transition`, `create-ticket`, `link`,
    /// `request-approval`, `notify`, `schedule`, `veto`.
    #[serde(rename = "do")]
    pub act: Vec<String>,
    /// Kinds of events of its own.
    pub emit: Vec<String>,
    /// Its key-value store.
    pub kv: bool,
    /// Hosts it may send requests to.
    pub http: Vec<HttpTarget>,
    /// Names of secrets it may put into headers.
    pub secrets: Vec<String>,
}

/// Requests to one host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpTarget {
    /// The exact host name; port 443.
    pub host: String,
    /// Such as `POST`.
    pub methods: Vec<String>,
    /// Prefixes of the path, such as `/hooks/`.
    pub paths: Vec<String>,
}

/// Something a plugin is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the names in the capabilities")]
pub enum Call<'a> {
    /// Read a field of an entity.
    Read { kind: &'a str, field: &'a str },
    /// Learn ids of entities of a kind.
    Find { kind: &'a str },
    /// Set a ticket field.
    Write { field: &'a str },
    /// An action of the `do` list.
    Do { action: &'a str },
    /// Append an event of its own.
    Emit { kind: &'a str },
    /// Use the key-value store.
    Kv,
    /// Send a request.
    Http { method: &'a str, url: &'a str },
    /// Put a secret into a header.
    Secret { name: &'a str },
}

/// A call that is not covered. Its text says who can change that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {}", if *.requested { "requested but not granted; an administrator can grant it" } else { "not among the manifest's capabilities" })]
pub struct Denied {
    /// The capability in the form `write:priority`.
    pub what: String,
    /// Whether the manifest asks for it.
    pub requested: bool,
}

impl Denied {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "denied"
    }
}

/// A grant of more than was requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be granted: the plugin does not request it")]
pub struct NotRequested(pub String);

/// What was granted of what was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    // INVARIANT: `granted` is a subset of `requested`.
    requested: Capabilities,
    granted: Capabilities,
}

impl Grant {
    /// Grants a part of what the manifest requests.
    ///
    /// # Errors
    /// The first capability that was not requested.
    pub fn new(manifest: &crate::Manifest, granted: Capabilities) -> Result<Self, NotRequested> {
        Self::of(manifest.capabilities.clone(), granted)
    }

    /// Grants everything the manifest requests.
    #[must_use]
    pub fn all(manifest: &crate::Manifest) -> Self {
        Self { requested: manifest.capabilities.clone(), granted: manifest.capabilities.clone() }
    }

    fn of(requested: Capabilities, granted: Capabilities) -> Result<Self, NotRequested> {
        let outside = |ask: &[String], give: &[String], word: &str| {
            give.iter().find(|g| !ask.iter().any(|a| covers(a, g))).map(|g| format!("{word}:{g}"))
        };
        let http = granted.http.iter().find(|g| !requested.http.iter().any(|r| r.includes(g)));
        let extra = outside(&requested.read, &granted.read, "read")
            .or_else(|| outside(&requested.write, &granted.write, "write"))
            .or_else(|| outside(&requested.act, &granted.act, "do"))
            .or_else(|| outside(&requested.emit, &granted.emit, "emit"))
            .or_else(|| outside(&requested.secrets, &granted.secrets, "secret"))
            .or_else(|| (granted.kv && !requested.kv).then(|| "kv".to_owned()))
            .or_else(|| http.map(|t| format!("http:{}", t.host)));
        match extra {
            Some(extra) => Err(NotRequested(extra)),
            None => Ok(Self { requested, granted }),
        }
    }

    /// What was granted.
    #[must_use]
    pub fn granted(&self) -> &Capabilities {
        &self.granted
    }

    /// Whether a call is covered. The only place that decides it.
    ///
    /// # Errors
    /// [`Denied`] says whether the manifest or the administrator is in the way.
    pub fn check(&self, call: Call<'_>) -> Result<(), Denied> {
        if self.granted.cover(call) {
            return Ok(());
        }
        Err(Denied { what: call.to_string(), requested: self.requested.cover(call) })
    }

    /// Answers `has-capability`: the forms of [`Call`]'s text, and `http:HOST`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match name.split_once(':') {
            None => name == "kv" && self.granted.kv,
            Some(("read", rest)) => match rest.split_once('.') {
                Some((kind, field)) => self.check(Call::Read { kind, field }).is_ok(),
                None => self.check(Call::Find { kind: rest }).is_ok(),
            },
            Some(("write", field)) => self.check(Call::Write { field }).is_ok(),
            Some(("do", action)) => self.check(Call::Do { action }).is_ok(),
            Some(("emit", kind)) => self.check(Call::Emit { kind }).is_ok(),
            Some(("secret", name)) => self.check(Call::Secret { name }).is_ok(),
            Some(("http", host)) => self.granted.http.iter().any(|t| t.host == host),
            Some(_) => false,
        }
    }
}

impl Capabilities {
    pub(crate) fn cover(&self, call: Call<'_>) -> bool {
        match call {
            Call::Read { kind, field } => self.read.iter().any(|p| {
                p.strip_prefix(kind).and_then(|p| p.strip_prefix('.')).is_some_and(|p| p == "*" || p == field)
            }),
            Call::Find { kind } => self.read.iter().any(|p| p.strip_prefix(kind).is_some_and(|p| p.starts_with('.'))),
            Call::Write { field } => self.write.iter().any(|p| covers(p, field)),
            Call::Do { action } => self.act.iter().any(|p| p == action),
            Call::Emit { kind } => self.emit.iter().any(|p| p == kind),
            Call::Kv => self.kv,
            Call::Http { method, url } => {
                split_https(url).is_some_and(|(host, path)| self.http.iter().any(|t| t.allows(method, host, path)))
            }
            Call::Secret { name } => self.secrets.iter().any(|p| p == name),
        }
    }
}

impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read { kind, field } => write!(f, "`read:{kind}.{field}`"),
            Self::Find { kind } => write!(f, "`read:{kind}`"),
            Self::Write { field } => write!(f, "`write:{field}`"),
            Self::Do { action } => write!(f, "`do:{action}`"),
            Self::Emit { kind } => write!(f, "`emit:{kind}`"),
            Self::Kv => write!(f, "`kv`"),
            Self::Http { method, url } => write!(f, "`http` for {method} `{url}`"),
            Self::Secret { name } => write!(f, "`secret:{name}`"),
        }
    }
}

impl HttpTarget {
    fn allows(&self, method: &str, host: &str, path: &str) -> bool {
        self.host == host && self.methods.iter().any(|m| m == method) && self.paths.iter().any(|p| under(p, path))
    }

    fn includes(&self, other: &Self) -> bool {
        self.host == other.host
            && other.methods.iter().all(|m| self.methods.contains(m))
            && other.paths.iter().all(|path| self.paths.iter().any(|p| under(p, path)))
    }
}

/// A prefix that ends in `/` covers what is below it; any other covers exactly itself and what is below it.
fn under(prefix: &str, path: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

/// `a.*` covers `a.b` and itself; anything else covers itself only.
fn covers(pattern: &str, name: &str) -> bool {
    pattern == name || pattern.strip_suffix('*').is_some_and(|p| p.ends_with('.') && name.starts_with(p))
}

/// Host and path of a plain https URL; `None` for whatever two parsers could read differently: credentials, ports,
/// addresses, fragments, dot segments, encoded slashes or dots, backslashes, anything but visible ASCII.
pub(crate) fn split_https(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let (host, tail) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let path = tail.split('?').next().unwrap_or(tail);
    let lower = path.to_ascii_lowercase();
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#'));
    let dots = path.split('/').any(|s| s == "." || s == "..")
        || lower.contains("%2e")
        || lower.contains("%2f")
        || lower.contains("%5c");
    (plain && !dots && is_host_name(host)).then_some((host, path))
}

/// Lower-case labels, the last one not a number: no address in any notation.
pub(crate) fn is_host_name(host: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label)
        && last.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|w| (*w).to_owned()).collect()
    }

    fn requested() -> Capabilities {
        let http = HttpTarget {
            host: "hooks.example.com".into(),
            methods: words(&["POST"]),
            paths: words(&["/in/", "/exact"]),
        };
        Capabilities {
            read: words(&["ticket.*", "person.name"]),
            write: words(&["priority", "custom.*"]),
            act: words(&["comment-internal", "veto"]),
            emit: words(&["x.seen"]),
            kv: true,
            http: vec![http],
            secrets: words(&["token"]),
        }
    }

    #[test]
    fn a_grant_never_exceeds_the_request() {
        let all = Grant::of(requested(), requested()).unwrap();
        assert_eq!(all.check(Call::Read { kind: "ticket", field: "title" }), Ok(()));
        let more = |change: fn(&mut Capabilities)| {
            let mut granted = Capabilities::default();
            change(&mut granted);
            Grant::of(requested(), granted).map(drop).map_err(|e| e.0)
        };
        assert_eq!(more(|c| c.read = words(&["ticket.title"])), Ok(()));
        assert_eq!(more(|c| c.read = words(&["person.*"])), Err("read:person.*".into()));
        assert_eq!(more(|c| c.write = words(&["custom.color", "title"])), Err("write:title".into()));
        assert_eq!(more(|c| c.act = words(&["transition"])), Err("do:transition".into()));
        let mut wider = requested().http;
        wider[0].paths.push("/".into());
        assert_eq!(
            Grant::of(requested(), Capabilities { http: wider, ..Capabilities::default() }),
            Err(NotRequested("http:hooks.example.com".into()))
        );
    }

    #[test]
    fn a_denial_says_who_can_change_it() {
        let grant = Grant::of(requested(), Capabilities::default()).unwrap();
        let denied = grant.check(Call::Write { field: "priority" }).unwrap_err();
        assert_eq!(denied.to_string(), "`write:priority` is requested but not granted; an administrator can grant it");
        let denied = grant.check(Call::Write { field: "title" }).unwrap_err();
        assert_eq!(denied.to_string(), "`write:title` is not among the manifest's capabilities");
    }

    #[test]
    fn only_plain_https_to_the_exact_host() {
        let grant = Grant::of(requested(), requested()).unwrap();
        let may = |url| grant.check(Call::Http { method: "POST", url }).is_ok();
        assert!(may("https://hooks.example.com/in/a?b=c"));
        assert!(may("https://hooks.example.com/exact"));
        for url in [
            "http://hooks.example.com/in/a",
            "https://hooks.example.com/",
            "https://hooks.example.com/exactly",
            "https://hooks.example.com/in/../admin",
            "https://hooks.example.com/in/%2e%2e/admin",
            "https://hooks.example.com/in/..%2fadmin",
            "https://hooks.example.com:8443/in/a",
            "https://me@hooks.example.com/in/a",
            "https://hooks.example.com\\@evil.example/in/a",
            "https://hooks.example.com.evil.example/in/a",
            "https://HOOKS.example.com/in/a",
            "https://hooks.example.com/in/a#b",
            "https://hooks.example.com/in/ü",
            "https://127.0.0.1/in/a",
        ] {
            assert!(!may(url), "{url}");
        }
        assert!(grant.check(Call::Http { method: "GET", url: "https://hooks.example.com/in/a" }).is_err());
        for host in ["localhost", "127.0.0.1", "10.0", "0x7f.1", "[::1]", "a..b", "-a.b"] {
            assert!(!is_host_name(host), "{host}");
        }
    }

    #[test]
    fn plugins_can_ask_what_they_have() {
        let grant = Grant::of(requested(), requested()).unwrap();
        for name in ["kv", "read:ticket.title", "read:ticket", "write:priority", "do:veto", "http:hooks.example.com"] {
            assert!(grant.has(name), "{name}");
        }
        for name in ["", "read:person.mail", "read:project", "write:title", "do:link", "http:example.com", "time:now"] {
            assert!(!grant.has(name), "{name}");
        }
    }
}
