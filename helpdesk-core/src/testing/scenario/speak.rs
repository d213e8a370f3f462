//! From the words of a line to a command or a look.

mod approval;

use super::boards;
use super::parse::Step;
use super::stage::Look;
use super::words::{Cast, Keys, Muddle, instant, value};
use crate::actor::Actor;
use crate::command::*;
use crate::filter::{Cond, Filter, Range, TextIs, When};
use crate::id::CommandId;
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permission, Permissions, Principal, Relations, RoleKey, Scope};
use crate::ticket::Relation;
use crate::time::Timestamp;
use crate::workflow::Definition;

/// What a name is given to once a command has made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Tenant,
    Project,
    Person,
    Group,
    Grant,
    Tag,
    Board,
    Column,
    Ticket,
    Entry,
    Approval,
    Delegation,
}

/// What a line says.
pub(super) enum Said {
    Act(Actor, Box<Ask<Command>>, Option<(Noun, String)>),
    See(Actor, Look),
    /// The ticket shall look like this.
    Picture(Actor, crate::id::TicketId, Vec<(String, String)>),
    Blind(Actor, crate::id::TicketId),
    /// The approval, or the one ticket of the list, is called so from now on.
    Learn(Actor, String, Look),
    Wait(i64),
    Enter(String),
}

/// Understands a line. `suffix` makes keys of tenants unique among scenarios.
pub(super) fn understand(step: &Step, cast: &Cast, suffix: &str, now: Timestamp) -> Result<Said, Muddle> {
    let plain: Vec<&str> = step.words.iter().filter(|word| word.key.is_none()).map(|word| word.text.as_str()).collect();
    let mut keys = Keys::of(&step.words);
    let (who, rest) = plain.split_first().ok_or("nobody does anything")?;
    match rest {
        ["clock", "moves", by] if *who == "the" => return Ok(Said::Wait(super::words::duration(by)?)),
        ["enters", tenant] => return Ok(Said::Enter((*tenant).to_owned())),
        _ => {}
    }
    let actor = cast.actor(who)?;
    let look = match rest {
        ["sees", ticket] => {
            let id = cast.ticket(ticket)?;
            let fields = keys.rest().into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
            return Ok(Said::Picture(actor, id, fields));
        }
        ["finds", "approval", name, "of", ticket, "by", template] => {
            let look = Look::Latest(cast.ticket(ticket)?, (*template).to_owned());
            return Ok(Said::Learn(actor, (*name).to_owned(), look));
        }
        ["finds", "ticket", name, "called", title, "under", parent] => {
            let called = Filter::from(Cond::Title(TextIs::Equal((*title).to_owned())));
            let look = Look::List(called.and(Cond::Parent(vec![cast.ticket(parent)?])));
            return Ok(Said::Learn(actor, (*name).to_owned(), look));
        }
        ["cannot", "see", ticket] => return Ok(Said::Blind(actor, cast.ticket(ticket)?)),
        ["lists"] => Some(Look::List(filter(cast, &mut keys, now)?)),
        ["counts"] => Some(Look::Count(filter(cast, &mut keys, now)?)),
        ["reads", "history", "of", ticket] => Some(Look::History(cast.ticket(ticket)?)),
        ["reads", "links", "of", ticket] => Some(Look::Links(cast.ticket(ticket)?)),
        ["reads", "entries", "of", ticket] => Some(Look::Entries(cast.ticket(ticket)?)),
        ["reads", "board", board] => Some(Look::Board(cast.board(board)?)),
        ["reads", "cards", "of", board, "in", column] => Some(Look::Cards(cast.board(board)?, cast.column(column)?)),
        ["reads", "comments", "of", board, "in", column] => {
            Some(Look::Comments(cast.board(board)?, cast.column(column)?))
        }
        ["reads", "exits", "of", ticket] => Some(Look::Exits(cast.ticket(ticket)?)),
        ["asks", "why", who, "may", permission, "on", ticket] => {
            Some(Look::Why(cast.actor(who)?, value(permission)?, cast.ticket(ticket)?))
        }
        ["finds", "holders", "of", role] => {
            let scope = keys.take("on").map_or(Ok(Scope::Tenant), |name| cast.scope(name))?;
            Some(Look::Holders(value(role)?, scope))
        }
        ["reads", "approvals", "of", ticket] => Some(Look::Approvals(cast.ticket(ticket)?)),
        ["reads", "inbox"] => Some(Look::Inbox),
        ["simulates", template, "on", ticket] => Some(Look::Forecast(cast.ticket(ticket)?, (*template).to_owned())),
        ["finds", "people", text] => Some(Look::People((*text).to_owned())),
        _ => None,
    };
    if let Some(look) = look {
        keys.done()?;
        return Ok(Said::See(actor, look));
    }
    let around = (keys.read::<i64>("@expect")?, keys.text("@key"), keys.take("@at"));
    let id = keys.read::<CommandId>("@id")?;
    let said = if boards::about(rest) {
        boards::spoken(rest, &mut keys, cast, now)?
    } else {
        match about_tickets(rest, &mut keys, cast, now)? {
            Some(said) => Some(said),
            None => match approval::understand(rest, &mut keys, cast, &step.block, now)? {
                Some(said) => Some(said),
                None => about_the_organisation(rest, &mut keys, cast, suffix, &step.block, now)?,
            },
        }
    };
    let (command, named) = said.ok_or_else(|| format!("`{}` is not understood", step.text))?;
    keys.done()?;
    let at = around.2.map(|text| instant(text, now)).transpose()?;
    let ask = Ask { command, id, expected: around.0, key: around.1, at };
    Ok(Said::Act(actor, Box::new(ask), named))
}

