//! How large a document is once its fragments are expanded, counted without expanding them: each fragment is measured
//! once.

use std::cell::RefCell;
use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::registry::{MetaTypeName, Registry};
use async_graphql::{Name, Positioned, ServerError, ServerResult, Value, Variables};

/// Deepest nesting of selections, fragments included, that is measured at all.
const NESTING_MAX: u32 = 64;

/// Lists without `first` whose items hold objects of their own, and how many there usually are.
const LISTS: &[(&str, &str, u64)] = &[
    ("Approval", "steps", 3),
    ("Approval", "allSteps", 6),
    ("ApprovalStep", "slots", 5),
    ("ApprovalSlot", "decisions", 2),
    ("ApprovalForecast", "steps", 3),
    ("ApprovalStepForecast", "asked", 5),
    ("InboxChange", "came", 10),
];

/// The size of a set of selections. Numbers saturate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Selections in all.
    pub(super) selections: u64,
    /// Fields inside fields, introspection apart.
    pub(super) depth: u32,
    /// Aliases.
    pub(super) aliases: u64,
    /// Fields at the top.
    pub(super) roots: u64,
    /// Most directives on one field.
    pub(super) directives: u64,
    /// Lists inside lists of introspection: they multiply.
    pub(super) lists: u32,
    /// Cost.
    pub(super) cost: u64,
    /// Cost per item, where the parent is a connection.
    each: u64,
}

impl Size {
    /// Side by side.
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            roots: self.roots.saturating_add(other.roots),
            directives: self.directives.max(other.directives),
            lists: self.lists.max(other.lists),
            cost: self.cost.saturating_add(other.cost),
            each: self.each.saturating_add(other.each),
        }
    }
}

/// Measures one operation of a document.
pub(super) struct Sizes<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// Per fragment; none while it is being measured.
    known: RefCell<HashMap<&'a str, Option<Size>>>,
}

impl<'a> Sizes<'a> {
    /// Of its own for every operation: fragments cost what its variables make of them.
    pub(super) fn new(
        registry: &'a Registry,
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
    ) -> Self {
        Self { registry, document, operation, variables, known: RefCell::default() }
    }

    pub(super) fn operation(&self) -> ServerResult<Size> {
        let operation = self.operation;
        let root = match operation.ty {
            OperationType::Query => Some(self.registry.query_type.as_str()),
            OperationType::Mutation => self.registry.mutation_type.as_deref(),
            OperationType::Subscription => self.registry.subscription_type.as_deref(),
        };
        let command = if operation.ty == OperationType::Mutation { 10 } else { 0 };
        let size = self.set(root, &operation.selection_set, 0)?;
        Ok(Size { cost: size.cost.saturating_add(size.roots.saturating_mul(command)), ..size })
    }

