//! Texts in drawings: how wide they are at most, where they break, and how they are escaped.
//!
//! Widths are estimates on the safe side for common sans-serif fonts; the reader's own font decides.

use std::borrow::Cow;

/// The width of `text` in pixels at this font size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| f64::from(hundredths(c))).sum::<f64>() / 100.0 * size
}

/// The width of a character in hundredths of the font size.
fn hundredths(c: char) -> u16 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 34,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 100,
        '<' | '>' | '=' | '+' | '~' | '&' | '#' | '^' => 84,
        'A'..='Z' => 76,
        '\0'..='\u{7f}' => 64,
        // Marks on top of the letter before.
        '\u{300}'..='\u{36f}' => 0,
        '\u{80}'..='\u{10ff}' => 72,
        _ => 110,
    }
}

/// Breaks `text` into lines of at most `room` pixels, between words where there are any.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map(std::mem::take).unwrap_or_default();
        lines.pop();
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size) <= room {
            lines.push(joined);
            continue;
        }
        if !line.is_empty() {
            lines.push(line);
        }
        let mut rest = String::new();
        for c in word.chars() {
            if width(&rest, size) + width(c.encode_utf8(&mut [0; 4]), size) > room && !rest.is_empty() {
                lines.push(std::mem::take(&mut rest));
            }
            rest.push(c);
        }
        lines.push(rest);
    }
    lines
}

/// `text` as XML character data or attribute value. What XML 1.0 cannot carry becomes U+FFFD.
pub(super) fn xml(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}') && !c.is_control();
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if plain(c) => safe.push(c),
            _ => safe.push('\u{fffd}'),
        }
    }
    Cow::Owned(safe)
}

/// `text` inside a Mermaid diagram: letters, digits, blanks and harmless signs stay, everything else is an entity, so
/// that no label can end a string, begin a keyword, a comment or a directive.
pub(super) fn mermaid(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | ',' | '(' | ')' | '/') {
            safe.push(c);
        } else if c.is_whitespace() || c.is_control() {
            safe.push(' ');
        } else {
            safe.push_str(&format!("#{};", u32::from(c)));
        }
    }
    safe.trim().to_owned()
}
