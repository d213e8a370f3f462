//! Commands: load, decide, commit, and again when others were faster.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::Desk;
use super::cache::Standpoint;
use crate::actor::Actor;
use crate::command::{Ask, Command, Intent, Made};
use crate::config::TenantConfig;
use crate::decide::{Needs, decide};
use crate::error::{ActError, Conflict, Refusal};
use crate::event::{Cause, Cursor, Subject};
use crate::id::{CommandId, Mint, TenantId, TicketId, hex};
use crate::role::{Access, Denied, Permission};
use crate::scene::{Ctx, Scene, settle};
use crate::store::{Commit, Epoch, Key, Lease, Loaded, NewJob, Outcome, Row, Write, by_id};
use crate::time::Timestamp;
use crate::value::Field;

/// How often a command that keeps being overtaken is decided again.
pub(super) const TRIES: u32 = 32;
/// Longest idempotency key, in characters.
const KEY_MAX: usize = 128;
/// Most commands in a set.
const SET_MAX: usize = 128;
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
        let _lanes = self.inner.lanes.enter(&order.needs.tickets).await;
        let mut so_far = SoFar::default();
        // Rows of the sender's own were made from what the sender saw: only the sender can make them anew.
        let tries = if set.rows.is_empty() { self.inner.tries } else { 1 };
        for _ in 0..tries {
            if let Some(done) = self.attempt(&order, &mut so_far).await? {
                return Ok(done);
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
        let mut loaded = store.load(*tenant, &order.needs, key).await?;
        if order.moves_parent() {
            self.load_old_parents(order, &mut loaded).await?;
        }
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
            None => return Err(Refusal::not_found("tenant", tenant).into()),
        };
        if let Some(earlier) = loaded.earlier.take() {
            return order.repeat(earlier).map(Some);
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
        let mint = Mint::new(order.id);
        let mut ctx = Ctx { actor: by, by: author.clone(), access: &stand.access, now, at, mint, numbers: vec![] };
        let mut scene = stage(*tenant, stand.config.clone(), loaded)?;
        self.check_versions(order, &scene, &ctx).await?;
        self.draw(order, &scene, &ctx, &mut so_far.numbers).await?;
        ctx.numbers = so_far.numbers.iter().rev().copied().collect();

        let mut made = Vec::with_capacity(set.commands.len());
        for command in &set.commands {
            let decision = decide(&scene, command, &mut ctx)?;
            made.push(settle(&mut scene, decision, &ctx)?.unwrap_or(Made::Nothing));
        }
        // Rows of the organisation keep the version that was seen: whoever may not change them has been refused by now.
        order.check_subject(&scene)?;
        let still = scene.is_still();
        if still && set.key.is_none() && set.done.is_none() && set.rows.is_empty() && set.jobs.is_empty() {
            let version = order.subject_version(&scene).unwrap_or_default();
            return Ok(Some(Done { out: made, version, cursor: store.head().await?, changed: false }));
        }
        let unchanged = order.subject_version(&scene).unwrap_or_default();
        let finished = scene.finish(&mut ctx, &set.cause);
        let last = finished.events.last().map(|event| (event.subject.clone(), event.version));
        let first = finished.events.first().map(|event| event.version);
        let version =
            order.ticket().and_then(|ticket| finished.versions.iter().find(|(id, _)| *id == ticket)).map(|(_, v)| *v);
        let version = version.or(first).unwrap_or(unchanged);
        let key = set.key.as_ref().map(|key| Key {
            by: author,
            key: key.clone(),
            hash: order.hash.clone(),
            made: serde_json::to_string(&made).unwrap_or_default(),
            version,
            subject: last.map(|(subject, _)| subject),
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
            let changes = since.iter().flat_map(|event| event.event.changes());
            let fields: BTreeSet<Field> = changes.map(|change| change.field).collect();
            return Err(Refusal::from(Conflict { expected, current, fields: fields.into_iter().collect() }).into());
        }
        Ok(())
    }

    /// A ticket that gets another parent takes leave of the one it has.
    async fn load_old_parents(&self, order: &Order<'_>, loaded: &mut Loaded) -> Result<(), ActError> {
        let here: BTreeSet<TicketId> = loaded.cases.iter().map(|parts| parts.ticket.id).collect();
        let old: Vec<TicketId> = loaded
            .cases
            .iter()
            .filter_map(|parts| parts.ticket.parent)
            .filter(|parent| !here.contains(parent))
            .collect();
        if !old.is_empty() {
            loaded.cases.extend(self.inner.store.tickets(order.tenant, &old).await?.1);
        }
        Ok(())
    }

    /// Takes the numbers the set's new tickets need, once, after it is clear that they may be created.
    async fn draw(
        &self,
        order: &Order<'_>,
        scene: &Scene,
        ctx: &Ctx<'_>,
        numbers: &mut Vec<i64>,
    ) -> Result<(), ActError> {
        if !numbers.is_empty() {
            return Ok(());
        }
        for command in &order.set.commands {
            if let Command::CreateTicket(create) = command {
                let project = crate::ticket::decide::creatable(scene, create, ctx)?.id;
                numbers.push(self.inner.store.draw(order.tenant, project, 1).await?);
            }
        }
        Ok(())
    }
}

/// The scene of what was loaded. A case whose workflow is unknown is a defect of the data.
pub(super) fn stage(tenant: TenantId, config: Arc<TenantConfig>, loaded: Loaded) -> Result<Scene, ActError> {
    let mut cases = Vec::with_capacity(loaded.cases.len());
    for parts in loaded.cases {
        cases.push(Arc::new(super::read::case(&config, parts)?));
    }
    let mut scene = Scene::new(tenant, config, cases);
    scene.people = by_id(loaded.people);
    scene.relied_on(loaded.ancestors.iter().copied());
    scene.ancestors = loaded.ancestors;
    scene.grant = loaded.grant;
    scene.group_grants = loaded.group_grants;
    scene.member = loaded.member;
    scene.tenant_taken = loaded.tenant_taken;
    Ok(scene)
}

/// What the tries of one command have in common.
#[derive(Default)]
struct SoFar {
    numbers: Vec<i64>,
    /// What the last try saw, and how many tries in a row saw the same.
    seen: Option<(Option<i64>, Vec<(TicketId, i64)>)>,
    unmoved: u32,
}

impl SoFar {
    fn look(&mut self, loaded: &Loaded) {
        let cases = loaded.cases.iter().map(|parts| (parts.ticket.id, parts.ticket.version));
        let seen = Some((loaded.epoch, cases.chain(loaded.ancestors.iter().copied()).collect()));
        self.unmoved = if self.seen == seen { self.unmoved + 1 } else { 0 };
        self.seen = seen;
    }
}

/// A set of commands with what is known of it before anything is loaded.
struct Order<'a> {
    by: &'a Actor,
    set: &'a Set,
    expected: Option<i64>,
    tenant: TenantId,
    id: CommandId,
    needs: Needs,
    hash: String,
}

