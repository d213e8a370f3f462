//! Jobs and subscriptions: claimed with SKIP LOCKED, proved by a token. One statement each.

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::compose::job_columns;
use super::link::{Link, fault};
use super::shape::{JOB_COLUMNS, JOB_CONFLICT, JOB_FRESH};
use super::value::{Param, get, maybe_int};
use crate::event::Cursor;
use crate::id::{JobId, TenantId};
use crate::store::sql::column::{Kind, Val};
use crate::store::{Counter, Depth, Job, Lease, NewJob, Release, StoreError, Sweep};
use crate::time::Timestamp;

type Done<T> = Result<T, StoreError>;

/// Columns of a job as [`job`] reads them.
const ALL: &str = "j.tenant_id, j.id, j.queue, j.key, j.subject, j.seq, j.priority, j.run_at, j.tries, j.data, \
     j.attempt, j.lease_token, j.error";

fn job(row: &Row) -> Done<Job> {
    let (tenant, id) = (get(row, 0)?, get(row, 1)?);
    let error: String = get(row, 12)?;
    Ok(Job {
        job: NewJob {
            tenant,
            id,
            queue: get(row, 2)?,
            key: get(row, 3)?,
            subject: get(row, 4)?,
            seq: get(row, 5)?,
            priority: get(row, 6)?,
            run_at: get(row, 7)?,
            tries: get(row, 8)?,
            data: get(row, 9)?,
        },
        attempt: get(row, 10)?,
        lease: Lease { tenant, job: id, token: get::<Uuid>(row, 11)? },
        error: Some(error).filter(|error| !error.is_empty()),
    })
}

/// Of one subject only the first may be claimed, and none while another is leased.
pub(super) async fn claim(
    link: &Link<'_>,
    queue: &str,
    limit: u16,
    now: Timestamp,
    until: Timestamp,
) -> Done<Vec<Job>> {
    let core = link.core();
    let text = core.text_for("claim", limit, || {
        let jobs = core.names.text("hd_job");
        format!(
            "WITH due AS MATERIALIZED (SELECT d.tenant_id, d.id FROM {jobs} d \
             WHERE d.queue = $1 AND d.state = 'live' AND d.run_at <= $2 AND d.lease_until <= $2 \
             AND (d.subject = '' OR NOT EXISTS (SELECT 1 FROM {jobs} o WHERE o.tenant_id = d.tenant_id \
             AND o.queue = d.queue AND o.subject = d.subject AND o.subject <> '' AND o.state = 'live' AND o.id <> d.id \
             AND ((o.seq, o.id) < (d.seq, d.id) OR o.lease_until > $2))) \
             ORDER BY d.priority, d.run_at, d.id LIMIT {limit} FOR UPDATE SKIP LOCKED) \
             UPDATE {jobs} j SET lease_token = gen_random_uuid(), lease_until = $3, attempt = j.attempt + 1 \
             FROM due WHERE j.tenant_id = due.tenant_id AND j.id = due.id RETURNING {ALL}"
        )
    });
    let params = vec![Param::text(queue), Param::int(now.millis()), Param::int(until.millis())];
    let rows = link.query_dynamic("claim", &text, params).await?;
    let mut jobs = rows.iter().map(job).collect::<Done<Vec<_>>>()?;
    jobs.sort_by_key(|job| (job.job.priority, job.job.run_at, job.job.id));
    Ok(jobs)
}

pub(super) async fn renew(link: &Link<'_>, leases: &[Lease], until: Timestamp) -> Done<Vec<Lease>> {
    if leases.is_empty() {
        return Ok(vec![]);
    }
    const RENEW: &str = "UPDATE {s}hd_job j SET lease_until = $4 FROM unnest($1, $2, $3) AS x(tenant, id, token) \
         WHERE j.tenant_id = x.tenant AND j.id = x.id AND j.lease_token = x.token AND j.state = 'live' \
         RETURNING j.tenant_id, j.id, j.lease_token";
    let column = |of: fn(&Lease) -> Uuid| Param::Many(Kind::Uuid, leases.iter().map(|l| Val::Uuid(of(l))).collect());
    let params = vec![
        column(|lease| lease.tenant.into()),
        column(|lease| lease.job.into()),
        column(|lease| lease.token),
        Param::int(until.millis()),
    ];
    let rows = link.query("renew", &link.core().sql(RENEW), params).await?;
    rows.iter().map(|row| Ok(Lease { tenant: get(row, 0)?, job: get(row, 1)?, token: get(row, 2)? })).collect()
}

