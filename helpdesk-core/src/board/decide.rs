//! What may happen to boards and their columns. Cards: [`card`](super::card).

use std::collections::BTreeSet;

use super::model::{BOARDS_MAX, Board, COLUMNS_MAX, Column, STATES_MAX};
use crate::command::{
    AddColumn, CreateBoard, DeleteColumn, EditBoard, EditColumn, MoveColumn, NewColumn, RestoreColumn,
};
use crate::error::{Fault, Refusal};
use crate::event::{
    BoardCreated, BoardEdited, ColumnAdded, ColumnDeleted, ColumnEdited, ColumnMoved, ColumnRestored, Event, Subject,
};
use crate::filter::{Cond, Filter};
use crate::id::{BoardId, ColumnId, ProjectId};
use crate::org::decide::{check_colour, check_name, done, need_in, sees_project};
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};
use crate::text::fold;

/// A board the actor may see: they see its project, and neither is deleted.
pub(crate) fn seen<'a>(scene: &'a Scene, id: BoardId, ctx: &Ctx<'_>) -> Result<&'a Board, Refusal> {
    let board = known(scene, id, ctx)?;
    if board.deleted_at.is_some() { Err(Refusal::not_found("board", id)) } else { Ok(board) }
}

/// The same, deleted ones too.
fn known<'a>(scene: &'a Scene, id: BoardId, ctx: &Ctx<'_>) -> Result<&'a Board, Refusal> {
    let board = scene.config.boards.get(&id).filter(|board| there(scene, board.project, ctx));
    board.map(|board| &**board).ok_or_else(|| Refusal::not_found("board", id))
}

fn there(scene: &Scene, project: ProjectId, ctx: &Ctx<'_>) -> bool {
    let project = scene.config.projects.get(&project).filter(|project| project.deleted_at.is_none());
    project.is_some_and(|project| sees_project(ctx, project.id))
}

/// A board the actor may change.
fn managed<'a>(scene: &'a Scene, id: BoardId, ctx: &Ctx<'_>) -> Result<&'a Board, Refusal> {
    let board = known(scene, id, ctx)?;
    need_in(ctx, board.project, Permission::ProjectManage)?;
    if board.deleted_at.is_some() { Err(Refusal::not_found("board", id)) } else { Ok(board) }
}

fn column(board: &Board, id: ColumnId) -> Result<&Column, Refusal> {
    board.column(id).ok_or_else(|| Refusal::not_found("column", id))
}

/// The board as it shall be, with what happened to it; nothing when it is as it was.
fn changed(old: &Board, mut new: Board, events: Vec<Event>) -> Decision {
    if new == *old {
        return Decision::default();
    }
    new.version += 1;
    Decision {
        events: events.into_iter().map(|event| (Subject::Board(old.id), event)).collect(),
        writes: vec![Write { before: Some(Row::Board(old.clone())), after: Some(Row::Board(new)) }],
        moves_epoch: true,
        ..Decision::default()
    }
}

/// Creates a board.
pub fn create(scene: &Scene, ask: &CreateBoard, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    if !there(scene, ask.project, ctx) {
        return Err(Refusal::not_found("project", ask.project));
    }
    need_in(ctx, ask.project, Permission::ProjectManage)?;
    let mut faults = Vec::new();
    check_name("name", &ask.name, 100, &mut faults);
    let filter = ask.filter.clone().unwrap_or(Filter::All);
    check_filter(&filter, &mut faults);
    let wanted = ask.columns.clone().unwrap_or_else(|| one_for_each_state(scene, ask.project));
    let boards = scene.config.boards.values();
    let boards = boards.filter(|board| board.project == ask.project && board.deleted_at.is_none());
    if boards.count() >= BOARDS_MAX {
        faults.push(Fault::new("project", format!("has {BOARDS_MAX} boards already; delete one first")));
    }
    let id: BoardId = ctx.mint.id();
    let mut board = Board {
        tenant: scene.tenant,
        id,
        project: ask.project,
        name: ask.name.clone(),
        filter,
        columns: vec![],
        version: 1,
        created_by: ctx.by.clone(),
        created_at: ctx.at,
        deleted_at: None,
    };
    for wanted in &wanted {
        let column = fresh(scene, &board, wanted, ctx, &mut faults)?;
        board.columns.push(column);
    }
    done(faults)?;
    check_free(scene, &board)?;
    let event = BoardCreated {
        board: id,
        project: board.project,
        name: board.name.clone(),
        filter: board.filter.clone(),
        columns: board.columns.clone(),
    };
    Ok(crate::org::decide::configure(Subject::Board(id), event, None, Some(Row::Board(board))).made(id))
}