impl<'a> Order<'a> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the desk makes the seed of a command that brings none; engines never do"
    )]
    fn new(by: &'a Actor, set: &'a Set, expected: Option<i64>) -> Result<Self, ActError> {
        check_set(set)?;
        if let Some(id) = set.id
            && uuid::Uuid::from(id).get_version_num() != 7
        {
            return Err(Refusal::invalid("id", format!("`{id}` is not a UUIDv7; make one, or leave it out")).into());
        }
        if let Some(key) = &set.key
            && (key.is_empty() || key.chars().count() > KEY_MAX || key.contains('\0'))
        {
            return Err(
                Refusal::invalid("idempotencyKey", format!("needs 1 to {KEY_MAX} characters without NUL")).into()
            );
        }
        let (tenant, id) = match (set.commands.as_slice(), set.id, &set.key) {
            ([Command::RegisterTenant(c)], None, Some(key)) => {
                // Repeated with its key it must find the tenant it made.
                let id = Mint::new(CommandId::NIL).named(&format!("register/{}/{key}", c.key));
                (Mint::new(id).id(), id)
            }
            ([Command::RegisterTenant(_)], id, _) => {
                let id = id.unwrap_or_else(|| uuid::Uuid::now_v7().into());
                (Mint::new(id).id(), id)
            }
            (commands, id, _) => (tenant(by, commands)?, id.unwrap_or_else(|| uuid::Uuid::now_v7().into())),
        };
        for row in &set.rows {
            let own = [&row.before, &row.after].into_iter().flatten().all(|row| match row {
                Row::Kv(kv) => kv.tenant == tenant,
                Row::Run(run) => run.tenant == tenant,
                _ => false,
            });
            if !own {
                return Err(Refusal::invalid("rows", "may only be stored values and run records of the tenant").into());
            }
        }
        if set.jobs.iter().any(|job| job.tenant != tenant) {
            return Err(Refusal::invalid("jobs", "must belong to the tenant").into());
        }
        let mut needs = Needs::default();
        for command in &set.commands {
            needs.of(command);
        }
        needs.tickets.extend(set.expected.iter().map(|(ticket, _)| *ticket));
        let hash = if set.key.is_some() {
            let said = serde_json::to_vec(&(&set.commands, &set.expected, expected, set.at)).unwrap_or_default();
            hex(&Sha256::digest(said))
        } else {
            String::new()
        };
        Ok(Self { by, set, expected, tenant, id, needs, hash })
    }

    /// Whether a ticket that exists gets another parent.
    fn moves_parent(&self) -> bool {
        self.set.commands.iter().any(|command| {
            matches!(command, Command::EditTicket(c) if c.fields.parent.is_some())
                || matches!(command, Command::MoveTo(c) if c.fields.parent.is_some())
        })
    }

    /// Refuses a stale expectation of something outside tickets, or one of what counts no versions.
    fn check_subject(&self, scene: &Scene) -> Result<(), Refusal> {
        match (self.expected, self.ticket(), self.subject(scene)) {
            (None, ..) | (_, Some(_), _) => Ok(()),
            (Some(expected), None, Some((_, current))) if expected == current => Ok(()),
            (Some(expected), None, Some((_, current))) => Err(Conflict { expected, current, fields: vec![] }.into()),
            (Some(_), None, None) => {
                Err(Refusal::invalid("expectedVersion", "says nothing here: this command changes nothing that exists"))
            }
        }
    }

    fn registers(&self) -> bool {
        matches!(self.set.commands.as_slice(), [Command::RegisterTenant(_)])
    }

    /// The ticket a single command changes.
    fn ticket(&self) -> Option<TicketId> {
        self.set.commands.first().and_then(Command::ticket)
    }

    /// The subject whose version a single command's caller saw, with its present version.
    fn subject(&self, scene: &Scene) -> Option<(Subject, i64)> {
        let command = self.set.commands.first()?;
        if let Some(ticket) = command.ticket() {
            return Some((Subject::Ticket(ticket), scene.case(ticket)?.ticket.version));
        }
        let config = &scene.config;
        match command {
            Command::EditTenant(_) => Some((Subject::Tenant(config.tenant.id), config.tenant.version)),
            Command::EditProject(c) => Some((Subject::Project(c.project), config.projects.get(&c.project)?.version)),
            Command::EditPerson(c) => Some((Subject::Person(c.person), scene.people.get(&c.person)?.version)),
            Command::EnsurePerson(c) => {
                let person = scene.people.values().find(|person| person.external == c.external)?;
                Some((Subject::Person(person.id), person.version))
            }
            Command::EditGroup(c) => Some((Subject::Group(c.group), config.groups.get(&c.group)?.version)),
            Command::EditTag(c) => Some((Subject::Tag(c.tag), config.tags.get(&c.tag)?.version)),
            Command::InstallPlugin(c) => {
                Some((Subject::Plugin(c.plugin.clone()), config.plugins.get(&c.plugin)?.version))
            }
            Command::RemovePlugin(c) => {
                Some((Subject::Plugin(c.plugin.clone()), config.plugins.get(&c.plugin)?.version))
            }
            Command::RegisterTenant(_)
            | Command::CreateProject(_)
            | Command::CreateGroup(_)
            | Command::AddMember(_)
            | Command::RemoveMember(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::PublishWorkflow(_)
            | Command::DefineTag(_)
            | Command::CreateTicket(_)
            | Command::EditTicket(_)
            | Command::MoveTo(_)
            | Command::ForceState(_)
            | Command::Relate(_)
            | Command::Unrelate(_)
            | Command::TagTicket(_)
            | Command::DeleteTicket(_)
            | Command::RestoreTicket(_)
            | Command::Comment(_)
            | Command::EditComment(_)
            | Command::DeleteComment(_)
            | Command::StopAutomation(_) => None,
        }
    }

    fn subject_version(&self, scene: &Scene) -> Option<i64> {
        self.subject(scene).map(|(_, version)| version)
    }

    /// The answer to a command that was sent before with the same key.
    fn repeat(&self, earlier: crate::store::Earlier) -> Result<Done<Vec<Made>>, ActError> {
        if earlier.hash != self.hash {
            return Err(Refusal::KeyReused(self.set.key.clone().unwrap_or_default()).into());
        }
        let out = serde_json::from_str(&earlier.made)
            .map_err(|error| crate::store::StoreError::Defect(format!("a stored answer cannot be read: {error}")))?;
        Ok(Done { out, version: earlier.version, cursor: earlier.cursor, changed: false })
    }
}

