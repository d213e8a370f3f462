//! The configuration's JSON Schema: a small, strict part of the standard (draft 2020-12), enough for forms.
//! A keyword outside that part refuses the manifest, so that no author believes in a check that never runs.

use serde_json::{Map, Value as Json};

const TYPES: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];
const DEEPEST: usize = 32;

/// A checked schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema(Json);

/// A schema this host cannot hold a configuration against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` of the schema {message}")]
pub struct SchemaError {
    /// A JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

/// A place in a configuration that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, for people.
    pub message: String,
}

impl Schema {
    /// Checks the schema itself.
    ///
    /// # Errors
    /// The first keyword that is unknown or malformed.
    pub fn parse(schema: Json) -> Result<Self, SchemaError> {
        well_formed(&schema, "", 0)?;
        Ok(Self(schema))
    }

    /// The schema as JSON.
    #[must_use]
    pub fn as_json(&self) -> &Json {
        &self.0
    }

    /// All problems of a configuration; none means it fits.
    #[must_use]
    pub fn check(&self, config: &Json) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        check(&self.0, config, &mut String::new(), &mut problems);
        problems
    }
}

fn well_formed(schema: &Json, at: &str, depth: usize) -> Result<(), SchemaError> {
    let wrong =
        |place: &str, message: &str| Err(SchemaError { pointer: format!("{at}{place}"), message: message.to_owned() });
    let Json::Object(map) = schema else { return wrong("", "must be an object") };
    if depth > DEEPEST {
        return wrong("", "is nested too deeply");
    }
    for (key, value) in map {
        let place = format!("/{}", escape(key));
        match key.as_str() {
            "title" | "description" | "default" | "examples" | "format" | "$schema" => {}
            "type" if value.as_str().is_some_and(|t| TYPES.contains(&t)) => {}
            "type" => return wrong(&place, "must be one name of a JSON type"),
            "properties" => {
                let Json::Object(properties) = value else { return wrong(&place, "must be an object") };
                for (name, inner) in properties {
                    well_formed(inner, &format!("{at}{place}/{}", escape(name)), depth + 1)?;
                }
            }
            "required" if texts(value).is_some() => {}
            "required" => return wrong(&place, "must be a list of names"),
            "additionalProperties" if value.is_boolean() => {}
            "additionalProperties" | "items" => well_formed(value, &format!("{at}{place}"), depth + 1)?,
            "enum" if value.is_array() => {}
            "enum" => return wrong(&place, "must be a list"),
            "const" => {}
            "minimum" | "maximum" if value.is_number() => {}
            "minLength" | "maxLength" | "minItems" | "maxItems" if value.is_u64() => {}
            "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => {
                return wrong(&place, "must be a number");
            }
            _ => return wrong(&place, "is a keyword that this host does not check; remove it"),
        }
    }
    Ok(())
}

fn check(schema: &Json, value: &Json, at: &mut String, problems: &mut Vec<ConfigProblem>) {
    let Json::Object(rules) = schema else { return };
    let mut wrong = |message: String| problems.push(ConfigProblem { pointer: at.clone(), message });
    if let Some(wanted) = rules.get("type").and_then(Json::as_str)
        && !is_type(value, wanted)
    {
        return wrong(format!("must be of type {wanted}"));
    }
    if let Some(Json::Array(allowed)) = rules.get("enum")
        && !allowed.contains(value)
    {
        let names: Vec<_> = allowed.iter().map(Json::to_string).collect();
        return wrong(format!("must be one of {}", names.join(", ")));
    }
    if let Some(only) = rules.get("const").filter(|only| *only != value) {
        return wrong(format!("must be {only}"));
    }
    let size = match value {
        Json::String(text) => Some((text.chars().count(), "minLength", "maxLength", "characters")),
        Json::Array(items) => Some((items.len(), "minItems", "maxItems", "items")),
        _ => None,
    };
    if let Some((size, min, max, unit)) = size {
        let bound = |key: &str| rules.get(key).and_then(Json::as_u64);
        if let Some(least) = bound(min).filter(|least| (size as u64) < *least) {
            wrong(format!("needs at least {least} {unit}"));
        }
        if let Some(most) = bound(max).filter(|most| size as u64 > *most) {
            wrong(format!("may have at most {most} {unit}"));
        }
    }
    if let Some(number) = value.as_f64() {
        let bound = |key: &str| rules.get(key).and_then(Json::as_f64);
        if let Some(least) = bound("minimum").filter(|least| number < *least) {
            wrong(format!("must be at least {least}"));
        }
        if let Some(most) = bound("maximum").filter(|most| number > *most) {
            wrong(format!("must be at most {most}"));
        }
    }
    match value {
        Json::Object(map) => check_object(rules, map, at, problems),
        Json::Array(items) => {
            if let Some(inner) = rules.get("items") {
                for (n, item) in items.iter().enumerate() {
                    within(at, &n.to_string(), |at| check(inner, item, at, problems));
                }
            }
        }
        _ => {}
    }
}

