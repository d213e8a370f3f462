//! Triage: keyword and field rules set a ticket's priority, tags and group when it arrives or its text changes.
//!
//! Rules are tried in order. For priority and for group the first matching rule that names one wins; tags of all matching
//! rules are added. A priority set by hand and a group already chosen stay, unless the configuration says otherwise.
//! It never removes anything and writes no comments.
//!
//! ```json
//! { "rules": [
//!   { "if": { "words": ["printer", "toner", "paper jam"], "type": "incident" },
//!     "then": { "priority": "high", "tags": ["hardware"], "group": "Workplace" } },
//!   { "if": { "words": ["vpn", "certificat*"], "none": ["request"] }, "then": { "tags": ["network"] } }
//! ] }
//! ```

mod config;
mod text;

use config::{Config, Property};
use helpdesk_plugin::{Action, ConfigProblem, Ctx, Failure, Level, Plugin, Value};
use text::Words;

/// The plugin.
pub struct Triage;

impl Plugin for Triage {
    fn handle(ctx: &Ctx<'_>) -> Result<Vec<Action>, Failure> {
        let ticket = ctx.ticket()?;
        if ctx.event.kind != "ticket.created" && !config::TRIGGERS.iter().any(|f| ctx.change(f).is_some()) {
            return Err(Failure::Skip("nothing that rules look at has changed".into()));
        }
        let config = Config::parse(&ctx.config()).map_err(|problems| {
            let list: Vec<_> = problems.iter().map(|p| format!("`{}`: {}", p.pointer, p.message)).collect();
            Failure::Reject(format!("the configuration is not valid: {}", list.join("; ")))
        })?;
        let actions = decide(&config, ctx, ticket);
        if actions.is_empty() { Err(Failure::Skip("no rule changes this ticket".into())) } else { Ok(actions) }
    }

    fn check_config(config: &str) -> Result<(), Vec<ConfigProblem>> {
        Config::parse(config).map(drop)
    }
}

helpdesk_plugin::export_plugin!(Triage);

fn decide(config: &Config, ctx: &Ctx<'_>, ticket: &str) -> Vec<Action> {
    let title = Words::of(ctx.text("title").unwrap_or_default());
    let description = Words::of(ctx.text("description").unwrap_or_default());
    let (mut priority, mut group, mut tags) = (None, None, Vec::<String>::new());
    for (at, rule) in config.rules.iter().enumerate() {
        if !rule.when.holds(ctx, &title, &description) {
            continue;
        }
        ctx.log(Level::Debug, &format!("rule {} matches", rule.name.clone().unwrap_or_else(|| at.to_string())));
        priority = priority.or(rule.then.priority.as_deref());
        group = group.or(rule.then.group.as_deref());
        for tag in &rule.then.tags {
            if !tags.contains(tag) && !ctx.texts("tags").contains(tag) {
                tags.push(tag.clone());
            }
        }
    }

    let by_hand = *ctx.field("priority_manual") == Value::Boolean(true) && !config.overrides(Property::Priority);
    let routed = *ctx.field("group") != Value::Null && !config.overrides(Property::Group);
    let mut actions = Vec::new();
    if let Some(to) = priority.filter(|to| !by_hand && ctx.text("priority") != Some(to)) {
        actions.push(Action::set(ticket, "priority", to));
    }
    if !tags.is_empty() {
        actions.push(Action::AddTags { ticket: ticket.into(), tags });
    }
    if let Some(to) = group.filter(|to| !routed && ctx.text("group") != Some(to)) {
        actions.push(Action::Assign { ticket: ticket.into(), agent: None, group: Some(to.into()) });
    }
    actions
}

#[cfg(test)]
mod tests;
