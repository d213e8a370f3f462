//! Scalars of the schema, each with the place where it is specified.

use async_graphql::{Description, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use helpdesk_core::event::Cursor;
use helpdesk_core::time::Timestamp;
use uuid::Uuid;

/// An instant as RFC 3339 writes it, with an offset: `2026-01-31T09:30:00Z`. Kept to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub(crate) struct DateTime(pub Timestamp);

#[Scalar(use_type_description, name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text.parse()?)),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A UUID (RFC 9562). Those the desk makes, and those clients bring, are of version 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub(crate) struct UuidValue(pub Uuid);

#[Scalar(use_type_description, name = "UUID", specified_by_url = "https://www.rfc-editor.org/rfc/rfc9562")]
impl ScalarType for UuidValue {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(Uuid::try_parse(&text)?)),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A place in the log of events. Opaque: hand it back unchanged. Of two cursors the later one was handed out by the
/// later write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub(crate) struct EventCursor(pub Cursor);

#[Scalar(
    use_type_description,
    name = "EventCursor",
    specified_by_url = "https://docs.rs/helpdesk-core/latest/helpdesk_core/event/struct.Cursor.html"
)]
impl ScalarType for EventCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text.parse()?)),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON value (RFC 8259).
#[derive(Debug, Clone, PartialEq, Description)]
pub(crate) struct Json(pub Value);

#[Scalar(use_type_description, name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }
    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

impl Json {
    /// Reads JSON text; text that is none becomes a JSON string.
    pub(crate) fn of(text: &str) -> Self {
        let parsed: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let value = parsed.and_then(|value| Value::from_json(value).ok());
        Self(value.unwrap_or_else(|| Value::String(text.into())))
    }
    /// The value as JSON text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default() // a GraphQL value always serialises
    }
}
