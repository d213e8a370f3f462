//! Between the component's exports and a [`Plugin`]: builds the context, stages the returned actions.

use std::marker::PhantomData;

use crate::host::Desk;
use crate::raw::exports::helpdesk::plugin::handler::Guest;
use crate::raw::helpdesk::plugin::log;
use crate::{ConfigProblem, Ctx, Event, Failure, Field, Invocation, Level, Plugin};

/// The component's `handler`, implemented by a [`Plugin`].
pub struct Exported<P>(PhantomData<P>);

impl<P: Plugin> Guest for Exported<P> {
    fn handle(invocation: Invocation, event: Event, input: Vec<Field>) -> Result<(), Failure> {
        log_panics();
        let actions = P::handle(&Ctx::new(invocation, event, input, &Desk))?;
        for (at, action) in actions.iter().enumerate() {
            action.stage().map_err(|e| match e.code.as_str() {
                "conflict" | "unavailable" => Failure::Retry(None),
                code => Failure::Reject(format!("action {at} ({}): {code}: {}", action.name(), e.message)),
            })?;
        }
        Ok(())
    }

    fn check_config(config: String) -> Result<(), Vec<ConfigProblem>> {
        log_panics();
        P::check_config(&config)
    }
}

/// A panic aborts the component; its message would be lost with it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log::write(Level::Error, &panic.to_string(), "")));
}
