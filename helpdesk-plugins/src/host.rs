//! The state of one call: what the guest may use, what it has used, what it has staged.
//! Knows neither the version of the contract nor the engine; `v1` translates to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::capability::{Call, Grant};
use crate::effect::{Effect, HttpRequest, KvWrite};
use crate::event::{Field, Mode};
use crate::limits::{Limit, Limits};
use crate::outcome::{Level, LogLine, Logs};
use crate::reads::{KvEntry, Page, ReadError, Reads};

/// A host call that does not return its answer.
pub(crate) enum Stop {
    /// The guest is told, and may go on.
    Refuse { code: &'static str, message: String },
    /// The call is over; `State::end` says why.
    End,
}

/// Why a call was ended by the host.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Limit { limit: Limit, used: u64, allowed: u64 },
    Fault(String),
}

pub(crate) struct State {
    pub(crate) grant: Arc<Grant>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) config: Arc<str>,
    pub(crate) reads: Arc<dyn Reads>,
    pub(crate) mode: Mode,
    /// Checking a configuration: nothing can be asked or staged.
    pub(crate) checking: bool,
    pub(crate) now: u64,
    pub(crate) seed: u64,
    pub(crate) started: Instant,
    /// Time spent in `reads`, which is not the guest's.
    pub(crate) waited: Duration,
    pub(crate) effects: Vec<Effect>,
    pub(crate) kv: Vec<KvWrite>,
    pub(crate) http: Vec<HttpRequest>,
    pub(crate) logs: Logs,
    pub(crate) memory: Memory,
    pub(crate) end: Option<End>,
    effect_bytes: u64,
    log_bytes: u64,
    queries: u64,
    rows: u64,
}

/// Linear memory of all memories of the instance, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) used: u64,
    pub(crate) peak: u64,
    pub(crate) allowed: u64,
    /// What the guest would have used, had it been allowed.
    pub(crate) refused: Option<u64>,
}

type Answer<T> = Result<T, Stop>;

impl State {
    pub(crate) fn new(grant: Arc<Grant>, limits: Arc<Limits>, reads: Arc<dyn Reads>) -> Self {
        Self {
            grant,
            config: Arc::from("{}"),
            reads,
            mode: Mode::After,
            checking: false,
            now: 0,
            seed: 0,
            started: Instant::now(),
            waited: Duration::ZERO,
            effects: Vec::new(),
            kv: Vec::new(),
            http: Vec::new(),
            logs: Logs::default(),
            memory: Memory { used: 0, peak: 0, allowed: limits.memory_bytes, refused: None },
            end: None,
            effect_bytes: 0,
            log_bytes: 0,
            queries: 0,
            rows: 0,
            limits,
        }
    }

    pub(crate) fn until(&self) -> Instant {
        self.started + self.limits.wall
    }

    /// Which time is up, if any: that of the whole call, or the guest's own.
    pub(crate) fn overdue(&self) -> Option<End> {
        let over = |limit, used: Duration, allowed: Duration| {
            (used >= allowed).then(|| End::Limit { limit, used: millis(used), allowed: millis(allowed) })
        };
        let elapsed = self.started.elapsed();
        over(Limit::WallTime, elapsed, self.limits.wall)
            .or_else(|| over(Limit::GuestTime, elapsed.saturating_sub(self.waited), self.limits.guest_time(self.mode)))
    }

    // --- effects -----------------------------------------------------------------------------------------------

    pub(crate) fn stage(&mut self, effect: Effect) -> Answer<()> {
        self.active()?;
        for call in calls(&effect) {
            self.may(call)?;
        }
        if matches!(effect, Effect::Veto { .. }) && self.mode != Mode::Before {
            return Err(refuse("not-here", "a veto needs mode `before`".into()));
        }
        if let Effect::Emit { data, .. }
        | Effect::RequestApproval { data, .. }
        | Effect::Notify { data, .. }
        | Effect::Schedule { data, .. } = &effect
        {
            object(data)?;
        }
        let (count, bytes) = (self.effects.len() as u64 + 1, self.effect_bytes + effect.weight() as u64);
        self.within(Limit::Effects, count, self.limits.effects)?;
        self.within(Limit::EffectBytes, bytes, self.limits.effect_bytes)?;
        self.effect_bytes = bytes;
        self.effects.push(effect);
        Ok(())
    }

