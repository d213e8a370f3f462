//! Names of a scenario and what they stand for; values as words.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::parse::Word;
use crate::actor::Actor;
use crate::command::Patch;
use crate::id::{
    ApprovalId, BoardId, ColumnId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId, TagId, TenantId,
    TicketId,
};
use crate::role::Scope;
use crate::testing::Chance;
use crate::time::Timestamp;

/// Why a line cannot be understood.
pub(super) type Muddle = String;

/// What the names of one scenario stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Cast {
    pub(super) tenant: Option<TenantId>,
    pub(super) tenants: BTreeMap<String, TenantId>,
    pub(super) people: BTreeMap<String, (TenantId, PersonId)>,
    pub(super) projects: BTreeMap<String, ProjectId>,
    pub(super) groups: BTreeMap<String, GroupId>,
    pub(super) tags: BTreeMap<String, TagId>,
    pub(super) tickets: BTreeMap<String, TicketId>,
    pub(super) entries: BTreeMap<String, EntryId>,
    pub(super) grants: BTreeMap<String, GrantId>,
    pub(super) approvals: BTreeMap<String, ApprovalId>,
    pub(super) delegations: BTreeMap<String, DelegationId>,
    pub(super) boards: BTreeMap<String, BoardId>,
    pub(super) columns: BTreeMap<String, ColumnId>,
}

