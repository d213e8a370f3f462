//! The inbox as it changes: read anew when an event of the shared tail bears on it, and told when it is another one.
//!
//! Events are judged before anybody's right to see them: whoever lost a slot may have lost the ticket with it. What is
//! told is the difference between two readings of [`Desk::inbox`], so that it is never more than that shows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{Stream, stream};

use super::super::Desk;
use crate::actor::Actor;
use crate::desk::read::{INBOX_MAX, InboxItem};
use crate::error::ActError;
use crate::event::{Cursor, Envelope, Event};
use crate::id::{PersonId, SlotId, TicketId};
use crate::value::Field;

/// What became of an inbox: of its first [`INBOX_MAX`] items.
#[derive(Debug, Clone)]
pub struct InboxChange {
    /// The log up to here is in it.
    pub cursor: Cursor,
    /// What waits that did not before, or not for the same person, oldest first.
    pub came: Vec<InboxItem>,
    /// The slots that wait no longer.
    pub went: Vec<SlotId>,
}

/// What a subscription to an inbox delivers.
#[derive(Debug, Clone)]
pub enum InboxLive {
    /// It is another one.
    Changed(InboxChange),
    /// Nothing up to here has changed it.
    Caught(Cursor),
}

struct State {
    desk: Desk,
    viewer: Actor,
    /// None before the first reading.
    cursor: Option<Cursor>,
    /// The slots that waited when it was last read, with whose they were.
    known: BTreeMap<SlotId, (TicketId, PersonId)>,
    /// The viewer, and those for whom they may decide.
    people: BTreeSet<PersonId>,
    over: bool,
}

impl Desk {
    /// The viewer's inbox: first what waits now, then what comes and goes. Ends with an error as
    /// [`subscribe`](Self::subscribe) does. A delegation that begins or ends by the clock alone is noticed with the next
    /// event that bears on the inbox.
    pub fn subscribe_inbox(
        &self,
        viewer: &Actor,
    ) -> impl Stream<Item = Result<InboxLive, ActError>> + Send + 'static + use<> {
        let (known, people) = (BTreeMap::new(), BTreeSet::new());
        let state = State { desk: self.clone(), viewer: viewer.clone(), cursor: None, known, people, over: false };
        stream::unfold(state, |mut state| async move {
            if state.over {
                return None;
            }
            let next = state.next().await;
            state.over = next.is_err();
            Some((next, state))
        })
    }
}

impl State {
    async fn next(&mut self) -> Result<InboxLive, ActError> {
        let Some(cursor) = self.cursor else {
            // The place first: what happens while it is read is looked at again.
            let cursor = self.desk.head_of_log().await?;
            let first = self.read(cursor).await?;
            self.cursor = Some(cursor);
            return Ok(InboxLive::Changed(first));
        };
        let (events, upto) = self.desk.next_events(&self.viewer, cursor).await?;
        self.cursor = Some(upto);
        if !events.iter().any(|event| self.bears(event)) {
            return Ok(InboxLive::Caught(upto));
        }
        self.desk.still_let_in(&self.viewer).await?;
        let change = self.read(upto).await?;
        let same = change.came.is_empty() && change.went.is_empty();
        Ok(if same { InboxLive::Caught(upto) } else { InboxLive::Changed(change) })
    }

