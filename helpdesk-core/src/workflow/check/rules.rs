//! Faults of guards, validators and effects: those a definition shows by itself, and those only a tenant knows.

use super::{LABEL_MAX, Malformed, Problem};
use crate::config::TenantConfig;
use crate::filter::{Cond, Filter};
use crate::ticket::decide::fields::{check_text, check_title};
use crate::value::Field;
use crate::workflow::{Assign, ChildTemplate, Definition, Effect, From, Guard, Transition, Validator};

/// Most effects of one transition, and of one state.
const EFFECTS_MAX: usize = 20;
/// Most sub-tickets of one effect.
const CHILDREN_MAX: usize = 20;

/// Faults that can be told without knowing the tenant.
pub(super) fn faults(definition: &Definition, fault: &mut impl FnMut(String, String)) {
    for (i, state) in definition.states.iter().enumerate() {
        effects(&format!("/states/{i}/enter"), &state.enter, fault);
        let Some(gate) = &state.gate else { continue };
        for (name, way) in [("approved", &gate.approved), ("rejected", &gate.rejected)] {
            let found = |way: &String| {
                let mut all = definition.transitions.iter();
                all.any(|transition| transition.id == *way && transition.leaves(&state.id))
            };
            if let Some(way) = way.as_ref().filter(|way| !found(way)) {
                let message = format!("no transition `{way}` leaves `{}`; name one that does", state.id);
                fault(format!("/states/{i}/gate/{name}"), message);
            }
        }
    }
    for (i, transition) in definition.transitions.iter().enumerate() {
        let at = format!("/transitions/{i}");
        for (at, guard) in guards(&at, transition) {
            check_guard(&at, guard, fault);
        }
        effects(&format!("{at}/effects"), &transition.effects, fault);
        if transition.replaces_edit && transition.permission.is_none() {
            let message = "replaces the right to move by no permission at all; name the `permission` it takes";
            fault(format!("{at}/replaces_edit"), message.into());
        }
        if transition.bypass_approval && transition.permission.is_none() {
            let message = "passes an approval by; name the `permission` that takes";
            fault(format!("{at}/bypass_approval"), message.into());
        }
        if transition.from == From::Nothing && transition.validators.contains(&Validator::ChildrenEnded) {
            fault(format!("{at}/validators"), "a ticket that is being created has no sub-tickets; remove it".into());
        }
        if transition.from == From::Nothing && transition.validators.contains(&Validator::Reason) {
            fault(format!("{at}/validators"), "a ticket is created without a reason; require the description".into());
        }
        if definition.states.iter().any(|state| state.retired && state.id == transition.to) {
            fault(format!("{at}/to"), format!("`{}` is retired; lead to another state", transition.to));
        }
    }
}

/// The guard and those among the validators, with their places.
fn guards<'a>(at: &str, transition: &'a Transition) -> Vec<(String, &'a Guard)> {
    let guard = transition.guard.iter().map(|guard| (format!("{at}/guard"), guard));
    let checks = transition.validators.iter().enumerate().filter_map(|(j, validator)| match validator {
        Validator::ChildrenEnded | Validator::Reason => None,
        Validator::Check(guard) => Some((format!("{at}/validators/{j}"), guard)),
    });
    guard.chain(checks).collect()
}

fn check_guard(at: &str, guard: &Guard, fault: &mut impl FnMut(String, String)) {
    if let Err(error) = guard.when.check() {
        fault(format!("{at}/when"), error.to_string());
    }
    if guard.when.mentions(|cond| matches!(cond, Cond::Text(_))) {
        fault(format!("{at}/when"), "full text is for queries only; use `title`, a field or a tag".into());
    }
    let length = guard.says.chars().count();
    if length == 0 || length > LABEL_MAX * 2 || guard.says.chars().any(char::is_control) {
        fault(format!("{at}/says"), format!("needs 1 to {} plain characters, has {length}", LABEL_MAX * 2));
    }
}

fn effects(at: &str, effects: &[Effect], fault: &mut impl FnMut(String, String)) {
    if effects.len() > EFFECTS_MAX {
        fault(at.into(), format!("has {} effects, at most {EFFECTS_MAX} are taken", effects.len()));
    }
    for (i, effect) in effects.iter().enumerate() {
        let patch = match effect {
            Effect::Set(patch) => patch,
            Effect::OpenChildren(all) => {
                children(&format!("{at}/{i}/open_children"), all, fault);
                continue;
            }
            Effect::Assign(_) | Effect::Unassign | Effect::StartApproval(_) | Effect::EndChildren => continue,
        };
        let fields = patch.fields();
        if fields.is_empty() {
            fault(format!("{at}/{i}/set"), "sets nothing; name a field or remove it".into());
        }
        for field in
            fields.into_iter().filter(|field| matches!(field, Field::Title | Field::Description | Field::Parent))
        {
            fault(format!("{at}/{i}/set/{field}"), format!("`{field}` cannot be set by an effect; remove it"));
        }
    }
}