    fn set(&self, parent: Option<&'a str>, set: &'a Positioned<SelectionSet>, nested: u32) -> ServerResult<Size> {
        if nested > NESTING_MAX {
            return Err(too_deep(set));
        }
        let mut size = Size::default();
        for selection in &set.node.items {
            let one = match &selection.node {
                Selection::Field(field) => self.field(parent, &field.node, nested)?,
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|it| it.node.on.node.as_str());
                    let inner = self.set(on.or(parent), &fragment.node.selection_set, nested + 1)?;
                    Size { selections: inner.selections.saturating_add(1), ..inner }
                }
                Selection::FragmentSpread(spread) => {
                    let inner = self.fragment(spread.node.fragment_name.node.as_str(), nested)?;
                    Size { selections: inner.selections.saturating_add(1), ..inner }
                }
            };
            size = size.and(one);
        }
        Ok(size)
    }

    fn fragment(&self, name: &str, nested: u32) -> ServerResult<Size> {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Size::default()); // validation names the unknown fragment
        };
        let known = self.known.borrow().get(name.as_str()).copied();
        match known {
            Some(Some(size)) => return Ok(size),
            Some(None) => {
                let text = format!("fragment `{name}` contains itself; remove the circle");
                return Err(crate::fault::bad_input(text).into_server_error(fragment.pos));
            }
            None => {}
        }
        self.known.borrow_mut().insert(name.as_str(), None);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let size = self.set(Some(on), &fragment.node.selection_set, nested + 1)?;
        self.known.borrow_mut().insert(name.as_str(), Some(size));
        Ok(size)
    }

    fn field(&self, parent: Option<&'a str>, field: &'a Field, nested: u32) -> ServerResult<Size> {
        let name = field.name.node.as_str();
        let introspects = matches!(name, "__schema" | "__type");
        let meta = parent.and_then(|parent| self.registry.types.get(parent)?.field_by_name(name));
        // Introspection has a limit of its own and no cost.
        let inside = parent.is_some_and(|parent| parent.starts_with("__")) || introspects;
        let of = match name {
            "__schema" => Some("__Schema"),
            "__type" => Some("__Type"),
            _ => meta.map(|meta| MetaTypeName::concrete_typename(&meta.ty)),
        };
        let inner = self.set(of, &field.selection_set, nested + 1)?;
        let multiplies = inside && matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
        let object = !field.selection_set.node.items.is_empty();
        let (cost, each) = if inside || !object { (0, 0) } else { self.cost(parent, of, field, inner) };
        Ok(Size {
            selections: inner.selections.saturating_add(1),
            depth: if inside { 0 } else { inner.depth + 1 },
            aliases: inner.aliases + u64::from(field.alias.is_some()),
            roots: 1,
            directives: inner.directives.max(field.directives.len() as u64),
            lists: inner.lists + u32::from(multiplies),
            cost,
            each,
        })
    }

    /// An object costs 1 and what is in it; a connection 1 and that for each of its items; a search five times as much.
    fn cost(&self, parent: Option<&str>, of: Option<&str>, field: &Field, inner: Size) -> (u64, u64) {
        let connection = |name: Option<&str>| name.is_some_and(|name| name.ends_with("Connection"));
        let items = if let Some(first) = self.argument(field, "first") {
            match first {
                Value::Number(number) => number.as_u64().unwrap_or(1),
                _ => 1,
            }
        } else if let Some(Value::List(ids)) = self.argument(field, "ids") {
            ids.len() as u64
        } else {
            usual(parent, field.name.node.as_str())
        };
        let searches = self.argument(field, "filter").is_some_and(|filter| mentions_text(&filter))
            || self.argument(field, "search").is_some_and(|search| search != Value::Null);
        let once = if connection(of) {
            inner.cost.saturating_add(items.saturating_mul(inner.each)).saturating_add(1)
        } else {
            items.saturating_mul(inner.cost.saturating_add(inner.each).saturating_add(1))
        };
        let cost = once.saturating_mul(if searches { 5 } else { 1 });
        // What a connection holds counts per item.
        let per_item = connection(parent) && matches!(field.name.node.as_str(), "edges" | "nodes");
        if per_item { (0, cost) } else { (cost, 0) }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let given = field.get_argument(name)?.node.clone();
        given.into_const_with(|name| Ok::<_, ()>(self.variable(&name))).ok()
    }

    /// As it was sent; its default when it was omitted.
    fn variable(&self, name: &Name) -> Value {
        if let Some(sent) = self.variables.get(name) {
            return sent.clone();
        }
        let mut definitions = self.operation.variable_definitions.iter();
        let definition = definitions.find(|definition| definition.node.name.node == *name);
        let default = definition.and_then(|definition| definition.node.default_value.as_ref());
        default.map(|value| value.node.clone()).unwrap_or_default()
    }
}

/// How long a list without `first` usually is, where one is paid for.
fn usual(parent: Option<&str>, field: &str) -> u64 {
    let of = |(on, name, _): &&(&str, &str, u64)| parent == Some(*on) && field == *name;
    LISTS.iter().find(of).map_or(1, |(_, _, items)| *items)
}

fn mentions_text(filter: &Value) -> bool {
    match filter {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| (name == "text" && matches!(value, Value::String(_))) || mentions_text(value)),
        Value::List(items) => items.iter().any(mentions_text),
        _ => false,
    }
}

fn too_deep(set: &Positioned<SelectionSet>) -> ServerError {
    let text = format!("the document nests deeper than {NESTING_MAX} levels; ask for less");
    crate::fault::coded(crate::fault::QUERY_TOO_COMPLEX, text).into_server_error(set.pos)
}
