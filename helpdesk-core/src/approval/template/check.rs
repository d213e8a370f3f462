//! Reading a template and finding every fault in it before it is published.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Approver, DeadlineAction, OnEmpty, StepDefinition, Template, TemplateDefinition, TemplateRef};
use crate::approval::rule::{Rejection, Rule};
use crate::config::TenantConfig;
use crate::filter::Cond;
use crate::id::hex;
use crate::role::RoleKey;
use crate::value::Field;
use crate::workflow::check::{LABEL_MAX, is_id, strangers};
use crate::workflow::read::{self, Format};
use crate::workflow::{Malformed, Problem};

/// Most steps of a template.
const STEPS_MAX: usize = 50;
/// Most approvers named in one step.
const ASK_MAX: usize = 20;
/// Most actions of one deadline.
const ACTIONS_MAX: usize = 10;

const BUILT_IN: &[&str] = &[include_str!("request.toml")];

impl TemplateDefinition {
    /// Key of the template every tenant begins with: the requester's manager, or who answers for the project.
    pub const REQUEST: &'static str = "request";

    /// The templates every tenant begins with.
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().filter_map(|text| Self::from_toml(text).ok()).collect()
    }

    /// Reads a template and checks it: every fault has its pointer, line and column.
    ///
    /// # Errors
    /// All faults of writing, or all faults of meaning.
    pub fn read(text: &str, format: Format) -> Result<Self, Malformed> {
        let definition = match format {
            Format::Json => Self::from_json(text)?,
            Format::Toml => Self::from_toml(text)?,
        };
        definition.check().map_err(|malformed| malformed.located_in(text, format))?;
        Ok(definition)
    }
    /// Reads TOML without checking what it means.
    pub fn from_toml(text: &str) -> Result<Self, Malformed> {
        read::toml(text)
    }
    /// Reads JSON without checking what it means.
    pub fn from_json(text: &str) -> Result<Self, Malformed> {
        read::json(text)
    }
    /// The canonical JSON: what is stored and hashed.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // plain data with string keys always serialises
    }

    /// Finds every fault that can be told without knowing the tenant.
    ///
    /// # Errors
    /// All of them, with their places.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut faults = vec![];
        let mut fault = |at: String, message: String| faults.push(Problem::new(at, message));
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            fault("/steps".into(), format!("has {} steps; 1 to {STEPS_MAX} are taken", self.steps.len()));
        }
        check_key("/key", &self.key, &mut fault);
        check_label("/name", &self.name, &mut fault);
        let mut known = BTreeSet::new();
        for (i, step) in self.steps.iter().enumerate() {
            let at = format!("/steps/{i}");
            check_key(&format!("{at}/key"), &step.key, &mut fault);
            check_label(&format!("{at}/name"), &step.name, &mut fault);
            if !known.insert(&step.key) {
                fault(format!("{at}/key"), format!("step `{}` is defined twice; rename one", step.key));
            }
            check_step(&at, step, &mut fault);
        }
        self.check_groups(&mut fault);
        let odd = |field: &Field| matches!(field, Field::State | Field::Deleted | Field::Approvers | Field::Reporter);
        for (i, field) in self.watched.iter().enumerate() {
            if odd(field) {
                fault(format!("/watched/{i}"), format!("`{field}` cannot be watched; remove it"));
            }
            if self.watched[..i].contains(field) {
                fault(format!("/watched/{i}"), format!("`{field}` is named twice; remove one"));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Malformed(faults)) }
    }

    fn check_groups(&self, fault: &mut impl FnMut(String, String)) {
        let mut ended: BTreeSet<&str> = BTreeSet::new();
        let mut running: Option<&str> = None;
        for (i, step) in self.steps.iter().enumerate() {
            let label = step.parallel.as_deref();
            if running != label {
                ended.extend(running);
            }
            if let Some(label) = label {
                check_key(&format!("/steps/{i}/parallel"), label, fault);
                if ended.contains(label) {
                    let message = format!("`{label}` has ended before; put its steps beside each other");
                    fault(format!("/steps/{i}/parallel"), message);
                }
            }
            running = label;
        }
        for (i, label) in self.any_of.iter().enumerate() {
            if !self.steps.iter().any(|step| step.parallel.as_ref() == Some(label)) {
                fault(format!("/any_of/{i}"), format!("no steps run in parallel as `{label}`; name a group of them"));
            }
        }
    }

    /// Finds the names in it that the tenant does not know: groups, projects, tags and roles. People are not looked up:
    /// somebody who does not exist is nobody who can be asked.
    ///
    /// # Errors
    /// All of them, with their places.
    pub fn check_in(&self, config: &TenantConfig) -> Result<(), Malformed> {
        let mut faults = vec![];
        let mut fault = |at: String, message: String| faults.push(Problem::new(at, message));
        let mut approvers: Vec<(String, &Approver)> = vec![];
        for (i, step) in self.steps.iter().enumerate() {
            approvers.extend(named(&format!("/steps/{i}"), step));
        }
        approvers.extend(self.replacement.iter().map(|who| ("/replacement".to_owned(), who)));
        for (at, approver) in approvers {
            match approver {
                Approver::Group(group) if !config.groups.contains_key(group) => fault(at, unknown("group", group)),
                Approver::Role(role @ RoleKey::Custom(_)) if !config.roles.contains_key(role) => {
                    fault(at, unknown("role", role));
                }
                Approver::Person(_)
                | Approver::Group(_)
                | Approver::Role(_)
                | Approver::Relation(_)
                | Approver::Manager
                | Approver::DepartmentHead
                | Approver::ProjectLead => {}
            }
        }
        for (i, step) in self.steps.iter().enumerate() {
            if let Rejection::Veto(group) = step.rejection
                && !config.groups.contains_key(&group)
            {
                fault(format!("/steps/{i}/rejection"), unknown("group", group));
            }
            if let Some(when) = &step.when {
                strangers(when, config, &mut |noun, id| fault(format!("/steps/{i}/when"), unknown(noun, id)));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Malformed(faults)) }
    }

    /// Gives the definition its version.
    ///
    /// # Errors
    /// Its faults, see [`check`](Self::check).
    pub fn publish(self, version: u32) -> Result<Template, Malformed> {
        self.check()?;
        let hash = hex(&Sha256::digest(self.canonical()));
        Ok(Template { id: TemplateRef { key: Arc::from(self.key.as_str()), version }, hash, definition: self })
    }
}

