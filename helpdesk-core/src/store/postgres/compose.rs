//! A commit taken apart: its [`Shape`] and its values, in the order of the shape's placeholders.

use std::collections::BTreeMap;

use super::head;
use super::shape::{Act, EpochShape, EventShape, Part, Shape};
use super::value::Param;
use crate::id::TenantId;
use crate::store::sql::column::{Column, Kind, Val};
use crate::store::sql::image::{self, Table};
use crate::store::sql::owner::one_tenant;
use crate::store::sql::search::lexemes;
use crate::store::{Commit, Epoch, Key, Lease, NewEvent, NewJob, StoreError, Write};

/// A commit ready to be rendered and sent.
pub(super) struct Composed {
    pub(super) shape: Shape,
    pub(super) params: Vec<Param>,
    pub(super) tables: Vec<&'static Table>,
}

/// Rows of one table to be treated alike: for each the key (and version) it is found by, and all its new values.
struct Rows {
    table: &'static Table,
    act: Act,
    found_by: Vec<Vec<Val>>,
    values: Vec<Vec<Val>>,
}

/// Takes `commit` apart.
pub(super) fn compose(commit: &Commit) -> Result<Composed, StoreError> {
    one_tenant(commit)?;
    let (mut checked, mut plain): (Vec<Rows>, Vec<Rows>) = (vec![], vec![]);
    for write in &commit.writes {
        sort(write, commit.tenant, &mut checked, &mut plain);
    }
    // In order of table, so that the order of writes makes no other shape.
    for rows in [&mut checked, &mut plain] {
        rows.sort_by_key(|rows| (rows.table.name, rows.act.rank()));
    }
    let mut params = vec![Param::uuid(commit.tenant)];
    let epoch = match commit.epoch {
        Epoch::Begin => EpochShape::Begin,
        Epoch::Seen(epoch) => {
            params.push(Param::int(epoch));
            EpochShape::Seen
        }
        Epoch::Move(epoch) => {
            params.push(Param::int(epoch));
            EpochShape::Move
        }
    };
    if let Some(Lease { tenant, job, token }) = commit.done {
        params.extend([Param::uuid(tenant), Param::uuid(job), Param::uuid(token)]);
    }
    // In order of id, so that two commits lock them in the same order.
    let mut reads = commit.reads.clone();
    reads.sort_unstable();
    reads.dedup();
    if !reads.is_empty() {
        params.push(Param::uuids(reads.iter().map(|(id, _)| *id)));
        params.push(Param::Many(Kind::Int, reads.iter().map(|(_, version)| Val::Int(*version)).collect()));
    }
    let tables = checked.iter().chain(&plain).map(|rows| rows.table).collect();
    let mut parts = |rows: Vec<Rows>, checked: bool| -> Vec<Part> {
        rows.into_iter().map(|rows| rows.put(checked, &mut params)).collect()
    };
    let (checked, plain) = (parts(checked, true), parts(plain, false));
    if !commit.jobs.is_empty() {
        params.extend(job_columns(&commit.jobs));
    }
    if let Some(key) = &commit.key {
        params.extend(key_values(key));
    }
    let events = put_events(&commit.events, &mut params);
    let shape = Shape {
        epoch,
        lease: commit.done.is_some(),
        reads: !reads.is_empty(),
        checked,
        plain,
        jobs: !commit.jobs.is_empty(),
        key: commit.key.is_some(),
        events,
    };
    Ok(Composed { shape, params, tables })
}

