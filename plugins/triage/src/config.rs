//! The configuration: read by hand rather than derived, so that every problem is found at once and has its place.

use helpdesk_plugin::{ConfigProblem, Ctx, Value};
use serde_json::{Map, Value as Json};

use crate::text::{Pattern, Words, fold};

/// Fields whose change makes the rules run again.
pub(crate) const TRIGGERS: [&str; 3] = ["title", "description", "type"];
/// Fields that a rule may compare: those of the manifest's `input`.
const COMPARABLE: [&str; 6] = ["type", "project", "urgency", "importance", "group", "priority"];
const PRIORITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const MOST_RULES: usize = 500;
const MOST_WORDS: usize = 200;

/// What a rule can set and a person may have set before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    Priority,
    Group,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub rules: Vec<Rule>,
    overrides: Vec<Property>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub name: Option<String>,
    pub when: When,
    pub then: Then,
}

/// All conditions that are given must hold.
#[derive(Debug, Default)]
pub(crate) struct When {
    any: Option<Vec<Pattern>>,
    all: Vec<Pattern>,
    none: Vec<Pattern>,
    title_only: bool,
    fields: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Then {
    pub priority: Option<String>,
    pub tags: Vec<String>,
    pub group: Option<String>,
}

impl When {
    pub(crate) fn holds(&self, ctx: &Ctx<'_>, title: &Words, description: &Words) -> bool {
        let found = |p: &Pattern| p.is_in(title) || (!self.title_only && p.is_in(description));
        self.any.as_ref().is_none_or(|any| any.iter().any(found))
            && self.all.iter().all(found)
            && !self.none.iter().any(found)
            && self.fields.iter().all(|(name, wanted)| match ctx.field(name) {
                Value::Text(have) => wanted.contains(&fold(have)),
                _ => false,
            })
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// All problems, each at its JSON pointer.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<ConfigProblem>> {
        let document: Json = serde_json::from_str(json).map_err(|e| vec![ConfigProblem::new("", e.to_string())])?;
        let mut problems = Problems(Vec::new());
        let config = problems.config(&document);
        if problems.0.is_empty() { Ok(config) } else { Err(problems.0) }
    }

    pub(crate) fn overrides(&self, property: Property) -> bool {
        self.overrides.contains(&property)
    }
}

/// Collects problems while it reads; what it returns counts only when it found none.
struct Problems(Vec<ConfigProblem>);

impl Problems {
    fn add(&mut self, at: &str, message: impl Into<String>) {
        self.0.push(ConfigProblem::new(at, message));
    }

    fn config(&mut self, document: &Json) -> Config {
        let mut config = Config { rules: Vec::new(), overrides: Vec::new() };
        let Some(map) = self.object("", document, &["rules", "override"]) else { return config };
        for (at, name) in self.texts("/override", map.get("override")) {
            match name.as_str() {
                "priority" => config.overrides.push(Property::Priority),
                "group" => config.overrides.push(Property::Group),
                _ => self.add(&at, format!("`{name}` cannot be overridden; use `priority` or `group`")),
            }
        }
        match map.get("rules") {
            None => self.add("/rules", "is missing; it is the list of rules"),
            Some(Json::Array(rules)) if rules.len() > MOST_RULES => {
                self.add("/rules", format!("has {} rules; {MOST_RULES} are allowed", rules.len()));
            }
            Some(Json::Array(rules)) => {
                config.rules = rules.iter().enumerate().map(|(n, r)| self.rule(&format!("/rules/{n}"), r)).collect();
            }
            Some(_) => self.add("/rules", "must be a list"),
        }
        config
    }

    fn rule(&mut self, at: &str, rule: &Json) -> Rule {
        let mut out = Rule { name: None, when: When::default(), then: Then::default() };
        let Some(map) = self.object(at, rule, &["name", "if", "then"]) else { return out };
        out.name = self.text(&format!("{at}/name"), map.get("name"));
        match map.get("if") {
            Some(when) => out.when = self.when(&format!("{at}/if"), when),
            None => self.add(&format!("{at}/if"), "is missing; `{}` matches every ticket"),
        }
        match map.get("then") {
            Some(then) => out.then = self.then(&format!("{at}/then"), then),
            None => self.add(&format!("{at}/then"), "is missing; it says what to set"),
        }
        out
    }

