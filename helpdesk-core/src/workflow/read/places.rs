//! Where each value of a document stands: JSON pointers (RFC 6901) to byte offsets.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Values nested deeper are not looked into; no reader takes them either.
const DEPTH_MAX: usize = 128;

/// A value in the text.
#[derive(Debug)]
struct Node {
    pointer: String,
    /// Where its key begins, or itself.
    key: usize,
    value: Range<usize>,
}

/// The values of a document, each before what it holds.
#[derive(Debug)]
pub(super) struct Places(Vec<Node>);

fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Places {
    /// The places of a TOML document, and its faults of writing.
    pub(super) fn of_toml(text: &str) -> (Self, Vec<toml::de::Error>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut places = Self(vec![Node { pointer: String::new(), key: 0, value: 0..text.len() }]);
        places.table("", table.get_ref(), 0);
        (places, errors)
    }

    fn table(&mut self, pointer: &str, table: &DeTable<'_>, depth: usize) {
        for (key, value) in table.iter() {
            self.value(member(pointer, key.get_ref()), key.span().start, value, depth + 1);
        }
    }

    fn value(&mut self, pointer: String, key: usize, value: &Spanned<DeValue<'_>>, depth: usize) {
        self.0.push(Node { pointer: pointer.clone(), key, value: value.span() });
        if depth > DEPTH_MAX {
            return;
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(&pointer, table, depth),
            DeValue::Array(array) => {
                for (at, item) in array.iter().enumerate() {
                    self.value(format!("{pointer}/{at}"), item.span().start, item, depth + 1);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }

    /// The places of a JSON document, as far as it can be read.
    pub(super) fn of_json(text: &str) -> Self {
        let mut scan = Scan { text, at: 0, nodes: vec![] };
        let _: Option<()> = scan.value(String::new(), None, 0);
        Self(scan.nodes)
    }

    /// The innermost value around an offset, and where to point at: its key, when the offset is there, else itself.
    pub(super) fn around(&self, offset: usize) -> (String, usize) {
        let holds =
            |node: &&Node| (node.key.min(node.value.start)..node.value.end.max(node.value.start + 1)).contains(&offset);
        let inner = self.0.iter().filter(holds).max_by_key(|node| node.pointer.matches('/').count());
        inner.map_or((String::new(), offset), |node| {
            let in_key = node.key <= offset && offset < node.value.start;
            (node.pointer.clone(), if in_key { node.key } else { node.value.start })
        })
    }

    /// Where each value begins, by its pointer.
    pub(super) fn starts(&self) -> Starts<'_> {
        Starts(self.0.iter().map(|node| (node.pointer.as_str(), node.value.start)).collect())
    }
}

/// Where values begin, by their pointers.
pub(super) struct Starts<'p>(BTreeMap<&'p str, usize>);

impl Starts<'_> {
    /// Where the value with this pointer begins; if there is none, what would hold it.
    pub(super) fn of(&self, mut pointer: &str) -> usize {
        loop {
            if let Some(start) = self.0.get(pointer) {
                return *start;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 0,
            }
        }
    }
}

/// `text` with blanks for this member of the object at the top, so that everything else stays where it is; `None` when
/// it has no such member.
pub(super) fn without_member(text: &str, name: &str) -> Option<String> {
    let Places(nodes) = Places::of_json(text);
    let pointer = member("", name);
    let node = nodes.iter().find(|node| node.pointer == pointer)?;
    let rest = text.get(node.value.end..)?;
    let behind = rest.len() - rest.trim_start().len();
    let (mut from, mut to) = (node.key, node.value.end);
    if rest[behind..].starts_with(',') {
        to += behind + 1;
    } else if let Some(before) = text[..from].trim_end().strip_suffix(',') {
        from = before.len();
    }
    let blank: String = text[from..to].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    Some(format!("{}{blank}{}", &text[..from], &text[to..]))
}

/// Walks JSON text and notes what begins where. It judges nothing: serde_json has read the text.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    nodes: Vec<Node>,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// `None` where the text breaks off or cannot be read; what is open then reaches to the end.
    fn value(&mut self, pointer: String, key: Option<usize>, depth: usize) -> Option<()> {
        let first = self.next()?;
        let node = self.nodes.len();
        let key = key.unwrap_or(self.at);
        self.nodes.push(Node { pointer: pointer.clone(), key, value: self.at..self.text.len() });
        if depth > DEPTH_MAX {
            return None;
        }
        match first {
            b'{' => self.items(b'}', |it, _| {
                let key = it.at;
                let name = it.string()?;
                it.next().filter(|byte| *byte == b':')?;
                it.at += 1;
                it.value(member(&pointer, &name), Some(key), depth + 1)
            })?,
            b'[' => self.items(b']', |it, nth| it.value(format!("{pointer}/{nth}"), None, depth + 1))?,
            b'"' => drop(self.string()?),
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
        self.nodes[node].value.end = self.at;
        Some(())
    }

    fn items(&mut self, end: u8, mut one: impl FnMut(&mut Self, usize) -> Option<()>) -> Option<()> {
        self.at += 1;
        for nth in 0.. {
            if self.next()? == end {
                break;
            }
            one(self, nth)?;
            if self.next()? == b',' {
                self.at += 1;
            } else {
                break;
            }
        }
        self.next().filter(|byte| *byte == end)?;
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let from = self.at;
        let (mut escaped, mut end) = (false, None);
        for (at, byte) in self.text.as_bytes().get(from + 1..)?.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    end = Some(from + at + 2);
                    break;
                }
                _ => {}
            }
        }
        self.at = end?;
        serde_json::from_str(self.text.get(from..self.at)?).ok()
    }
}
