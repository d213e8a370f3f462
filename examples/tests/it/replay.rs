//! The import of incident logs, without a desk: the excerpt's report, the laws of accounting, and a real log's figures.

use std::{path::Path, time::Duration};

use expect_test::{Expect, expect, expect_file};
use helpdesk_examples::replay::{Act, CasePlan, Log, MismatchKind, OddReason, Report, State, Verdict, plan};

const EXCERPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/incidents-excerpt.csv");
const HEADER: &str = "number,incident_state,reassignment_count,reopen_count,caller_id,opened_by,opened_at,\
                      sys_updated_by,sys_updated_at,priority,assignment_group,assigned_to";

/// Plans every case and reports what the plans lead to.
fn planned(log: &Log) -> (Vec<CasePlan>, Report) {
    let mut report = Report::new(log.rows);
    report.unread(log.unread.clone());
    let mut plans = Vec::new();
    for rows in &log.cases {
        match plan(rows) {
            Ok(plan) => {
                report.case(&plan, &plan.outcome);
                plans.push(plan);
            }
            Err(odd) => report.unread(odd),
        }
    }
    (plans, report)
}

/// What must hold for every log.
fn obeys_the_laws(log: &Log, plans: &[CasePlan], report: &Report) {
    assert_eq!(report.accounted(), log.rows, "each row is accounted for exactly once");
    assert_eq!(plans.len() as u64, report.incidents);
    for plan in plans {
        let number = &plan.number;
        assert!(matches!(plan.steps[0].act, Act::Open(_)), "{number} starts by opening");
        assert!(plan.steps.is_sorted_by_key(|step| step.at), "{number}: time never runs backwards");
        let keys: std::collections::HashSet<_> = plan.steps.iter().map(|step| step.key(number)).collect();
        assert_eq!(keys.len(), plan.steps.len(), "{number}: keys are unique");
        for account in &plan.accounts {
            let steps = plan.steps.iter().filter(|step| step.row == account.row).count();
            match &account.verdict {
                Verdict::Opened => assert_eq!((account.row, steps), (0, 1), "{number}"),
                Verdict::Changed => assert_ne!(steps, 0, "{number} line {}", account.line),
                Verdict::Unchanged => assert_eq!(steps, 0, "{number} line {}", account.line),
                Verdict::Odd(odd) => assert!(odd.applied || steps == 0, "{odd}"),
            }
        }
        let mut state = None;
        for step in &plan.steps {
            match &step.act {
                Act::Open(opening) => state = Some(opening.state),
                Act::Move { from, to, .. } => {
                    assert_eq!(state.replace(*to), Some(*from), "{number}: moves follow each other");
                    assert_ne!(from, to, "{number}: no move to where it stands");
                }
                Act::SetGroup { from, to } => assert_ne!(from, to, "{number}"),
                Act::Assign { from, to } => assert_ne!(from, to, "{number}"),
                Act::SetPriority { .. } => {}
            }
        }
        assert_eq!(state, Some(plan.outcome.state), "{number}");
    }
}

#[test]
fn the_excerpt_has_one_of_each_and_loses_nothing() {
    let log = Log::open(Path::new(EXCERPT)).unwrap();
    let (plans, report) = planned(&log);
    obeys_the_laws(&log, &plans, &report);
    let figures = report.figures(Duration::from_millis(1500)).json();
    expect_file!["excerpt.txt"].assert_eq(&format!("{report}{figures}\n"));
}

/// One case, `rows` being `state group assignee day/hour[ priority]` separated by semicolons.
fn check(rows: &str, expect: Expect) {
    let mut csv = HEADER.to_owned();
    for row in rows.split(';') {
        let mut words = row.split_whitespace();
        let mut word = |default: &str| words.next().unwrap_or(default).replace('_', " ");
        let (state, group, assignee, time, priority) = (word("New"), word("?"), word("?"), word("1@8"), word("3"));
        let time = time.split_once('@').map_or(time.clone(), |(day, hour)| format!("{day}/5/2021 {hour}:00"));
        csv += &format!("\nINC1,{state},0,0,zoe,desk,1/5/2021 08:00,ida,{time},{priority},{group},{assignee}");
    }
    let log = Log::read(csv.as_bytes()).unwrap();
    let (plans, report) = planned(&log);
    obeys_the_laws(&log, &plans, &report);
    let mut seen = String::new();
    for step in plans.iter().flat_map(|plan| &plan.steps) {
        let name = |person: &Option<_>| person.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        let group = |group: &Option<String>| group.clone().unwrap_or("none".to_owned());
        let act = match &step.act {
            Act::Open(open) => format!("open {} in {} for {}", open.state.id(), group(&open.group), name(&open.caller)),
            Act::SetGroup { from, to } => format!("group {} -> {}", group(from), group(to)),
            Act::Assign { from, to } => format!("assign {} -> {}", name(from), name(to)),
            Act::SetPriority { to } => format!("priority {}", to.id()),
            Act::Move { from, to, .. } => format!("move {} -> {}", from.id(), to.id()),
        };
        seen += &format!("{} {act}\n", step.at.strftime("%d %H:%M"));
    }
    for odd in &report.odd {
        seen += &format!("{odd}\n");
    }
    for plan in &plans {
        seen += &format!("{} reopened, {} regrouped", plan.outcome.reopenings, plan.outcome.reassignments);
    }
    expect.assert_eq(&seen);
}