/// Columns as the project's workflow suggests them.
fn one_for_each_state(scene: &Scene, project: ProjectId) -> Vec<NewColumn> {
    let project = scene.config.projects.get(&project);
    let workflow = project.and_then(|project| scene.config.workflows.newest(&project.workflow));
    let states = workflow.into_iter().flat_map(|workflow| &workflow.definition().states);
    let states = states.filter(|state| !state.retired).take(COLUMNS_MAX);
    let mut columns: Vec<NewColumn> = Vec::new();
    for state in states {
        // Two states may bear one label.
        match columns.iter_mut().find(|column| fold(&column.title) == fold(&state.label)) {
            Some(column) => column.states.push(state.id.clone()),
            None => columns.push(NewColumn::new(state.label.chars().take(60).collect::<String>(), [&state.id])),
        }
    }
    columns
}

/// Changes, deletes or restores a board.
pub fn edit(scene: &Scene, ask: &EditBoard, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = known(scene, ask.board, ctx)?;
    need_in(ctx, old.project, Permission::ProjectManage)?;
    let mut faults = Vec::new();
    if let Some(name) = &ask.name {
        check_name("name", name, 100, &mut faults);
    }
    if let Some(filter) = &ask.filter {
        check_filter(filter, &mut faults);
    }
    done(faults)?;
    let event = BoardEdited {
        board: old.id,
        name: ask.name.clone().filter(|name| *name != old.name),
        filter: ask.filter.clone().filter(|filter| *filter != old.filter),
        deleted: ask.deleted.filter(|deleted| *deleted != old.deleted_at.is_some()),
    };
    let mut new = old.clone();
    new.name = event.name.clone().unwrap_or(new.name);
    new.filter = event.filter.clone().unwrap_or(new.filter);
    new.deleted_at = event.deleted.map_or(new.deleted_at, |deleted| deleted.then_some(ctx.at));
    if new.deleted_at.is_none() {
        check_free(scene, &new)?;
    }
    Ok(changed(old, new, vec![event.into()]))
}

/// Refuses a board with the name of another one of its project.
fn check_free(scene: &Scene, new: &Board) -> Result<(), Refusal> {
    let mut others = scene.config.boards.values().filter(|other| other.id != new.id && other.project == new.project);
    if others.any(|other| other.deleted_at.is_none() && fold(&other.name) == fold(&new.name)) {
        return Err(Refusal::Taken { noun: "board", given: new.name.clone() });
    }
    Ok(())
}

/// What everybody who sees the board may know, and can be told of one ticket at a time.
fn check_filter(filter: &Filter, faults: &mut Vec<Fault>) {
    if let Err(error) = filter.check() {
        faults.push(Fault::new("filter", error.to_string()));
    }
    if filter.mentions(|cond| matches!(cond, Cond::Text(_))) {
        faults.push(Fault::new("filter", "has full text, which is for lists only; leave it out"));
    }
    if filter.mentions(|cond| matches!(cond, Cond::Id(_) | Cond::Parent(_))) {
        let message = "names tickets, which not everybody who sees the board may see; use fields, people or tags";
        faults.push(Fault::new("filter", message));
    }
}

