//! Events as the log keeps them, one file per (kind, schema): written once, read for ever.
//!
//! A kind without a file fails; so does a file whose bytes would be written differently today. To add one, run with
//! `HELPDESK_BLESS=1` and commit what appears. Never change a file of a kind that was released: raise its schema.

use std::collections::BTreeSet;
use std::path::PathBuf;

use helpdesk_core::approval::{ApprovalState, Needed, StepState, TemplateRef, Verdict};
use helpdesk_core::board::Column;
use helpdesk_core::event::*;
use helpdesk_core::filter::Cond;
use helpdesk_core::id::{
    ApprovalId, BoardId, ColumnId, DecisionId, DelegationId, EntryId, GrantId, GroupId, PersonId, ProjectId, SlotId,
    TagId, TicketId,
};
use helpdesk_core::org::{GroupKind, PersonKind};
use helpdesk_core::role::{Permission, Permissions, Principal, Relations, Role, Scope};
use helpdesk_core::ticket::{
    EntryVisibility, Importance, LinkKind, Priority, Relation, TicketType, Urgency, Visibility,
};
use helpdesk_core::value::{Change, Field, Value};
use helpdesk_core::workflow::{Category, WorkflowRef};
use helpdesk_core::{PluginId, Timestamp};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events")
}

fn id<T: From<uuid::Uuid>>(n: u128) -> T {
    T::from(uuid::Uuid::from_u128(0x018f_2b6e_0000_7000_8000_0000_0000_0000 + n))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_603_600_000 + seconds * 1000)
}

fn organisation() -> Vec<Event> {
    let (project, person, group, tag, grant) =
        (id::<ProjectId>(1), id::<PersonId>(2), id::<GroupId>(3), id::<TagId>(4), id::<GrantId>(5));
    let permissions = Permissions::of(&[Permission::TicketRead, Permission::TicketEdit]);
    let plugin: PluginId = "triage".parse().unwrap();
    let workflow = WorkflowRef { key: "kanban".into(), version: 2 };
    vec![
        TenantRegistered { key: "acme".into(), name: "Acme Ltd".into() }.into(),
        TenantEdited { name: Some("Acme".into()), suspended: Some(true) }.into(),
        ProjectCreated {
            project,
            key: "IT".into(),
            name: "Information Technology".into(),
            lead: Some(person),
            workflow: "kanban".into(),
            visibility: Visibility::Project,
        }
        .into(),
        ProjectEdited {
            project,
            name: None,
            lead: Some(None),
            workflow: Some("itil_incident".into()),
            visibility: Some(Visibility::Restricted),
            deleted: Some(true),
            relations: Some(Relations::DEFAULT.with(Relation::Watcher, permissions)),
        }
        .into(),
        PersonAdded { person, kind: PersonKind::Staff }.into(),
        PersonEdited { person, parts: vec!["name".into(), "active".into()], kind: None, active: Some(false) }.into(),
        GroupCreated { group, kind: GroupKind::Department, name: "Network".into(), parent: Some(id(6)) }.into(),
        GroupEdited { group, name: Some("Networks".into()), parent: Some(None), head: None }.into(),
        MemberAdded { group, person }.into(),
        MemberRemoved { group, person }.into(),
        RoleGranted {
            grant,
            to: Principal::Person(person),
            role: Role::Agent.into(),
            scope: Scope::Project(project),
            expires_at: Some(at(60)),
        }
        .into(),
        RoleRevoked { grant, to: Principal::Plugin(plugin.clone()), role: Role::Observer.into(), scope: Scope::Tenant }
            .into(),
        RoleDefined { role: "triager".parse().unwrap(), name: "Triager".into(), permissions }.into(),
        RoleEdited { role: "triager".parse().unwrap(), name: None, permissions: Some(Permissions::NONE) }.into(),
        RoleDeleted { role: "triager".parse().unwrap() }.into(),
        WorkflowPublished { workflow, hash: "ab".repeat(32) }.into(),
        TagDefined {
            tag,
            project,
            name: "printer".into(),
            description: "Printers and plotters".into(),
            colour: "#ff8800".into(),
        }
        .into(),
        TagEdited { tag, name: Some("printers".into()), description: None, colour: None, deleted: Some(false) }.into(),
        PluginInstalled { plugin: plugin.clone(), digest: "cd".repeat(32), enabled: true }.into(),
        PluginRemoved { plugin: plugin.clone() }.into(),
        AutomationStopped { plugin, limit: "depth".into(), used: 9, allowed: 8 }.into(),
    ]
}

