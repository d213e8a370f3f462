//! Physical lines of a file, bounded in length, with a way to put lines back. Not CSV: a record may span several lines.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

/// No record of an audit log comes near this; a longer line is a wrong or hostile file.
pub(super) const MAX_LINE: usize = 1 << 20;

/// One line without its line end.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) at: u64,
    pub(super) text: Text,
}

#[derive(Debug)]
pub(super) enum Text {
    Plain(String),
    NotUtf8,
    TooLong,
}

/// Lines of `source`, in order.
pub(super) struct Lines<R> {
    source: R,
    read: u64,
    returned: VecDeque<Line>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, read: 0, returned: VecDeque::new() }
    }

    /// How many lines were read from the source so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The next line, or nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let got = self.source.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
        if got == 0 {
            return Ok(None);
        }
        self.read += 1;
        let whole = bytes.ends_with(b"\n");
        if whole {
            bytes.pop();
        }
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        let text = if !whole && got > MAX_LINE {
            self.skip_line()?;
            Text::TooLong
        } else {
            String::from_utf8(bytes).map_or(Text::NotUtf8, Text::Plain)
        };
        Ok(Some(Line { at: self.read, text }))
    }

    /// Puts lines back, to come again in the same order before anything else.
    pub(super) fn put_back(&mut self, lines: Vec<Line>) {
        for line in lines.into_iter().rev() {
            self.returned.push_front(line);
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        self.source.skip_until(b'\n').map(drop)
    }
}