    /// Reads the inbox anew and compares.
    async fn read(&mut self, cursor: Cursor) -> Result<InboxChange, ActError> {
        if let (Some(me), Ok(tenant)) = (self.viewer.person_id(), Desk::tenant_of(&self.viewer)) {
            let all = self.desk.inner.store.delegations(tenant, me).await?;
            let given = all.into_iter().filter(|it| it.delegate == me && it.revoked_at.is_none());
            self.people = given.map(|it| it.principal).chain([me]).collect();
        }
        let (mut items, mut after): (Vec<InboxItem>, _) = (vec![], None);
        while items.len() < usize::from(INBOX_MAX) {
            let page = self.desk.inbox(&self.viewer, INBOX_MAX, after).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.slot.opened_at, last.slot.id));
            items.extend(page);
        }
        items.truncate(usize::from(INBOX_MAX));
        let place = |item: &InboxItem| (item.slot.ticket, item.slot.person);
        let now: BTreeMap<_, _> = items.iter().map(|item| (item.slot.id, place(item))).collect();
        let went = self.known.keys().filter(|id| !now.contains_key(id)).copied().collect();
        items.retain(|item| self.known.get(&item.slot.id) != Some(&place(item)));
        self.known = now;
        Ok(InboxChange { cursor, came: items, went })
    }

    /// Whether the inbox may be another one after the event.
    fn bears(&self, event: &Envelope) -> bool {
        let here = event.subject.ticket().is_some_and(|id| self.known.values().any(|(known, _)| *known == id));
        let names = |person: &PersonId| self.people.contains(person);
        match &event.event {
            Event::StepOpened(opened) => here || opened.asked.iter().any(|asked| names(&asked.person)),
            Event::ApprovalDecided(decided) => {
                here || names(&decided.person) || decided.on_behalf_of.as_ref().is_some_and(names)
            }
            Event::SlotMoved(moved) => here || names(&moved.from) || names(&moved.to),
            Event::SlotVacated(vacated) => here || names(&vacated.person),
            Event::ParticipantAdded(added) => here || names(&added.person),
            Event::ParticipantRemoved(removed) => here || names(&removed.person),
            Event::Delegated(given) => names(&given.delegate),
            Event::DelegationRevoked(revoked) => names(&revoked.delegate),
            // What a delegation reaches, and what may be seen, hangs on these.
            Event::TicketEdited(edited) => {
                let reach = |field| matches!(field, Field::Group | Field::Company | Field::Visibility);
                edited.changes.iter().any(|change| reach(change.field))
            }
            Event::ApprovalRequested(_)
            | Event::RoundOpened(_)
            | Event::StepSkipped(_)
            | Event::StepBlocked(_)
            | Event::StepEnded(_)
            | Event::ApprovalEdited(_)
            | Event::ApprovalStaled(_)
            | Event::ApprovalEnded(_)
            | Event::TicketDeleted(_)
            | Event::TicketReassigned(_) => here,
            Event::TicketRestored(_)
            | Event::ProjectEdited(_)
            | Event::GroupEdited(_)
            | Event::MemberAdded(_)
            | Event::MemberRemoved(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::RoleEdited(_)
            | Event::RoleDeleted(_) => true,
            Event::PersonEdited(edited) => names(&edited.person),
            Event::ApprovalConsulted(_)
            | Event::TenantRegistered(_)
            | Event::TenantEdited(_)
            | Event::ProjectCreated(_)
            | Event::PersonAdded(_)
            | Event::GroupCreated(_)
            | Event::RoleDefined(_)
            | Event::WorkflowPublished(_)
            | Event::TemplatePublished(_)
            | Event::TagDefined(_)
            | Event::TagEdited(_)
            | Event::PluginInstalled(_)
            | Event::PluginRemoved(_)
            | Event::TicketCreated(_)
            | Event::TicketMoved(_)
            | Event::TicketMigrated(_)
            | Event::TicketTagged(_)
            | Event::ChildAdded(_)
            | Event::ChildRemoved(_)
            | Event::TicketLinked(_)
            | Event::TicketUnlinked(_)
            | Event::EntryAdded(_)
            | Event::EntryEdited(_)
            | Event::EntryDeleted(_)
            | Event::AutomationStopped(_)
            | Event::BoardCreated(_)
            | Event::BoardEdited(_)
            | Event::ColumnAdded(_)
            | Event::ColumnEdited(_)
            | Event::ColumnMoved(_)
            | Event::ColumnDeleted(_)
            | Event::ColumnRestored(_)
            | Event::CardMoved(_)
            | Event::Foreign(_) => false,
        }
    }
}
