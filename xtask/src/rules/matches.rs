//! A `match` on an event or a command lists every case, so that a new one makes the compiler ask for a decision.
//!
//! Approximated: a `match` counts when one of its patterns names `Event::…` or `Command::…` (or `Self::…` inside their
//! own `impl`), and a catch-all is an arm that is `_` or a bare name. `react` is exempt: there it means "not my concern".

use super::Offence;
use super::source::{closing, is_word, stands_alone};
use super::tree::Tree;

const LISTED: &[&str] = &["Event", "Command"];

/// Inside the core only: outer crates see envelopes.
pub(super) fn no_catch_all(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, source) in tree.sources(|path| path.starts_with("helpdesk-core/src/")) {
        let code = source.code();
        for (at, word) in code.match_indices("match") {
            if !stands_alone(code, at, word) || enclosing(code, at, "fn") == Some("react") {
                continue;
            }
            let Some(open) = body(code, at + word.len()) else { continue };
            let inside = &code[open + 1..closing(code, open).saturating_sub(1).max(open + 1)];
            let own = enclosing_impl(code, at);
            let patterns = patterns(inside);
            let concerns = patterns.iter().any(|(_, pattern)| names_listed(pattern, own));
            let caught = patterns.iter().filter(|(_, pattern)| concerns && is_catch_all(pattern));
            offences.extend(caught.map(|(offset, _)| {
                let line = source.line(open + 1 + offset);
                Offence::at(path, line, "list every event or command; only `react` may say `_`")
            }));
        }
    }
    offences
}

/// The brace that opens the arms: the first one outside the scrutinee's own brackets.
fn body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The patterns of a match's arms, guards cut off, with where each begins.
fn patterns(inside: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut depth = 0_usize;
    let bytes = inside.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'=' if depth == 0 && bytes.get(at + 1) == Some(&b'>') => {
                let raw = &inside[begin..at];
                let lead = raw.len() - raw.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
                let pattern = raw[lead..].split(" if ").next().unwrap_or_default().trim();
                found.push((begin + lead, pattern));
                at = arm_end(inside, at + 2);
                begin = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// One past an arm's expression: a block, or everything up to its comma.
fn arm_end(inside: &str, from: usize) -> usize {
    let lead = inside[from..].len() - inside[from..].trim_start().len();
    if inside[from + lead..].starts_with('{') {
        let end = closing(inside, from + lead);
        // `{ … }.method(),` goes on after its block.
        if !inside[end..].trim_start().starts_with(['.', '?']) {
            return end;
        }
    }
    let mut depth = 0_usize;
    for (at, byte) in inside.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

fn names_listed(pattern: &str, own: bool) -> bool {
    let names = |word: &str| {
        let path = format!("{word}::");
        pattern.match_indices(&path).any(|(at, _)| stands_alone(pattern, at, word))
    };
    LISTED.iter().any(|word| names(word)) || (own && names("Self"))
}

fn is_catch_all(pattern: &str) -> bool {
    let bare = pattern.strip_prefix("ref ").unwrap_or(pattern);
    let tuple = bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if let Some(parts) = tuple {
        return parts.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| part == "_");
    }
    bare == "_" || (bare.starts_with(|c: char| c.is_lowercase()) && bare.chars().all(is_word) && !is_literal(bare))
}

fn is_literal(pattern: &str) -> bool {
    matches!(pattern, "true" | "false")
}

/// The name after the nearest `keyword` before `at` whose block holds it.
fn enclosing<'a>(code: &'a str, at: usize, keyword: &str) -> Option<&'a str> {
    headers(code, at, keyword).next().map(|(_, header)| {
        let end = header.find(|c: char| !is_word(c)).unwrap_or(header.len());
        &header[..end]
    })
}

fn enclosing_impl(code: &str, at: usize) -> bool {
    headers(code, at, "impl").next().is_some_and(|(_, header)| {
        let subject = header.rsplit(" for ").next().unwrap_or(header).trim();
        let subject = subject.rsplit("> ").next().unwrap_or(subject).split('<').next().unwrap_or(subject);
        LISTED.contains(&subject.trim())
    })
}

/// The blocks around `at` that `keyword` heads, the nearest first: where, and the words up to the brace.
fn headers<'a>(code: &'a str, at: usize, keyword: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let mut found: Vec<(usize, &str)> = code[..at]
        .match_indices(keyword)
        .filter(|(begin, word)| stands_alone(code, *begin, word))
        .filter_map(|(begin, word)| {
            let open = begin + code[begin..].find(['{', ';'])?;
            let around = code[open..].starts_with('{') && open < at && closing(code, open) > at;
            around.then(|| (begin, code[begin + word.len()..open].trim()))
        })
        .collect();
    found.reverse();
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("helpdesk-core/src/case.rs", text)]);
        no_catch_all(&tree).into_iter().map(|offence| offence.line).collect()
    }

    #[test]
    fn the_arm_is_named() {
        assert_eq!(lines("fn f() {\n match e {\n  Event::A { x } => { y(x) }\n  _ => {}\n }\n}"), [4]);
        assert_eq!(lines("fn f() {\n match (c, e) {\n  (_, Command::A(x)) if x > 1 => y,\n  (_, _) => z,\n }\n}"), [4]);
        assert_eq!(lines("fn f() {\n match e {\n  Event::A => 1,\n  other => 2,\n }\n}"), [4]);
    }

    #[test]
    fn an_events_own_methods_count() {
        assert_eq!(
            lines("impl Event {\n fn k(&self) {\n  match self {\n   Self::A => 1,\n   _ => 2,\n  }\n }\n}"),
            [5]
        );
        assert_eq!(
            lines("impl fmt::Display for State {\n fn k(&self) {\n  match self { Self::A => 1, _ => 2 }\n }\n}"),
            []
        );
    }

    #[test]
    fn other_matches_and_full_ones_are_fine() {
        assert_eq!(lines("fn f() { match n { 1 => Event::A, _ => Event::B } }"), []);
        assert_eq!(lines("fn f() { match e { Event::A { .. } => match n { 1 => 1, _ => 2 }, Event::B(_) => 3 } }"), []);
        assert_eq!(lines("fn f() { match e { Event::A => { g() }.h(), Event::B => i } }"), []);
        assert_eq!(lines("fn f() { match k { EventKind::A => 1, _ => 2 } }"), []);
    }

    #[test]
    fn react_may_look_away_but_not_its_neighbour() {
        let text = "fn react() { match e { Event::A => 1, _ => 2 } }\nfn apply() { match e { Event::A => 1, _ => 2 } }";
        assert_eq!(lines(text), [2]);
    }
}
