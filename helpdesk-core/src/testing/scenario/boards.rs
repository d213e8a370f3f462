//! What scenarios say about boards, columns and cards.

use super::speak::{Noun, Spoken, filter};
use super::words::{Cast, Keys, Muddle};
use crate::command::{
    AddColumn, Command, CreateBoard, DeleteColumn, EditBoard, EditColumn, MoveCard, MoveColumn, NewColumn,
    RestoreColumn,
};
use crate::time::Timestamp;

/// Whether a line is about boards.
pub(super) fn about(rest: &[&str]) -> bool {
    matches!(rest, [_, "board" | "column", ..] | ["drags", ..])
}

/// `todo,review`, or `-` for none.
fn states(text: &str) -> Vec<String> {
    if text == "-" { vec![] } else { text.split(',').map(str::to_owned).collect() }
}

pub(super) fn spoken(rest: &[&str], keys: &mut Keys<'_>, cast: &Cast, now: Timestamp) -> Result<Spoken, Muddle> {
    let mut named = None;
    let command: Command = match rest {
        ["creates", "board", name, "in", project] => {
            named = Some((Noun::Board, (*name).to_owned()));
            let shown = keys.text("name").unwrap_or_else(|| (*name).to_owned());
            let mut board = CreateBoard::new(cast.project(project)?, shown);
            if keys.take("columns") != Some("default") {
                board.columns = Some(vec![]);
            }
            board.filter = Some(filter(cast, keys, now)?);
            board.into()
        }
        ["edits", "board", name] => {
            let (shown, deleted) = (keys.text("name"), keys.read("deleted")?);
            let all = keys.take("filter") == Some("-");
            let said = filter(cast, keys, now)?;
            let filter = (all || said != crate::Filter::All).then_some(said);
            EditBoard { board: cast.board(name)?, name: shown, filter, deleted }.into()
        }
        ["adds", "column", name, "to", board] => {
            named = Some((Noun::Column, (*name).to_owned()));
            let column = NewColumn {
                title: keys.text("title").unwrap_or_else(|| (*name).to_owned()),
                colour: keys.text("colour").unwrap_or_default(),
                states: keys.take("states").map(states).unwrap_or_default(),
                limit: keys.read("limit")?,
            };
            let before = keys.take("before").map(|name| cast.column(name)).transpose()?;
            AddColumn { board: cast.board(board)?, column, before }.into()
        }
        ["edits", "column", name, "of", board] => EditColumn {
            board: cast.board(board)?,
            column: cast.column(name)?,
            title: keys.text("title"),
            colour: keys.text("colour"),
            states: keys.take("states").map(states),
            limit: match keys.take("limit") {
                Some("-") => Some(None),
                Some(limit) => Some(Some(limit.parse().map_err(|_| format!("`{limit}` is no number"))?)),
                None => None,
            },
        }
        .into(),
        ["moves", "column", name, "of", board] => {
            let before = keys.take("before").map(|name| cast.column(name)).transpose()?;
            MoveColumn { board: cast.board(board)?, column: cast.column(name)?, before }.into()
        }
        ["deletes", "column", name, "of", board] => {
            let into = keys.take("into").map(|name| cast.column(name)).transpose()?;
            DeleteColumn { board: cast.board(board)?, column: cast.column(name)?, into }.into()
        }
        ["restores", "column", name, "of", board] => {
            RestoreColumn { board: cast.board(board)?, column: cast.column(name)? }.into()
        }
        ["drags", ticket, "on", board, "to", column] => MoveCard {
            before: keys.take("before").map(|name| cast.ticket(name)).transpose()?,
            after: keys.take("after").map(|name| cast.ticket(name)).transpose()?,
            transition: keys.text("along"),
            fields: keys.patch(cast, now)?,
            ..MoveCard::new(cast.board(board)?, cast.ticket(ticket)?, cast.column(column)?)
        }
        .into(),
        _ => return Ok(None),
    };
    Ok(Some((command, named)))
}
