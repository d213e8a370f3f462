//! A Rust file with its code and its string literals apart, so that a rule about code is not fooled by text.
//!
//! Not a parser: it knows comments, strings, characters and lifetimes, and leaves `#[cfg(test)]` items out.

use std::ops::Range;

/// The text of a file, taken apart.
pub(super) struct Source {
    /// As long as the file, line for line; comments, literals and test items are blank.
    code: String,
    literals: Vec<(usize, String)>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader { text, at: 0, code: String::with_capacity(text.len()), literals: Vec::new() };
        reader.run();
        let Reader { mut code, mut literals, .. } = reader;
        for span in test_items(&code) {
            let blank = blanked(&code[span.clone()]);
            code.replace_range(span.clone(), &blank);
            literals.retain(|(at, _)| !span.contains(at));
        }
        Self { code, literals }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The string literals, with the line each begins in.
    pub(super) fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        self.literals.iter().map(|(at, text)| (self.line(*at), text.as_str()))
    }

    /// The line that the byte `at` stands in, 1 for the first.
    pub(super) fn line(&self, at: usize) -> usize {
        self.code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Where `word` stands in the code with no identifier running on at either end that is one itself.
    pub(super) fn lines_with(&self, word: &str) -> Vec<usize> {
        self.code
            .match_indices(word)
            .filter(|(at, _)| stands_alone(&self.code, *at, word))
            .map(|(at, _)| self.line(at))
            .collect()
    }
}

/// Whether `word` at `at` is not part of a longer identifier.
pub(super) fn stands_alone(code: &str, at: usize, word: &str) -> bool {
    let joins =
        |edge: Option<char>, neighbour: Option<char>| edge.is_some_and(is_word) && neighbour.is_some_and(is_word);
    !joins(word.chars().next(), code[..at].chars().next_back())
        && !joins(word.chars().next_back(), code[at + word.len()..].chars().next())
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of the bracket that opens at `open`, one past its partner.
pub(super) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    code: String,
    literals: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(c) = self.text[self.at..].chars().next() {
            let rest = &self.text[self.at..];
            if rest.starts_with("//") {
                self.blank(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.blank(block_comment(rest));
            } else if let Some(hashes) = raw_string(rest).filter(|_| !self.inside_word()) {
                self.raw_literal(hashes);
            } else if c == '"' {
                self.literal();
            } else if c == '\'' {
                self.character();
            } else {
                self.code.push(c);
                self.at += c.len_utf8();
            }
        }
    }

    fn inside_word(&self) -> bool {
        self.code.chars().next_back().is_some_and(is_word)
    }

    fn literal(&mut self) {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let end = rest[1..].find(|c: char| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let inner = end.map_or(rest.len(), |end| end + 1);
        self.literals.push((self.at, rest[1..inner].to_owned()));
        self.blank((inner + 1).min(rest.len()));
    }

    fn raw_literal(&mut self, hashes: usize) {
        let rest = &self.text[self.at..];
        let begin = rest.find('"').map_or(rest.len(), |at| at + 1);
        let close = format!("\"{}", "#".repeat(hashes));
        let end = rest[begin..].find(&close).map_or(rest.len(), |at| begin + at);
        self.literals.push((self.at, rest[begin..end].to_owned()));
        self.blank((end + close.len()).min(rest.len()));
    }

    /// A character literal is blanked; the quote of a lifetime is kept.
    fn character(&mut self) {
        let rest = &self.text[self.at..];
        let mut chars = rest.char_indices().skip(1);
        let length = match (chars.next(), chars.next()) {
            (Some((_, '\\')), Some((at, escaped))) => {
                let from = at + escaped.len_utf8();
                rest[from..].find('\'').map(|end| from + end + 1)
            }
            (Some(_), Some((at, '\''))) => Some(at + 1),
            (_, None | Some(_)) => None,
        };
        match length {
            Some(length) => self.blank(length),
            None => {
                self.code.push('\'');
                self.at += 1;
            }
        }
    }

    fn blank(&mut self, length: usize) {
        self.code.push_str(&blanked(&self.text[self.at..self.at + length]));
        self.at += length;
    }
}

/// As many bytes and lines, with nothing on them.
fn blanked(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// How many hashes the raw string that begins here has.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, _)| {
            let body = at + code[at..].find(['{', ';'])?;
            let end = if code[body..].starts_with(';') { body + 1 } else { closing(code, body) };
            Some(at..end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_not_code() {
        let source = Source::read(
            "// async\nlet a = \"async \\\" x\"; /* async /* async */ */ let r = r#\"as\"ync\"#; let q = '\"';",
        );
        assert!(source.lines_with("async").is_empty(), "{}", source.code());
        assert_eq!(source.literals().collect::<Vec<_>>(), [(2, "async \\\" x"), (2, "as\"ync")]);
    }

    #[test]
    fn code_is_code() {
        let source = Source::read("fn a<'x>(s: &'x str) -> char { '\\'' }\nasync fn b() { unasync() }");
        assert_eq!(source.lines_with("async"), [2]);
        assert_eq!(source.lines_with("'x"), [1, 1]);
    }

    #[test]
    fn non_ascii_text_keeps_lines_and_bytes() {
        let text = "// Ärger\nlet ä = \"Größe\"; let c = 'ß';\nasync";
        let source = Source::read(text);
        assert_eq!(source.code().len(), text.len());
        assert_eq!(source.lines_with("async"), [3]);
        assert_eq!(source.literals().next(), Some((2, "Größe")));
    }

    #[test]
    fn test_items_are_left_out() {
        let source =
            Source::read("fn a() {}\n#[cfg(test)]\nmod tests {\n async fn x() { \"SELECT\" }\n}\nfn await_it() {}");
        assert!(source.lines_with("async").is_empty());
        assert_eq!(source.literals().count(), 0);
        assert_eq!(source.lines_with("await_it"), [6]);
    }
}
