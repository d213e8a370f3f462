//! Components that are refused before anything of them runs, and those with imports that are harmless.

use helpdesk_plugins::{Ended, Grant, Limit, LoadError, Loaded, Manifest};

use super::fixture::{ALL, RUNTIME, delivery, manifest_of, prebuilt};

fn load(component: &[u8], rest: &str) -> Result<Loaded, LoadError> {
    let manifest = Manifest::parse(&manifest_of(component, rest)).unwrap();
    let grant = Grant::all(&manifest);
    RUNTIME.load(manifest, grant, component)
}

fn refusal(component: &[u8], rest: &str) -> String {
    load(component, rest).unwrap_err().to_string()
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn a_tampered_component_is_refused() {
    let mut component = prebuilt("hostile");
    let manifest = Manifest::parse(&manifest_of(&component, "")).unwrap();
    let last = component.len() - 1;
    component[last] ^= 1;
    let grant = Grant::all(&manifest);
    let refused = RUNTIME.load(manifest, grant, &component).unwrap_err();
    assert_eq!(refused.code(), "digest-mismatch");
}

#[test]
fn a_component_that_is_too_large_is_not_even_compiled() {
    let component = vec![0; 64 << 20];
    assert_eq!(load(&component, "").unwrap_err(), LoadError::TooLarge { bytes: 64 << 20, allowed: 16 << 20 });
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    for bytes in [&b"hello"[..], &wat("(module)"), b"\0asm\x01\0\0\0"] {
        assert_eq!(load(bytes, "").unwrap_err().code(), "compile");
    }
}

#[test]
fn imports_beyond_the_contract_are_refused_by_name() {
    let imports = |name: &str| wat(&format!(r#"(component (import "{name}" (instance)))"#));
    assert_eq!(
        refusal(&imports("acme:disk/files@1.0.0"), ""),
        "the component imports `acme:disk/files@1.0.0`: this host does not offer it"
    );
    assert_eq!(
        refusal(&imports("helpdesk:plugin/query@2.0.0"), ""),
        "the component imports `helpdesk:plugin/query@2.0.0`: this host speaks version 1 of the contract"
    );
    assert_eq!(
        refusal(&wat(r#"(component (import "now" (func (result u64))))"#), ""),
        "the component imports `now`: only whole interfaces can be imported"
    );
}

#[test]
fn http_needs_world_and_grant() {
    let component = prebuilt("hostile");
    assert_eq!(
        refusal(&component, ""),
        "the component imports `helpdesk:plugin/http@1.0.0`: no HTTP capability is granted to it"
    );
    let manifest = manifest_of(&component, "").replace(r#""connector""#, r#""rule""#);
    let manifest = Manifest::parse(&manifest).unwrap();
    let grant = Grant::all(&manifest);
    assert_eq!(RUNTIME.load(manifest, grant, &component).unwrap_err().code(), "import");
}

#[test]
fn a_component_without_the_handler_is_refused() {
    assert_eq!(load(&wat("(component)"), "").unwrap_err().code(), "contract");
}

#[test]
fn a_component_that_starts_with_too_much_memory_cannot_start() {
    let component = prebuilt("hostile");
    let manifest =
        Manifest::parse(&manifest_of(&component, &format!("{ALL}\n[limits]\nmemory-bytes = 65536"))).unwrap();
    let grant = Grant::all(&manifest);
    let plugin = RUNTIME.load(manifest, grant, &component).unwrap();
    let ended = RUNTIME.run(&plugin, delivery(r#"{"do":"noop"}"#)).ended;
    assert!(matches!(ended, Ended::LimitHit { limit: Limit::Memory, allowed: 65536, .. }), "{ended}");
}

#[test]
fn a_component_is_compiled_once() {
    let component = prebuilt("triage");
    let first = load(&component, "").unwrap();
    let started = std::time::Instant::now();
    let again = load(&component, "").unwrap();
    assert_eq!(first.manifest().sha256, again.manifest().sha256);
    assert!(started.elapsed() < std::time::Duration::from_millis(200), "{:?}", started.elapsed());
}