fn boards() -> Vec<Event> {
    let (board, column, other) = (id::<BoardId>(10), id::<ColumnId>(11), Some(id::<ColumnId>(12)));
    let shown = Column {
        id: column,
        title: "At work".into(),
        colour: "#00aa00".into(),
        states: vec!["in_progress".into(), "review".into()],
        limit: Some(5),
        deleted_at: None,
    };
    vec![
        BoardCreated {
            board,
            project: id(1),
            name: "Printers".into(),
            filter: Cond::Tag(vec![id(4)]).into(),
            columns: vec![shown.clone(), Column { id: id(12), limit: None, states: vec![], ..shown.clone() }],
        }
        .into(),
        BoardEdited { board, name: Some("Plotters".into()), filter: None, deleted: Some(true) }.into(),
        ColumnAdded { board, column: shown, before: other }.into(),
        ColumnEdited {
            board,
            column,
            title: None,
            colour: Some(String::new()),
            states: Some(vec!["review".into()]),
            limit: Some(None),
        }
        .into(),
        ColumnMoved { board, column, before: None }.into(),
        ColumnDeleted { board, column, into: other }.into(),
        ColumnRestored { board, column }.into(),
        CardMoved { board, ticket: id(7), column, rank: "000000000042V".into() }.into(),
    ]
}

fn tickets() -> Vec<Event> {
    let (person, tag, ticket, entry) = (id::<PersonId>(2), id::<TagId>(4), id::<TicketId>(7), id::<EntryId>(8));
    let change = |field, before, after| Change { field, before, after };
    vec![
        TicketCreated {
            project: id(1),
            number: 42,
            r#type: TicketType::Incident,
            workflow: WorkflowRef { key: "itil_incident".into(), version: 1 },
            transition: "create".into(),
            state: "new".into(),
            category: Category::New,
            title: "0123456789abcdef0123456789abcdef".into(),
            description: None,
            priority: Priority::High,
            priority_manual: true,
            urgency: Urgency::Normal,
            importance: Importance::Critical,
            visibility: Visibility::Tenant,
            group: Some(id(3)),
            parent: Some(ticket),
            start_at: Some(at(0)),
            due_at: None,
            estimate: Some(90),
            people: vec![(Relation::Reporter, person), (Relation::Assignee, person)],
            tags: vec![tag],
            company: Some(id(9)),
        }
        .into(),
        TicketEdited {
            changes: vec![
                change(Field::Priority, "medium".into(), "!high".into()),
                change(Field::DueAt, Value::Null, Some(at(3600)).into()),
                change(Field::Estimate, Value::Int(30), Value::Null),
                change(
                    Field::Title,
                    Value::Digest { digest: "00112233445566778899aabbccddeeff".into() },
                    Value::Digest { digest: "ffeeddccbbaa99887766554433221100".into() },
                ),
            ],
        }
        .into(),
        TicketMoved {
            transition: Some("resolve".into()),
            from: "in_progress".into(),
            to: "resolved".into(),
            before: Category::Open,
            after: Category::Resolved,
            reason: None,
        }
        .into(),
        TicketMigrated {
            from: WorkflowRef { key: "repair".into(), version: 1 },
            to: WorkflowRef { key: "repair".into(), version: 2 },
            before: "out".into(),
            after: "done".into(),
            category_before: Category::Resolved,
            category_after: Category::Closed,
        }
        .into(),
        ParticipantAdded { person, relation: Relation::Watcher }.into(),
        ParticipantRemoved { person, relation: Relation::Assignee }.into(),
        TicketReassigned { from: person, to: id(9), reason: "on leave".into() }.into(),
        TicketTagged { added: vec![tag], removed: vec![] }.into(),
        ChildAdded { child: ticket }.into(),
        ChildRemoved { child: ticket }.into(),
        TicketLinked { other: ticket, kind: LinkKind::BlockedBy }.into(),
        TicketUnlinked { other: ticket, kind: LinkKind::Relates }.into(),
        TicketDeleted { reason: Some("a duplicate".into()) }.into(),
        TicketRestored { reason: None }.into(),
        EntryAdded {
            entry,
            visibility: EntryVisibility::Internal,
            digest: "0123456789abcdef0123456789abcdef".into(),
            length: 12,
        }
        .into(),
        EntryEdited {
            entry,
            visibility: EntryVisibility::Public,
            before: "0123456789abcdef0123456789abcdef".into(),
            after: "fedcba9876543210fedcba9876543210".into(),
            length: 14,
        }
        .into(),
        EntryDeleted { entry, visibility: EntryVisibility::Public }.into(),
    ]
}

