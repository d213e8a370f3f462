//! Jobs and the positions of subscribers.

use rusqlite::Row;
use uuid::Uuid;

use super::db::{Db, Fault, get};
use super::log;
use super::threads::Effect;
use crate::event::Cursor;
use crate::id::{JobId, TenantId};
use crate::store::sql::column::{Column, Val};
use crate::store::{Depth, Job, Lease, NewJob, Release, Sweep};
use crate::time::Timestamp;

const COLUMNS: &str = "tenant_id, id, queue, \"key\", subject, seq, priority, run_at, tries, data, attempt, \
                       lease_token, error";

/// Nothing stands before the job `j`, and no other job of its subject is worked on: true for jobs without a subject.
const FIRST: &str = "NOT EXISTS (SELECT 1 FROM hd_job o WHERE j.subject <> '' AND o.state = 'live' \
    AND o.subject <> '' AND o.tenant_id = j.tenant_id AND o.queue = j.queue AND o.subject = j.subject \
    AND (o.seq, o.id) < (j.seq, j.id))";

/// Puts a job in its queue. One that waits there with the same key is moved; if somebody works on it, they lose their
/// lease, because what they do is no longer what is wanted. A dead letter with that key stays as it is.
pub(super) fn enqueue(db: &Db, job: &NewJob) -> Result<(), Fault> {
    db.execute(
        "job enqueue",
        "INSERT INTO hd_job (tenant_id, id, queue, \"key\", subject, seq, priority, run_at, tries, attempt, \
         lease_token, lease_until, state, error, data) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, zeroblob(16), 0, 'live', '', $10) \
         ON CONFLICT (tenant_id, queue, \"key\") WHERE state = 'live' DO UPDATE SET subject = excluded.subject, \
         seq = excluded.seq, priority = excluded.priority, run_at = excluded.run_at, tries = excluded.tries, \
         attempt = 0, lease_token = zeroblob(16), lease_until = 0, error = '', data = excluded.data",
        &[
            job.tenant.put(),
            job.id.put(),
            job.queue.put(),
            job.key.put(),
            job.subject.put(),
            job.seq.put(),
            job.priority.put(),
            job.run_at.put(),
            job.tries.put(),
            job.data.put(),
        ],
    )?;
    Ok(())
}

fn lease_values(lease: &Lease) -> [Val; 3] {
    [lease.tenant.put(), lease.job.put(), lease.token.put()]
}

const LEASED: &str = "tenant_id = ? AND id = ? AND lease_token = ? AND lease_token <> zeroblob(16) \
                      AND state = 'live'";

/// Whether nobody has taken the job over.
pub(super) fn holds(db: &Db, lease: &Lease) -> Result<bool, Fault> {
    let sql = format!("SELECT 1 FROM hd_job WHERE {LEASED}");
    Ok(db.number("job lease", &sql, &lease_values(lease))?.is_some())
}

/// Removes a job that is done.
pub(super) fn finish(db: &Db, lease: &Lease) -> Result<(), Fault> {
    db.execute("job done", &format!("DELETE FROM hd_job WHERE {LEASED}"), &lease_values(lease))?;
    Ok(())
}

/// Leases due jobs.
pub(super) fn claim(
    db: &Db,
    queue: &str,
    limit: u16,
    now: Timestamp,
    until: Timestamp,
) -> Result<Effect<Vec<Job>>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hd_job j WHERE queue = $1 AND state = 'live' AND run_at <= $2 AND lease_until <= $2 \
         AND {FIRST} AND NOT EXISTS (SELECT 1 FROM hd_job o WHERE j.subject <> '' AND o.state = 'live' \
         AND o.subject <> '' AND o.tenant_id = j.tenant_id AND o.queue = j.queue AND o.subject = j.subject \
         AND o.lease_until > $2) ORDER BY priority, run_at, seq, id LIMIT $3"
    );
    let mut jobs = db.query("job due", &sql, &[Val::Text(queue.into()), now.put(), Val::Int(limit.into())], job)?;
    for job in &mut jobs {
        job.attempt += 1;
        job.lease.token = token();
        db.execute(
            "job claim",
            "UPDATE hd_job SET attempt = $1, lease_token = $2, lease_until = $3 WHERE tenant_id = $4 AND id = $5",
            &[job.attempt.put(), job.lease.token.put(), until.put(), job.job.tenant.put(), job.job.id.put()],
        )?;
    }
    Ok(Effect::Keep(jobs))
}

#[allow(clippy::disallowed_methods, reason = "a lease token must be new, and no decision depends on it")]
fn token() -> Uuid {
    Uuid::now_v7()
}

/// Prolongs leases; answers those that hold.
pub(super) fn renew(db: &Db, leases: &[Lease], until: Timestamp) -> Result<Effect<Vec<Lease>>, Fault> {
    let sql = "UPDATE hd_job SET lease_until = $1 WHERE tenant_id = $2 AND id = $3 AND lease_token = $4 \
               AND lease_token <> zeroblob(16) AND state = 'live'";
    let mut held = Vec::with_capacity(leases.len());
    for lease in leases {
        let [tenant, id, token] = lease_values(lease);
        if db.execute("job renew", sql, &[until.put(), tenant, id, token])? == 1 {
            held.push(*lease);
        }
    }
    Ok(Effect::Keep(held))
}

/// Gives a job back.
pub(super) fn release(db: &Db, lease: &Lease, how: &Release) -> Result<Effect<bool>, Fault> {
    let (set, mut values) = match how {
        Release::Retry(at, error) => ("run_at = ?, error = ?", vec![at.put(), error.put()]),
        Release::Later(at, error) => ("attempt = attempt - 1, run_at = ?, error = ?", vec![at.put(), error.put()]),
        Release::Return => ("attempt = attempt - 1", vec![]),
        Release::Dead(error) => ("state = 'dead', error = ?", vec![error.put()]),
    };
    let sql = format!("UPDATE hd_job SET {set}, lease_token = zeroblob(16), lease_until = 0 WHERE {LEASED}");
    values.extend(lease_values(lease));
    Ok(Effect::Keep(db.execute("job release", &sql, &values)? == 1))
}