/// The tenant the commands work in.
fn tenant(by: &Actor, commands: &[Command]) -> Result<TenantId, Refusal> {
    let mut named = by.tenant().into_iter().chain(commands.iter().filter_map(Command::tenant));
    let first = named.next().ok_or(Refusal::NoTenant)?;
    match named.find(|other| *other != first) {
        // Another tenant's things do not exist.
        Some(other) => Err(Refusal::not_found("tenant", other)),
        None => Ok(first),
    }
}

/// Refuses a set that is too large, or whose commands cannot go together: only commands on tickets can, and only one of
/// them may choose a parent, for what is read for it is read once.
fn check_set(set: &Set) -> Result<(), Refusal> {
    if set.commands.len() > SET_MAX {
        return Err(Refusal::invalid("commands", format!("are {}, at most {SET_MAX} go together", set.commands.len())));
    }
    if set.commands.len() < 2 {
        return set.commands.iter().try_for_each(Command::check_texts);
    }
    let on_tickets = |command: &Command| command.ticket().is_some() || matches!(command, Command::CreateTicket(_));
    if let Some(other) = set.commands.iter().find(|command| !on_tickets(command)) {
        return Err(Refusal::invalid("commands", format!("`{}` goes alone; send it by itself", other.name())));
    }
    let parents = set.commands.iter().filter(|command| {
        let mut needs = Needs::default();
        needs.of(command);
        needs.above.is_some()
    });
    if parents.count() > 1 {
        return Err(Refusal::invalid(
            "commands",
            "only one of a set can choose a parent; send the others by themselves",
        ));
    }
    set.commands.iter().try_for_each(Command::check_texts)
}