pub(super) type Spoken = Option<(Command, Option<(Noun, String)>)>;

fn about_tickets(rest: &[&str], keys: &mut Keys<'_>, cast: &Cast, now: Timestamp) -> Result<Spoken, Muddle> {
    let relation = |text: &str| value::<Relation>(text);
    let mut named = None;
    let command: Command = match rest {
        ["opens", name, "in", project, title] => {
            named = Some((Noun::Ticket, (*name).to_owned()));
            let tags = keys.take("tags").map(|all| all.split(',').map(|tag| cast.tag(tag)).collect()).transpose()?;
            CreateTicket {
                project: cast.project(project)?,
                title: (*title).to_owned(),
                id: keys.take("id").map(|name| cast.ticket(name)).transpose()?,
                transition: keys.text("via"),
                requester: keys.take("for").map(|name| cast.person(name)).transpose()?,
                assignees: keys.take("assign").map_or(Ok(vec![]), |names| cast.persons(names))?,
                tags: tags.unwrap_or_default(),
                fields: keys.patch(cast, now)?,
            }
            .into()
        }
        ["moves", ticket, "along", transition] => {
            let reason = keys.text("because");
            let fields = keys.patch(cast, now)?;
            MoveTo { fields, reason, ..MoveTo::new(cast.ticket(ticket)?, *transition) }.into()
        }
        ["forces", ticket, "to", state] => {
            let reason = keys.text("because").unwrap_or_default();
            ForceState { ticket: cast.ticket(ticket)?, state: (*state).to_owned(), reason }.into()
        }
        ["assigns", ticket, "to", people] => Relate::assign(cast.ticket(ticket)?, cast.persons(people)?).into(),
        ["claims", ticket] => Claim { ticket: cast.ticket(ticket)? }.into(),
        ["reassigns", ticket, "from", from, "to", to] => {
            let reason = keys.text("because").unwrap_or_default();
            Reassign { ticket: cast.ticket(ticket)?, from: cast.person(from)?, to: cast.person(to)?, reason }.into()
        }
        ["adds", people, "to", ticket, "as", what] => {
            Relate::new(cast.ticket(ticket)?, relation(what)?, cast.persons(people)?).into()
        }
        ["removes", people, "from", ticket, "as", what] => {
            Unrelate { ticket: cast.ticket(ticket)?, relation: relation(what)?, people: cast.persons(people)? }.into()
        }
        ["tags", ticket, tags @ ..] => {
            let signed = |sign: char| -> Result<Vec<_>, Muddle> {
                tags.iter().filter_map(|tag| tag.strip_prefix(sign)).map(|tag| cast.tag(tag)).collect()
            };
            TagTicket { ticket: cast.ticket(ticket)?, add: signed('+')?, remove: signed('-')? }.into()
        }
        ["links", ticket, kind, to] => LinkTickets::new(cast.ticket(ticket)?, value(kind)?, cast.ticket(to)?).into(),
        ["unlinks", ticket, kind, to] => {
            UnlinkTickets::new(cast.ticket(ticket)?, value(kind)?, cast.ticket(to)?).into()
        }
        ["comments", "on", ticket, "as", name, body] => {
            named = Some((Noun::Entry, (*name).to_owned()));
            Comment::public(cast.ticket(ticket)?, *body).into()
        }
        ["notes", "on", ticket, "as", name, body] => {
            named = Some((Noun::Entry, (*name).to_owned()));
            Comment::internal(cast.ticket(ticket)?, *body).into()
        }
        ["edits", "entry", entry, "on", ticket, body] => {
            EditComment { ticket: cast.ticket(ticket)?, entry: cast.entry(entry)?, body: (*body).to_owned() }.into()
        }
        ["deletes", "entry", entry, "on", ticket] => {
            DeleteComment { ticket: cast.ticket(ticket)?, entry: cast.entry(entry)? }.into()
        }
        ["edits", ticket] if *ticket != "tenant" => {
            EditTicket::new(cast.ticket(ticket)?, keys.patch(cast, now)?).into()
        }
        ["deletes", ticket] => DeleteTicket { ticket: cast.ticket(ticket)?, reason: keys.text("because") }.into(),
        ["restores", ticket] => RestoreTicket { ticket: cast.ticket(ticket)?, reason: keys.text("because") }.into(),
        _ => return Ok(None),
    };
    Ok(Some((command, named)))
}

