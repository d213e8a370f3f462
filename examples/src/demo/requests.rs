//! What the demo shows of approvals and departments: purchases that need the manager and then two of three in finance, and
//! a removal that two departments share.

use helpdesk_core::Actor;
use helpdesk_core::approval::{
    Approver, OnEdit, OnEmpty, Rejection, Resubmit, Rule, StepDefinition, TemplateDefinition,
};
use helpdesk_core::command::{
    AddMember, CreateGroup, CreateProject, CreateTicket, DecideApproval, EditGroup, EditPerson, MoveTo, Patch,
    PublishTemplate,
};
use helpdesk_core::id::{GroupId, PersonId, TicketId};
use helpdesk_core::org::GroupKind;
use helpdesk_core::value::Field;
use helpdesk_core::workflow::Workflow;

use super::Demo;

/// Who plays a part in it.
pub(super) struct Cast {
    pub(super) olga: PersonId,
    pub(super) mo: PersonId,
    pub(super) ana: PersonId,
    pub(super) ben: PersonId,
    pub(super) ravi: PersonId,
    pub(super) fay: PersonId,
    pub(super) finn: PersonId,
}

/// The requester's manager, then two of finance.
fn purchase(finance: GroupId) -> TemplateDefinition {
    let step = |key: &str, name: &str, ask, rule| StepDefinition {
        key: key.into(),
        name: name.into(),
        ask: vec![ask],
        rule,
        rejection: Rejection::Any,
        parallel: None,
        when: None,
        on_empty: OnEmpty::Block,
        deadline: None,
    };
    TemplateDefinition {
        key: TemplateDefinition::REQUEST.into(),
        name: "Purchase".into(),
        steps: vec![
            step("manager", "Manager", Approver::Manager, Rule::Any),
            step("finance", "Finance", Approver::Group(finance), Rule::Count(2)),
        ],
        any_of: vec![],
        watched: vec![Field::Title, Field::Description, Field::Requester],
        on_edit: OnEdit::ResetRound,
        resubmit: Resubmit::First,
        self_approval: false,
        revalidate_on_departure: false,
        replacement: None,
    }
}

impl Demo<'_> {
    /// Two purchases: one that waits for finance, one that was approved and has moved on by itself.
    pub(super) async fn purchases(&self, who: &Cast) -> anyhow::Result<()> {
        let system = Actor::system_of(self.tenant);
        let [manager, agent, client] = [who.mo, who.ana, who.ravi].map(|person| Actor::person(self.tenant, person));
        let finance = CreateGroup::new(self.tenant, GroupKind::Department, "Finance");
        let finance = self.act(&system, "group Finance", finance).await?;
        for person in [who.fay, who.finn, who.olga] {
            self.act(&system, &format!("{person} is in finance"), AddMember { group: finance, person }).await?;
        }
        let reports = EditPerson { manager: Some(Some(who.mo)), ..EditPerson::new(who.ravi) };
        self.act(&system, "ravi's manager", reports).await?;
        let template = PublishTemplate { tenant: self.tenant, definition: purchase(finance) };
        self.act(&system, "template of purchases", template).await?;
        let requests = CreateProject::new(self.tenant, "REQ").name("Requests").workflow(Workflow::REQUEST);
        let requests = self.act(&system, "project REQ", requests).await?;

        let text = "Height-adjustable, 480 EUR; the doctor recommends it.";
        let desk = self.open(&client, requests, "Standing desk for Ravi", text).await?;
        self.act(&agent, "submit the standing desk", MoveTo::new(desk, "submit")).await?;
        self.approve(&manager, desk, "mo approves the standing desk").await?;
        self.approve(&Actor::person(self.tenant, who.fay), desk, "fay approves the standing desk").await?;

        let chair =
            self.open(&client, requests, "Chair for the meeting room", "The old one is broken; 90 EUR.").await?;
        self.act(&agent, "submit the chair", MoveTo::new(chair, "submit")).await?;
        self.approve(&manager, chair, "mo approves the chair").await?;
        for (person, name) in [(who.fay, "fay"), (who.finn, "finn")] {
            let by = Actor::person(self.tenant, person);
            self.approve(&by, chair, &format!("{name} approves the chair")).await?;
        }
        Ok(())
    }

    async fn approve(&self, by: &Actor, ticket: TicketId, step: &str) -> anyhow::Result<()> {
        let all = self.desk.approvals(by, ticket).await;
        // Taken up again after it was approved, there may be nothing left to see.
        let Ok(all) = all else { return Ok(()) };
        if let Some(approval) = all.latest(TemplateDefinition::REQUEST) {
            self.act(by, step, DecideApproval::approve(ticket, approval.id)).await?;
        }
        Ok(())
    }

    /// A removal with a sub-ticket in each of two departments.
    pub(super) async fn removal(&self, who: &Cast) -> anyhow::Result<()> {
        let system = Actor::system_of(self.tenant);
        let [moderator, agent] = [who.mo, who.ana].map(|person| Actor::person(self.tenant, person));
        let project = CreateProject::new(self.tenant, "OFF").name("Office").workflow(Workflow::DEPARTMENTAL);
        let project = self.act(&system, "project OFF", project).await?;
        let mut departments = vec![];
        for (name, head) in [("Building services", who.ana), ("IT service", who.ben)] {
            let group = CreateGroup::new(self.tenant, GroupKind::Department, name);
            let group = self.act(&system, &format!("group {name}"), group).await?;
            self.act(&system, &format!("{name} has a member"), AddMember { group, person: head }).await?;
            let edit = EditGroup { head: Some(Some(head)), ..EditGroup::new(group) };
            self.act(&system, &format!("{name} has a head"), edit).await?;
            departments.push(group);
        }
        let whole = self.open(&agent, project, "Sales moves to the third floor", "By the end of the month.").await?;
        for (group, title) in departments.iter().zip(["Carry the desks upstairs", "Patch the network sockets"]) {
            let fields = Patch { parent: Some(Some(whole)), group: Some(Some(*group)), ..Patch::default() };
            let part = CreateTicket::new(project, title).fields(fields);
            self.act(&moderator, &format!("ticket {title}"), part).await?;
        }
        Ok(())
    }
}
