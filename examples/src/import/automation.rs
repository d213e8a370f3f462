//! Automation beside an import: triage tags every new incident with its category, if that is one of the commonest.
//!
//! Imports run without automation unless asked. Only tags are set here, which the import itself never touches, so what
//! comes out does not depend on who is faster.

use std::collections::BTreeMap;
use std::time::Duration;

use helpdesk_core::command::{Asking, DefineTag};
use helpdesk_core::feed;
use helpdesk_core::feed::Subscriber as _;
use helpdesk_core::store::Depth;
use helpdesk_core::{ActError, Desk, PluginId};
use helpdesk_plugins::PluginHost;
use serde_json::json;

use super::Planned;
use super::ground::Ground;
use crate::replay::Act;
use crate::triage;

/// How many categories get a tag.
const CATEGORIES: usize = 10;
/// Longest category that does, in characters: a tag's name has an end.
const CATEGORY_MAX: usize = 40;

/// Installs triage with a rule per common category, and remembers that it is to see every event from here on.
pub async fn install(
    desk: &Desk,
    plugins: &(PluginHost, PluginId),
    ground: &Ground,
    planned: &Planned,
) -> anyhow::Result<()> {
    let system = ground.system();
    let mut rules = Vec::new();
    for category in common(planned) {
        let tag = format!("category {category}");
        if desk.config(&system).await?.tag_by_name(ground.project, &tag).is_none() {
            let id = ground.ids.of(ground.begin, &tag);
            desk.act(&system, DefineTag::new(ground.project, &tag).with_id(id).at(ground.begin)).await?;
        }
        rules.push(json!({ "name": tag, "if": { "words": [tag], "in": "title" }, "then": { "tags": [tag] } }));
    }
    let config = json!({ "rules": rules }).to_string();
    triage::install(desk, plugins, ground.tenant, &[ground.project], &config).await?;
    desk.store().position(plugins.0.name()).await?;
    Ok(())
}

/// The commonest categories of the log, most common first.
fn common(planned: &Planned) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in planned.cases.iter().filter_map(|case| case.steps.first()) {
        if let Act::Open(opening) = &step.act
            && let Some(category) = opening.category.as_deref()
        {
            *counts.entry(category).or_default() += 1;
        }
    }
    let fits = |category: &str| {
        category.chars().count() <= CATEGORY_MAX && category.chars().all(|c| c.is_alphanumeric() || c == ' ')
    };
    let mut common: Vec<(usize, &str)> =
        counts.into_iter().filter(|(name, _)| fits(name)).map(|(name, count)| (count, name)).collect();
    common.sort_by_key(|(count, name)| (std::cmp::Reverse(*count), *name));
    common.into_iter().take(CATEGORIES).map(|(_, name)| name).collect()
}

/// Waits until running workers have delivered everything, retries included, and returns how many letters are dead.
pub async fn drained(desk: &Desk, plugins: &PluginHost) -> Result<Depth, ActError> {
    let queue = feed::queue(plugins.name());
    loop {
        // In this order: what is fanned out meanwhile is seen as waiting.
        let head = desk.head_of_log().await?;
        let position = desk.store().position(plugins.name()).await?;
        let (_, depth) = desk.store().dead(&queue, 1).await?;
        if position >= head && depth.live == 0 && desk.head_of_log().await? == head {
            return Ok(depth);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
