//! Rows that are truly odd, each with one reason. What is merely ordinary in such logs is not here: a case that starts
//! resolved, several rows in one minute, rows that change nothing tracked, an unknown group.

use std::fmt;

/// Why a row is odd. A row with several reasons is counted under the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OddReason {
    /// The file ended inside a compressed block or could not be read any further.
    CutShort,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is longer than any record may be.
    TooLong,
    /// A quoted field never ends.
    OpenQuote,
    /// More or fewer fields than the header.
    WrongColumns,
    /// The row names no case.
    NoNumber,
    /// The time of the change cannot be read.
    UnreadableTime,
    /// The time of the change lies before an earlier row's of the same case.
    TimeBackwards,
    /// The state is not in the table of states.
    UnknownState,
    /// A counter or priority is neither a number nor `?`.
    UnreadableNumber,
    /// The desk refused the change.
    Refused,
}

impl OddReason {
    /// A stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::CutShort => "cut_short",
            Self::NotUtf8 => "not_utf8",
            Self::TooLong => "too_long",
            Self::OpenQuote => "open_quote",
            Self::WrongColumns => "wrong_columns",
            Self::NoNumber => "no_number",
            Self::UnreadableTime => "unreadable_time",
            Self::TimeBackwards => "time_backwards",
            Self::UnknownState => "unknown_state",
            Self::UnreadableNumber => "unreadable_number",
            Self::Refused => "refused",
        }
    }

    /// What it means, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::CutShort => "the file ends here before its time",
            Self::NotUtf8 => "not UTF-8",
            Self::TooLong => "longer than any record may be",
            Self::OpenQuote => "a quoted field never ends",
            Self::WrongColumns => "more or fewer fields than the header",
            Self::NoNumber => "names no case",
            Self::UnreadableTime => "unreadable time",
            Self::TimeBackwards => "time runs backwards within the case",
            Self::UnknownState => "unknown state",
            Self::UnreadableNumber => "unreadable number",
            Self::Refused => "refused by the desk",
        }
    }
}

impl fmt::Display for OddReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// One odd row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// The row's first line in the file, from 1.
    pub line: u64,
    /// The case, when the row could be read that far.
    pub number: Option<String>,
    pub reason: OddReason,
    /// What was found, with the log's text in backticks.
    pub found: String,
    /// Whether what the row says of tracked fields still counts.
    pub applied: bool,
}

impl fmt::Display for Odd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}", self.line)?;
        if let Some(number) = &self.number {
            write!(out, ", {number}")?;
        }
        let end = if self.applied { "the rest applied" } else { "left out" };
        write!(out, ": {} ({}); {end}", self.reason, self.found)
    }
}

/// The beginning of foreign text, fit for a one-line message.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
