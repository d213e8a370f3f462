//! Inert stand-ins for the WASI imports that language runtimes insist on: an empty environment, the call's own time and
//! seed, and a trap for everything else. Gives a guest nothing that the contract does not give it.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Val};
use wasmtime::{Engine, Error, Result, StoreContextMut};

use crate::host::State;

/// The resources of WASI interfaces; none is ever made.
struct Inert;

pub(crate) fn is_wasi(import: &str) -> bool {
    import.starts_with("wasi:")
}

/// Defines every `wasi:` interface that the component imports.
pub(crate) fn define(linker: &mut Linker<State>, component: &Component, engine: &Engine) -> Result<()> {
    for (name, import) in component.component_type().imports(engine).filter(|(name, _)| is_wasi(name)) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        let mut instance = linker.instance(name)?;
        let base = name.split('@').next().unwrap_or(name);
        for (item, def) in interface.exports(engine) {
            match def.ty {
                ComponentItem::ComponentFunc(_) => function(&mut instance, base, item)?,
                ComponentItem::Resource(_) => {
                    instance.resource(item, ResourceType::host::<Inert>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn function(instance: &mut LinkerInstance<'_, State>, interface: &str, name: &str) -> Result<()> {
    type Store<'a> = StoreContextMut<'a, State>;
    match (interface, name) {
        ("wasi:cli/environment", "get-environment" | "get-arguments") => {
            instance.func_new(name, |_: Store<'_>, _, _, out| answer(out, Val::List(Vec::new())))
        }
        ("wasi:cli/environment", "initial-cwd") => {
            instance.func_new(name, |_: Store<'_>, _, _, out| answer(out, Val::Option(None)))
        }
        ("wasi:clocks/wall-clock", "now") => instance.func_new(name, |store: Store<'_>, _, _, out| {
            let now = store.data().now;
            let nanoseconds = u32::try_from(now % 1000).unwrap_or(0) * 1_000_000;
            let fields = vec![("seconds".into(), Val::U64(now / 1000)), ("nanoseconds".into(), Val::U32(nanoseconds))];
            answer(out, Val::Record(fields))
        }),
        ("wasi:clocks/monotonic-clock", "now") => instance.func_new(name, |store: Store<'_>, _, _, out| {
            let nanoseconds = store.data().now.saturating_mul(1_000_000);
            answer(out, Val::U64(nanoseconds))
        }),
        ("wasi:random/random", "get-random-u64") | ("wasi:random/insecure", "get-insecure-random-u64") => instance
            .func_new(name, |mut store: Store<'_>, _, _, out| {
                let drawn = draw(&mut store.data_mut().seed);
                answer(out, Val::U64(drawn))
            }),
        ("wasi:random/insecure-seed", "insecure-seed") => instance.func_new(name, |mut store: Store<'_>, _, _, out| {
            let seed = &mut store.data_mut().seed;
            let pair = vec![Val::U64(draw(seed)), Val::U64(draw(seed))];
            answer(out, Val::Tuple(pair))
        }),
        ("wasi:random/random", "get-random-bytes") | ("wasi:random/insecure", "get-insecure-random-bytes") => instance
            .func_new(name, |mut store: Store<'_>, _, asked, out| {
                let Some(Val::U64(n)) = asked.first() else { return Err(Error::msg("malformed call")) };
                if *n > store.data().limits.call_bytes {
                    return Err(Error::msg("too many random bytes in one call"));
                }
                let seed = &mut store.data_mut().seed;
                answer(out, Val::List((0..*n).map(|_| Val::U8(draw(seed).to_le_bytes()[0])).collect()))
            }),
        _ => {
            let full = format!("`{interface}` `{name}` is not available to plugins");
            instance.func_new(name, move |_: Store<'_>, _, _, _| Err(Error::msg(full.clone())))
        }
    }
}

fn answer(out: &mut [Val], value: Val) -> Result<()> {
    match out.first_mut() {
        Some(slot) => {
            *slot = value;
            Ok(())
        }
        None => Err(Error::msg("malformed call")),
    }
}

/// SplitMix64: the same numbers for every attempt.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasmtime::Store;

    use super::*;
    use crate::{Grant, Limits, Manifest, NoReads};

    fn linked(component: &str) -> Result<(Engine, Linker<State>, Component)> {
        let engine = Engine::default();
        let component = Component::new(&engine, wat::parse_str(component)?)?;
        let mut linker = Linker::new(&engine);
        define(&mut linker, &component, &engine)?;
        Ok((engine, linker, component))
    }

    /// Calls a function that takes nothing and returns a number, twice.
    fn call(interface: &str, function: &str) -> Result<(u64, u64)> {
        let (engine, linker, component) = linked(&format!(
            r#"(component
                (import "{interface}" (instance $i (export "{function}" (func (result u64)))))
                (core func $lowered (canon lower (func $i "{function}")))
                (core module $m (import "" "f" (func (result i64))) (export "f" (func 0)))
                (core instance $c (instantiate $m (with "" (instance (export "f" (func $lowered))))))
                (func (export "f") (result u64) (canon lift (core func $c "f"))))"#
        ))?;
        let manifest = Manifest::parse(include_str!("../../plugins/triage/plugin.toml"))?;
        let mut state = State::new(Arc::new(Grant::all(&manifest)), Arc::new(Limits::default()), Arc::new(NoReads));
        (state.now, state.seed) = (1_735_689_600_123, 7);
        let mut store = Store::new(&engine, state);
        let instance = linker.instantiate(&mut store, &component)?;
        let func = instance.get_typed_func::<(), (u64,)>(&mut store, "f")?;
        Ok((func.call(&mut store, ())?.0, func.call(&mut store, ())?.0))
    }

    #[test]
    fn time_stands_still_and_chance_repeats() {
        let now = 1_735_689_600_123_000_000;
        assert_eq!(call("wasi:clocks/monotonic-clock@0.2.0", "now").unwrap(), (now, now));
        let random = || call("wasi:random/random@0.2.3", "get-random-u64").unwrap();
        assert_ne!(random().0, random().1);
        assert_eq!(random(), random());
    }

    #[test]
    fn anything_else_links_and_traps() {
        let refused = call("wasi:cli/stdin@0.2.0", "get-stdin").unwrap_err();
        assert_eq!(refused.root_cause().to_string(), "`wasi:cli/stdin` `get-stdin` is not available to plugins");
        let (_, linker, component) = linked(
            r#"(component (import "wasi:io/streams@0.2.0" (instance
                (export "output-stream" (type $s (sub resource)))
                (export "[method]output-stream.flush" (func (param "self" (borrow $s)) (result bool))))))"#,
        )
        .unwrap();
        assert!(linker.instantiate_pre(&component).is_ok());
    }
}