/// The id a name stands for; a name that begins with `?` stands for an id nobody has.
fn named<T: From<uuid::Uuid> + Copy>(known: &BTreeMap<String, T>, noun: &str, name: &str) -> Result<T, Muddle> {
    if name.starts_with('?') {
        let seed = name.bytes().fold(99, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        return Ok(Chance::new(seed).uuid(1_767_603_600_000).into());
    }
    known.get(name).copied().ok_or_else(|| format!("no {noun} `{name}` in this scenario so far"))
}

impl Cast {
    pub(super) fn actor(&self, name: &str) -> Result<Actor, Muddle> {
        match (name, self.tenant) {
            ("host", None) => Ok(Actor::system()),
            ("host", Some(tenant)) => Ok(Actor::system_of(tenant)),
            (_, _) if name.starts_with('?') => {
                let tenant = self.tenant.ok_or("no tenant yet")?;
                Ok(Actor::person(tenant, named(&BTreeMap::new(), "person", name)?))
            }
            (_, _) => {
                let known = self.people.get(name).ok_or_else(|| format!("nobody is called `{name}` so far"))?;
                Ok(Actor::person(known.0, known.1))
            }
        }
    }
    pub(super) fn person(&self, name: &str) -> Result<PersonId, Muddle> {
        match self.people.get(name) {
            Some((_, id)) => Ok(*id),
            None => named(&BTreeMap::new(), "person", name),
        }
    }
    /// `ana,ben`, or `nobody`.
    pub(super) fn persons(&self, names: &str) -> Result<Vec<PersonId>, Muddle> {
        if names == "nobody" { Ok(vec![]) } else { names.split(',').map(|name| self.person(name)).collect() }
    }
    pub(super) fn project(&self, name: &str) -> Result<ProjectId, Muddle> {
        named(&self.projects, "project", name)
    }
    pub(super) fn group(&self, name: &str) -> Result<GroupId, Muddle> {
        named(&self.groups, "group", name)
    }
    pub(super) fn tag(&self, name: &str) -> Result<TagId, Muddle> {
        named(&self.tags, "tag", name)
    }
    pub(super) fn ticket(&self, name: &str) -> Result<TicketId, Muddle> {
        named(&self.tickets, "ticket", name)
    }
    pub(super) fn entry(&self, name: &str) -> Result<EntryId, Muddle> {
        named(&self.entries, "entry", name)
    }
    pub(super) fn approval(&self, name: &str) -> Result<ApprovalId, Muddle> {
        named(&self.approvals, "approval", name)
    }
    pub(super) fn delegation(&self, name: &str) -> Result<DelegationId, Muddle> {
        named(&self.delegations, "delegation", name)
    }
    pub(super) fn grant(&self, name: &str) -> Result<GrantId, Muddle> {
        named(&self.grants, "grant", name)
    }
    pub(super) fn board(&self, name: &str) -> Result<BoardId, Muddle> {
        named(&self.boards, "board", name)
    }
    pub(super) fn column(&self, name: &str) -> Result<ColumnId, Muddle> {
        named(&self.columns, "column", name)
    }
    /// A project by name, or `department:x`, `company:x`, `ticket:T`.
    pub(super) fn scope(&self, name: &str) -> Result<Scope, Muddle> {
        match name.split_once(':') {
            Some(("department", name)) => self.group(name).map(Scope::Department),
            Some(("company", name)) => self.group(name).map(Scope::Company),
            Some(("ticket", name)) => self.ticket(name).map(Scope::Ticket),
            Some((other, _)) => Err(format!("`{other}` is no kind of scope")),
            None => self.project(name).map(Scope::Project),
        }
    }
    /// The word with names for the ids of people and tickets in it, in order where several stand together.
    pub(super) fn with_names(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for (name, (_, id)) in &self.people {
            word = word.replace(&id.to_string(), name);
        }
        for (name, id) in &self.tickets {
            word = word.replace(&id.to_string(), name);
        }
        let sorted = |part: &str| {
            let mut names: Vec<&str> = part.split(',').collect();
            names.sort_unstable();
            names.join(",")
        };
        word.split(':').map(sorted).collect::<Vec<_>>().join(":")
    }
    /// The text with ids for `<person:ana>`, `<group:network>` and `<project:IT>`.
    pub(super) fn with_ids(&self, text: &str) -> Result<String, Muddle> {
        let (mut said, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('<') {
            said.push_str(before);
            let (name, after) = after.split_once('>').ok_or("`<` without `>`")?;
            match name.split_once(':') {
                Some(("person", name)) => said.push_str(&self.person(name)?.to_string()),
                Some(("group", name)) => said.push_str(&self.group(name)?.to_string()),
                Some(("project", name)) => said.push_str(&self.project(name)?.to_string()),
                _ => return Err(format!("`<{name}>` is neither a person nor a group nor a project")),
            }
            rest = after;
        }
        said.push_str(rest);
        Ok(said)
    }
    pub(super) fn here(&self) -> Result<TenantId, Muddle> {
        self.tenant.ok_or_else(|| "no tenant yet".into())
    }

    /// The value of a field of a picture, as the picture writes it.
    pub(super) fn shown(&self, field: &str, text: &str, now: Timestamp) -> Result<String, Muddle> {
        let ids = |all: Vec<String>| {
            let mut all = all;
            all.sort();
            all.join(",")
        };
        if text.is_empty() || text == "-" {
            return Ok(String::new());
        }
        Ok(match field {
            "assignees" | "reporter" | "requester" | "watchers" | "members" | "approvers" => {
                ids(self.persons(text)?.iter().map(PersonId::to_string).collect())
            }
            "created_by" | "updated_by" if text != "system" => self.person(text)?.to_string(),
            "tags" => {
                let tags: Result<Vec<TagId>, Muddle> = text.split(',').map(|name| self.tag(name)).collect();
                ids(tags?.iter().map(TagId::to_string).collect())
            }
            "group" | "company" => self.group(text)?.to_string(),
            "parent" => self.ticket(text)?.to_string(),
            "start_at" | "due_at" | "resolved_at" | "closed_at" | "created_at" | "updated_at" => {
                instant(text, now)?.to_string()
            }
            _ => text.to_owned(),
        })
    }
}

/// `+90s`, `-2h`, `+3d`, or RFC 3339.
pub(super) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, Muddle> {
    if text == "now" {
        return Ok(now);
    }
    let signed = text.strip_prefix('+').map(|rest| (1, rest)).or_else(|| text.strip_prefix('-').map(|rest| (-1, rest)));
    match signed {
        Some((sign, rest)) => Ok(now.plus_millis(sign * duration(rest)?)),
        None => text.parse().map_err(|error: crate::time::BadTime| error.to_string()),
    }
}

/// `90s`, `5m`, `2h`, `3d`, in milliseconds.
pub(super) fn duration(text: &str) -> Result<i64, Muddle> {
    let bad = || format!("`{text}` is not a duration; write `90s`, `5m`, `2h` or `3d`");
    let unit = text.chars().last().ok_or_else(bad)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(bad()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| bad())?;
    Ok(count * seconds * 1000)
}

/// Any value that reads itself.
pub(super) fn value<T: FromStr>(text: &str) -> Result<T, Muddle>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// The words with a key, each to be taken once.
pub(super) struct Keys<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Keys<'a> {
    pub(super) fn of(words: &'a [Word]) -> Self {
        Self(words.iter().filter_map(|word| Some((word.key.as_deref()?, word.text.as_str()))).collect())
    }
    pub(super) fn take(&mut self, key: &str) -> Option<&'a str> {
        self.0.remove(key)
    }
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).map(str::to_owned)
    }
    /// Takes and reads.
    pub(super) fn read<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, Muddle>
    where
        T::Err: std::fmt::Display,
    {
        self.take(key).map(value).transpose()
    }
    /// Takes and reads; `-` clears.
    pub(super) fn double<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Muddle>,
    ) -> Result<Option<Option<T>>, Muddle> {
        match self.take(key) {
            None => Ok(None),
            Some("-") => Ok(Some(None)),
            Some(text) => read(text).map(|value| Some(Some(value))),
        }
    }
    /// Refuses what nobody took.
    pub(super) fn done(self) -> Result<(), Muddle> {
        match self.0.keys().next() {
            Some(key) => Err(format!("`{key}=` means nothing here")),
            None => Ok(()),
        }
    }
    /// Everything that is left.
    pub(super) fn rest(self) -> BTreeMap<&'a str, &'a str> {
        self.0
    }

    /// The fields of a ticket.
    pub(super) fn patch(&mut self, cast: &Cast, now: Timestamp) -> Result<Patch, Muddle> {
        Ok(Patch {
            title: self.text("title"),
            description: self.text("description"),
            kind: self.read("type")?,
            priority: self.double("priority", value)?,
            urgency: self.read("urgency")?,
            importance: self.read("importance")?,
            visibility: self.read("visibility")?,
            group: self.double("group", |name| cast.group(name))?,
            company: self.double("company", |name| cast.group(name))?,
            parent: self.double("parent", |name| cast.ticket(name))?,
            start_at: self.double("start_at", |text| instant(text, now))?,
            due_at: self.double("due_at", |text| instant(text, now))?,
            estimate: self.double("estimate", value)?,
        })
    }
}