/// Dead letters, oldest first.
pub(super) fn dead(db: &Db, queue: &str, limit: u16) -> Result<(Vec<Job>, Depth), Fault> {
    let queue = Val::Text(queue.into());
    let sql = format!("SELECT {COLUMNS} FROM hd_job WHERE queue = $1 AND state = 'dead' ORDER BY run_at, id LIMIT $2");
    let jobs = db.query("job dead", &sql, &[queue.clone(), Val::Int(limit.into())], job)?;
    let count = |state: &str| {
        let sql = format!("SELECT count(*) FROM hd_job WHERE queue = $1 AND state = '{state}'");
        db.number("job depth", &sql, std::slice::from_ref(&queue)).map(Option::unwrap_or_default)
    };
    Ok((jobs, Depth { live: count("live")?, dead: count("dead")? }))
}

/// Revives a dead letter; not while a live job bears its key.
pub(super) fn revive(db: &Db, tenant: TenantId, id: JobId, now: Timestamp) -> Result<Effect<bool>, Fault> {
    let sql = "UPDATE hd_job SET state = 'live', run_at = $1, attempt = 0, error = '', lease_until = 0, \
               lease_token = zeroblob(16) WHERE tenant_id = $2 AND id = $3 AND state = 'dead'";
    match db.execute("job revive", sql, &[now.put(), tenant.put(), id.put()]) {
        Ok(n) => Ok(Effect::Keep(n == 1)),
        Err(Fault::Taken) => Ok(Effect::Keep(false)),
        Err(fault) => Err(fault),
    }
}

/// When the next job is due: not before its time, its lease's end, and the lease of another of its subject.
pub(super) fn next_due(db: &Db, queues: &[String]) -> Result<Option<Timestamp>, Fault> {
    let mut next: Option<i64> = None;
    for queue in queues {
        let sql = format!(
            "SELECT min(max(j.run_at, j.lease_until, coalesce((SELECT max(o.lease_until) FROM hd_job o \
             WHERE j.subject <> '' AND o.state = 'live' AND o.subject <> '' AND o.tenant_id = j.tenant_id \
             AND o.queue = j.queue AND o.subject = j.subject), 0))) FROM hd_job j \
             WHERE j.queue = $1 AND j.state = 'live' AND {FIRST}"
        );
        let due = db.number("job next", &sql, &[Val::Text(queue.as_str().into())])?;
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next.map(Timestamp::from_millis))
}

fn job(row: &Row<'_>) -> Result<Job, Fault> {
    let job = NewJob {
        tenant: get(row, 0)?,
        id: get(row, 1)?,
        queue: get(row, 2)?,
        key: get(row, 3)?,
        subject: get(row, 4)?,
        seq: get(row, 5)?,
        priority: get(row, 6)?,
        run_at: get(row, 7)?,
        tries: get(row, 8)?,
        data: get(row, 9)?,
    };
    let lease = Lease { tenant: job.tenant, job: job.id, token: get(row, 11)? };
    let error = Some(get::<String>(row, 12)?).filter(|error| !error.is_empty());
    Ok(Job { attempt: get(row, 10)?, lease, error, job })
}

/// How far a subscriber has read.
pub(super) fn position(db: &Db, subscriber: &str) -> Result<Option<Cursor>, Fault> {
    let sql = "SELECT position FROM hd_position WHERE tenant_id = zeroblob(16) AND subscriber = $1";
    Ok(db.number("position", sql, &[Val::Text(subscriber.into())])?.map(Cursor::at))
}

/// Remembers the end of the log for a subscriber that is new.
pub(super) fn begin(db: &Db, subscriber: &str) -> Result<Effect<Cursor>, Fault> {
    if let Some(known) = position(db, subscriber)? {
        return Ok(Effect::Keep(known));
    }
    let head = log::head(db)?;
    let sql = "INSERT INTO hd_position (tenant_id, subscriber, position) VALUES (zeroblob(16), $1, $2)";
    db.execute("position begin", sql, &[Val::Text(subscriber.into()), head.seq().put()])?;
    Ok(Effect::Keep(head))
}

/// Moves a subscriber and enqueues its deliveries.
pub(super) fn advance(
    db: &Db,
    subscriber: &str,
    from: Cursor,
    to: Cursor,
    jobs: &[NewJob],
) -> Result<Effect<bool>, Fault> {
    let sql = "UPDATE hd_position SET position = $1 WHERE tenant_id = zeroblob(16) AND subscriber = $2 \
               AND position = $3";
    if db.execute("position advance", sql, &[to.seq().put(), Val::Text(subscriber.into()), from.seq().put()])? != 1 {
        return Ok(Effect::Keep(false));
    }
    for job in jobs {
        enqueue(db, job)?;
    }
    Ok(Effect::Keep(true))
}

/// Removes what is kept for a time only.
pub(super) fn sweep(db: &Db, upto: Sweep) -> Result<Effect<u64>, Fault> {
    let keys = db.execute("sweep keys", "DELETE FROM hd_idempotency WHERE at < $1", &[upto.keys.put()])?;
    let runs = db.execute("sweep runs", "DELETE FROM hd_run WHERE at < $1", &[upto.runs.put()])?;
    let values = db.execute("sweep values", "DELETE FROM hd_kv WHERE expires_at <= $1", &[upto.now.put()])?;
    Ok(Effect::Keep((keys + runs + values) as u64))
}