/// Puts one row with its like.
fn sort(write: &Write, tenant: TenantId, checked: &mut Vec<Rows>, plain: &mut Vec<Rows>) {
    let values = |row: &_| {
        let (table, mut values) = image::of(row);
        for val in &mut values {
            if let Val::Words(words) = val {
                *words = lexemes(tenant, words).join(" ");
            }
        }
        (table, values)
    };
    let (before, after) = (write.before.as_ref().map(values), write.after.as_ref().map(values));
    let (table, act, found_by, values) = match (before, after) {
        (None, None) => return,
        (None, Some((table, mut after))) => (head::completed(table, &mut after), Act::Insert, vec![], after),
        (Some((table, before)), None) => (table, Act::Delete, before, vec![]),
        (Some((table, before)), Some((_, mut after))) => {
            let changed = before.iter().zip(&after).enumerate().filter(|(_, (old, new))| old != new);
            let mask = changed.fold(0_u64, |mask, (i, _)| mask | 1 << i);
            if mask == 0 {
                return;
            }
            let mask = table.widened(mask) | head::bit(table);
            (head::completed(table, &mut after), Act::Update(mask), before, after)
        }
    };
    let counts = table.version.is_some() && act != Act::Insert;
    let group = if counts { checked } else { plain };
    let alike = |rows: &&mut Rows| rows.table.name == table.name && rows.act.rank() == act.rank();
    let found_by = match act {
        Act::Insert => vec![],
        Act::Update(_) | Act::Delete => {
            let version = table.version.filter(|_| counts);
            (1..table.key).chain(version).map(|i| found_by[i].clone()).collect()
        }
    };
    match group.iter_mut().find(alike) {
        Some(rows) => {
            if let (Act::Update(all), Act::Update(mask)) = (&mut rows.act, act) {
                *all |= mask;
            }
            rows.found_by.push(found_by);
            rows.values.push(values);
        }
        None => group.push(Rows { table, act, found_by: vec![found_by], values: vec![values] }),
    }
}

impl Rows {
    fn put(self, checked: bool, params: &mut Vec<Param>) -> Part {
        let Self { table, act, found_by, values } = self;
        let many = found_by.len() > 1;
        let version = table.version.filter(|_| checked);
        let finders: Vec<usize> = match act {
            Act::Insert => vec![],
            Act::Update(_) | Act::Delete => (1..table.key).chain(version).collect(),
        };
        let set: Vec<usize> = match act {
            Act::Insert => (1..table.columns.len()).collect(),
            Act::Update(mask) => (1..table.columns.len()).filter(|i| mask & (1 << i) != 0).collect(),
            Act::Delete => vec![],
        };
        let finders = finders.into_iter().map(|i| table.columns[i].1);
        push_columns(finders, found_by, many, params);
        let values = values.into_iter().map(|row| pick(row, &set)).collect();
        push_columns(set.iter().map(|i| table.columns[*i].1), values, many, params);
        Part { table: table.name, act, many }
    }
}

/// The values at `places`, which ascend.
fn pick(row: Vec<Val>, places: &[usize]) -> Vec<Val> {
    let mut places = places.iter().peekable();
    row.into_iter()
        .enumerate()
        .filter(|(i, _)| places.next_if(|place| *place == i).is_some())
        .map(|(_, val)| val)
        .collect()
}

fn push_columns(kinds: impl Iterator<Item = Kind>, rows: Vec<Vec<Val>>, many: bool, params: &mut Vec<Param>) {
    if many {
        let mut columns: Vec<(Kind, Vec<Val>)> = kinds.map(|kind| (kind, Vec::with_capacity(rows.len()))).collect();
        for row in rows {
            for ((_, column), val) in columns.iter_mut().zip(row) {
                column.push(val);
            }
        }
        params.extend(columns.into_iter().map(|(kind, vals)| Param::Many(kind, vals)));
    } else {
        params.extend(rows.into_iter().flatten().map(Param::One));
    }
}

/// One array per column of [`JOB_COLUMNS`](super::shape::JOB_COLUMNS). Of jobs with one key only the last counts.
pub(super) fn job_columns(jobs: &[NewJob]) -> Vec<Param> {
    let last: BTreeMap<_, &NewJob> = jobs.iter().map(|job| ((job.tenant, &job.queue, &job.key), job)).collect();
    let column =
        |kind: Kind, of: &dyn Fn(&NewJob) -> Val| Param::Many(kind, last.values().map(|job| of(job)).collect());
    vec![
        column(Kind::Uuid, &|job| job.tenant.put()),
        column(Kind::Uuid, &|job| job.id.put()),
        column(Kind::Text, &|job| job.queue.put()),
        column(Kind::Text, &|job| job.key.put()),
        column(Kind::Text, &|job| job.subject.put()),
        column(Kind::Int, &|job| job.seq.put()),
        column(Kind::Int, &|job| job.priority.put()),
        column(Kind::Int, &|job| job.run_at.put()),
        column(Kind::Int, &|job| job.tries.put()),
        column(Kind::Text, &|job| job.data.put()),
    ]
}