#[test]
fn fields_come_before_a_move_and_after_a_reopening() {
    check(
        "New A; Resolved B ann 2@9 1; Active C bob 3@9",
        expect![[r#"
        01 08:00 open new in A for Caller zoe
        02 09:00 group A -> B
        02 09:00 assign nobody -> Resolver ann
        02 09:00 priority critical
        02 09:00 move new -> resolved
        03 09:00 move resolved -> in_progress
        03 09:00 group B -> C
        03 09:00 assign Resolver ann -> Resolver bob
        03 09:00 priority medium
        1 reopened, 2 regrouped"#]],
    );
}

#[test]
fn no_group_is_a_value_of_its_own() {
    check(
        "New A; New ?; New B; New B ann; New B",
        expect![[r#"
        01 08:00 open new in A for Caller zoe
        01 08:00 group A -> none
        01 08:00 group none -> B
        01 08:00 assign nobody -> Resolver ann
        01 08:00 assign Resolver ann -> nobody
        0 reopened, 2 regrouped"#]],
    );
}

#[test]
fn a_row_back_in_time_counts_at_the_latest_time_seen() {
    check(
        "New A ? 2@9; Resolved A ? 1@9; Closed A ? 2@9",
        expect![[r#"
        02 09:00 open new in A for Caller zoe
        02 09:00 move new -> resolved
        02 09:00 move resolved -> closed
        line 3, INC1: time runs backwards within the case (2021-05-01T09:00:00Z after 2021-05-02T09:00:00Z); the rest applied
        0 reopened, 0 regrouped"#]],
    );
}

#[test]
fn an_unknown_state_leaves_the_state_and_keeps_the_rest() {
    check(
        "-100 A ? 1@9; -100 B ? 2@9; Resolved B ? 3@9",
        expect![[r#"
        01 09:00 open new in A for Caller zoe
        02 09:00 group A -> B
        03 09:00 move new -> resolved
        line 2, INC1: unknown state (incident_state `-100`); the rest applied
        line 3, INC1: unknown state (incident_state `-100`); the rest applied
        0 reopened, 1 regrouped"#]],
    );
}

#[test]
fn a_row_without_a_time_counts_where_it_stands() {
    check(
        "New A ? never; Active A ? 2@9; Resolved A ? ?",
        expect![[r#"
        01 08:00 open new in A for Caller zoe
        02 09:00 move new -> in_progress
        02 09:00 move in_progress -> resolved
        line 2, INC1: unreadable time (sys_updated_at `never`); the rest applied
        line 4, INC1: unreadable time (sys_updated_at `?`); the rest applied
        0 reopened, 0 regrouped"#]],
    );
    check(
        "New A ? never; Active A ? ?",
        expect![[r#"
        01 08:00 open new in A for Caller zoe
        01 08:00 move new -> in_progress
        line 2, INC1: unreadable time (sys_updated_at `never`); the rest applied
        line 3, INC1: unreadable time (sys_updated_at `?`); the rest applied
        0 reopened, 0 regrouped"#]],
    );
}

#[test]
fn only_leaving_the_ended_states_is_a_reopening() {
    check(
        "Resolved; Closed; Resolved; Awaiting_Vendor; Closed; New",
        expect![[r#"
        01 08:00 open resolved in none for Caller zoe
        01 08:00 move resolved -> closed
        01 08:00 move closed -> resolved
        01 08:00 move resolved -> awaiting_vendor
        01 08:00 move awaiting_vendor -> closed
        01 08:00 move closed -> new
        2 reopened, 0 regrouped"#]],
    );
}

#[test]
fn cases_may_stand_between_each_other() {
    let row = |number: &str, state: &str| format!("\n{number},{state},0,0,1,2,?,3,1/5/2021 08:00,3,?,?");
    let rows = [row("A", "New"), row("B", "New"), row("A", "Resolved"), row("B", "Closed")].concat();
    let log = Log::read(format!("{HEADER}{rows}").as_bytes()).unwrap();
    let (plans, report) = planned(&log);
    obeys_the_laws(&log, &plans, &report);
    let ends: Vec<_> = plans.iter().map(|plan| (plan.number.as_str(), plan.outcome.state)).collect();
    assert_eq!(ends, [("A", State::Resolved), ("B", State::Closed)]);
}

#[test]
fn a_refused_row_is_odd_and_still_accounted_for() {
    let log = Log::open(Path::new(EXCERPT)).unwrap();
    let mut plan = plan(&log.cases[0]).unwrap();
    plan.refuse(1, "forbidden");
    let mut report = Report::new(plan.accounts.len() as u64);
    report.case(&plan, &plan.outcome);
    assert_eq!(report.accounted(), report.rows);
    assert_eq!(report.by_reason().into_iter().collect::<Vec<_>>(), [(OddReason::Refused, 1)]);
}

/// Runs on a log outside the repository, named by the environment.
#[test]
fn a_real_log_ends_as_its_own_columns_say() {
    let Some(path) = std::env::var_os("HELPDESK_INCIDENTS") else {
        println!("skipped: HELPDESK_INCIDENTS names no log");
        return;
    };
    let log = Log::open(Path::new(&path)).unwrap();
    let (plans, report) = planned(&log);
    obeys_the_laws(&log, &plans, &report);
    println!("{report}");
    assert_eq!((report.incidents, report.rows), (2_053, 11_692));
    assert_eq!(report.odd, []);
    assert_eq!(report.mismatched(MismatchKind::State), 0);
    assert_eq!(report.mismatched(MismatchKind::Reopenings), 0);
    let named: Vec<_> = report.mismatches.iter().map(|found| found.number.as_str()).collect();
    assert_eq!(named, ["0001809", "0002675", "0011268", "0011665", "0016235", "0018908"]);
    let resolved = plans.iter().filter(|plan| matches!(&plan.steps[0].act, Act::Open(o) if o.state == State::Resolved));
    assert_eq!(resolved.count(), 154);
}