fn unknown(noun: &str, id: impl std::fmt::Display) -> String {
    format!("the tenant has no {noun} `{id}`; name an existing one")
}

/// Every approver a step names, with its place.
fn named<'a>(at: &str, step: &'a StepDefinition) -> Vec<(String, &'a Approver)> {
    let mut all: Vec<_> = step.ask.iter().enumerate().map(|(j, who)| (format!("{at}/ask/{j}"), who)).collect();
    if let OnEmpty::Fallback(who) = &step.on_empty {
        all.push((format!("{at}/on_empty"), who));
    }
    for (j, action) in step.deadline.iter().flat_map(|deadline| &deadline.actions).enumerate() {
        match action {
            DeadlineAction::Add(who) | DeadlineAction::Replace(who) => {
                all.push((format!("{at}/deadline/actions/{j}"), who));
            }
            DeadlineAction::Remind | DeadlineAction::Approve | DeadlineAction::Reject | DeadlineAction::Cancel => {}
        }
    }
    all
}

fn check_key(at: &str, key: &str, fault: &mut impl FnMut(String, String)) {
    if !is_id(key) {
        fault(at.into(), format!("`{key}` is not an id; use 1 to 40 of a-z 0-9 _, beginning with a letter"));
    }
}

fn check_label(at: &str, label: &str, fault: &mut impl FnMut(String, String)) {
    let length = label.chars().count();
    if length == 0 || length > LABEL_MAX || label.chars().any(char::is_control) {
        fault(at.into(), format!("needs 1 to {LABEL_MAX} plain characters, has {length}"));
    }
}

fn check_step(at: &str, step: &StepDefinition, fault: &mut impl FnMut(String, String)) {
    if step.ask.is_empty() || step.ask.len() > ASK_MAX {
        fault(format!("{at}/ask"), format!("names {} approvers; 1 to {ASK_MAX} are taken", step.ask.len()));
    }
    let share = |percent: u32| (1..=100).contains(&percent);
    let counts = match step.rule {
        Rule::All | Rule::Any | Rule::Majority => true,
        Rule::Count(n) => n > 0,
        Rule::Percent(percent) => share(percent),
        Rule::PerGroup(n) => n > 0 && step.ask.iter().any(|who| matches!(who, Approver::Group(_))),
    };
    if !counts {
        let message = "cannot be met; a count is at least 1, a share 1 to 100 percent, and `per_group` asks groups";
        fault(format!("{at}/rule"), message.into());
    }
    let ends = match step.rejection {
        Rejection::Any => true,
        Rejection::Count(n) => n > 0,
        Rejection::Percent(percent) => share(percent),
        Rejection::Veto(group) => step.ask.contains(&Approver::Group(group)),
    };
    if !ends {
        let message = "cannot hold; a count is at least 1, a share 1 to 100 percent, and a group with a veto is asked";
        fault(format!("{at}/rejection"), message.into());
    }
    if let Some(when) = &step.when {
        if let Err(error) = when.check() {
            fault(format!("{at}/when"), error.to_string());
        }
        if when.mentions(|cond| matches!(cond, Cond::Text(_) | Cond::Parent(_) | Cond::Mine(_))) {
            fault(format!("{at}/when"), "is about the ticket alone; use its fields, people or tags".into());
        }
    }
    if let Some(deadline) = &step.deadline {
        if deadline.within == 0 {
            fault(format!("{at}/deadline/within"), "is no time at all; give at least one business minute".into());
        }
        if deadline.actions.is_empty() || deadline.actions.len() > ACTIONS_MAX {
            let message = format!("has {} actions; 1 to {ACTIONS_MAX} are taken", deadline.actions.len());
            fault(format!("{at}/deadline/actions"), message);
        }
    }
}
