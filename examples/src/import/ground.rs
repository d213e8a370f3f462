//! What must stand before the first case: tenant, project, groups, people, and who may import.
//!
//! Those who act in the log get the right to state past times through one group with one grant, which ends with the
//! import ([`Ground::close`]), and by itself after [`RIGHT`] when the program dies. It spans the tenant because the
//! right to state times does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use helpdesk_core::command::{
    AddMember, Asking, CreateGroup, CreateProject, EnsurePerson, GrantRole, RegisterTenant, RevokeRole,
};
use helpdesk_core::id::{GrantId, GroupId, PersonId, ProjectId, TenantId};
use helpdesk_core::org::{GroupKind, PersonKind};
use helpdesk_core::role::{Grant, Principal, Role, Scope};
use helpdesk_core::workflow::Workflow;
use helpdesk_core::{Actor, Desk, Timestamp};

use super::ids::Ids;
use super::send::send;
use super::{Options, Planned, instant};
use crate::replay::{Act, Opening, Person, Step};

/// How many people are brought into the directory at a time.
const PEOPLE_AT_ONCE: usize = 16;
/// How long the right to import lasts if nobody takes it back, in milliseconds: a day. An import that takes longer has
/// its last rows refused, and carries them out when it is run again.
pub const RIGHT: i64 = 24 * 60 * 60 * 1000;

/// Everything the import of a case refers to.
#[derive(Debug)]
pub struct Ground {
    pub ids: Ids,
    pub tenant: TenantId,
    pub project: ProjectId,
    /// The workflow that new tickets of the project get.
    pub workflow: Arc<Workflow>,
    /// When the log begins.
    pub begin: Timestamp,
    groups: BTreeMap<String, GroupId>,
    people: BTreeMap<Person, PersonId>,
    grant: GrantId,
}

/// Who acts in a step: the person the log names; a case is opened by whoever wrote it down.
pub(super) fn acting(step: &Step) -> Option<&Person> {
    match &step.act {
        Act::Open(Opening { opened_by: Some(person), .. }) => Some(person),
        Act::Open(_) | Act::SetGroup { .. } | Act::Assign { .. } | Act::SetPriority { .. } | Act::Move { .. } => {
            step.by.as_ref()
        }
    }
}

/// Everybody and every group the plans speak of, each once and in order.
#[derive(Default)]
struct Cast {
    begin: Option<Timestamp>,
    people: BTreeSet<Person>,
    acting: BTreeSet<Person>,
    groups: BTreeSet<String>,
}

impl Cast {
    fn of(planned: &Planned) -> Self {
        let mut cast = Self::default();
        for step in planned.cases.iter().flat_map(|case| &case.steps) {
            cast.acting.extend(acting(step).cloned());
            cast.people.extend(step.by.clone());
            match &step.act {
                Act::Open(opening) => {
                    let named = [&opening.caller, &opening.opened_by, &opening.assignee];
                    cast.people.extend(named.into_iter().flatten().cloned());
                    cast.groups.extend(opening.group.clone());
                    let opened = instant(opening.opened_at);
                    cast.begin = Some(cast.begin.map_or(opened, |begin| begin.min(opened)));
                }
                Act::SetGroup { to, .. } => cast.groups.extend(to.clone()),
                Act::Assign { to, .. } => cast.people.extend(to.clone()),
                Act::SetPriority { .. } | Act::Move { .. } => {}
            }
        }
        cast
    }
}

impl Ground {
    /// Makes what is not there yet.
    pub async fn lay(desk: &Desk, planned: &Planned, options: &Options) -> anyhow::Result<Self> {
        let ids = Ids::new(&options.tenant, &options.project);
        let cast = Cast::of(planned);
        // A desk takes no time before 1970, nor any that is still to come.
        let begin =
            cast.begin.unwrap_or(Timestamp::from_millis(0)).clamp(Timestamp::from_millis(0), desk.clock().now());
        let ground = Layer { desk, ids: &ids, begin };
        let tenant = ground.tenant(&options.tenant).await?;
        let system = Actor::system_of(tenant);
        let project = ground.project(&system, tenant, &options.project).await?;
        let mut groups = BTreeMap::new();
        for name in &cast.groups {
            let group =
                ground.group(&system, tenant, name).await.with_context(|| format!("cannot make group `{name}`"));
            groups.insert(name.clone(), group?);
        }
        let people = ground.people(&system, tenant, &cast.people).await?;
        let importers = ground.group(&system, tenant, &format!("Import of {}", options.project)).await?;
        let known: BTreeSet<PersonId> = desk.members(&system, importers).await?.iter().map(|one| one.id).collect();
        for person in cast.acting.iter().filter_map(|one| people.get(one)).filter(|person| !known.contains(person)) {
            let ask = AddMember { group: importers, person: *person };
            let name = format!("member {person}");
            send(desk, &system, ask.with_id(ids.of(begin, &name)).keyed(ids.of(begin, &name))).await?;
        }
        let workflow = desk.config(&system).await?.workflows.newest(Workflow::ITIL).cloned();
        let workflow = workflow.with_context(|| format!("the tenant has no workflow `{}`", Workflow::ITIL))?;
        // Last: whatever fails before leaves no right behind.
        let grant = ground.grant(&system, importers).await?;
        Ok(Self { tenant, project, workflow, begin, groups, people, grant, ids })
    }

