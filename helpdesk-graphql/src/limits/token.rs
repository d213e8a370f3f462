//! Counts the tokens of a document without parsing it.

/// Names, numbers, strings and signs; commas, blanks and comments are none. What is no GraphQL is counted somehow.
pub(super) fn count(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut tokens) = (0, 0);
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+') || byte >= 0x80;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => at += 1,
            b'#' => at += bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len() - at),
            b'"' => {
                tokens += 1;
                at = string_end(bytes, at);
            }
            byte if word(byte) => {
                tokens += 1;
                at += bytes[at..].iter().position(|byte| !word(*byte)).unwrap_or(bytes.len() - at);
            }
            _ => {
                tokens += 1;
                at += 1;
            }
        }
    }
    tokens
}

/// Behind the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let block = bytes[start..].starts_with(b"\"\"\"");
    let mut at = start + if block { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' if !block => return at + 1,
            b'"' if bytes[at..].starts_with(b"\"\"\"") => return at + 3,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn tokens_are_counted() {
        assert_eq!(count("{ a(b: \"x y # z\\\"\", c: 1.5) ... # no\n @x }"), 18);
        assert_eq!(count("\"\"\" a b \" c \"\"\" d"), 2);
        assert_eq!(count("\"open"), 1);
        assert_eq!(count("# no\ra b # no\r\nc"), 3);
    }
}