fn about_the_organisation(
    rest: &[&str],
    keys: &mut Keys<'_>,
    cast: &Cast,
    suffix: &str,
    block: &str,
    now: Timestamp,
) -> Result<Spoken, Muddle> {
    let mut named = None;
    let mut name_it = |noun, name: &str| named = Some((noun, name.to_owned()));
    let command: Command = match rest {
        ["registers", key] => {
            name_it(Noun::Tenant, key);
            let name = keys.text("name").unwrap_or_else(|| (*key).to_owned());
            RegisterTenant::new(format!("{key}{suffix}"), name).into()
        }
        ["edits", "tenant"] => EditTenant { name: keys.text("name"), suspended: keys.read("suspended")? }.into(),
        ["creates", "project", key] => {
            name_it(Noun::Project, key);
            CreateProject {
                tenant: cast.here()?,
                key: (*key).to_owned(),
                name: keys.text("name"),
                lead: keys.take("lead").map(|name| cast.person(name)).transpose()?,
                workflow: keys.text("workflow"),
                visibility: keys.read("visibility")?,
            }
            .into()
        }
        ["edits", "project", key] => EditProject {
            project: cast.project(key)?,
            name: keys.text("name"),
            lead: match keys.take("lead") {
                Some("-") => Some(None),
                Some(name) => Some(Some(cast.person(name)?)),
                None => None,
            },
            workflow: keys.text("workflow"),
            visibility: keys.read("visibility")?,
            relations: relations(keys)?,
            deleted: keys.read("deleted")?,
        }
        .into(),
        ["adds", "person", name] => {
            name_it(Noun::Person, name);
            EnsurePerson {
                tenant: cast.here()?,
                external: keys.text("external").unwrap_or_else(|| format!("users/{name}")),
                name: keys.text("name").unwrap_or_else(|| (*name).to_owned()),
                kind: keys.read::<PersonKind>("kind")?,
                email: keys.text("email"),
                phone: keys.text("phone"),
                title: keys.text("title"),
            }
            .into()
        }
        ["edits", "person", name] => EditPerson {
            person: cast.person(name)?,
            name: keys.text("name"),
            kind: keys.read("kind")?,
            email: keys.text("email"),
            phone: keys.text("phone"),
            title: keys.text("title"),
            manager: keys.double("manager", |name| cast.person(name))?,
            active: keys.read("active")?,
            skills: keys.take("skills").map(|all| match all {
                "-" => vec![],
                all => all.split(',').map(str::to_owned).collect(),
            }),
        }
        .into(),
        ["creates", "group", name] => {
            name_it(Noun::Group, name);
            CreateGroup {
                tenant: cast.here()?,
                kind: keys.read("kind")?.unwrap_or(GroupKind::Team),
                name: keys.text("name").unwrap_or_else(|| (*name).to_owned()),
                parent: keys.take("parent").map(|name| cast.group(name)).transpose()?,
            }
            .into()
        }
        ["edits", "group", name] => EditGroup {
            group: cast.group(name)?,
            name: keys.text("name"),
            parent: match keys.take("parent") {
                Some("-") => Some(None),
                Some(name) => Some(Some(cast.group(name)?)),
                None => None,
            },
            head: keys.double("head", |name| cast.person(name))?,
        }
        .into(),
        ["adds", person, "to", "group", group] => {
            AddMember { group: cast.group(group)?, person: cast.person(person)? }.into()
        }
        ["removes", person, "from", "group", group] => {
            RemoveMember { group: cast.group(group)?, person: cast.person(person)? }.into()
        }
        ["grants", role, "to", to @ ..] => {
            if let Some(name) = keys.take("as") {
                name_it(Noun::Grant, name);
            }
            let to = match to {
                ["group", group] => Principal::Group(cast.group(group)?),
                [person] => Principal::Person(cast.person(person)?),
                _ => return Ok(None),
            };
            let scope = keys.take("on").map_or(Ok(Scope::Tenant), |name| cast.scope(name))?;
            let expires_at = keys.take("until").map(|text| instant(text, now)).transpose()?;
            GrantRole { role: value::<RoleKey>(role)?, to, scope, expires_at }.into()
        }
        ["defines", "role", key] => DefineRole {
            tenant: cast.here()?,
            key: (*key).to_owned(),
            name: keys.text("name").unwrap_or_else(|| (*key).to_owned()),
            permissions: keys.take("may").map_or(Ok(Permissions::NONE), permissions)?,
        }
        .into(),
        ["edits", "role", key] => EditRole {
            role: value(key)?,
            name: keys.text("name"),
            permissions: keys.take("may").map(permissions).transpose()?,
        }
        .into(),
        ["deletes", "role", key] => DeleteRole { role: value(key)? }.into(),
        ["revokes", grant] => RevokeRole { grant: cast.grant(grant)? }.into(),
        ["creates", "tag", name, "in", project] => {
            name_it(Noun::Tag, name);
            DefineTag {
                project: cast.project(project)?,
                name: keys.text("name").unwrap_or_else(|| (*name).to_owned()),
                description: keys.text("description").unwrap_or_default(),
                colour: keys.text("colour").unwrap_or_default(),
            }
            .into()
        }
        ["edits", "tag", name] => EditTag {
            tag: cast.tag(name)?,
            name: keys.text("name"),
            description: keys.text("description"),
            colour: keys.text("colour"),
            deleted: keys.read("deleted")?,
        }
        .into(),
        ["publishes"] => {
            let definition = Definition::from_toml(&cast.with_ids(block)?).map_err(|error| error.to_string())?;
            PublishWorkflow { tenant: cast.here()?, definition }.into()
        }
        ["installs", plugin] => InstallPlugin {
            tenant: cast.here()?,
            plugin: value(plugin)?,
            digest: keys.text("digest").unwrap_or_else(|| "0".repeat(64)),
            manifest: keys.text("manifest").unwrap_or_else(|| "{}".into()),
            granted: "[]".into(),
            config: keys.text("config").unwrap_or_else(|| "{}".into()),
            enabled: keys.read("enabled")?.unwrap_or(true),
        }
        .into(),
        ["uninstalls", plugin] => RemovePlugin { plugin: value(plugin)? }.into(),
        _ => return Ok(None),
    };
    Ok(Some((command, named)))
}

