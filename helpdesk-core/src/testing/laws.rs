//! Laws that hold on every store, for generated worlds: each is a function over an empty, migrated database that panics
//! with its seed when the law is broken.

mod approvals;
mod boards;
mod sight;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::approvals::{Outcomes, approvals};
pub use self::boards::{Moves, boards};
pub use self::sight::{lists, narrowed};
use super::generate::Population;
use super::{Schedule, World};
use crate::case::{Case, Moment};
use crate::command::{Asking, Command, Comment};
use crate::decide::Needs;
use crate::error::ActError;
use crate::event::{Cursor, Envelope, Event, Subject};
use crate::filter::{Filter, Order, SortBy};
use crate::id::{EntryId, Salt, TicketId};
use crate::store::{Database, Find, Log, Parts, Store, Which};
use crate::text;
use crate::ticket::{EntryVisibility, SearchDoc, decide};
use crate::value::{Change, Field, Value};

/// Everything stored of every ticket of the population.
async fn stored(population: &Population) -> Vec<Parts> {
    let mut all = Vec::with_capacity(population.tickets.len());
    for id in &population.tickets {
        let found = population.world.store.ticket(population.world.tenant, &Which::Id(*id), 1000).await.unwrap().1;
        all.push(found.expect("what was made is there"));
    }
    all
}

/// What is loaded equals what the ticket's history folds into, texts by their digests; commands settle; and commands
/// that ask for what is already so change nothing. Answers the whole log as lines, the same on every database.
pub async fn replay(store: Arc<dyn Database>, seed: u64, commands: usize) -> Vec<String> {
    let world = World::found(store, "replayed").await;
    let mut population = Population::found(world, seed).await;
    let mut done = 0;
    for _ in 0..commands {
        let sent = population.step().await;
        match sent.done {
            Ok(made) => {
                done += 1;
                still(&population.world, &sent.by, &sent.command, made.version, seed).await;
            }
            Err(error) => assert_ne!(error.code(), "AUTOMATION_STOPPED", "seed {seed}: {error}"),
        }
    }
    assert!(done * 2 > commands, "seed {seed}: only {done} of {commands} commands were taken");
    hold(&population, seed).await;
    let world = &population.world;
    let (mut lines, mut cursor) = (vec![], Cursor::START);
    loop {
        let (events, upto) = world.store.after(Some(world.tenant), cursor, 500).await.unwrap();
        if upto == cursor {
            return lines;
        }
        cursor = upto;
        lines.extend(events.into_iter().map(|e| {
            let (kind, data) = (e.event.kind(), e.event.data());
            format!("{}:{} {}.{} {} {} {kind} {data}", e.subject.kind(), e.subject.key(), e.version, e.ord, e.id, e.by)
        }));
    }
}