    fn when(&mut self, at: &str, when: &Json) -> When {
        let mut out = When::default();
        let Some(map) = self.object(at, when, &["words", "all", "none", "in", "type", "fields"]) else { return out };
        out.any = map.contains_key("words").then(|| self.patterns(&format!("{at}/words"), map.get("words")));
        if map.get("words").and_then(Json::as_array).is_some_and(Vec::is_empty) {
            self.add(&format!("{at}/words"), "needs at least one word");
        }
        out.all = self.patterns(&format!("{at}/all"), map.get("all"));
        out.none = self.patterns(&format!("{at}/none"), map.get("none"));
        match self.text(&format!("{at}/in"), map.get("in")).as_deref() {
            None | Some("text") => {}
            Some("title") => out.title_only = true,
            Some(other) => self.add(&format!("{at}/in"), format!("`{other}` is neither `title` nor `text`")),
        }
        if let Some(wanted) = map.get("type") {
            out.fields.push(("type".into(), self.alternatives(&format!("{at}/type"), wanted)));
        }
        if let Some(fields) = map.get("fields") {
            let place = format!("{at}/fields");
            if let Some(fields) = self.object(&place, fields, &COMPARABLE) {
                for (name, wanted) in fields {
                    out.fields.push((name.clone(), self.alternatives(&format!("{place}/{}", escape(name)), wanted)));
                }
            }
        }
        out
    }

    fn then(&mut self, at: &str, then: &Json) -> Then {
        let mut out = Then::default();
        let Some(map) = self.object(at, then, &["priority", "tags", "group"]) else { return out };
        if map.is_empty() {
            self.add(at, "sets nothing; give it `priority`, `tags` or `group`");
        }
        out.priority = self.text(&format!("{at}/priority"), map.get("priority"));
        if let Some(other) = out.priority.as_deref().filter(|p| !PRIORITIES.contains(p)) {
            self.add(&format!("{at}/priority"), format!("`{other}` is none of {}", PRIORITIES.join(", ")));
        }
        out.tags = self.texts(&format!("{at}/tags"), map.get("tags")).into_iter().map(|(_, tag)| tag).collect();
        out.group = self.text(&format!("{at}/group"), map.get("group"));
        out
    }

    fn object<'j>(&mut self, at: &str, json: &'j Json, known: &[&str]) -> Option<&'j Map<String, Json>> {
        let Json::Object(map) = json else {
            self.add(at, "must be an object");
            return None;
        };
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            self.add(&format!("{at}/{}", escape(key)), format!("is not known here; known are {}", known.join(", ")));
        }
        Some(map)
    }

    fn text(&mut self, at: &str, json: Option<&Json>) -> Option<String> {
        match json? {
            Json::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.add(at, "must be a text that is not empty");
                None
            }
        }
    }

    fn texts(&mut self, at: &str, json: Option<&Json>) -> Vec<(String, String)> {
        let items = match json {
            None => return Vec::new(),
            Some(Json::Array(items)) if items.len() <= MOST_WORDS => items,
            Some(Json::Array(items)) => {
                self.add(at, format!("has {} entries; {MOST_WORDS} are allowed", items.len()));
                return Vec::new();
            }
            Some(_) => {
                self.add(at, "must be a list of texts");
                return Vec::new();
            }
        };
        let places = items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item));
        places.filter_map(|(place, item)| self.text(&place, Some(item)).map(|text| (place, text))).collect()
    }

    fn patterns(&mut self, at: &str, json: Option<&Json>) -> Vec<Pattern> {
        let mut out = Vec::new();
        for (place, text) in self.texts(at, json) {
            match Pattern::parse(&text) {
                Some(pattern) => out.push(pattern),
                None => self.add(&place, format!("`{text}` is no word; `*` may only stand at the end of one")),
            }
        }
        out
    }

    /// One text or a list of them, folded.
    fn alternatives(&mut self, at: &str, json: &Json) -> Vec<String> {
        let texts = match json {
            Json::Array(_) => self.texts(at, Some(json)).into_iter().map(|(_, text)| text).collect(),
            _ => self.text(at, Some(json)).into_iter().collect::<Vec<_>>(),
        };
        texts.iter().map(|t| fold(t)).collect()
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
