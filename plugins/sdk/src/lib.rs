//! Write helpdesk plugins in Rust: an event comes in, a list of actions goes out.
//!
//! A plugin is a type with one function. It sees the event, the fields that its manifest asked for, and what the host
//! answers to its questions; it returns what should happen. Nothing happens when it returns an error, and everything it
//! returns is applied in one transaction or not at all.
//!
//! ```
//! use helpdesk_plugin::{Action, Ctx, Failure, Plugin};
//!
//! struct Greeter;
//!
//! impl Plugin for Greeter {
//!     fn handle(ctx: &Ctx<'_>) -> Result<Vec<Action>, Failure> {
//!         let ticket = ctx.ticket()?;
//!         let title = ctx.text("title").unwrap_or("your request");
//!         Ok(vec![Action::comment(ticket, format!("We received *{title}*."))])
//!     }
//! }
//!
//! helpdesk_plugin::export_plugin!(Greeter);
//!
//! # fn main() {
//! use helpdesk_plugin::testing::{FakeHost, event};
//! let host = FakeHost::new();
//! let actions = host.run::<Greeter>(event("ticket.created").ticket("T1").input("title", "Printer on fire")).unwrap();
//! assert_eq!(actions, [Action::comment("T1", "We received *Printer on fire*.")]);
//! # }
//! ```
//!
//! The crate compiles natively, where [`testing::FakeHost`] answers, and to `wasm32-unknown-unknown`, where the desk
//! does. It has no clock, no randomness and no IO: [`Ctx::now_ms`] and [`Ctx::seed`] are the only sources of either.
//! The functions of the contract itself, for what [`Action`] does not cover, are in [`raw`].

mod action;
mod ctx;
mod export;
mod host;
pub mod testing;

/// The bindings generated from the WIT contract `helpdesk:plugin@1.0.0`, unchanged.
///
/// Functions in here reach a host only inside a component; called natively they panic.
#[allow(unsafe_code, reason = "the component ABI is made of raw pointers; every line in here is generated")]
#[allow(unreachable_pub, clippy::all, rust_2018_idioms)]
pub mod raw {
    wit_bindgen::generate!({
        path: "wit",
        world: "connector",
        additional_derives: [PartialEq, Clone],
        generate_unused_types: true,
        pub_export_macro: true,
        export_macro_name: "export_handler",
        default_bindings_module: "helpdesk_plugin::raw",
    });
}

pub use action::Action;
pub use ctx::Ctx;
#[doc(hidden)]
pub use export::Exported;
pub use host::Host;
pub use raw::exports::helpdesk::plugin::handler::ConfigProblem;
pub use raw::helpdesk::plugin::http::{Header, Request, SecretHeader};
pub use raw::helpdesk::plugin::kv::Entry;
pub use raw::helpdesk::plugin::log::Level;
pub use raw::helpdesk::plugin::query::Page;
pub use raw::helpdesk::plugin::types::{
    Actor, Change, Event, Failure, Field, HostError, Invocation, Origin, Subject, Value,
};

/// A plugin. Export it with [`export_plugin!`].
pub trait Plugin {
    /// Decides what should happen because of one event.
    ///
    /// # Errors
    /// [`Failure::Skip`] when there is nothing to do, [`Failure::Retry`] when a later attempt may work,
    /// [`Failure::Reject`] when none will. No action is applied then.
    fn handle(ctx: &Ctx<'_>) -> Result<Vec<Action>, Failure>;

    /// Checks a configuration (a JSON document) beyond what the manifest's schema can say.
    ///
    /// # Errors
    /// Every problem found, each with a JSON pointer to its place.
    fn check_config(config: &str) -> Result<(), Vec<ConfigProblem>> {
        let _ = config;
        Ok(())
    }
}

/// Makes a [`Plugin`] the component's plugin. Once per crate, in a `cdylib`; does nothing natively.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "exports of a component are raw functions")]
        const _: () = {
            type Component = $crate::Exported<$plugin>;
    $crate::raw::export_handler!(Component with_types_in $crate::raw);
        };
    };
}

impl ConfigProblem {
    /// A problem at a JSON pointer (RFC 6901) of the configuration; `""` is the whole document.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

macro_rules! value_from {
    ($($from:ty, $v:ident => $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $to
            }
        }
    )*};
}
value_from! {
    &str, v => Value::Text(v.to_owned());
    String, v => Value::Text(v);
    bool, v => Value::Boolean(v);
    i64, v => Value::Int(v);
    Vec<String>, v => Value::Texts(v);
    &[&str], v => Value::Texts(v.iter().map(|t| (*t).to_owned()).collect());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

impl Field {
    /// A field with its value.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}