/// Over a store that fails, loses answers, conflicts and delays: whoever repeats with the same idempotency key gets each
/// command done once, and every ticket still equals its history.
pub async fn weather(store: Arc<dyn Database>, seed: u64, comments: usize) {
    let world = World::found(store, "weathered").await;
    let mut population = Population::found(world, seed).await;
    population.grow(30).await;
    let storm = Schedule { unavailable: 8, lost: 8, stale: 8, late: 8, only: None };
    let world = population.world.clone();
    let first = world.ticket("in the storm").await;
    population.tickets.push(first);
    population.tickets.sort();
    population.tickets.dedup();
    world.store.reschedule(storm);
    let mut failed = 0;
    for n in 0..comments {
        let ask = Comment::public(first, format!("words {n}")).keyed(format!("k{n}"));
        loop {
            match world.desk.act(&world.ana, ask.clone()).await {
                Ok(_) => break,
                Err(ActError::Store(_)) => failed += 1,
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    world.store.reschedule(Schedule::default());
    assert!(failed > comments / 10, "seed {seed}: only {failed} failures");
    let entries = world.store.entries(world.tenant, first, None, 10_000).await.unwrap();
    let mut bodies: Vec<&str> = entries.iter().map(|entry| entry.body.as_str()).collect();
    bodies.sort_unstable();
    let mut expected: Vec<String> = (0..comments).map(|n| format!("words {n}")).collect();
    expected.sort_unstable();
    assert_eq!(bodies, expected, "seed {seed}: each once");
    hold(&population, seed).await;
}

/// Holds every ticket against its history.
async fn hold(population: &Population, seed: u64) {
    let world = &population.world;
    let config = world.store.config(world.tenant).await.unwrap().expect("the tenant");
    for parts in stored(population).await {
        let id = parts.ticket.id;
        let workflow = config.workflows.get(&parts.ticket.workflow).expect("its workflow").clone();
        let mut history: Vec<Envelope> = vec![];
        loop {
            let from = history.last().map_or(0, |event| event.version);
            let page = world.store.history(world.tenant, &Subject::Ticket(id), from, 500).await.unwrap();
            if page.is_empty() {
                break;
            }
            history.extend(page);
        }
        let (_, links, _) = world.store.links(world.tenant, &[id]).await.unwrap();
        let needs = Needs { tickets: [id].into(), approvals: [id].into(), ..Needs::default() };
        let approvals =
            world.store.load(world.tenant, &needs, None).await.unwrap().cases.pop().and_then(|it| it.approvals);
        folds(&Parts { links: Some(links), approvals, ..parts }, &history, workflow, seed);
    }
}

/// Commands that say what shall be, sent again, change nothing.
async fn still(world: &World, by: &crate::Actor, command: &Command, version: i64, seed: u64) {
    let says = matches!(
        command,
        Command::EditTicket(_)
            | Command::Relate(_)
            | Command::Unrelate(_)
            | Command::Claim(_)
            | Command::LinkTickets(_)
            | Command::UnlinkTickets(_)
            | Command::EditComment(_)
            | Command::ForceState(_)
            | Command::MigrateTicket(_)
            | Command::DeleteTicket(_)
            | Command::RestoreTicket(_)
    );
    if says {
        let ask = crate::Ask { command: command.clone(), id: None, expected: None, key: None, at: None };
        // The change may have taken the right to repeat it.
        if let Ok(again) = world.desk.act_any(by, ask).await {
            assert!(!again.changed && again.version == version, "seed {seed}: {command:?} again: {again:?}");
        }
    }
}

/// Holds a ticket against its history.
fn folds(parts: &Parts, history: &[Envelope], workflow: Arc<crate::workflow::Workflow>, seed: u64) {
    let id = parts.ticket.id;
    let mut folded: Option<Case> = None;
    let (mut title, mut description) = (String::new(), None);
    let mut entries: BTreeMap<EntryId, (String, bool)> = BTreeMap::new();
    for event in history {
        let moment = Moment { by: &event.by, at: event.occurred_at, version: event.version };
        match (&event.event, &mut folded) {
            (Event::TicketCreated(created), none) => {
                (title, description) = (created.title.clone(), created.description.clone());
                *none = Some(decide::created(event.tenant, id, created, workflow.clone(), moment));
            }
            (_, None) => panic!("seed {seed}: {id} begins with {:?}", event.event),
            (other, Some(case)) => case.apply(other, moment),
        }
        if let Event::TicketEdited(edited) = &event.event {
            for Change { field, before: _, after } in &edited.changes {
                let Value::Digest { digest } = after else { continue };
                if *field == Field::Title {
                    title.clone_from(digest);
                } else if *field == Field::Description {
                    description = Some(digest.clone());
                }
            }
        } else if let Event::EntryAdded(e) = &event.event {
            entries.insert(e.entry, (e.digest.clone(), false));
        } else if let Event::EntryEdited(e) = &event.event {
            entries.insert(e.entry, (e.after.clone(), false));
        } else if let Event::EntryDeleted(e) = &event.event {
            entries.entry(e.entry).or_default().1 = true;
        }
        let case = folded.as_mut().expect("it has begun");
        case.ticket.version = event.version;
        case.ticket.updated_by = event.by.clone();
        case.ticket.updated_at = event.occurred_at;
    }
    let mut case = folded.expect("a history");
    assert_eq!(parts.ticket.salt.digest(&parts.ticket.title), title, "seed {seed}: the title of {id}");
    let text = parts.text.as_ref().expect("the text");
    let digest = (!text.description.is_empty()).then(|| text.salt.digest(&text.description));
    let emptied = text.salt.digest("");
    assert_eq!(digest, description.filter(|digest| *digest != emptied), "seed {seed}: the description of {id}");
    let told: BTreeMap<EntryId, (String, bool)> = parts
        .entries
        .iter()
        .map(|entry| (entry.id, (entry.salt.digest(&entry.body), entry.deleted_at.is_some())))
        .collect();
    assert_eq!(told, entries, "seed {seed}: the entries of {id}");
    case.ticket.title.clone_from(&parts.ticket.title);
    case.ticket.salt = parts.ticket.salt;
    assert_eq!((&parts.ticket, &parts.people, &parts.tags), (&case.ticket, &case.people, &case.tags), "seed {seed}");
    assert_eq!(parts.links, case.links, "seed {seed}: the links of {id}");
    let mut approvals = parts.approvals.clone();
    for said in approvals.iter_mut().flat_map(|all| &mut all.decisions) {
        let bare = Salt([0; 16]);
        (said.comment, said.salt) = (String::new(), bare); // words stand beside the log
    }
    assert_eq!(approvals, case.approvals, "seed {seed}: the approvals of {id}");
}

/// What the filters of a law selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Filters tried.
    pub cases: usize,
    /// Those that selected neither none nor all.
    pub telling: usize,
    /// How often each field met each operator.
    pub operators: BTreeMap<String, usize>,
}

/// What the texts of a ticket are indexed as.
fn docs(parts: &Parts) -> Vec<SearchDoc> {
    let doc = |entry, internal, words: BTreeSet<String>| SearchDoc {
        tenant: parts.ticket.tenant,
        ticket: parts.ticket.id,
        entry,
        internal,
        words: words.into_iter().collect::<Vec<_>>().join(" "),
    };
    let mut head = text::words(&parts.ticket.title);
    head.extend(text::words(parts.text.as_ref().map_or("", |text| &text.description)));
    let live = parts.entries.iter().filter(|entry| entry.deleted_at.is_none());
    let entries =
        live.map(|entry| doc(entry.id, entry.visibility == EntryVisibility::Internal, text::words(&entry.body)));
    std::iter::once(doc(EntryId::NIL, false, head)).chain(entries).collect()
}

/// The case as it is shown to those from whom parents outside `shown` are hidden.
fn shown(case: &Case, shown: &BTreeSet<TicketId>) -> Case {
    let mut case = case.clone();
    case.ticket.parent = case.ticket.parent.filter(|parent| shown.contains(parent));
    case
}

/// A filter selects the same tickets in memory and in the database, whichever parents are shown.
pub async fn filters(store: Arc<dyn Database>, seed: u64, cases: usize) -> Tally {
    let world = World::found(store, "filtered").await;
    let mut population = Population::found(world, seed).await;
    population.grow(420).await;
    let config = population.world.store.config(population.world.tenant).await.unwrap().expect("the tenant");
    let mut all: Vec<(Case, Vec<SearchDoc>)> = vec![];
    for parts in stored(&population).await {
        let docs = docs(&parts);
        let workflow = config.workflows.get(&parts.ticket.workflow).expect("its workflow").clone();
        all.push((parts.case(workflow), docs));
    }
    let mut tally = Tally { cases, ..Tally::default() };
    for _ in 0..cases {
        let (filter, used) = population.filter();
        let internal = population.internal();
        for name in used {
            *tally.operators.entry(name).or_default() += 1;
        }
        let searchable = |case: &Case| internal.matches(case, &[], false);
        let parents = if population.chance.percent(50) { Filter::All } else { population.filter().0 };
        let select = |fits: &dyn Fn(&Case, &[SearchDoc]) -> bool| -> BTreeSet<TicketId> {
            all.iter().filter(|(case, docs)| fits(case, docs)).map(|(case, _)| case.ticket.id).collect()
        };
        let above = select(&|case, docs| parents.matches(case, docs, searchable(case)));
        let expected = select(&|case, docs| filter.matches(&shown(case, &above), docs, searchable(case)));
        let order = Order { by: *population.chance.pick(SortBy::ALL), descending: population.chance.percent(50) };
        let tenant = population.world.tenant;
        let find = Find { tenant, filter, internal: internal.clone(), parents, order, after: None, limit: 1000 };
        let (_, found) = population.world.store.find(&find).await.unwrap();
        let found: BTreeSet<TicketId> = found.into_iter().map(|parts| parts.ticket.id).collect();
        if found != expected {
            let odd = found.symmetric_difference(&expected).next().expect("they differ");
            let case = all.iter().find(|(case, _)| case.ticket.id == *odd);
            let (filter, above) = (&find.filter, &find.parents);
            panic!("seed {seed}: {filter:?} {internal:?} {above:?}\nin memory {}: {case:#?}", expected.contains(odd));
        }
        tally.telling += usize::from(!found.is_empty() && found.len() < all.len());
    }
    tally
}
