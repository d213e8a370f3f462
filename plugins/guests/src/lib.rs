//! One small guest for the host's tests and benches: its configuration names what it does, good or bad.
//! It calls the contract directly where the SDK would stop it. Not an example to copy; that is `triage`.

use std::hint::black_box;

#[cfg(feature = "http")]
use helpdesk_plugin::Request;
#[cfg(feature = "http")]
use helpdesk_plugin::raw::helpdesk::plugin::http;
use helpdesk_plugin::raw::helpdesk::plugin::{effects, env, kv, log, query};
use helpdesk_plugin::{Action, ConfigProblem, Ctx, Failure, Field, HostError, Level, Plugin, Value};

/// The guest.
pub struct Hostile;

impl Plugin for Hostile {
    fn handle(ctx: &Ctx<'_>) -> Result<Vec<Action>, Failure> {
        let config: serde_json::Value =
            serde_json::from_str(&ctx.config()).map_err(|e| Failure::Reject(e.to_string()))?;
        let number = |name: &str| config[name].as_u64().unwrap_or_default();
        let text = |name: &str| config[name].as_str().unwrap_or_default();
        let ticket = match text("ticket") {
            "" => ctx.ticket()?,
            other => other,
        };
        match text("do") {
            "noop" => {}
            "two-fields" => {
                let fields = vec![Field::new("priority", "high"), Field::new("urgency", "high")];
                return Ok(vec![Action::SetFields { ticket: ticket.into(), fields }]);
            }
            "loop" => spin(),
            "memory" => eat(),
            "recursion" => return Err(Failure::Skip(deeper(0).to_string())),
            "panic" => panic!("the guest panics"),
            "skip" => return Err(Failure::Skip("nothing to do".into())),
            "retry" => return Err(Failure::Retry(Some(7))),
            "reject" => return Err(Failure::Reject("never".into())),
            "trap-after-two" => {
                for tag in ["one", "two"] {
                    effects::add_tags(ticket, &[tag.to_owned()]).map_err(refused)?;
                }
                trap();
            }
            "fail-after-two" => {
                for tag in ["one", "two"] {
                    effects::add_tags(ticket, &[tag.to_owned()]).map_err(refused)?;
                }
                return Err(Failure::Reject("changed its mind".into()));
            }
            "effects" => {
                for n in 0..number("count") {
                    effects::add_tags(ticket, &[format!("t{n}")]).map_err(refused)?;
                }
            }
            "effect-bytes" => effects::comment(ticket, &"x".repeat(bytes(number("bytes"))), true).map_err(refused)?,
            "log" => {
                let line = "x".repeat(bytes(number("bytes")));
                for _ in 0..number("lines") {
                    log::write(Level::Info, &line, "");
                }
            }
            "queries" => {
                for _ in 0..number("count") {
                    query::get("ticket", ticket, &["title".to_owned()]).map_err(refused)?;
                }
            }
            "rows" => {
                let page = query::search("ticket", "{}", u32::MAX, None).map_err(refused)?;
                return Ok(vec![Action::note(ticket, page.items.len().to_string())]);
            }
            "search" => drop(query::search("ticket", text("filter"), 10, None).map_err(refused)?),
            "related" => drop(query::related("ticket", ticket, text("relation"), 10, None).map_err(refused)?),
            "counter" => {
                let before = kv::add("seen", 1).map_err(refused)?;
                let after = kv::get("seen").map_err(refused)?.map(|e| String::from_utf8_lossy(&e.value).into_owned());
                let keys = kv::keys("", 10, None).map_err(refused)?.join(",");
                log::write(Level::Info, &format!("{before} {} {keys}", after.unwrap_or_default()), "");
            }
            // Keeps all it was given, for tests to look at.
            "tell" => {
                let event = &ctx.event;
                let fields = [ctx.field("title"), ctx.field("description"), ctx.field("parent")];
                let told = format!("{} {:?} {} input {fields:?}", event.kind, event.changes, event.data);
                kv::set(&format!("told/{}", event.id), told.as_bytes(), None, None).map_err(refused)?;
            }
            "kv-bytes" => {
                let ttl = config["ttl"].as_u64().and_then(|ttl| u32::try_from(ttl).ok());
                let value = vec![1; bytes(number("bytes"))];
                kv::set("k", &value, config["expect"].as_u64(), ttl).map_err(refused)?;
            }
            // Tries everything and tells what was refused.
            "probe" => log::write(Level::Info, &probe(ticket, text("url")), ""),
            #[cfg(feature = "http")]
            "http" => {
                for n in 0..number("count").max(1) {
                    http::enqueue(&request(&n.to_string(), text("url"))).map_err(refused)?;
                }
            }
            "env" => {
                let has = env::has_capability(text("capability"));
                log::write(Level::Info, &format!("{has} {}", env::host_info()), r#"{"a":1}"#);
            }
            "echo" => {
                let said = format!(
                    "{} #{} of {:?} at {} seed {} input {:?}",
                    ctx.event.kind,
                    ctx.invocation.attempt,
                    ctx.event.subject,
                    ctx.now_ms(),
                    ctx.seed(),
                    ctx.field("title")
                );
                log::write(Level::Info, &said, "");
            }
            other => return Err(Failure::Reject(format!("`{other}` is not something this guest does"))),
        }
        Ok(vec![])
    }

    fn check_config(config: &str) -> Result<(), Vec<ConfigProblem>> {
        if config.contains(r#""bad""#) {
            return Err(vec![ConfigProblem::new("/bad", "is bad")]);
        }
        if config.contains(r#""stage""#) {
            let refused = effects::add_tags("T1", &[]).unwrap_err();
            return Err(vec![ConfigProblem::new("/stage", refused.code)]);
        }
        if config.contains(r#""loop""#) {
            spin();
        }
        Ok(())
    }
}

helpdesk_plugin::export_plugin!(Hostile);

fn refused(e: HostError) -> Failure {
    Failure::Reject(format!("{}: {}", e.code, e.message))
}

fn bytes(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(feature = "http")]
fn request(client_ref: &str, url: &str) -> Request {
    Request {
        client_ref: client_ref.into(),
        method: "POST".into(),
        url: url.into(),
        headers: vec![],
        secret_headers: vec![],
        body: b"{}".to_vec(),
        timeout_ms: 1000,
    }
}

#[cfg_attr(not(feature = "http"), allow(unused_variables))]
fn probe(ticket: &str, url: &str) -> String {
    let one = || vec!["title".to_owned()];
    let tried: Vec<(&str, Result<(), HostError>)> = vec![
        ("read", query::get("ticket", ticket, &one()).map(drop)),
        ("search", query::search("person", "{}", 1, None).map(drop)),
        ("write", effects::set_fields(ticket, &[Field { name: "title".into(), value: Value::Null }])),
        ("tags", effects::add_tags(ticket, &one())),
        ("assign", effects::assign(ticket, Some("P1"), None)),
        ("public", effects::comment(ticket, "x", false)),
        ("transition", effects::transition(ticket, "close", &[])),
        ("open", effects::create_ticket("a", &opening(&["project", "title"])).map(drop)),
        ("open-urgent", effects::create_ticket("b", &opening(&["project", "title", "urgency"])).map(drop)),
        ("emit", effects::emit("hostile.seen", None, "{}")),
        ("veto", effects::veto("no", "no")),
        ("kv", kv::get("k").map(drop)),
        #[cfg(feature = "http")]
        ("http", http::enqueue(&request("1", url))),
    ];
    let told: Vec<_> =
        tried.iter().map(|(what, r)| format!("{what}:{}", r.as_ref().err().map_or("ok", |e| &e.code))).collect();
    told.join(" ")
}

fn opening(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| Field { name: (*name).into(), value: Value::Text("x".into()) }).collect()
}

fn spin() -> ! {
    let mut x = 0u64;
    loop {
        x = black_box(x.wrapping_add(1));
    }
}

fn eat() -> ! {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(Vec::with_capacity(1 << 20));
        black_box(&all);
    }
}

/// Keeps nothing in memory, so that the call stack is what ends.
#[inline(never)]
fn deeper(n: u64) -> u64 {
    if n == u64::MAX { 0 } else { deeper(n + 1).rotate_left(1) ^ n }
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("only a component can trap");
}