pub(super) async fn release(link: &Link<'_>, lease: Lease, how: &Release) -> Done<bool> {
    const RETRY: &str = "UPDATE {s}hd_job SET run_at = $4, error = $5, \
         lease_token = '00000000-0000-0000-0000-000000000000', lease_until = 0 \
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'live' RETURNING 1";
    const LATER: &str = "UPDATE {s}hd_job SET attempt = attempt - 1, run_at = $4, error = $5, \
         lease_token = '00000000-0000-0000-0000-000000000000', lease_until = 0 \
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'live' RETURNING 1";
    const RETURN: &str = "UPDATE {s}hd_job SET attempt = attempt - 1, \
         lease_token = '00000000-0000-0000-0000-000000000000', lease_until = 0 \
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'live' RETURNING 1";
    const DEAD: &str = "UPDATE {s}hd_job SET state = 'dead', error = $4, \
         lease_token = '00000000-0000-0000-0000-000000000000', lease_until = 0 \
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'live' RETURNING 1";
    let core = link.core();
    let mut params = vec![Param::uuid(lease.tenant), Param::uuid(lease.job), Param::uuid(lease.token)];
    let text = match how {
        Release::Retry(at, error) | Release::Later(at, error) => {
            params.extend([Param::int(at.millis()), Param::text(error)]);
            core.sql(if matches!(how, Release::Retry(..)) { RETRY } else { LATER })
        }
        Release::Return => core.sql(RETURN),
        Release::Dead(error) => {
            params.push(Param::text(error));
            core.sql(DEAD)
        }
    };
    Ok(!link.query("release", &text, params).await?.is_empty())
}

pub(super) async fn dead(link: &Link<'_>, queue: &str, limit: u16) -> Done<(Vec<Job>, Depth)> {
    const DEPTH: &str = "SELECT count(*) FILTER (WHERE state = 'live'), count(*) FILTER (WHERE state = 'dead') \
         FROM {s}hd_job WHERE queue = $1";
    let core = link.core();
    let text = core.text_for("dead letters", limit, || {
        let jobs = core.names.text("hd_job");
        format!("SELECT {ALL} FROM {jobs} j WHERE queue = $1 AND state = 'dead' ORDER BY run_at, id LIMIT {limit}")
    });
    let depth = core.sql(DEPTH);
    let letters = link.dynamic("dead letters", &text, vec![Param::text(queue)]).await.map_err(fault)?;
    let depth = link.ready("depth", &depth, vec![Param::text(queue)]).await.map_err(fault)?;
    let answers = link.together(&[letters, depth]).await?;
    let [letters, depth] = answers.as_slice() else { return Ok((vec![], Depth::default())) };
    let depth = match depth.first() {
        Some(row) => Depth { live: get(row, 0)?, dead: get(row, 1)? },
        None => Depth::default(),
    };
    Ok((letters.iter().map(job).collect::<Done<_>>()?, depth))
}

/// False too when a job with the same key lives already.
pub(super) async fn revive(link: &Link<'_>, tenant: TenantId, job: JobId, now: Timestamp) -> Done<bool> {
    // Asked beforehand, since an error would abort a joined transaction; one may still come from a race.
    const REVIVE: &str = "UPDATE {s}hd_job j SET state = 'live', run_at = $3, attempt = 0, error = '' \
         WHERE tenant_id = $1 AND id = $2 AND state = 'dead' \
         AND NOT EXISTS (SELECT 1 FROM {s}hd_job o WHERE o.tenant_id = j.tenant_id AND o.queue = j.queue \
         AND o.key = j.key AND o.state = 'live') RETURNING 1";
    let params = vec![Param::uuid(tenant), Param::uuid(job), Param::int(now.millis())];
    match link.run("revive", &link.core().sql(REVIVE), params).await {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(false),
        Err(error) => Err(fault(error)),
    }
}

/// Waiting jobs that [`claim`] would take, by time. Of a subject with leased jobs: the end of the last lease, and not
/// before its first job is due. A worker that wakes then finds something.
pub(super) async fn next_due(link: &Link<'_>, queues: &[String]) -> Done<Option<Timestamp>> {
    const NEXT: &str = "SELECT least(\
         (SELECT min(w.run_at) FROM unnest($1) AS q(queue), generate_series(0, 2) AS p(priority), \
          LATERAL (SELECT j.run_at FROM {s}hd_job j WHERE j.queue = q.queue AND j.priority = p.priority \
                   AND j.state = 'live' AND j.lease_until = 0 \
                   AND (j.subject = '' OR NOT EXISTS (SELECT 1 FROM {s}hd_job o WHERE o.tenant_id = j.tenant_id \
                        AND o.queue = j.queue AND o.subject = j.subject AND o.subject <> '' AND o.state = 'live' \
                        AND o.id <> j.id AND ((o.seq, o.id) < (j.seq, j.id) OR o.lease_until > 0))) \
                   ORDER BY j.run_at LIMIT 1) w), \
         (SELECT min(greatest(l.lease_until, CASE WHEN l.subject = '' THEN l.run_at ELSE \
           (SELECT f.run_at FROM {s}hd_job f WHERE f.tenant_id = l.tenant_id AND f.queue = l.queue \
            AND f.subject = l.subject AND f.subject <> '' AND f.state = 'live' ORDER BY f.seq, f.id LIMIT 1) END)) \
          FROM {s}hd_job l WHERE l.queue = ANY($1) AND l.state = 'live' AND l.lease_until > 0 \
          AND (l.subject = '' OR NOT EXISTS (SELECT 1 FROM {s}hd_job o WHERE o.tenant_id = l.tenant_id \
               AND o.queue = l.queue AND o.subject = l.subject AND o.subject <> '' AND o.state = 'live' \
               AND (o.lease_until, o.id) > (l.lease_until, l.id)))))";
    let params = vec![Param::texts(queues.iter().map(String::as_str))];
    let rows = link.query("next due", &link.core().sql(NEXT), params).await?;
    let due = rows.first().map(|row| maybe_int(row, 0)).transpose()?.flatten();
    Ok(due.map(Timestamp::from_millis))
}

