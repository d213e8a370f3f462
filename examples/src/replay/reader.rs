//! Records of an incident log, plain or gzip, looked up by column name: typed rows, or the reason why not.
//!
//! One bad line costs itself and nothing else. A quoted field may span lines; one that never ends would swallow its
//! successors, so a line inside it which is a whole record by itself proves it open.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{
    lines::{Line, Lines, Text},
    odd::{Odd, OddReason, quoted},
    row::{Columns, Row},
};

/// A quoted field may span this many further lines.
const MAX_SPAN: usize = 64;

/// Why a log cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    #[error("cannot read the log, check that the file exists and is not damaged: {0}")]
    Io(#[from] io::Error),
    #[error("the file is empty: an incident log starts with a line of column names")]
    Empty,
    #[error("the first line is no header: it must hold column names in UTF-8, separated by commas")]
    NoHeader,
    #[error("the header lacks {}: export the log with these columns too", list(.0))]
    MissingColumns(Vec<&'static str>),
    #[error("the header names `{0}` twice: keep one of the two columns")]
    DoubleColumn(&'static str),
}

impl ReadError {
    /// A stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Empty => "empty",
            Self::NoHeader => "no_header",
            Self::MissingColumns(_) => "missing_columns",
            Self::DoubleColumn(_) => "double_column",
        }
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Rows of a log in the order of the source; an iterator that never fails, see [`Odd`].
pub struct Reader<'a> {
    lines: Lines<Box<dyn BufRead + Send + 'a>>,
    columns: Columns,
    width: usize,
    rows: u64,
    ended: bool,
}

impl Reader<'static> {
    /// Opens a file, see [`Reader::new`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::new(BufReader::with_capacity(1 << 16, File::open(path)?))
    }
}

impl<'a> Reader<'a> {
    /// Reads the header of `source`, which is plain text or gzip (told by its first bytes, not by a name).
    ///
    /// Refused when a needed column is missing or stands twice.
    pub fn new(mut source: impl BufRead + Send + 'a) -> Result<Self, ReadError> {
        let gzip = source.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let source: Box<dyn BufRead + Send + 'a> =
            if gzip { Box::new(BufReader::new(MultiGzDecoder::new(source))) } else { Box::new(source) };
        let mut lines = Lines::new(source);
        let header = match lines.next()?.ok_or(ReadError::Empty)?.text {
            Text::Plain(text) => text,
            Text::NotUtf8 | Text::TooLong => return Err(ReadError::NoHeader),
        };
        let header = match split(header.trim_start_matches('\u{feff}')) {
            Split::Record(fields) => fields,
            Split::Open => return Err(ReadError::NoHeader),
        };
        let columns = Columns::find(&header)?;
        Ok(Self { lines, columns, width: header.len(), rows: 0, ended: false })
    }

    /// How many rows came out so far, odd ones included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&mut self) -> Option<Result<Row, Odd>> {
        loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return None,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(broken(self.lines.read() + 1, OddReason::CutShort, error.to_string())));
                }
            };
            return Some(match line.text {
                Text::Plain(text) if text.trim().is_empty() => continue,
                Text::Plain(text) => self.record(line.at, text),
                Text::NotUtf8 => Err(broken(line.at, OddReason::NotUtf8, "wrong bytes".into())),
                Text::TooLong => Err(broken(line.at, OddReason::TooLong, "over 1 MiB".into())),
            });
        }
    }

    fn record(&mut self, at: u64, text: String) -> Result<Row, Odd> {
        let fields = match split(&text) {
            Split::Record(fields) => fields,
            Split::Open => self.joined(&text).ok_or_else(|| {
                broken(at, OddReason::OpenQuote, quoted(text.split_once('"').map_or("", |cut| cut.1)))
            })?,
        };
        if fields.len() != self.width {
            let found = format!("{} instead of {}", fields.len(), self.width);
            return Err(broken(at, OddReason::WrongColumns, found));
        }
        Row::parse(at, &self.columns, &fields)
    }

    /// The record that starts with `first`, whose quoted field goes on in the next lines; takes those lines only when
    /// it is one. A read error is left for the next call to meet.
    fn joined(&mut self, first: &str) -> Option<csv::StringRecord> {
        let mut whole = first.to_owned();
        let mut taken: Vec<Line> = Vec::new();
        while taken.len() < MAX_SPAN {
            let Ok(Some(line)) = self.lines.next() else { break };
            let next = match &line.text {
                Text::Plain(text) => text.clone(),
                Text::NotUtf8 | Text::TooLong => String::new(),
            };
            let readable = matches!(line.text, Text::Plain(_));
            taken.push(line);
            if !readable || matches!(split(&next), Split::Record(fields) if fields.len() == self.width) {
                break;
            }
            whole.push('\n');
            whole.push_str(&next);
            if let Split::Record(fields) = split(&whole) {
                if fields.len() == self.width {
                    return Some(fields);
                }
                break;
            }
        }
        self.lines.put_back(taken);
        None
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Row, Odd>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.rows += u64::from(read.is_some());
        read
    }
}

