//! Commands: load, decide, commit, and again when others were faster.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tracing::Instrument;

use super::Desk;
use super::cache::Standpoint;
use super::facts::Asked;
use super::order::Order;
use crate::actor::Actor;
use crate::command::{Ask, Command, Intent, Made};
use crate::config::TenantConfig;
use crate::decide::{Needs, decide};
use crate::error::{ActError, Conflict, Refusal};
use crate::event::{Cause, Cursor, Subject};
use crate::filter::Filter;
use crate::id::{CommandId, Mint, TenantId, TicketId};
use crate::role::{Access, Denied, Permission};
use crate::scene::{Ctx, Numbers, Scene, Turns, settle};
use crate::store::{Commit, Epoch, Key, Lease, Loaded, NewJob, Outcome, Write, by_id};
use crate::time::Timestamp;
use crate::value::Field;
use crate::workflow::effects::Wants;

/// How often a command that keeps being overtaken is decided again.
pub(super) const TRIES: u32 = 32;
/// How often in a row a command may be overtaken while nothing it looked at has changed.
const UNMOVED_MAX: u32 = 3;
/// How far ahead of the desk's clock a recorded time may be, in milliseconds: five minutes.
const AHEAD: i64 = 5 * 60 * 1000;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// What it made.
    pub out: T,
    /// The subject's version after it.
    pub version: i64,
    /// Where the log stands after it: a subscription that has passed this place has shown all of it.
    pub cursor: Cursor,
    /// Whether anything changed.
    pub changed: bool,
}

/// Commands that happen together or not at all, in one commit.
#[derive(Debug, Clone, Default)]
pub struct Set {
    /// The commands, in order; a later one sees what an earlier one did to tickets (not to the configuration).
    pub commands: Vec<Command>,
    /// The seed of all ids; made by the desk when absent.
    pub id: Option<CommandId>,
    /// Versions that must still hold.
    pub expected: Vec<(TicketId, i64)>,
    /// Does it once, for 24 hours.
    pub key: Option<String>,
    /// When it happened; needs `import`.
    pub at: Option<Timestamp>,
    /// Why: for automation.
    pub cause: Arc<Cause>,
    /// The job or delivery this finishes.
    pub done: Option<Lease>,
    /// Rows of the sender's own: plugin values and run records.
    pub rows: Vec<Write>,
    /// Jobs to enqueue.
    pub jobs: Vec<NewJob>,
}

/// One lane per handful of tickets: commands on one ticket queue inside the process instead of overtaking each other
/// in the database.
pub(super) struct Lanes(Vec<tokio::sync::Mutex<()>>);

impl Default for Lanes {
    fn default() -> Self {
        Self((0..256).map(|_| tokio::sync::Mutex::new(())).collect())
    }
}

impl Lanes {
    async fn enter(&self, tickets: &BTreeSet<TicketId>) -> Vec<tokio::sync::MutexGuard<'_, ()>> {
        let lane = |ticket: &TicketId| {
            let mut hash = DefaultHasher::new();
            ticket.hash(&mut hash);
            hash.finish() as usize % self.0.len()
        };
        // In order, so that two commands never wait for each other.
        let lanes: BTreeSet<usize> = tickets.iter().map(lane).collect();
        let mut held = Vec::with_capacity(lanes.len());
        for lane in lanes {
            held.push(self.0[lane].lock().await);
        }
        held
    }
}

impl Desk {
    /// Sends a command.
    ///
    /// # Errors
    /// [`ActError::Refused`] when a rule says no; then nothing happened. [`ActError::Store`] when the database fails.
    pub async fn act<C: Intent>(&self, by: &Actor, ask: impl Into<Ask<C>>) -> Result<Done<C::Out>, ActError> {
        let ask = ask.into();
        let done = self
            .act_any(
                by,
                Ask { command: ask.command.into(), id: ask.id, expected: ask.expected, key: ask.key, at: ask.at },
            )
            .await?;
        let out = C::Out::try_from(done.out)
            .map_err(|made| crate::store::StoreError::Defect(format!("unexpected result {made:?}")))?;
        Ok(Done { out, version: done.version, cursor: done.cursor, changed: done.changed })
    }

