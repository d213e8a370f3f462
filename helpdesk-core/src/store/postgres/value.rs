//! Values as PostgreSQL sends and receives them, in its binary format.

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type};
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::sql::column::{Column, Kind, Seen, Val, odd};
use crate::store::sql::image::Image;

/// The value of one placeholder.
#[derive(Debug, Clone)]
pub(super) enum Param {
    /// One value.
    One(Val),
    /// A column of values, for `unnest` and `ANY`.
    Many(Kind, Vec<Val>),
}

impl Param {
    pub(super) fn uuid(id: impl Into<Uuid>) -> Self {
        Self::One(Val::Uuid(id.into()))
    }
    pub(super) fn int(int: i64) -> Self {
        Self::One(Val::Int(int))
    }
    pub(super) fn text(text: &str) -> Self {
        Self::One(Val::Text(text.into()))
    }
    pub(super) fn uuids(ids: impl IntoIterator<Item = impl Into<Uuid>>) -> Self {
        Self::Many(Kind::Uuid, ids.into_iter().map(|id| Val::Uuid(id.into())).collect())
    }
    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Many(Kind::Text, texts.into_iter().map(|text| Val::Text(text.into())).collect())
    }

    /// What the server is told about it.
    pub(super) fn of_type(&self) -> Type {
        match self {
            Self::One(val) => match val {
                Val::Uuid(_) => Type::UUID,
                Val::Int(_) => Type::INT8,
                Val::Text(_) | Val::Words(_) => Type::TEXT,
                Val::Bool(_) => Type::BOOL,
                Val::Bytes(_) => Type::BYTEA,
            },
            Self::Many(kind, _) => match kind {
                Kind::Uuid => Type::UUID_ARRAY,
                Kind::Int => Type::INT8_ARRAY,
                Kind::Text | Kind::Words => Type::TEXT_ARRAY,
                Kind::Bool => Type::BOOL_ARRAY,
                Kind::Bytes => Type::BYTEA_ARRAY,
            },
        }
    }
}

type Failed = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Val {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match self {
            Self::Uuid(id) => id.to_sql(ty, out),
            Self::Int(int) => int.to_sql(ty, out),
            Self::Text(text) => text.as_str().to_sql(ty, out),
            Self::Bool(is) => is.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.as_slice().to_sql(ty, out),
            Self::Words(words) => words.as_str().to_sql(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true // every placeholder is declared with the type of its value
    }
    tokio_postgres::types::to_sql_checked!();
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match self {
            Self::One(val) => val.to_sql(ty, out),
            Self::Many(_, vals) => vals.to_sql(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}

/// A value sea-query has put aside.
pub(super) fn from_query(value: sea_query::Value) -> Result<Param, StoreError> {
    use sea_query::Value;
    let val = match value {
        Value::Bool(Some(is)) => Val::Bool(is),
        Value::BigInt(Some(int)) => Val::Int(int),
        Value::Int(Some(int)) => Val::Int(int.into()),
        Value::SmallInt(Some(int)) => Val::Int(int.into()),
        Value::Unsigned(Some(int)) => Val::Int(int.into()),
        Value::String(Some(text)) => Val::Text(text),
        Value::Bytes(Some(bytes)) => Val::Bytes(bytes),
        Value::Uuid(Some(id)) => Val::Uuid(id),
        other => return Err(odd("a value for a placeholder", other)),
    };
    Ok(Param::One(val))
}

fn unreadable(error: tokio_postgres::Error) -> StoreError {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    StoreError::Defect(format!("{error}{cause}"))
}

/// One column of a row.
pub(super) fn seen(row: &Row, at: usize, kind: Kind) -> Result<Seen<'_>, StoreError> {
    Ok(match kind {
        Kind::Uuid => Seen::Uuid(row.try_get(at).map_err(unreadable)?),
        Kind::Int => Seen::Int(row.try_get(at).map_err(unreadable)?),
        Kind::Text => Seen::Text(row.try_get(at).map_err(unreadable)?),
        Kind::Bool => Seen::Bool(row.try_get(at).map_err(unreadable)?),
        Kind::Bytes => Seen::Bytes(row.try_get(at).map_err(unreadable)?),
        Kind::Words => Seen::Words(""), // indexed, never read
    })
}

/// One column of a row, as a Rust type.
pub(super) fn get<C: Column>(row: &Row, at: usize) -> Result<C, StoreError> {
    C::get(seen(row, at, C::KIND)?)
}

/// A column that may be NULL: the number of an outer join or an empty aggregate.
pub(super) fn maybe_int(row: &Row, at: usize) -> Result<Option<i64>, StoreError> {
    row.try_get(at).map_err(unreadable)
}

/// A row image whose columns begin at `at`.
pub(super) fn image<T: Image>(row: &Row, at: usize) -> Result<T, StoreError> {
    let mut failed = None;
    // Lazily: what an image does not read is not decoded.
    let mut values = T::TABLE.columns.iter().enumerate().map_while(|(i, (_, kind))| {
        let seen = seen(row, at + i, *kind);
        seen.map_err(|error| failed = Some(error)).ok()
    });
    let image = T::read(&mut values);
    match failed {
        Some(error) => Err(error),
        None => image,
    }
}

/// Row images, one per row.
pub(super) fn images<T: Image>(rows: &[Row]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| image(row, 0)).collect()
}

/// Row images out of one array per column, as [`super::parts::arrays`] asks for them: every column but the first two,
/// which are the same for all. An empty aggregate is NULL.
pub(super) fn transposed<T: Image>(row: &Row, at: usize, first: [Seen<'_>; 2]) -> Result<Vec<T>, StoreError> {
    let columns = &T::TABLE.columns[2..];
    let arrays = columns.iter().enumerate().map(|(i, (_, kind))| array(row, at + i, *kind));
    let mut arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let count = arrays.first().map_or(0, ExactSizeIterator::len);
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        let rest = arrays.iter_mut().filter_map(Iterator::next);
        out.push(T::read(&mut first.into_iter().chain(rest))?);
    }
    Ok(out)
}

fn array(row: &Row, at: usize, kind: Kind) -> Result<std::vec::IntoIter<Seen<'_>>, StoreError> {
    fn read<'a, T: tokio_postgres::types::FromSql<'a>>(
        row: &'a Row,
        at: usize,
        make: impl Fn(T) -> Seen<'a>,
    ) -> Result<Vec<Seen<'a>>, StoreError> {
        let list: Option<Vec<T>> = row.try_get(at).map_err(unreadable)?;
        Ok(list.unwrap_or_default().into_iter().map(make).collect())
    }
    let vals = match kind {
        Kind::Uuid => read(row, at, Seen::Uuid),
        Kind::Int => read(row, at, Seen::Int),
        Kind::Text | Kind::Words => read(row, at, Seen::Text),
        Kind::Bool => read(row, at, Seen::Bool),
        Kind::Bytes => read(row, at, Seen::Bytes),
    };
    vals.map(Vec::into_iter)
}
