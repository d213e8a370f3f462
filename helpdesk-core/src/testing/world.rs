//! A little world to test in: one tenant with the people, projects, groups and tags that checks, laws and scenarios
//! speak of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Faulty, ManualClock};
use crate::actor::Actor;
use crate::command::{
    AddMember, Ask, CreateGroup, CreateProject, CreateTicket, DefineTag, EnsurePerson, GrantRole, Intent,
    RegisterTenant,
};
use crate::desk::{Desk, Done};
use crate::error::ActError;
use crate::id::{GroupId, Mint, PersonId, ProjectId, TagId, TenantId, TicketId};
use crate::org::{GroupKind, PersonKind};
use crate::role::Role;
use crate::store::Database;
use crate::time::Clock;
use crate::workflow::Workflow;

/// One tenant, furnished: `root` owns it, `mia` moderates, `ana` and `ben` are agents everywhere, `kai` is an agent in
/// OPS alone, `olaf` observes, `rita` and `rob` are requesters. IT goes by kanban, OPS by ITIL incident.
#[derive(Clone)]
pub struct World {
    /// The desk, over the store given.
    pub desk: Desk,
    /// The store, which also counts calls.
    pub store: Faulty,
    /// Its clock.
    pub clock: ManualClock,
    /// The tenant.
    pub tenant: TenantId,
    /// A kanban project with key `IT`.
    pub it: ProjectId,
    /// An ITIL project with key `OPS`.
    pub ops: ProjectId,
    /// The owner.
    pub root: Actor,
    /// A moderator.
    pub mia: Actor,
    /// An agent in the whole tenant, member of the group.
    pub ana: Actor,
    /// Another.
    pub ben: Actor,
    /// An agent in OPS.
    pub kai: Actor,
    /// An observer.
    pub olaf: Actor,
    /// A requester.
    pub rita: Actor,
    /// Another.
    pub rob: Actor,
    /// A team.
    pub network: GroupId,
    /// Another team.
    pub service: GroupId,
    /// A tag of IT.
    pub urgent: TagId,
    /// Another.
    pub printer: TagId,
    mint: Mint,
    drawn: Arc<AtomicU64>,
}

impl World {
    /// Registers the tenant `key` and furnishes it. The same key gives the same ids on every database.
    ///
    /// # Panics
    /// When the desk refuses, which is a failure of the test.
    pub async fn found(store: Arc<dyn Database>, key: &str) -> Self {
        let clock = ManualClock::default();
        let store = Faulty::calm(store);
        let desk = Desk::builder(store.clone()).clock(clock.clone()).build().await.expect("a desk over the store");
        let seed = uuid::Builder::from_unix_timestamp_millis(clock.now().millis().unsigned_abs(), &[7; 10]).into_uuid();
        let mint = Mint::new(Mint::new(seed.into()).named(key));
        let drawn = Arc::new(AtomicU64::new(0));
        let nobody = Actor::Person(TenantId::NIL, PersonId::NIL);
        let mut world = Self {
            desk,
            store,
            clock,
            tenant: TenantId::NIL,
            it: ProjectId::NIL,
            ops: ProjectId::NIL,
            root: nobody.clone(),
            mia: nobody.clone(),
            ana: nobody.clone(),
            ben: nobody.clone(),
            kai: nobody.clone(),
            olaf: nobody.clone(),
            rita: nobody.clone(),
            rob: nobody,
            network: GroupId::NIL,
            service: GroupId::NIL,
            urgent: TagId::NIL,
            printer: TagId::NIL,
            mint,
            drawn,
        };
        world.furnish(key).await;
        world
    }