/// `watcher=ticket.read requester=-`, or `relations=default`.
fn relations(keys: &mut Keys<'_>) -> Result<Option<Relations>, Muddle> {
    let mut said = keys.take("relations").map(|_| Relations::DEFAULT);
    for relation in Relation::ALL {
        if let Some(text) = keys.take(relation.as_str()) {
            said = Some(said.unwrap_or_default().with(*relation, permissions(text)?));
        }
    }
    Ok(said)
}

/// `ticket.read,ticket.edit`, or `-` for none.
fn permissions(text: &str) -> Result<Permissions, Muddle> {
    if text == "-" { Ok(Permissions::NONE) } else { text.split(',').map(value::<Permission>).collect() }
}

/// `state=todo,done`, `!assignees=ana`, `title~="fire"`, `due_at<=+1d`, `text="words"`; all must hold.
pub(super) fn filter(cast: &Cast, keys: &mut Keys<'_>, now: Timestamp) -> Result<Filter, Muddle> {
    fn list<T>(text: &str, read: impl Fn(&str) -> Result<T, Muddle>) -> Result<Vec<T>, Muddle> {
        if text == "-" { Ok(vec![]) } else { text.split(',').map(read).collect() }
    }
    let mut all = Filter::All;
    for (key, text) in std::mem::replace(keys, Keys::of(&[])).rest() {
        let (negated, field) = key.strip_prefix('!').map_or((false, key), |field| (true, field));
        let related = |relation| -> Result<Cond, Muddle> {
            let mine = text == "me";
            let people = if mine { vec![] } else { cast.persons(text)? };
            Ok(if mine { Cond::Mine(vec![relation]) } else { Cond::Related { people, relations: vec![relation] } })
        };
        let cond = match field {
            "project" => Cond::Project(list(text, |name| cast.project(name))?),
            "type" => Cond::Type(list(text, value)?),
            "state" => Cond::State(list(text, |state| Ok(state.to_owned()))?),
            "category" => Cond::Category(list(text, value)?),
            "priority" => Cond::Priority(list(text, value)?),
            "urgency" => Cond::Urgency(list(text, value)?),
            "importance" => Cond::Importance(list(text, value)?),
            "visibility" => Cond::Visibility(list(text, value)?),
            "group" => Cond::Group(list(text, |name| cast.group(name))?),
            "company" => Cond::Company(list(text, |name| cast.group(name))?),
            "parent" => Cond::Parent(list(text, |name| cast.ticket(name))?),
            "tags" => Cond::Tag(list(text, |name| cast.tag(name))?),
            "assignees" => related(Relation::Assignee)?,
            "requester" => related(Relation::Requester)?,
            "watchers" => related(Relation::Watcher)?,
            "title~" => Cond::Title(TextIs::Contains(text.to_owned())),
            "title" => Cond::Title(TextIs::Equal(text.to_owned())),
            "due_at<" => Cond::Time(When::Due, Range { from: None, to: Some(instant(text, now)?) }),
            "due_at" if text == "-" => Cond::Time(When::Due, Range { from: None, to: None }),
            "deleted" => Cond::Deleted(value(text)?),
            "text" => Cond::Text(text.to_owned()),
            _ => return Err(format!("`{field}` cannot be filtered by here")),
        };
        let cond = Filter::from(cond);
        let absent = field == "due_at"; // `due_at=-`: none is set
        all = all.and(if negated != absent { cond.negate() } else { cond });
    }
    Ok(all)
}