fn children(at: &str, all: &[ChildTemplate], fault: &mut impl FnMut(String, String)) {
    if !(1..=CHILDREN_MAX).contains(&all.len()) {
        fault(at.into(), format!("has {} sub-tickets; name 1 to {CHILDREN_MAX}", all.len()));
    }
    for (i, child) in all.iter().enumerate() {
        let mut faults = vec![];
        check_title(&child.title, &mut faults);
        check_text("description", &child.description, &mut faults);
        faults.into_iter().for_each(|found| fault(format!("{at}/{i}/{}", found.field), found.message));
    }
}

impl Definition {
    /// Finds the names in it that the tenant does not know: groups, projects and tags.
    ///
    /// # Errors
    /// All of them, with their places.
    pub fn check_in(&self, config: &TenantConfig) -> Result<(), Malformed> {
        let mut faults = Vec::new();
        let mut fault = |at: String, message: String| faults.push(Problem::new(at, message));
        for (i, state) in self.states.iter().enumerate() {
            known(&format!("/states/{i}/enter"), &state.enter, config, &mut fault);
            if let Some(gate) = state.gate.as_ref().filter(|gate| config.templates.newest(&gate.template).is_none()) {
                fault(format!("/states/{i}/gate/template"), no_template(&gate.template));
            }
        }
        for (i, transition) in self.transitions.iter().enumerate() {
            let at = format!("/transitions/{i}");
            for (at, guard) in guards(&at, transition) {
                strangers(&guard.when, config, &mut |noun, id| fault(format!("{at}/when"), unknown(noun, &id)));
            }
            known(&format!("{at}/effects"), &transition.effects, config, &mut fault);
        }
        if faults.is_empty() { Ok(()) } else { Err(Malformed(faults)) }
    }
}

fn unknown(noun: &str, id: &str) -> String {
    format!("the tenant has no {noun} `{id}`; give the id of an existing one")
}

fn no_template(key: &str) -> String {
    format!("the tenant has no approval template `{key}`; publish it first")
}

fn known(at: &str, effects: &[Effect], config: &TenantConfig, fault: &mut impl FnMut(String, String)) {
    for (i, effect) in effects.iter().enumerate() {
        let (place, group) = match effect {
            Effect::Set(patch) => ("set/group", patch.group.flatten()),
            Effect::Assign(Assign { group, .. }) => ("assign/group", *group),
            Effect::StartApproval(key) => {
                if config.templates.newest(key).is_none() {
                    fault(format!("{at}/{i}/start_approval"), no_template(key));
                }
                continue;
            }
            Effect::OpenChildren(all) => {
                for (j, child) in all.iter().enumerate() {
                    let at = format!("{at}/{i}/open_children/{j}");
                    let there = |it: &crate::org::Project| it.deleted_at.is_none();
                    if let Some(id) = child.project.filter(|id| !config.projects.get(id).is_some_and(there)) {
                        fault(format!("{at}/project"), unknown("project", &id.to_string()));
                    }
                    if let Some(id) = child.group.filter(|id| !config.groups.contains_key(id)) {
                        fault(format!("{at}/group"), unknown("group", &id.to_string()));
                    }
                }
                continue;
            }
            Effect::Unassign | Effect::EndChildren => continue,
        };
        if let Some(group) = group.filter(|group| !config.groups.contains_key(group)) {
            fault(format!("{at}/{i}/{place}"), unknown("group", &group.to_string()));
        }
    }
}

/// Tells every group, project and tag of the filter that the tenant does not have.
pub(crate) fn strangers(filter: &Filter, config: &TenantConfig, tell: &mut impl FnMut(&'static str, String)) {
    match filter {
        Filter::All | Filter::None => {}
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|filter| strangers(filter, config, tell)),
        Filter::Not(inner) => strangers(inner, config, tell),
        Filter::Is(Cond::Group(ids)) => {
            ids.iter().filter(|id| !config.groups.contains_key(id)).for_each(|id| tell("group", id.to_string()));
        }
        Filter::Is(Cond::Project(ids)) => {
            ids.iter().filter(|id| !config.projects.contains_key(id)).for_each(|id| tell("project", id.to_string()));
        }
        Filter::Is(Cond::Tag(ids)) => {
            ids.iter().filter(|id| !config.tags.contains_key(id)).for_each(|id| tell("tag", id.to_string()));
        }
        Filter::Is(_) => {}
    }
}