/// Positions belong to no tenant.
const NOBODY: TenantId = TenantId::NIL;

pub(super) async fn position(link: &Link<'_>, subscriber: &str) -> Done<Cursor> {
    const POSITION: &str = "SELECT position FROM {s}hd_position WHERE tenant_id = $1 AND subscriber = $2";
    // The empty update lets RETURNING answer what another node put there first.
    const BEGIN: &str = "INSERT INTO {s}hd_position AS p (tenant_id, subscriber, position) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, subscriber) DO UPDATE SET position = p.position RETURNING position";
    let core = link.core();
    let who = || vec![Param::uuid(NOBODY), Param::text(subscriber)];
    let mut rows = link.query("position", &core.sql(POSITION), who()).await?;
    if rows.is_empty() {
        let head = super::log::head(link).await?;
        let mut params = who();
        params.push(Param::int(head.seq()));
        rows = link.query("position", &core.sql(BEGIN), params).await?;
    }
    let row = rows.first().ok_or_else(|| StoreError::Defect("a position answered nothing".into()))?;
    Ok(Cursor::at(get(row, 0)?))
}

pub(super) async fn advance(
    link: &Link<'_>,
    subscriber: &str,
    from: Cursor,
    to: Cursor,
    jobs: &[NewJob],
) -> Done<bool> {
    let core = link.core();
    let mut params = vec![Param::uuid(NOBODY), Param::text(subscriber), Param::int(from.seq()), Param::int(to.seq())];
    const MOVED: &str = "UPDATE {s}hd_position SET position = $4 \
         WHERE tenant_id = $1 AND subscriber = $2 AND position = $3 RETURNING 1";
    let text = if jobs.is_empty() {
        core.sql(MOVED)
    } else {
        params.extend(job_columns(jobs));
        core.text("advance", || {
            let (fresh, values) = JOB_FRESH;
            let (moved, table) = (core.fill(MOVED), core.names.text("hd_job"));
            format!(
                "WITH p AS ({moved}), j AS (INSERT INTO {table} ({JOB_COLUMNS}, {fresh}) SELECT x.*, {values} \
                 FROM p, unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS x {JOB_CONFLICT}) SELECT 1 FROM p"
            )
        })
    };
    Ok(!link.query("advance", &text, params).await?.is_empty())
}

pub(super) async fn sweep(link: &Link<'_>, upto: Sweep) -> Done<u64> {
    const SWEEP: &str = "WITH k AS (DELETE FROM {s}hd_idempotency WHERE at < $1 RETURNING 1), \
         r AS (DELETE FROM {s}hd_run WHERE at < $2 RETURNING 1), \
         v AS (DELETE FROM {s}hd_kv WHERE expires_at <= $3 AND expires_at <> 9223372036854775807 RETURNING 1) \
         SELECT (SELECT count(*) FROM k) + (SELECT count(*) FROM r) + (SELECT count(*) FROM v)";
    let params = [upto.keys, upto.runs, upto.now].map(|at| Param::int(at.millis())).to_vec();
    let rows = link.query("sweep", &link.core().sql(SWEEP), params).await?;
    let gone: i64 = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
    Ok(gone.unsigned_abs())
}

/// Numbers of a project: a short transaction of its own that does not wait for the disk. Gaps are allowed.
pub(super) async fn draw(link: &Link<'_>, tenant: TenantId, of: Counter, n: u32) -> Done<i64> {
    const DRAW: &str = "UPDATE {s}hd_counter SET next = next + $3 WHERE tenant_id = $1 AND project_id = $2 \
         RETURNING next - $3, set_config('synchronous_commit', 'off', true)";
    const FIRST: &str = "INSERT INTO {s}hd_counter AS c (tenant_id, project_id, next) VALUES ($1, $2, 1 + $3) \
         ON CONFLICT (tenant_id, project_id) DO UPDATE SET next = c.next + $3 RETURNING next - $3";
    let params = || vec![Param::uuid(tenant), Param::uuid(of.key()), Param::int(n.into())];
    let mut rows = link.query("draw", &link.core().sql(DRAW), params()).await?;
    if rows.is_empty() {
        rows = link.query("draw", &link.core().sql(FIRST), params()).await?;
    }
    get(rows.first().ok_or_else(|| StoreError::Defect("a counter answered nothing".into()))?, 0)
}