    /// Sends a command whose type is known only at run time.
    pub async fn act_any(&self, by: &Actor, ask: Ask<Command>) -> Result<Done<Made>, ActError> {
        let span = tracing::debug_span!("command", name = ask.command.name(), by = by.author().kind());
        let set = Set { commands: vec![ask.command], id: ask.id, key: ask.key, at: ask.at, ..Set::default() };
        let mut done = self.perform(by, &set, ask.expected).instrument(span).await?;
        let out = done.out.pop().unwrap_or(Made::Nothing);
        Ok(Done { out, version: done.version, cursor: done.cursor, changed: done.changed })
    }

    /// Sends commands that happen together or not at all.
    pub async fn act_all(&self, by: &Actor, set: Set) -> Result<Done<Vec<Made>>, ActError> {
        let span = tracing::debug_span!("commands", count = set.commands.len(), by = by.author().kind());
        self.perform(by, &set, None).instrument(span).await
    }

    async fn perform(&self, by: &Actor, set: &Set, expected: Option<i64>) -> Result<Done<Vec<Made>>, ActError> {
        let order = Order::new(by, set, expected)?;
        // Movers of cards on one board queue, too: they meet at the same places.
        let board = order.needs.place.map(|place| TicketId::from(uuid::Uuid::from(place.board)));
        let queues: BTreeSet<TicketId> = order.needs.tickets.iter().copied().chain(board).collect();
        let _lanes = self.inner.lanes.enter(&queues).await;
        let mut so_far = SoFar::default();
        // Rows of the sender's own were made from what the sender saw: only the sender can make them anew.
        let tries = if set.rows.is_empty() { self.inner.tries } else { 1 };
        for _ in 0..tries {
            match self.attempt(&order, &mut so_far).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                // The belief may be out of date: ask the database, which has the last word.
                Err(ActError::Refused(_)) if so_far.believes => {}
                Err(error) => return Err(error),
            }
            if so_far.unmoved > UNMOVED_MAX {
                // Nothing it looked at has changed, and still it cannot be: what it makes exists.
                return Err(Refusal::Taken { noun: "id", given: order.id.to_string() }.into());
            }
        }
        Err(ActError::Busy(tries))
    }

    /// One try; `None` when others were faster.
    async fn attempt(&self, order: &Order<'_>, so_far: &mut SoFar) -> Result<Option<Done<Vec<Made>>>, ActError> {
        let Order { by, set, tenant, .. } = order;
        let store = &self.inner.store;
        let author = by.author();
        let key = set.key.as_deref().map(|key| (&author, key));
        let mut loaded = match self.belief(order, so_far) {
            Some(epoch) => Loaded { epoch: Some(epoch), ..Loaded::default() },
            None => store.load(*tenant, &order.needs, key).await?,
        };
        if order.moves_parent() {
            self.load_old_parents(order, &mut loaded).await?;
        }
        self.load_scopes(*tenant, &mut loaded).await?;
        self.load_approvals(*tenant, &mut loaded.cases).await?;
        so_far.look(&loaded);
        let now = self.inner.clock.now();
        let (stand, epoch) = match loaded.epoch {
            Some(epoch) => {
                let stand = self.standpoint(by, *tenant, epoch).await?;
                let seen = stand.config.epoch;
                (stand, Epoch::Seen(seen))
            }
            None if order.registers() && matches!(by, Actor::System(_)) => {
                let config = Arc::new(TenantConfig::blank(*tenant, now));
                (Standpoint { config, access: Arc::new(Access::system()) }, Epoch::Begin)
            }
            None if order.registers() => {
                return Err(Refusal::from(Denied { needed: Permission::ProjectManage }).into());
            }
            None => return Err(Refusal::not_found("tenant", tenant).into()),
        };
        if let Some(earlier) = loaded.earlier.take() {
            return order.repeat(earlier).map(Some);
        }
        if !order.moves_parent() && order.needs_parent(&stand.config, &loaded) {
            self.load_old_parents(order, &mut loaded).await?;
        }
        if let Some(at) = set.at {
            if !stand.access.everywhere().has(Permission::Import) {
                return Err(Refusal::from(Denied { needed: Permission::Import }).into());
            }
            if at.millis() < 0 || at > now.plus_millis(AHEAD) {
                return Err(
                    Refusal::invalid("at", "lies before 1970 or in the future; give the time it happened").into()
                );
            }
        }
        let at = set.at.unwrap_or(now);
        let ctx = |so_far: &SoFar| Ctx {
            actor: by,
            by: author.clone(),
            access: &stand.access,
            now,
            at,
            mint: Mint::new(order.id),
            numbers: so_far.numbers.clone(),
            turns: so_far.turns.clone(),
            wants: Wants::default(),
        };
        let mut known = order.may_want(&loaded).then(|| loaded.clone());
        let mut asked = Asked::default();
        let mut scene = stage(*tenant, stand.config.clone(), loaded, &asked)?;
        self.check_versions(order, &scene, &ctx(so_far)).await?;
        let mut ctx_now = ctx(so_far);
        let mut made = carry_out(&mut scene, set, &mut ctx_now);
        // What a decision looked for and did not find is loaded, and it is made again; until then a refusal is none, too.
        // Once it stands, the numbers and turns it took are drawn: what is refused takes none.
        while let Some(known) = &mut known {
            let settled = ctx_now.wants.is_empty();
            if settled
                && (made.is_err() || !self.draw(*tenant, &ctx_now, &mut so_far.numbers, &mut so_far.turns).await?)
            {
                break;
            }
            let seen = |known: &Loaded| (known.below.len(), known.lines.len(), known.place.reach);
            let before = seen(known);
            if !self
                .load_wants((order.tenant, order.needs.place), std::mem::take(&mut ctx_now.wants), known, &mut asked)
                .await?
            {
                return Ok(None);
            }
            if seen(known) != before {
                so_far.look(known);
            }
            scene = stage(*tenant, stand.config.clone(), known.clone(), &asked)?;
            ctx_now = ctx(so_far);
            made = carry_out(&mut scene, set, &mut ctx_now);
        }
        let made = made?;
        let mut ctx = ctx_now;
        // Rows of the organisation keep the version that was seen: whoever may not change them has been refused by now.
        order.check_subject(&scene)?;
        let still = scene.is_still();
        if still && so_far.believes {
            return Ok(None); // it writes nothing, so no commit will check what was believed
        }
        if still && set.key.is_none() && set.done.is_none() && set.rows.is_empty() && set.jobs.is_empty() {
            let version = order.subject_version(&scene).unwrap_or_default();
            return Ok(Some(Done { out: made, version, cursor: store.head().await?, changed: false }));
        }
        let unchanged = order.subject_version(&scene).unwrap_or_default();
        let finished = scene.finish(&mut ctx, &set.cause);
        let first = finished.events.first().map(|event| event.version);
        let version =
            order.ticket().and_then(|ticket| finished.versions.iter().find(|(id, _)| *id == ticket)).map(|(_, v)| *v);
        // A card may move alone: then its ticket is as it was.
        let version = version.or(first.filter(|_| order.ticket().is_none())).unwrap_or(unchanged);
        // Of the subject whose version that is, if it was told of: by it the log's place is found again.
        let told = finished.events.iter().rev().find(|event| event.version == version).or(finished.events.last());
        let subject = told.map(|event| event.subject.clone());
        let key = set.key.as_ref().map(|key| Key {
            by: author,
            key: key.clone(),
            hash: order.hash.clone(),
            made: serde_json::to_string(&made).unwrap_or_default(),
            version,
            subject,
            at: now,
        });
        let mut writes = finished.writes;
        writes.extend(set.rows.iter().cloned());
        let commit = Commit {
            tenant: *tenant,
            epoch: match epoch {
                Epoch::Seen(seen) if finished.moves_epoch => Epoch::Move(seen),
                other => other,
            },
            writes,
            reads: finished.reads,
            events: finished.events,
            jobs: set.jobs.clone(),
            key,
            done: set.done,
        };
        match store.commit(commit).await? {
            Outcome::Done(cursor) => {
                let cursor = match cursor {
                    Some(cursor) => cursor,
                    None => store.head().await?,
                };
                Ok(Some(Done { out: made, version, cursor, changed: !still }))
            }
            Outcome::Stale => Ok(None),
            Outcome::LeaseLost => Err(ActError::LeaseLost),
        }
    }

    /// What would become of a command now; nothing is written and no number or turn is drawn.
    pub(super) async fn would_be(&self, by: &Actor, command: &Command) -> Result<Option<Refusal>, ActError> {
        let set = Set { commands: vec![command.clone()], ..Set::default() };
        match self.rehearsed(by, &set).await {
            Ok(()) => Ok(None),
            Err(ActError::Refused(refusal)) => Ok(Some(refusal)),
            Err(error) => Err(error),
        }
    }

    async fn rehearsed(&self, by: &Actor, set: &Set) -> Result<(), ActError> {
        let order = Order::new(by, set, None)?;
        let mut loaded = self.inner.store.load(order.tenant, &order.needs, None).await?;
        let epoch = loaded.epoch.ok_or_else(|| Refusal::not_found("tenant", order.tenant))?;
        let stand = self.standpoint(by, order.tenant, epoch).await?;
        if order.moves_parent() || order.needs_parent(&stand.config, &loaded) {
            self.load_old_parents(&order, &mut loaded).await?;
        }
        self.load_scopes(order.tenant, &mut loaded).await?;
        self.load_approvals(order.tenant, &mut loaded.cases).await?;
        let now = self.inner.clock.now();
        let mut asked = Asked::default();
        loop {
            let (mint, turns, wants) = (Mint::new(order.id), Turns::default(), Wants::default());
            let (access, numbers) = (&*stand.access, Numbers::default());
            let mut ctx = Ctx { actor: by, by: by.author(), access, now, at: now, mint, numbers, turns, wants };
            let mut scene = stage(order.tenant, stand.config.clone(), loaded.clone(), &asked)?;
            let done = carry_out(&mut scene, set, &mut ctx);
            if ctx.wants.is_empty() {
                return Ok(done.map(drop)?);
            }
            if !self.load_wants((order.tenant, order.needs.place), ctx.wants, &mut loaded, &mut asked).await? {
                return Ok(());
            }
        }
    }

    /// The epoch to decide under without asking, the first time: a command that needs nothing but the policy, such as a
    /// creation, spares the trip, for the commit checks that the epoch still holds.
    fn belief(&self, order: &Order<'_>, so_far: &mut SoFar) -> Option<i64> {
        // Inside a host's transaction there is only one try, and it must not be spent on a belief.
        let first = so_far.seen.is_none() && self.inner.tries > 1;
        let alone = order.needs == Needs::default() && order.set.key.is_none() && order.set.rows.is_empty();
        let believed = self.believed(order.tenant);
        so_far.believes = first && alone && believed > 0;
        so_far.believes.then_some(believed)
    }

    /// Refuses a stale expectation, with what changed since.
    async fn check_versions(&self, order: &Order<'_>, scene: &Scene, ctx: &Ctx<'_>) -> Result<(), ActError> {
        let mut wanted: Vec<(Subject, i64, i64)> = Vec::new();
        for (ticket, expected) in &order.set.expected {
            let current = scene.seen(*ticket, ctx)?.ticket.version;
            wanted.push((Subject::Ticket(*ticket), *expected, current));
        }
        if let (Some(expected), Some(ticket)) = (order.expected, order.ticket()) {
            let current = scene.seen(ticket, ctx)?.ticket.version;
            wanted.push((Subject::Ticket(ticket), expected, current));
        }
        let stale = wanted.into_iter().find(|(_, expected, current)| expected != current);
        if let Some((subject, expected, current)) = stale {
            let since = self.inner.store.history(order.tenant, &subject, expected, 500).await?;
            // What their timeline does not show them is named here neither.
            let since = since.into_iter().map(Arc::new).collect();
            let since = self.visible(order.by, order.tenant, since, &Filter::All).await?;
            let changes = since.iter().flat_map(|event| event.event.changes());
            let fields: BTreeSet<Field> = changes.map(|change| change.field).collect();
            return Err(Refusal::from(Conflict { expected, current, fields: fields.into_iter().collect() }).into());
        }
        Ok(())
    }
}