fn broken(line: u64, reason: OddReason, found: String) -> Odd {
    Odd { line, number: None, reason, found, applied: false }
}

enum Split {
    Record(csv::StringRecord),
    /// A quoted field is still open at the end of the text.
    Open,
}

/// Splits one record. A line behind it tells whether its last quoted field ended: inside one it would be swallowed.
fn split(text: &str) -> Split {
    let probed = format!("{text}\n.");
    let mut records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(probed.len())
        .from_reader(probed.as_bytes())
        .into_records();
    match (records.next(), records.next()) {
        (Some(Ok(record)), Some(Ok(_))) => Split::Record(record),
        _ => Split::Open,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use expect_test::{Expect, expect};

    use super::*;

    const HEADER: &str = "number,incident_state,reassignment_count,reopen_count,caller_id,opened_by,opened_at,\
                          sys_updated_by,sys_updated_at,priority,assignment_group,assigned_to,category";

    fn row(number: &str, category: &str) -> String {
        format!("{number},New,0,0,1,2,1/2/2016 09:00,2,1/2/2016 09:00,3,?,?,{category}")
    }

    fn check(bytes: &[u8], expect: Expect) {
        let mut reader = Reader::new(bytes).unwrap();
        let mut seen = String::new();
        for read in reader.by_ref() {
            match read {
                Ok(row) => seen += &format!("{} {} {:?}\n", row.line, row.number, row.category),
                Err(odd) => seen += &format!("{odd}\n"),
            }
        }
        expect.assert_eq(&format!("{seen}{} rows", reader.rows()));
    }

    #[test]
    fn a_quoted_field_may_hold_commas_and_line_ends() {
        let file = format!("\u{feff}{HEADER}\r\n{}\r\n\r\n{}", row("A", "\"x, \"\"y\"\"\r\nz\""), row("B", "5\" disk"));
        check(
            file.as_bytes(),
            expect![[r#"
                2 A Some("x, \"y\"\nz")
                5 B Some("5\" disk")
                2 rows"#]],
        );
    }

    #[test]
    fn an_open_quote_costs_its_own_line_only() {
        let file =
            format!("{HEADER}\n{}\n{}\n{}\n{}\n", row("A", "\"x"), row("B", "y"), row("C", "\"z\""), row("D", "\"w"));
        check(
            file.as_bytes(),
            expect![[r#"
                line 2: a quoted field never ends (`x`); left out
                3 B Some("y")
                4 C Some("z")
                line 5: a quoted field never ends (`w`); left out
                4 rows"#]],
        );
    }

    #[test]
    fn broken_lines_cost_themselves_only() {
        let mut file = format!("{HEADER}\nA,New\n{}\n", row("B", "x")).into_bytes();
        file.extend(b"\xff\xfe,1\n");
        file.extend(vec![b'a'; 2 << 20]);
        file.extend(format!("\n{}\n{}", row("?", "x"), row("C", "x")).bytes());
        check(
            &file,
            expect![[r#"
                line 2: more or fewer fields than the header (2 instead of 13); left out
                3 B Some("x")
                line 4: not UTF-8 (wrong bytes); left out
                line 5: longer than any record may be (over 1 MiB); left out
                line 6: names no case (`?`); left out
                7 C Some("x")
                6 rows"#]],
        );
    }

    #[test]
    fn gzip_is_told_by_its_bytes_and_may_be_cut_short() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        write!(gzip, "{HEADER}\n{}\n", row("A", "x")).unwrap();
        let gzip = gzip.finish().unwrap();
        check(
            &gzip,
            expect![[r#"
                2 A Some("x")
                1 rows"#]],
        );
        let cut: Vec<_> = Reader::new(&gzip[..gzip.len() - 9]).unwrap().collect();
        assert!(matches!(cut.last(), Some(Err(odd)) if odd.reason == OddReason::CutShort), "{cut:?}");
    }

    #[test]
    fn a_wrong_header_is_one_clear_error() {
        let refusal = |file: &str| {
            let error = Reader::new(file.as_bytes()).map(|_| ()).unwrap_err();
            format!("{}: {error}", error.code())
        };
        expect![[r#"
            missing_columns: the header lacks `reassignment_count`, `reopen_count`, `caller_id`, `opened_by`, `opened_at`, `sys_updated_by`, `sys_updated_at`, `priority`, `assignment_group`, `assigned_to`: export the log with these columns too
            double_column: the header names `number` twice: keep one of the two columns
            empty: the file is empty: an incident log starts with a line of column names
            no_header: the first line is no header: it must hold column names in UTF-8, separated by commas"#]]
        .assert_eq(
            &[
                refusal("incident_state,number\n"),
                refusal(&format!("{HEADER},number\n")),
                refusal(""),
                refusal("\"number\n"),
            ]
            .join("\n"),
        );
    }
}