    async fn furnish(&mut self, key: &str) {
        let host = Actor::system();
        self.tenant = self.must(&host, RegisterTenant::new(key, key.to_uppercase())).await;
        let (tenant, host) = (self.tenant, Actor::system_of(self.tenant));
        self.it = self.must(&host, CreateProject::new(tenant, "IT")).await;
        self.ops = self.must(&host, CreateProject::new(tenant, "OPS").workflow(Workflow::ITIL)).await;
        self.network = self.must(&host, CreateGroup::new(tenant, GroupKind::Team, "network")).await;
        self.service = self.must(&host, CreateGroup::new(tenant, GroupKind::Team, "service")).await;
        self.root = self.hire("root", PersonKind::Staff, Some(GrantTo::Tenant(Role::Owner))).await;
        self.mia = self.hire("mia", PersonKind::Staff, Some(GrantTo::Tenant(Role::Moderator))).await;
        self.ana = self.hire("ana", PersonKind::Staff, Some(GrantTo::Tenant(Role::Agent))).await;
        self.ben = self.hire("ben", PersonKind::Staff, Some(GrantTo::Tenant(Role::Agent))).await;
        self.kai = self.hire("kai", PersonKind::Staff, Some(GrantTo::Ops(Role::Agent))).await;
        self.olaf = self.hire("olaf", PersonKind::Staff, Some(GrantTo::Tenant(Role::Observer))).await;
        self.rita = self.hire("rita", PersonKind::Requester, Some(GrantTo::Tenant(Role::Requester))).await;
        self.rob = self.hire("rob", PersonKind::Requester, Some(GrantTo::Tenant(Role::Requester))).await;
        let ana = self.ana.person_id().unwrap_or(PersonId::NIL);
        self.must(&host, AddMember { group: self.network, person: ana }).await;
        self.urgent = self.must(&host, DefineTag::new(self.it, "urgent")).await;
        self.printer = self.must(&host, DefineTag::new(self.it, "printer")).await;
    }

    async fn hire(&self, name: &str, kind: PersonKind, grant: Option<GrantTo>) -> Actor {
        let host = Actor::system_of(self.tenant);
        let mut shown = name.to_owned();
        shown[..1].make_ascii_uppercase();
        let person = EnsurePerson {
            kind: Some(kind),
            email: Some(format!("{name}@example.com")),
            ..EnsurePerson::external(self.tenant, format!("users/{name}"), shown)
        };
        let person = self.must(&host, person).await;
        match grant {
            Some(GrantTo::Tenant(role)) => drop(self.must(&host, GrantRole::new(role, person)).await),
            Some(GrantTo::Ops(role)) => drop(self.must(&host, GrantRole::new(role, person).on(self.ops)).await),
            None => {}
        }
        Actor::person(self.tenant, person)
    }

    /// The host, inside the tenant.
    pub fn host(&self) -> Actor {
        Actor::system_of(self.tenant)
    }

    /// Every person of the world by name.
    pub fn people(&self) -> [(&'static str, &Actor); 8] {
        [
            ("root", &self.root),
            ("mia", &self.mia),
            ("ana", &self.ana),
            ("ben", &self.ben),
            ("kai", &self.kai),
            ("olaf", &self.olaf),
            ("rita", &self.rita),
            ("rob", &self.rob),
        ]
    }

    /// The id of somebody who is a person.
    ///
    /// # Panics
    /// When the actor is none.
    pub fn id(actor: &Actor) -> PersonId {
        actor.person_id().expect("a person")
    }

    /// Sends a command with an id that depends on the world's key and the number of commands before it.
    pub async fn act<C: Intent>(&self, by: &Actor, ask: impl Into<Ask<C>>) -> Result<Done<C::Out>, ActError> {
        let mut ask = ask.into();
        if ask.id.is_none() {
            let n = self.drawn.fetch_add(1, Ordering::Relaxed);
            ask.id = Some(self.mint.named(&n.to_string()));
        }
        self.desk.act(by, ask).await
    }

    /// Sends a command that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn must<C: Intent>(&self, by: &Actor, ask: impl Into<Ask<C>>) -> C::Out {
        match self.act(by, ask).await {
            Ok(done) => done.out,
            Err(error) => panic!("refused with {}: {error}", error.code()),
        }
    }

    /// A ticket of ana's in IT.
    pub async fn ticket(&self, title: &str) -> TicketId {
        self.must(&self.ana, CreateTicket::new(self.it, title)).await
    }
}

enum GrantTo {
    Tenant(Role),
    Ops(Role),
}
