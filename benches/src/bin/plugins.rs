//! `cargo xtask bench plugins`: what a delivery to a Rust guest costs beside its database work, with the fresh instance
//! apart. One thread; medians over many calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use helpdesk_benches::drive::median;
use helpdesk_plugins::{
    Actor, Delivery, Digest, Ended, Event, Field, Grant, Invocation, Limits, Loaded, Manifest, Mode, NoReads, Origin,
    Runtime, Subject, Value,
};
use serde_json::json;

#[derive(Parser)]
#[command(about = "What a delivery to a plugin costs")]
struct Options {
    /// Calls that are counted
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// The most a delivery that does nothing may take, microseconds.
const WANTED: f64 = 60.0;
const GUEST: &[u8] = include_bytes!("../../../plugins/prebuilt/hostile-rule.wasm");

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new(Limits::default())?;
    let begun = Instant::now();
    let plugin = load(&runtime)?;
    println!("compiled and linked in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let blocking = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;

    println!(
        "{:<12} {:>10} {:>15} {:>10} {:>10} {:>12}",
        "guest", "total us", "instantiate us", "rest us", "fuel", "async us"
    );
    let mut lines = Vec::new();
    for (what, config) in [("noop", r#"{"do":"noop"}"#), ("two-fields", r#"{"do":"two-fields"}"#)] {
        let (mut total, mut fresh, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut fuel = 0;
        for n in 0..options.calls + options.calls / 10 {
            let delivery = delivery(config);
            let begun = Instant::now();
            let outcome = runtime.run(&plugin, delivery);
            let took = begun.elapsed();
            anyhow::ensure!(outcome.ended == Ended::Ok, "the guest ended: {}", outcome.ended);
            anyhow::ensure!(outcome.effects.is_empty() == (what == "noop"), "the guest staged {:?}", outcome.effects);
            if n >= options.calls / 10 {
                total.push(micros(took));
                fresh.push(micros(outcome.instantiation));
                rest.push(micros(took.saturating_sub(outcome.instantiation)));
            }
            fuel = outcome.fuel_used;
        }
        let handed_over = blocking.block_on(async {
            let mut times = Vec::new();
            for _ in 0..options.calls / 4 {
                let delivery = delivery(config);
                let begun = Instant::now();
                let outcome = runtime.call(&plugin, delivery).await;
                times.push(micros(begun.elapsed()));
                anyhow::ensure!(outcome.ended == Ended::Ok, "the guest ended: {}", outcome.ended);
            }
            anyhow::Ok(median(&mut times))
        })?;
        let (total, fresh, rest) = (median(&mut total), median(&mut fresh), median(&mut rest));
        println!("{what:<12} {total:>10.1} {fresh:>15.1} {rest:>10.1} {fuel:>10} {handed_over:>12.1}");
        lines.push(json!({
            "guest": what, "us": round(total), "instantiation_us": round(fresh), "rest_us": round(rest),
            "async_us": round(handed_over), "fuel": fuel,
        }));
        if what == "noop" {
            let judged = if total <= WANTED { "ok" } else { "NO" };
            println!("{:<12} {WANTED:>10.1} wanted at most: {judged}", "");
        }
    }
    if options.json {
        println!("{}", json!({ "plugins": lines }));
    }
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// The guest that does what its configuration says.
fn load(runtime: &Runtime) -> anyhow::Result<Loaded> {
    let manifest = format!(
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
        [capabilities]
        write = ["priority", "urgency"]
        "#,
        Digest::of(GUEST)
    );
    let manifest = Manifest::parse(&manifest)?;
    let grant = Grant::all(&manifest);
    Ok(runtime.load(manifest, grant, GUEST)?)
}

/// A delivery of ordinary size.
fn delivery(config: &str) -> Delivery {
    let ticket = "0192f0c1-8c00-7000-8000-000000000001".to_owned();
    let at = 1_735_689_600_000;
    let data = json!({
        "number": 17, "type": "incident", "state": "new", "priority": "medium", "title": "5d41402abc4b2a76b9719d911017c592",
    });
    Delivery {
        invocation: Invocation {
            idempotency_key: "0192f0c1-8c00-7000-8000-000000000002".into(),
            attempt: 1,
            now: at,
            seed: 7,
            mode: Mode::After,
            dry_run: false,
        },
        event: Event {
            id: "0192f0c1-8c00-7000-8000-000000000003".into(),
            seq: 1,
            kind: "ticket.created".into(),
            schema: 1,
            occurred_at: at,
            tenant: "0192f0c1-8c00-7000-8000-000000000004".into(),
            subject: Some(Subject { kind: "ticket".into(), id: ticket, version: 1 }),
            actor: Actor {
                kind: "person".into(),
                id: Some("0192f0c1-8c00-7000-8000-000000000005".into()),
                on_behalf_of: None,
            },
            origin: Origin {
                correlation: "0192f0c1-8c00-7000-8000-000000000003".into(),
                causation: None,
                depth: 0,
                via: vec![],
            },
            changes: vec![],
            data: data.to_string(),
        },
        input: vec![Field::new("title", Value::Text("Printer on floor three does not print".into()))],
        config: Arc::from(config),
        reads: Arc::new(NoReads),
    }
}