fn key_values(key: &Key) -> impl Iterator<Item = Param> {
    let (kind, id) = key.subject.as_ref().map_or(("", String::new()), |subject| (subject.kind(), subject.key()));
    [
        key.by.put(),
        key.key.put(),
        key.hash.put(),
        key.made.put(),
        key.version.put(),
        Val::Text(kind.into()),
        Val::Text(id),
        key.at.put(),
    ]
    .into_iter()
    .map(Param::One)
}

/// Values of events: subject, origin and the rest, see [`EVENT_SUBJECT`](super::shape::EVENT_SUBJECT) and its like.
fn put_events(events: &[NewEvent], params: &mut Vec<Param>) -> EventShape {
    let [first, others @ ..] = events else { return EventShape::None };
    let subject = |event: &NewEvent| {
        vec![Val::Text(event.subject.kind().into()), Val::Text(event.subject.key()), event.version.put()]
    };
    let origin = |event: &NewEvent| {
        // Plain data with string keys always serialises.
        let cause = serde_json::to_string(&*event.cause).unwrap_or_default();
        vec![event.by.put(), Val::Text(cause), event.occurred_at.put(), event.recorded_at.put()]
    };
    let rest = |event: &NewEvent| {
        vec![
            event.id.put(),
            event.ord.put(),
            Val::Text(event.event.kind().into()),
            Val::Int(event.event.schema().into()),
            Val::Bool(event.internal),
            Val::Text(event.event.data()),
        ]
    };
    const SUBJECT: [Kind; 3] = [Kind::Text, Kind::Text, Kind::Int];
    const ORIGIN: [Kind; 4] = [Kind::Text, Kind::Text, Kind::Int, Kind::Int];
    const REST: [Kind; 6] = [Kind::Uuid, Kind::Int, Kind::Text, Kind::Int, Kind::Bool, Kind::Text];
    let one_subject = others.iter().all(|event| event.subject == first.subject && event.version == first.version);
    let one_origin = others.iter().all(|event| {
        event.by == first.by
            && event.cause == first.cause
            && event.occurred_at == first.occurred_at
            && event.recorded_at == first.recorded_at
    });
    let many = !others.is_empty();
    let mut put = |kinds: &[Kind], of: &dyn Fn(&NewEvent) -> Vec<Val>, same: bool| {
        let rows = if same { vec![of(first)] } else { events.iter().map(of).collect() };
        push_columns(kinds.iter().copied(), rows, !same, params);
    };
    put(&SUBJECT, &subject, one_subject);
    put(&ORIGIN, &origin, one_origin);
    put(&REST, &rest, !many);
    if many { EventShape::Many { subject: one_subject, origin: one_origin } } else { EventShape::One }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Author;
    use crate::org::Membership;
    use crate::store::Row;
    use crate::ticket::Tagging;
    use crate::time::Timestamp;

    #[test]
    fn the_order_of_writes_makes_no_other_shape() {
        let (tenant, at) = (TenantId::from(uuid::Uuid::from_u128(1)), Timestamp::from_millis(1));
        let id = uuid::Uuid::from_u128(2);
        let tagging = Tagging { tenant, ticket: id.into(), tag: id.into(), by: Author::System, at };
        let member = Membership { tenant, group: id.into(), person: id.into(), since: at };
        let gone = Write { before: Some(Row::Membership(member)), after: None };
        let fresh = Write { before: None, after: Some(Row::Tagging(tagging)) };
        let composed = |writes: [&Write; 2]| {
            let writes = writes.into_iter().cloned().collect();
            let (reads, events, jobs) = (vec![], vec![], vec![]);
            let commit = Commit { tenant, epoch: Epoch::Seen(1), writes, reads, events, jobs, key: None, done: None };
            compose(&commit).unwrap()
        };
        let (one, other) = (composed([&gone, &fresh]), composed([&fresh, &gone]));
        assert_eq!(one.shape, other.shape);
        assert_eq!(format!("{:?}", one.params), format!("{:?}", other.params));
    }
}
