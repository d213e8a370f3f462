//! From bytes to something that can run: size, digest, imports, compilation, linking. Nothing of the guest runs here.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::Digest as _;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::capability::Grant;
use crate::engine::EngineError;
use crate::host::State;
use crate::limits::Limits;
use crate::manifest::{Manifest, World};
use crate::{v1, wasi};

/// The SHA-256 of a component.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// From 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a component is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Not compiled, because it is too large.
    #[error("the component has {bytes} bytes, {allowed} are allowed; build it for size, or raise `component_bytes`")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        allowed: u64,
    },
    /// Not the component that the manifest describes.
    #[error(
        "the component's sha256 is {found}, the manifest says {expected}; the package is damaged or was tampered with"
    )]
    DigestMismatch {
        /// From the manifest.
        expected: Digest,
        /// Of the bytes.
        found: Digest,
    },
    /// Not a component, or one that the engine refuses.
    #[error("not a component this host can compile: {0}")]
    Compile(String),
    /// It imports something that is not offered or not granted.
    #[error("the component imports `{import}`: {reason}")]
    Import {
        /// The import's name.
        import: String,
        /// Why it cannot have it.
        reason: &'static str,
    },
    /// Its imports or exports do not have the types of the contract.
    #[error("the component does not fit the contract `helpdesk:plugin@1`: {0}")]
    Contract(String),
}

impl LoadError {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "component-too-large",
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::Compile(_) => "compile",
            Self::Import { .. } => "import",
            Self::Contract(_) => "contract",
        }
    }
}

/// A plugin that can run: compiled, linked, with its grant. Cheap to clone.
#[derive(Clone)]
pub struct Loaded(pub(crate) Arc<Plugin>);

pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) id: Arc<str>,
    pub(crate) grant: Arc<Grant>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pre: v1::ConnectorPre<State>,
    // Keeps the entry of the cache alive.
    _component: Arc<Component>,
}

impl Loaded {
    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// What it may do.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.0.grant
    }

    /// Its limits: the host's, lowered by the manifest.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("id", &self.0.id).field("sha256", &self.0.manifest.sha256).finish()
    }
}

/// Compiles and links; remembers compiled components by digest for as long as someone holds them.
pub(crate) struct Loader {
    engine: Engine,
    linker: Linker<State>,
    compiled: Mutex<HashMap<Digest, Weak<Component>>>,
}

impl Loader {
    pub(crate) fn new(engine: Engine) -> Result<Self, EngineError> {
        let mut linker = Linker::new(&engine);
        v1::Connector::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .map_err(|e| EngineError(format!("{e:#}")))?;
        Ok(Self { engine, linker, compiled: Mutex::default() })
    }

    pub(crate) fn load(
        &self,
        manifest: Manifest,
        grant: Grant,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Loaded, LoadError> {
        if bytes.len() as u64 > limits.component_bytes {
            return Err(LoadError::TooLarge { bytes: bytes.len() as u64, allowed: limits.component_bytes });
        }
        let found = Digest::of(bytes);
        if found != manifest.sha256 {
            return Err(LoadError::DigestMismatch { expected: manifest.sha256, found });
        }
        let component = self.compile(found, bytes)?;
        self.check_imports(&component, &manifest, &grant)?;
        let contract = |e: wasmtime::Error| LoadError::Contract(format!("{e:#}"));
        let mut linker = self.linker.clone();
        wasi::define(&mut linker, &component, &self.engine).map_err(contract)?;
        let pre = linker.instantiate_pre(&component).map_err(contract)?;
        let pre = v1::ConnectorPre::new(pre).map_err(contract)?;
        Ok(Loaded(Arc::new(Plugin {
            id: Arc::from(manifest.id.as_str()),
            grant: Arc::new(grant),
            limits: Arc::new(limits.lowered(&manifest.limits)),
            manifest,
            pre,
            _component: component,
        })))
    }

    fn compile(&self, digest: Digest, bytes: &[u8]) -> Result<Arc<Component>, LoadError> {
        let known = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = known().get(&digest).and_then(Weak::upgrade) {
            return Ok(component);
        }
        // Not under the lock: one slow component must not hold up the others.
        let component = Component::new(&self.engine, bytes).map_err(|e| LoadError::Compile(format!("{e:#}")))?;
        let component = Arc::new(component);
        let mut known = known();
        known.retain(|_, weak| weak.strong_count() > 0);
        known.insert(digest, Arc::downgrade(&component));
        Ok(component)
    }

    /// By name, before linking, so that the refusal says what to do.
    fn check_imports(&self, component: &Component, manifest: &Manifest, grant: &Grant) -> Result<(), LoadError> {
        for (name, import) in component.component_type().imports(&self.engine) {
            let refuse = |reason| Err(LoadError::Import { import: name.to_owned(), reason });
            if !matches!(import.ty, ComponentItem::ComponentInstance(_)) {
                return refuse("only whole interfaces can be imported");
            }
            if wasi::is_wasi(name) {
                continue;
            }
            let interface = name.strip_prefix("helpdesk:plugin/").and_then(|rest| rest.split_once('@'));
            match interface {
                Some((_, version)) if !version.starts_with("1.") => {
                    return refuse("this host speaks version 1 of the contract");
                }
                Some(("types" | "query" | "effects" | "kv" | "env" | "log", _)) => {}
                Some(("http", _)) if manifest.world != World::Connector => {
                    return refuse("only a plugin whose manifest names the world `connector` can");
                }
                Some(("http", _)) if grant.granted().http.is_empty() => {
                    return refuse("no HTTP capability is granted to it");
                }
                Some(("http", _)) => {}
                _ => return refuse("this host does not offer it"),
            }
        }
        Ok(())
    }
}
