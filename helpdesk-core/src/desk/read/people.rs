//! Reading the organisation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};

use super::boards::sees;
use crate::actor::Actor;
use crate::config::TenantConfig;
use crate::desk::Desk;
use crate::desk::cache::Standpoint;
use crate::error::{ActError, Refusal};
use crate::id::{GroupId, PersonId};
use crate::org::{Membership, Person};
use crate::role::{Access, Denied, Grant, Permission};
use crate::store::{PeopleFind, by_id};

/// Groups whose members are read at a time.
pub(super) const AT_ONCE: usize = 8;

/// The people in a group.
pub type Members = Vec<Person>;

impl Desk {
    /// What the viewer may do, freshly read.
    pub async fn access(&self, viewer: &Actor) -> Result<Arc<Access>, ActError> {
        Ok(self.fresh(viewer).await?.1)
    }

    /// The tenant's configuration as the viewer may see it: projects they can see or create in with all their tags and boards; groups
    /// and roles, for those who see the directory; workflows; plugins, for those who manage them.
    pub async fn config(&self, viewer: &Actor) -> Result<Arc<TenantConfig>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if matches!(viewer, Actor::System(_)) {
            return Ok(config);
        }
        let mut seen = (*config).clone();
        seen.projects.retain(|id, project| {
            let may = access.in_project(*id);
            let open = may.has(Permission::TicketRead) || may.has(Permission::TicketCreate);
            open && (project.deleted_at.is_none() || may.has(Permission::ProjectManage))
        });
        // Deleted ones too: they stay on the tickets that bear them.
        seen.tags.retain(|_, tag| seen.projects.contains_key(&tag.project));
        seen.boards.retain(|_, board| {
            let manages = access.in_project(board.project).has(Permission::ProjectManage);
            sees(&config, &access, board.project) && (board.deleted_at.is_none() || manages)
        });
        if !access.anywhere(Permission::PeopleRead) {
            seen.groups.clear();
        }
        if !access.anywhere(Permission::PeopleRead) && !access.somewhere(Permission::RoleGrant) {
            seen.roles.clear();
        }
        if !access.everywhere().has(Permission::PluginManage) {
            seen.plugins.clear();
        }
        Ok(Arc::new(seen))
    }

    /// Configuration and access at the epoch the database has now.
    pub(crate) async fn fresh(&self, viewer: &Actor) -> Result<(Arc<TenantConfig>, Arc<Access>), ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let loaded = self.store().load(tenant, &crate::decide::Needs::default(), None).await?;
        let epoch = loaded.epoch.ok_or_else(|| Refusal::not_found("tenant", tenant))?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        Ok((stand.config, stand.access))
    }

    /// People by id. Those who may not see the directory see names, nothing else; unknown ids are left out.
    pub async fn people_by_id(&self, viewer: &Actor, ids: &[PersonId]) -> Result<Vec<Person>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let (_, access) = self.fresh(viewer).await?;
        let mut people = self.store().people(tenant, ids).await?;
        if !access.anywhere(Permission::PeopleRead) {
            for person in people.iter_mut().filter(|person| Some(person.id) != access.person()) {
                person.hide_particulars();
            }
        }
        Ok(people)
    }

    /// The directory, by search.
    pub async fn people(&self, viewer: &Actor, find: PeopleFind) -> Result<Vec<Person>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if !access.anywhere(Permission::PeopleRead) {
            return Err(Refusal::from(Denied { needed: Permission::PeopleRead }).into());
        }
        if find.limit == 0 || find.limit > super::PAGE_MAX {
            return Err(Refusal::invalid("first", format!("is {}, give 1 to {}", find.limit, super::PAGE_MAX)).into());
        }
        if find.search.contains('\0') {
            return Err(Refusal::invalid("search", "has a NUL character; leave it out").into());
        }
        let find = PeopleFind { search: crate::text::fold(&find.search), ..find };
        Ok(self.store().find_people(config.tenant.id, &find).await?)
    }

    /// The people in a group.
    pub async fn members(&self, viewer: &Actor, group: GroupId) -> Result<Members, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if !access.anywhere(Permission::PeopleRead) || !config.groups.contains_key(&group) {
            return Err(Refusal::not_found("group", group).into());
        }
        let members = self.store().members(config.tenant.id, group).await?;
        let ids: Vec<PersonId> = members.into_iter().map(|member| member.person).collect();
        Ok(self.store().people(config.tenant.id, &ids).await?)
    }

    /// The people in several groups: one read for each group, and one for all the people. Groups that do not exist, or
    /// not for the viewer, are left out.
    pub async fn members_of(&self, viewer: &Actor, groups: &[GroupId]) -> Result<BTreeMap<GroupId, Members>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if !access.anywhere(Permission::PeopleRead) {
            return Ok(BTreeMap::new());
        }
        let tenant = config.tenant.id;
        let known = groups.iter().copied().filter(|group| config.groups.contains_key(group));
        let read = known.map(|group| self.store().members(tenant, group).map_ok(move |members| (group, members)));
        let read: Vec<_> = read.collect();
        let members: Vec<(GroupId, Vec<Membership>)> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        let ids: BTreeSet<PersonId> = members.iter().flat_map(|(_, of)| of).map(|member| member.person).collect();
        let ids: Vec<PersonId> = ids.into_iter().collect();
        let people = by_id(self.store().people(tenant, &ids).await?);
        let person = |member: Membership| people.get(&member.person).cloned();
        Ok(members.into_iter().map(|(group, of)| (group, of.into_iter().filter_map(person).collect())).collect())
    }

    /// Every grant of the tenant, less those on tickets the viewer may not see: for those who grant roles, and auditors.
    pub async fn grants(&self, viewer: &Actor) -> Result<Vec<Grant>, ActError> {
        let (config, access) = self.fresh(viewer).await?;
        if !access.anywhere(Permission::RoleGrant) && !access.everywhere().has(Permission::AuditRead) {
            return Err(Refusal::from(Denied { needed: Permission::RoleGrant }).into());
        }
        let tenant = config.tenant.id;
        let mut grants = self.store().grants(tenant).await?;
        let scopes = grants.iter().map(|grant| grant.scope);
        let shown = self.shown_scopes(&Standpoint { config, access }, tenant, scopes).await?;
        grants.retain(|grant| shown.has(grant.scope));
        Ok(grants)
    }
}
