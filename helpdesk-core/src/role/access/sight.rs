//! What an actor sees, as filters: the same answers as [`Access::on`], for lists, counts and searches.
//!
//! However many grants there are, each permission becomes one set per kind of scope, so that the database is asked one
//! statement with a handful of conditions.

use std::collections::BTreeMap;

use super::Access;
use crate::filter::{Cond, Filter};
use crate::id::ProjectId;
use crate::role::{Permission, Permissions, Relations};
use crate::ticket::{Relation, Visibility};

impl Access {
    /// The tickets on which grants allow `permission`, seen or not: [`granted`](Self::granted) as a filter.
    fn granting(&self, permission: Permission) -> Filter {
        fn scopes<K: Ord + Copy>(
            all: &BTreeMap<K, Permissions>,
            permission: Permission,
            cond: fn(Vec<K>) -> Cond,
        ) -> Filter {
            let there: Vec<K> = all.iter().filter(|(_, may)| may.has(permission)).map(|(scope, _)| *scope).collect();
            if there.is_empty() { Filter::None } else { cond(there).into() }
        }
        if self.everywhere.has(permission) {
            return Filter::All;
        }
        Filter::any(vec![
            scopes(&self.projects, permission, Cond::Project),
            scopes(&self.departments, permission, Cond::Group),
            scopes(&self.companies, permission, Cond::Company),
            scopes(&self.tickets, permission, Cond::Id),
        ])
    }

    /// The tickets on which a relation of the actor's gives `permission`.
    fn related(&self, permission: Permission) -> Filter {
        let Some(person) = self.person.filter(|_| !self.vetoed.has(permission)) else { return Filter::None };
        let as_one_of = |relations: Vec<Relation>| -> Filter {
            if relations.is_empty() { Filter::None } else { Cond::Related { people: vec![person], relations }.into() }
        };
        let ordinary = Relations::DEFAULT.giving(permission);
        let mut others: BTreeMap<Vec<Relation>, Vec<ProjectId>> = BTreeMap::new();
        for (project, relations) in &self.relations {
            let giving = relations.giving(permission);
            if giving != ordinary {
                others.entry(giving).or_default().push(*project);
            }
        }
        let elsewhere: Vec<ProjectId> = others.values().flatten().copied().collect();
        let elsewhere =
            if elsewhere.is_empty() { Filter::All } else { Filter::from(Cond::Project(elsewhere)).negate() };
        let others = others.into_iter().map(|(giving, there)| as_one_of(giving).and(Cond::Project(there)));
        Filter::any(std::iter::once(as_one_of(ordinary).and(elsewhere)).chain(others).collect())
    }

    /// Of the tickets the actor sees, those whose internal entries they may read.
    pub fn internal(&self) -> Filter {
        let reads = self.granting(Permission::EntryInternal).or(self.related(Permission::EntryInternal));
        if self.staff { reads } else { reads.and(self.granting(Permission::AuditRead)) }
    }

    /// Of the tickets the actor sees, those whose deletion they could undo.
    pub fn undeletable(&self) -> Filter {
        self.granting(Permission::TicketDelete)
    }

    /// The tickets the actor may see: the same predicate as [`on`](Self::on).
    pub fn visible(&self) -> Filter {
        let reads = self.granting(Permission::TicketRead);
        let restricted = self.granting(Permission::RestrictedRead);
        if self.vetoed.has(Permission::TicketRead) {
            return Filter::None;
        }
        if reads == Filter::All && restricted == Filter::All {
            return self.within.clone();
        }
        let seen_as = |visibility: &[Visibility]| Filter::from(Cond::Visibility(visibility.to_vec()));
        let mut any = vec![
            reads.and(seen_as(&[Visibility::Project, Visibility::Tenant])),
            restricted.and(seen_as(&[Visibility::Restricted])),
        ];
        if self.anywhere(Permission::TicketRead) {
            any.push(seen_as(&[Visibility::Tenant]));
        }
        any.push(self.related(Permission::TicketRead));
        Filter::any(any).and(self.within.clone())
    }
}