/// Decides and settles the commands, one after the other.
fn carry_out(scene: &mut Scene, set: &Set, ctx: &mut Ctx<'_>) -> Result<Vec<Made>, Refusal> {
    let mut made = Vec::with_capacity(set.commands.len());
    for command in &set.commands {
        let decision = decide(scene, command, ctx)?;
        made.push(settle(scene, decision, ctx)?.unwrap_or(Made::Nothing));
    }
    Ok(made)
}

/// The scene of what was loaded. A case whose workflow is unknown is a defect of the data.
///
/// `asked` is what was looked up beside it, found or not.
pub(super) fn stage(
    tenant: TenantId,
    config: Arc<TenantConfig>,
    loaded: Loaded,
    asked: &Asked,
) -> Result<Scene, ActError> {
    let mut cases = Vec::with_capacity(loaded.cases.len() + loaded.below.len());
    let here: BTreeSet<TicketId> = loaded.cases.iter().map(|parts| parts.ticket.id).collect();
    let below = loaded.below.into_iter().filter(|parts| !here.contains(&parts.ticket.id));
    for parts in loaded.cases.into_iter().chain(below) {
        cases.push(Arc::new(super::read::case(&config, parts)?));
    }
    let mut scene = Scene::new(tenant, config, cases);
    scene.pools = loaded.pools;
    scene.people = by_id(loaded.people);
    scene.looks_below(asked.below.iter().copied());
    scene.looked_up.clone_from(&asked.people);
    scene.holders = loaded.holders;
    scene.delegations = loaded.delegations;
    scene.delegation = loaded.delegation;
    scene.editors = loaded.editors;
    scene.relied_on(loaded.lines.values().flatten().copied());
    scene.lines = loaded.lines;
    scene.relied_on(loaded.ancestors.iter().copied());
    scene.ancestors = loaded.ancestors;
    scene.relied_on(loaded.steps.iter().map(|step| (step.ticket, step.version)));
    scene.steps = loaded.steps;
    scene.grant = loaded.grant;
    scene.group_grants = loaded.group_grants;
    scene.role_until = loaded.role_until;
    scene.member = loaded.member;
    scene.tenant_taken = loaded.tenant_taken;
    scene.place = loaded.place;
    Ok(scene)
}

/// The epoch and the versions a try saw.
type Sight = (Option<i64>, Vec<(TicketId, i64)>);

/// What the tries of one command have in common.
#[derive(Default)]
struct SoFar {
    /// Numbers of new tickets, drawn once.
    numbers: Numbers,
    /// Turns of groups, drawn once.
    turns: Turns,
    /// What the last try saw, and how many tries in a row saw the same.
    seen: Option<Sight>,
    unmoved: u32,
    /// Whether the last try went by what the cache believes of the policy.
    believes: bool,
}

impl SoFar {
    fn look(&mut self, loaded: &Loaded) {
        let cases = loaded.cases.iter().chain(&loaded.below).map(|parts| (parts.ticket.id, parts.ticket.version));
        let behind = loaded.steps.iter().map(|step| (step.ticket, step.version));
        let around = loaded.place.cards.iter().map(|card| (card.ticket, card.version));
        let behind = behind.chain(around);
        let above = loaded.ancestors.iter().chain(loaded.lines.values().flatten()).copied();
        let seen = Some((loaded.epoch, cases.chain(above).chain(behind).collect()));
        self.unmoved = if self.seen == seen { self.unmoved + 1 } else { 0 };
        self.seen = seen;
    }
}