    // --- questions ---------------------------------------------------------------------------------------------

    pub(crate) fn get(&mut self, kind: &str, id: &str, fields: &[String]) -> Answer<Option<Vec<Field>>> {
        self.asked()?;
        for field in fields {
            self.may(Call::Read { kind, field })?;
        }
        let found = self.ask(|reads, until| reads.get(kind, id, fields, until))?;
        self.count_rows(usize::from(found.is_some()))?;
        Ok(found)
    }

    pub(crate) fn related(
        &mut self,
        kind: &str,
        id: &str,
        relation: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Answer<Page> {
        self.asked()?;
        // What it tells is a field of the entity.
        self.may(Call::Read { kind, field: relation })?;
        let limit = self.rows_left(limit);
        let page = self.ask(|reads, until| reads.related(kind, id, relation, limit, after, until))?;
        self.count_rows(page.items.len())?;
        Ok(page)
    }

    pub(crate) fn search(&mut self, kind: &str, filter: &str, limit: u32, after: Option<&str>) -> Answer<Page> {
        self.asked()?;
        self.may(Call::Find { kind })?;
        let limit = self.rows_left(limit);
        let page = self.ask(|reads, until| reads.search(kind, filter, limit, after, until))?;
        self.count_rows(page.items.len())?;
        Ok(page)
    }

    pub(crate) fn business_seconds(&mut self, calendar: &str, start: u64, end: u64) -> Answer<u64> {
        self.asked()?;
        self.may(Call::Find { kind: "calendar" })?;
        self.ask(|reads, until| reads.business_seconds(calendar, start, end, until))
    }

    // --- key-value store ---------------------------------------------------------------------------------------

    pub(crate) fn kv_get(&mut self, key: &str) -> Answer<Option<KvEntry>> {
        self.asked()?;
        self.may(Call::Kv)?;
        key_fits(key)?;
        let stored = self.ask(|reads, until| reads.kv_get(key, until))?;
        self.count_rows(usize::from(stored.is_some()))?;
        Ok(self.overlay(key, stored))
    }

    pub(crate) fn kv_keys(&mut self, prefix: &str, limit: u32, after: Option<&str>) -> Answer<Vec<String>> {
        self.asked()?;
        self.may(Call::Kv)?;
        let limit = self.rows_left(limit);
        let deleted = self.kv.iter().filter(|w| matches!(w, KvWrite::Delete { .. })).count();
        // Enough stored keys to fill the page whatever this call has deleted.
        let asked = limit.saturating_add(u32::try_from(deleted).unwrap_or(u32::MAX));
        let mut keys = self.ask(|reads, until| reads.kv_keys(prefix, asked, after, until))?;
        let complete = keys.len() < asked as usize;
        let last = keys.last().cloned();
        for write in &self.kv {
            match write {
                KvWrite::Delete { key, .. } => keys.retain(|k| k != key),
                KvWrite::Set { key, .. } | KvWrite::Add { key, .. } => {
                    let on_page = complete || last.as_ref().is_some_and(|last| key <= last);
                    let asked_for = key.starts_with(prefix) && after.is_none_or(|a| key.as_str() > a);
                    if asked_for && on_page && !keys.contains(key) {
                        keys.push(key.clone());
                    }
                }
            }
        }
        keys.sort_unstable();
        keys.truncate(limit as usize);
        self.count_rows(keys.len())?;
        Ok(keys)
    }

    pub(crate) fn kv_set(
        &mut self,
        key: &str,
        value: Vec<u8>,
        expect: Option<u64>,
        ttl_seconds: Option<u32>,
    ) -> Answer<()> {
        self.active()?;
        self.may(Call::Kv)?;
        key_fits(key)?;
        if ttl_seconds == Some(0) {
            return Err(refuse("invalid", "a value lives for at least a second; without `ttl` it stays".into()));
        }
        self.within(Limit::KvValueBytes, value.len() as u64, self.limits.kv_value_bytes)?;
        self.stage_kv(KvWrite::Set { key: key.to_owned(), value, expect, ttl_seconds })
    }

    pub(crate) fn kv_add(&mut self, key: &str, delta: i64) -> Answer<i64> {
        let seen = self.kv_get(key)?.map_or(Some(0), |entry| counter(&entry.value));
        let Some(sum) = seen.and_then(|n| n.checked_add(delta)) else {
            return Err(refuse("invalid", format!("`{key}` is no counter, or would overflow")));
        };
        self.stage_kv(KvWrite::Add { key: key.to_owned(), delta })?;
        Ok(sum)
    }

    pub(crate) fn kv_delete(&mut self, key: &str, expect: Option<u64>) -> Answer<()> {
        self.active()?;
        self.may(Call::Kv)?;
        key_fits(key)?;
        self.stage_kv(KvWrite::Delete { key: key.to_owned(), expect })
    }

    fn stage_kv(&mut self, write: KvWrite) -> Answer<()> {
        self.within(Limit::KvWrites, self.kv.len() as u64 + 1, self.limits.kv_writes)?;
        self.kv.push(write);
        Ok(())
    }

    /// The stored value with this call's own writes on top; a written value keeps the version it replaces.
    fn overlay(&self, key: &str, mut entry: Option<KvEntry>) -> Option<KvEntry> {
        for write in &self.kv {
            let version = entry.as_ref().map_or(0, |e| e.version);
            match write {
                KvWrite::Set { key: k, value, .. } if k == key => {
                    entry = Some(KvEntry { value: value.clone(), version })
                }
                KvWrite::Delete { key: k, .. } if k == key => entry = None,
                KvWrite::Add { key: k, delta } if k == key => {
                    let seen = entry.as_ref().and_then(|e| counter(&e.value)).unwrap_or(0);
                    let value = seen.saturating_add(*delta).to_string().into_bytes();
                    entry = Some(KvEntry { value, version });
                }
                _ => {}
            }
        }
        entry
    }

    // --- http, log, env ----------------------------------------------------------------------------------------

    pub(crate) fn enqueue(&mut self, request: HttpRequest) -> Answer<()> {
        self.active()?;
        self.may(Call::Http { method: &request.method, url: &request.url })?;
        for (name, secret) in &request.secret_headers {
            self.may(Call::Secret { name: secret })?;
            header_fits(name, "")?;
        }
        for (name, value) in &request.headers {
            header_fits(name, value)?;
        }
        if self.http.iter().any(|r| r.client_ref == request.client_ref) {
            return Err(refuse("invalid", format!("the client-ref `{}` is used twice", request.client_ref)));
        }
        self.within(Limit::HttpRequests, self.http.len() as u64 + 1, self.limits.http_requests)?;
        self.http.push(request);
        Ok(())
    }

    pub(crate) fn log(&mut self, level: Level, message: String, fields: String) {
        let bytes = (message.len() + fields.len()) as u64;
        if self.log_bytes + bytes > self.limits.log_bytes {
            self.logs.dropped_lines += 1;
            self.logs.dropped_bytes += bytes;
        } else {
            self.log_bytes += bytes;
            self.logs.lines.push(LogLine { level, message, fields });
        }
    }

    // --- shared ------------------------------------------------------------------------------------------------

    fn active(&self) -> Answer<()> {
        if self.checking {
            return Err(refuse("not-here", "a configuration is being checked: only `env` and `log` answer".into()));
        }
        Ok(())
    }

    fn asked(&mut self) -> Answer<()> {
        self.active()?;
        self.queries += 1;
        self.within(Limit::Queries, self.queries, self.limits.queries)
    }

    fn may(&self, call: Call<'_>) -> Answer<()> {
        self.grant.check(call).map_err(|e| refuse(e.code(), e.to_string()))
    }

    fn ask<T>(&mut self, question: impl FnOnce(&dyn Reads, Instant) -> Result<T, ReadError>) -> Answer<T> {
        let (asked, until) = (Instant::now(), self.until());
        let answer = question(&*self.reads, until);
        self.waited += asked.elapsed();
        // The answer first: one that did not come, or not in time, is not the guest's to answer for.
        if let Err(ReadError::Fault(message)) = answer {
            self.end = Some(End::Fault(message));
            return Err(Stop::End);
        }
        self.end = match self.overdue() {
            Some(End::Limit { limit: Limit::WallTime, allowed, .. }) => {
                Some(End::Fault(format!("the answer to a question did not come in time, within {allowed} ms")))
            }
            end => end,
        };
        if self.end.is_some() {
            return Err(Stop::End);
        }
        answer.map_err(|e| match e {
            ReadError::Invalid(message) => refuse("invalid", message),
            ReadError::Denied(denied) => refuse(denied.code(), denied.to_string()),
            ReadError::Unsupported(message) => refuse("unavailable", message),
            ReadError::Fault(_) => Stop::End,
        })
    }

    fn rows_left(&self, wanted: u32) -> u32 {
        wanted.min(u32::try_from(self.limits.rows.saturating_sub(self.rows)).unwrap_or(u32::MAX))
    }

    fn count_rows(&mut self, more: usize) -> Answer<()> {
        self.rows += more as u64;
        self.within(Limit::Rows, self.rows, self.limits.rows)
    }

    fn within(&mut self, limit: Limit, used: u64, allowed: u64) -> Answer<()> {
        if used <= allowed {
            return Ok(());
        }
        self.end = Some(End::Limit { limit, used, allowed });
        Err(Stop::End)
    }
}

/// What every new ticket says. Whatever else is set on it is written like a field of any ticket.
const OPENING: [&str; 5] = ["project", "type", "title", "description", "requester"];

/// The capabilities an effect needs.
fn calls(effect: &Effect) -> Vec<Call<'_>> {
    fn write(fields: &[Field]) -> impl Iterator<Item = Call<'_>> {
        fields.iter().map(|f| Call::Write { field: &f.name })
    }
    let act = |action| vec![Call::Do { action }];
    match effect {
        Effect::ExpectVersion { .. } => vec![],
        Effect::SetFields { fields, .. } => write(fields).collect(),
        Effect::AddTags { .. } | Effect::RemoveTags { .. } => vec![Call::Write { field: "tags" }],
        Effect::Transition { fields, .. } => act("transition").into_iter().chain(write(fields)).collect(),
        Effect::Assign { agent, group, .. } => {
            let agent = agent.as_ref().map(|_| Call::Write { field: "assignees" });
            agent.into_iter().chain(group.as_ref().map(|_| Call::Write { field: "group" })).collect()
        }
        Effect::Comment { internal: true, .. } => act("comment-internal"),
        Effect::Comment { internal: false, .. } => act("comment-public"),
        Effect::CreateTicket { fields, .. } => {
            let beyond = fields.iter().filter(|field| !OPENING.contains(&field.name.as_str()));
            act("create-ticket").into_iter().chain(beyond.map(|field| Call::Write { field: &field.name })).collect()
        }
        Effect::Link { .. } => act("link"),
        Effect::RequestApproval { .. } => act("request-approval"),
        Effect::Notify { .. } => act("notify"),
        Effect::Schedule { .. } | Effect::CancelSchedule { .. } => act("schedule"),
        Effect::Emit { kind, .. } => vec![Call::Emit { kind }],
        Effect::Veto { .. } => act("veto"),
    }
}

fn refuse(code: &'static str, message: String) -> Stop {
    Stop::Refuse { code, message }
}

fn object(json: &str) -> Answer<()> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json) {
        Ok(_) => Ok(()),
        Err(e) => Err(refuse("invalid", format!("`data` must be a JSON object: {e}"))),
    }
}

fn key_fits(key: &str) -> Answer<()> {
    if key.is_empty() || key.len() > 256 || key.contains('\0') {
        return Err(refuse("invalid", "a key has 1 to 256 bytes and no NUL".into()));
    }
    Ok(())
}

fn header_fits(name: &str, value: &str) -> Answer<()> {
    let token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if !token || value.contains(['\r', '\n', '\0']) {
        return Err(refuse("invalid", format!("`{name}` is no header this host would send")));
    }
    Ok(())
}

fn counter(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