fn check_object(
    rules: &Map<String, Json>,
    map: &Map<String, Json>,
    at: &mut String,
    problems: &mut Vec<ConfigProblem>,
) {
    let empty = Map::new();
    let known = rules.get("properties").and_then(Json::as_object).unwrap_or(&empty);
    for name in rules.get("required").and_then(texts).unwrap_or_default().into_iter().filter(|n| !map.contains_key(*n))
    {
        within(at, name, |at| problems.push(ConfigProblem { pointer: at.clone(), message: "is missing".into() }));
    }
    for (name, value) in map {
        within(at, name, |at| match (known.get(name), rules.get("additionalProperties")) {
            (Some(inner), _) => check(inner, value, at, problems),
            (None, Some(Json::Bool(false))) => {
                problems.push(ConfigProblem { pointer: at.clone(), message: "is not known here".into() });
            }
            (None, Some(inner)) => check(inner, value, at, problems),
            (None, None) => {}
        });
    }
}

fn within(at: &mut String, step: &str, then: impl FnOnce(&mut String)) {
    let before = at.len();
    at.push('/');
    at.push_str(&escape(step));
    then(at);
    at.truncate(before);
}

fn is_type(value: &Json, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

fn texts(value: &Json) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Json::as_str).collect()
}

fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn problems_have_their_places() {
        let schema = Schema::parse(json!({
            "type": "object", "required": ["url", "n"], "additionalProperties": false,
            "properties": {
                "url": { "type": "string", "minLength": 3 },
                "n": { "type": "integer", "minimum": 1, "maximum": 9 },
                "list": { "type": "array", "maxItems": 2, "items": { "enum": ["a", "b"] } },
            },
        }))
        .unwrap();
        let check = |config: Json| {
            let all: Vec<_> =
                schema.check(&config).into_iter().map(|p| format!("{} {}", p.pointer, p.message)).collect();
            all.join("; ")
        };
        assert_eq!(check(json!({ "url": "abc", "n": 3, "list": ["a"] })), "");
        assert_eq!(check(json!([])), " must be of type object");
        assert_eq!(
            check(json!({ "url": "é", "list": ["a", "c", 1], "x/y": 1 })),
            "/n is missing; /list may have at most 2 items; /list/1 must be one of \"a\", \"b\"; \
             /list/2 must be one of \"a\", \"b\"; /url needs at least 3 characters; /x~1y is not known here"
        );
        assert_eq!(check(json!({ "url": "abc", "n": 10 })), "/n must be at most 9");
        assert_eq!(check(json!({ "url": "abc", "n": 1.5 })), "/n must be of type integer");
    }

    #[test]
    fn a_keyword_that_would_not_be_checked_is_refused() {
        let refused = |schema: Json| Schema::parse(schema).unwrap_err().to_string();
        assert_eq!(
            refused(json!({ "properties": { "a": { "pattern": "x" } } })),
            "`/properties/a/pattern` of the schema is a keyword that this host does not check; remove it"
        );
        assert_eq!(refused(json!({ "type": "text" })), "`/type` of the schema must be one name of a JSON type");
        assert_eq!(refused(json!(true)), "`` of the schema must be an object");
    }
}
