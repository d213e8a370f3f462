//! A runtime, the guest that does what its configuration says, and a desk that answers from memory.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use helpdesk_plugins::{
    Actor, Capabilities, Delivery, Event, Field, Grant, Invocation, KvEntry, Limits, Loaded, Manifest, Mode, Origin,
    Outcome, Page, ReadError, Reads, Runtime, Subject, Value,
};

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Limits::default()).unwrap());
/// Everything granted that the guest could ask for.
pub(crate) static HOSTILE: LazyLock<Loaded> = LazyLock::new(|| hostile(&RUNTIME, ALL, None));

pub(crate) const ALL: &str = r#"
    [capabilities]
    read = ["ticket.title", "person.*"]
    write = ["title", "priority", "urgency", "tags", "assignees"]
    do = ["comment-internal", "comment-public", "transition", "create-ticket", "veto"]
    emit = ["hostile.seen"]
    kv = true
    http = [{ host = "hooks.example.com", methods = ["POST"], paths = ["/in/"] }]
"#;

pub(crate) fn prebuilt(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../plugins/prebuilt/{name}.wasm", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(crate) fn manifest_of(component: &[u8], rest: &str) -> String {
    format!(
        r#"
    [plugin]
    id = "hostile"
    name = "Hostile"
    version = "1.0.0"
    license = "MIT"
    [runtime]
    component = "hostile.wasm"
    sha256 = "{}"
    world = "connector"
    [[on]]
    kinds = ["ticket.created"]
    {rest}"#,
        helpdesk_plugins::Digest::of(component)
    )
}

/// The guest with what a manifest asks for, all of it or a part granted.
pub(crate) fn hostile(runtime: &Runtime, rest: &str, granted: Option<Capabilities>) -> Loaded {
    let component = prebuilt("hostile");
    let manifest = Manifest::parse(&manifest_of(&component, rest)).unwrap();
    let grant = granted.map_or_else(|| Grant::all(&manifest), |granted| Grant::new(&manifest, granted).unwrap());
    runtime.load(manifest, grant, &component).unwrap()
}

pub(crate) fn delivery(config: &str) -> Delivery {
    Delivery {
        invocation: Invocation {
            idempotency_key: "d1".into(),
            attempt: 1,
            now: 1_735_689_600_000,
            seed: 7,
            mode: Mode::After,
            dry_run: false,
        },
        event: Event {
            id: "e1".into(),
            seq: 1,
            kind: "ticket.created".into(),
            schema: 1,
            occurred_at: 1_735_689_600_000,
            tenant: "acme".into(),
            subject: Some(Subject { kind: "ticket".into(), id: "T1".into(), version: 1 }),
            actor: Actor { kind: "person".into(), id: Some("P1".into()), on_behalf_of: None },
            origin: Origin { correlation: "e1".into(), causation: None, depth: 0, via: vec![] },
            changes: vec![],
            data: "{}".into(),
        },
        input: vec![Field::new("title", Value::Text("Printer on fire".into()))],
        config: Arc::from(config),
        reads: Arc::new(Desk::default()),
    }
}

/// One call of the fully granted guest.
pub(crate) fn run(config: &str) -> Outcome {
    RUNTIME.run(&HOSTILE, delivery(config))
}

/// How a call ended, in words.
pub(crate) fn ended(config: &str) -> String {
    run(config).ended.to_string()
}

/// The lines of a call's log.
pub(crate) fn log_of(outcome: &Outcome) -> String {
    assert_eq!(outcome.ended.to_string(), "ok");
    outcome.logs.lines.iter().map(|l| l.message.as_str()).collect::<Vec<_>>().join("\n")
}

/// Knows one ticket and a thousand people; may be slow, or broken.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) delay: Duration,
    pub(crate) broken: bool,
    pub(crate) counter: Option<i64>,
}

impl Desk {
    fn answer<T>(&self, value: T) -> Result<T, ReadError> {
        std::thread::sleep(self.delay);
        if self.broken { Err(ReadError::Fault("the database is gone".into())) } else { Ok(value) }
    }
}

impl Reads for Desk {
    fn get(&self, _: &str, id: &str, fields: &[String], _: Instant) -> Result<Option<Vec<Field>>, ReadError> {
        let field = |name: &String| Field::new(name.clone(), Value::Text("x".into()));
        self.answer((id == "T1").then(|| fields.iter().map(field).collect()))
    }
    fn related(&self, _: &str, _: &str, _: &str, _: u32, _: Option<&str>, _: Instant) -> Result<Page, ReadError> {
        self.answer(Page::default())
    }
    fn search(&self, _: &str, _: &str, limit: u32, _: Option<&str>, _: Instant) -> Result<Page, ReadError> {
        let items: Vec<_> = (0..limit.min(1000)).map(|n| format!("P{n}")).collect();
        let next = items.last().cloned();
        self.answer(Page { items, next })
    }
    fn business_seconds(&self, _: &str, start: u64, end: u64, _: Instant) -> Result<u64, ReadError> {
        self.answer((end - start) / 1000)
    }
    fn kv_get(&self, key: &str, _: Instant) -> Result<Option<KvEntry>, ReadError> {
        let entry = |n: i64| KvEntry { value: n.to_string().into_bytes(), version: 3 };
        self.answer(self.counter.filter(|_| key == "seen").map(entry))
    }
    fn kv_keys(&self, _: &str, _: u32, _: Option<&str>, _: Instant) -> Result<Vec<String>, ReadError> {
        self.answer(vec!["a".into(), "z".into()])
    }
}