/// A column to be put on the board.
fn fresh(
    scene: &Scene,
    board: &Board,
    wanted: &NewColumn,
    ctx: &mut Ctx<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Column, Refusal> {
    check_name("title", &wanted.title, 60, faults);
    check_colour(&wanted.colour, faults);
    check_limit(wanted.limit, faults);
    check_states(scene, &wanted.states, faults);
    let shown = |state: &&String| board.column_of(state).is_some();
    if let Some((state, other)) = wanted.states.iter().find(shown).and_then(|s| Some((s, board.column_of(s)?))) {
        let message = format!("`{state}` is shown in `{}`; leave it out here, or take it from there", other.title);
        faults.push(Fault::new("states", message));
    }
    if board.live().count() >= COLUMNS_MAX {
        faults.push(Fault::new("columns", format!("are {COLUMNS_MAX} already; delete one first")));
    }
    if board.column_by_title(&wanted.title).is_some() {
        return Err(Refusal::Taken { noun: "column", given: wanted.title.clone() });
    }
    Ok(Column {
        id: ctx.mint.id(),
        title: wanted.title.clone(),
        colour: wanted.colour.clone(),
        states: wanted.states.clone(),
        limit: wanted.limit,
        deleted_at: None,
    })
}

fn check_limit(limit: Option<u32>, faults: &mut Vec<Fault>) {
    if limit.is_some_and(|limit| limit == 0 || limit > 100_000) {
        faults.push(Fault::new("limit", "fits no cards or too many; give 1 to 100000, or none"));
    }
}

/// States some workflow of the tenant has, in any version: tickets in flight stand in old ones.
fn check_states(scene: &Scene, states: &[String], faults: &mut Vec<Fault>) {
    if states.len() > STATES_MAX {
        faults.push(Fault::new("states", format!("are {}, at most {STATES_MAX} fit", states.len())));
        return;
    }
    let mut seen = BTreeSet::new();
    for state in states {
        let shown: String = state.chars().take(64).collect();
        if !seen.insert(state) {
            faults.push(Fault::new("states", format!("name `{shown}` twice")));
        } else if !scene.config.workflows.iter().any(|workflow| workflow.state(state).is_some()) {
            faults.push(Fault::new("states", format!("no workflow has a state `{shown}`; use ids of states")));
        }
    }
}

/// Puts a column on a board.
pub fn add_column(scene: &Scene, ask: &AddColumn, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let old = managed(scene, ask.board, ctx)?;
    let mut faults = Vec::new();
    let column = fresh(scene, old, &ask.column, ctx, &mut faults)?;
    done(faults)?;
    let mut new = old.clone();
    let at = place(&new, ask.before)?;
    new.columns.insert(at, column.clone());
    let id = column.id;
    let event = ColumnAdded { board: old.id, column, before: ask.before };
    Ok(changed(old, new, vec![event.into()]).made(id))
}

/// Where a column stands that comes to the left of another, or to the right end.
fn place(board: &Board, before: Option<ColumnId>) -> Result<usize, Refusal> {
    match before {
        None => Ok(board.columns.len()),
        Some(before) => {
            let id = column(board, before)?.id;
            Ok(board.columns.iter().position(|column| column.id == id).unwrap_or(board.columns.len()))
        }
    }
}

/// Changes a column. States that another one shows are taken from there.
pub fn edit_column(scene: &Scene, ask: &EditColumn, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = managed(scene, ask.board, ctx)?;
    let was = column(old, ask.column)?;
    let mut faults = Vec::new();
    if let Some(title) = &ask.title {
        check_name("title", title, 60, &mut faults);
    }
    if let Some(colour) = &ask.colour {
        check_colour(colour, &mut faults);
    }
    check_limit(ask.limit.flatten(), &mut faults);
    if let Some(states) = &ask.states {
        check_states(scene, states, &mut faults);
    }
    done(faults)?;
    let named = |title: &String| old.column_by_title(title).is_some_and(|other| other.id != was.id);
    if let Some(taken) = ask.title.clone().filter(named) {
        return Err(Refusal::Taken { noun: "column", given: taken });
    }
    let event = ColumnEdited {
        board: old.id,
        column: was.id,
        title: ask.title.clone().filter(|title| *title != was.title),
        colour: ask.colour.clone().filter(|colour| *colour != was.colour),
        states: ask.states.clone().filter(|states| *states != was.states),
        limit: ask.limit.filter(|limit| *limit != was.limit),
    };
    let mut new = old.clone();
    let mut events: Vec<Event> = Vec::new();
    for column in &mut new.columns {
        if column.id == was.id {
            column.title = event.title.clone().unwrap_or_else(|| was.title.clone());
            column.colour = event.colour.clone().unwrap_or_else(|| was.colour.clone());
            column.states = event.states.clone().unwrap_or_else(|| was.states.clone());
            column.limit = event.limit.unwrap_or(was.limit);
        } else if let Some(taken) = &event.states {
            let before = column.states.len();
            column.states.retain(|state| !taken.contains(state));
            if column.states.len() < before {
                let left = Some(column.states.clone());
                let robbed = ColumnEdited { states: left, ..ColumnEdited::nothing(old.id, column.id) };
                events.push(robbed.into());
            }
        }
    }
    if event != ColumnEdited::nothing(old.id, was.id) {
        events.push(event.into());
    }
    Ok(changed(old, new, events))
}

impl ColumnEdited {
    const fn nothing(board: BoardId, column: ColumnId) -> Self {
        Self { board, column, title: None, colour: None, states: None, limit: None }
    }
}

/// Moves a column.
pub fn move_column(scene: &Scene, ask: &MoveColumn, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = managed(scene, ask.board, ctx)?;
    let moved = column(old, ask.column)?.clone();
    if ask.before == Some(moved.id) {
        return Ok(Decision::default());
    }
    let mut new = old.clone();
    new.columns.retain(|column| column.id != moved.id);
    let at = place(&new, ask.before)?;
    new.columns.insert(at, moved);
    let order = |board: &Board| board.live().map(|column| column.id).collect::<Vec<_>>();
    if order(&new) == order(old) {
        return Ok(Decision::default());
    }
    let event = ColumnMoved { board: old.id, column: ask.column, before: ask.before };
    Ok(changed(old, new, vec![event.into()]))
}

/// Deletes a column. Whether it is empty is told by its states and not by its tickets: not everybody sees them all, and
/// others may come in meanwhile.
pub fn delete_column(scene: &Scene, ask: &DeleteColumn, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = managed(scene, ask.board, ctx)?;
    let gone = column(old, ask.column)?.clone();
    let into = ask.into.map(|into| column(old, into)).transpose()?.map(|column| column.id);
    if into == Some(gone.id) {
        return Err(Refusal::invalid("into", "is the column to be deleted; name another one"));
    }
    if into.is_none() && !gone.states.is_empty() {
        let by = "it shows states; name the column that takes them (`into`), or take them from it first";
        return Err(Refusal::InUse { noun: "column", given: gone.title, by });
    }
    let mut new = old.clone();
    for column in &mut new.columns {
        if column.id == gone.id {
            column.states.clear();
            column.deleted_at = Some(ctx.at);
        } else if Some(column.id) == into {
            column.states.extend(gone.states.iter().cloned());
        }
    }
    let event = ColumnDeleted { board: old.id, column: gone.id, into };
    Ok(changed(old, new, vec![event.into()]))
}

/// Brings a deleted column back.
pub fn restore_column(scene: &Scene, ask: &RestoreColumn, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = managed(scene, ask.board, ctx)?;
    let known = old.columns.iter().find(|column| column.id == ask.column);
    let gone = known.ok_or_else(|| Refusal::not_found("column", ask.column))?;
    if gone.deleted_at.is_none() {
        return Ok(Decision::default());
    }
    if old.column_by_title(&gone.title).is_some() {
        return Err(Refusal::Taken { noun: "column", given: gone.title.clone() });
    }
    if old.live().count() >= COLUMNS_MAX {
        return Err(Refusal::invalid("columns", format!("are {COLUMNS_MAX} already; delete one first")));
    }
    let mut new = old.clone();
    for column in new.columns.iter_mut().filter(|column| column.id == ask.column) {
        column.deleted_at = None;
    }
    let event = ColumnRestored { board: old.id, column: ask.column };
    Ok(changed(old, new, vec![event.into()]))
}