fn approvals() -> Vec<Event> {
    let (approval, slot, decision) = (id::<ApprovalId>(20), id::<SlotId>(21), id::<DecisionId>(22));
    let (person, other, delegation) = (id::<PersonId>(2), id::<PersonId>(23), id::<DelegationId>(24));
    let template = TemplateRef { key: "purchase".into(), version: 2 };
    let (hash, step) = ("0123456789abcdef0123456789abcdef".to_owned(), "finance".to_owned());
    let (round, index) = (1, 1);
    let asked = Asked { slot, person, groups: vec![id(3)], via: "group role:agent".into(), carried: true };
    vec![
        TemplatePublished { template: template.clone(), hash: "ab".repeat(32) }.into(),
        ApprovalRequested { approval, template, hash: hash.clone(), requested_by: Some(person), edited_by: None }
            .into(),
        RoundOpened {
            approval,
            round: 2,
            hash: hash.clone(),
            because: NewRound::Edited,
            from: 0,
            edited_by: Some(person),
            requested_by: Some(other),
        }
        .into(),
        StepOpened { approval, round, index, step: step.clone(), needed: Needed::Total(2), asked: vec![asked] }.into(),
        StepSkipped { approval, round, index, step: step.clone(), note: "nobody can be asked".into() }.into(),
        StepBlocked { approval, round, index, step: step.clone(), note: "nobody can be asked".into() }.into(),
        StepEnded { approval, round, index, step: step.clone(), state: StepState::NotRequired }.into(),
        ApprovalDecided {
            approval,
            decision,
            slot,
            round,
            step: step.clone(),
            verdict: Verdict::Rejected,
            person,
            on_behalf_of: Some(other),
            hash: hash.clone(),
            comment: Some(hash.clone()),
        }
        .into(),
        ApprovalConsulted {
            approval,
            decision,
            slot,
            round,
            step,
            verdict: Verdict::Consulted,
            person,
            asked: Some(other),
            hash: hash.clone(),
            comment: Some(hash.clone()),
        }
        .into(),
        SlotMoved { approval, slot, from: person, to: other, because: SlotMove::Proxy, reason: None }.into(),
        SlotVacated { approval, slot, person }.into(),
        ApprovalEdited { approval, fields: vec![Field::Title], hash: hash.clone(), edited_by: Some(person) }.into(),
        ApprovalStaled { approval, fields: vec![Field::Priority], hash, edited_by: None }.into(),
        ApprovalEnded { approval, round, state: ApprovalState::Cancelled, reason: Some("the ticket has ended".into()) }
            .into(),
        Delegated {
            delegation,
            principal: person,
            delegate: other,
            scope: Scope::Project(id(1)),
            starts_at: None,
            ends_at: Some(at(60)),
        }
        .into(),
        DelegationRevoked { delegation, principal: person, delegate: other }.into(),
    ]
}

#[test]
fn every_kind_has_a_golden_file_and_keeps_to_it() {
    let samples: Vec<Event> = organisation().into_iter().chain(tickets()).chain(approvals()).chain(boards()).collect();
    let sampled: BTreeSet<_> = samples.iter().map(|event| (event.kind().to_owned(), event.schema())).collect();
    let known: BTreeSet<_> = Event::KINDS.iter().map(|(kind, schema)| ((*kind).to_owned(), *schema)).collect();
    assert_eq!(sampled, known, "one sample per kind");
    for sample in samples {
        let path = folder().join(format!("{}@{}.json", sample.kind(), sample.schema()));
        let written = sample.data() + "\n";
        if std::env::var_os("HELPDESK_BLESS").is_some() && !path.exists() {
            std::fs::write(&path, &written).unwrap();
        }
        let golden = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{} has no golden file; run with HELPDESK_BLESS=1 once", sample.kind()));
        assert_eq!(golden, written, "{} is written differently now; raise its schema number", sample.kind());
        assert_eq!(Event::read(sample.kind(), sample.schema(), golden.trim_end()), sample, "{}", sample.kind());
    }
}

#[test]
fn every_golden_file_can_be_read() {
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (kind, schema) = stem.split_once('@').expect("kind@schema.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let event = Event::read(kind, schema.parse().unwrap(), text.trim_end());
        assert!(!matches!(event, Event::Foreign(_)), "{stem} cannot be read any more");
        assert_eq!((event.kind(), event.data() + "\n"), (kind, text), "{stem}");
    }
}

#[test]
fn what_is_not_known_is_kept_as_it_is() {
    for (kind, schema, text) in
        [("ticket.moved", 9, "{\"new\":1}"), ("plugin.thing", 1, "[1, 2]"), ("ticket.deleted", 1, "no json")]
    {
        let event = Event::read(kind, schema, text);
        assert!(matches!(event, Event::Foreign(_)) && event.internal());
        assert_eq!((event.kind(), event.schema(), event.data()), (kind, schema, text.to_owned()));
    }
}