    /// The host itself, inside the tenant.
    pub fn system(&self) -> Actor {
        Actor::system_of(self.tenant)
    }

    /// The person who does `step`; the host itself where the log names nobody.
    pub(super) fn actor(&self, step: &Step) -> Actor {
        acting(step).and_then(|one| self.person(one)).map_or(self.system(), |id| Actor::person(self.tenant, id))
    }

    pub(super) fn person(&self, person: &Person) -> Option<PersonId> {
        self.people.get(person).copied()
    }

    pub(super) fn group(&self, name: &str) -> Option<GroupId> {
        self.groups.get(name).copied()
    }

    /// Takes the right to import back; to be called however the import ended.
    pub async fn close(&self, desk: &Desk) -> anyhow::Result<()> {
        revoke(desk, &self.system(), self.grant).await.context("cannot take back the right to import; it ends in a day")
    }
}

/// Makes one thing after the other, each only if it is not there.
struct Layer<'a> {
    desk: &'a Desk,
    ids: &'a Ids,
    begin: Timestamp,
}

impl Layer<'_> {
    async fn tenant(&self, key: &str) -> anyhow::Result<TenantId> {
        let known = self.desk.store().tenants().await?.into_iter().find(|tenant| tenant.key == key);
        if let Some(tenant) = known {
            return Ok(tenant.id);
        }
        let id = self.ids.of(self.begin, "tenant");
        let ask = RegisterTenant::new(key, key).with_id(id).at(self.begin);
        Ok(self.desk.act(&Actor::system(), ask).await.with_context(|| format!("cannot register tenant `{key}`"))?.out)
    }

    async fn project(&self, system: &Actor, tenant: TenantId, key: &str) -> anyhow::Result<ProjectId> {
        let config = self.desk.config(system).await?;
        if let Some(project) = config.project_by_key(key) {
            anyhow::ensure!(
                project.workflow == Workflow::ITIL,
                "project `{key}` has the workflow `{}`; incidents need `{}`, choose another project",
                project.workflow,
                Workflow::ITIL
            );
            return Ok(project.id);
        }
        let id = self.ids.of(self.begin, "project");
        let ask = CreateProject::new(tenant, key).name("Incidents").workflow(Workflow::ITIL);
        let made = send(self.desk, system, ask.with_id(id).keyed(id).at(self.begin)).await;
        Ok(made.with_context(|| format!("cannot create project `{key}`"))?.out)
    }

    async fn group(&self, system: &Actor, tenant: TenantId, name: &str) -> anyhow::Result<GroupId> {
        if let Some(group) = self.desk.config(system).await?.group_by_name(name) {
            return Ok(group.id);
        }
        let id = self.ids.of(self.begin, &format!("group {name}"));
        let ask = CreateGroup::new(tenant, GroupKind::Team, name);
        Ok(send(self.desk, system, ask.with_id(id).keyed(id).at(self.begin)).await?.out)
    }

    /// Brings people into the directory, several at a time.
    async fn people(
        &self,
        system: &Actor,
        tenant: TenantId,
        people: &BTreeSet<Person>,
    ) -> anyhow::Result<BTreeMap<Person, PersonId>> {
        let ensure = async |person: &Person| -> anyhow::Result<(Person, PersonId)> {
            let kind = if person.is_staff() { PersonKind::Staff } else { PersonKind::Requester };
            let external = person.external_id();
            let id = self.ids.of(self.begin, &format!("person {external}"));
            let ask = EnsurePerson::external(tenant, external, person.name()).kind(kind);
            let made = send(self.desk, system, ask.with_id(id).keyed(id).at(self.begin)).await;
            Ok((person.clone(), made.with_context(|| format!("cannot bring {person} into the directory"))?.out))
        };
        stream::iter(people).map(ensure).buffer_unordered(PEOPLE_AT_ONCE).try_collect().await
    }

    /// The grant under which people import, for a day from now on; any that an earlier run left behind ends.
    async fn grant(&self, system: &Actor, group: GroupId) -> anyhow::Result<GrantId> {
        let ours = |grant: &Grant| {
            (&grant.to, grant.role.built_in(), grant.scope)
                == (&Principal::Group(group), Some(Role::Admin), Scope::Tenant)
        };
        let left: Vec<Grant> = self.desk.grants(system).await?.into_iter().filter(ours).collect();
        let end = self.desk.clock().now().plus_millis(RIGHT);
        let made = self.desk.act(system, GrantRole::new(Role::Admin, group).until(end)).await?.out;
        for grant in left {
            revoke(self.desk, system, grant.id).await?;
        }
        Ok(made)
    }
}

async fn revoke(desk: &Desk, system: &Actor, grant: GrantId) -> anyhow::Result<()> {
    send(desk, system, RevokeRole { grant }.keyed(format!("end of {grant}"))).await?;
    Ok(())
}
