//! The text of a feature, taken apart: scenarios, steps, words. Knows nothing of what the words mean.

use std::path::Path;

/// One file: a feature with its scenarios.
#[derive(Debug, Clone)]
pub struct Feature {
    /// The file's name.
    pub name: String,
    /// Its scenarios, in order.
    pub scenarios: Vec<Scenario>,
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// Its lines.
    pub steps: Vec<Step>,
}

/// One line: words, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line, from 1.
    pub line: usize,
    /// As it was written.
    pub text: String,
    /// Its words, without `given`, `when`, `then`, `and`.
    pub words: Vec<Word>,
    /// The words after `=>` or `=`.
    pub outcome: Vec<Word>,
    /// Lines below that begin with `|`, without it.
    pub block: String,
}

/// A word: `plain`, `"quoted"`, or either after `key=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Before `=`, if there is one; begins with `@` for what surrounds a command.
    pub key: Option<String>,
    /// The text, or the value.
    pub text: String,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadLine {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Feature {
    /// Reads every `*.txt` of a folder, in order of name.
    ///
    /// # Errors
    /// When a file cannot be read, with its name and line.
    pub fn folder(path: impl AsRef<Path>) -> Result<Vec<Self>, String> {
        let path = path.as_ref();
        let listed = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut files: Vec<_> = listed.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
        files.sort();
        let read = |file: std::path::PathBuf| {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            Self::parse(name, &text).map_err(|error| format!("{}: {error}", file.display()))
        };
        files.into_iter().map(read).collect()
    }

    /// Reads the text of a feature.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, BadLine> {
        let mut scenarios: Vec<Scenario> = vec![];
        for (i, raw) in text.lines().enumerate() {
            let (line, trimmed) = (i + 1, raw.trim());
            let bad = |problem: &str| BadLine { line, problem: problem.into() };
            if let Some(more) = trimmed.strip_prefix('|') {
                let step = scenarios.last_mut().and_then(|scenario| scenario.steps.last_mut());
                let step = step.ok_or_else(|| bad("a block needs a step above it"))?;
                step.block.push_str(more.strip_prefix(' ').unwrap_or(more));
                step.block.push('\n');
            } else if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            } else if let Some(name) = trimmed.strip_prefix("scenario:") {
                scenarios.push(Scenario { name: name.trim().into(), steps: vec![] });
            } else {
                let scenario = scenarios.last_mut().ok_or_else(|| bad("begin with `scenario: name`"))?;
                scenario.steps.push(step(line, trimmed)?);
            }
        }
        Ok(Self { name: name.into(), scenarios })
    }
}

pub(super) fn step(line: usize, text: &str) -> Result<Step, BadLine> {
    let mut words = split(line, text)?;
    let leads = ["given", "when", "then", "and", "but"];
    if words.first().is_some_and(|word| word.key.is_none() && leads.contains(&word.text.as_str())) {
        words.remove(0);
    }
    let sign = |word: &Word| word.key.is_none() && (word.text == "=>" || word.text == "=");
    let at = words.iter().position(sign).unwrap_or(words.len());
    let outcome = words.split_off(at).into_iter().skip(1).collect();
    if words.is_empty() {
        return Err(BadLine { line, problem: "says nothing".into() });
    }
    Ok(Step { line, text: text.into(), words, outcome, block: String::new() })
}

/// Words separated by spaces; `"…"` holds spaces, with `\"` and `\n`; `"x"*300` repeats.
fn split(line: usize, text: &str) -> Result<Vec<Word>, BadLine> {
    let bad = |problem: &str| BadLine { line, problem: problem.into() };
    let mut words = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut word = Word { key: None, text: String::new() };
        let plain = rest.find([' ', '"']).unwrap_or(rest.len());
        let head = &rest[..plain];
        let quoted = rest[plain..].starts_with('"');
        match head.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.starts_with('>') && (quoted || !value.is_empty()) => {
                (word.key, word.text) = (Some(key.into()), value.into());
            }
            Some((key, "")) if !key.is_empty() => (word.key, word.text) = (Some(key.into()), String::new()),
            _ => word.text = head.into(),
        }
        rest = &rest[plain..];
        if quoted {
            let mut closed = false;
            let mut chars = rest[1..].char_indices();
            let mut end = rest.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        (closed, end) = (true, at + 2);
                        break;
                    }
                    '\\' => match chars.next() {
                        Some((_, 'n')) => word.text.push('\n'),
                        Some((_, '0')) => word.text.push('\0'),
                        Some((_, other)) => word.text.push(other),
                        None => break,
                    },
                    other => word.text.push(other),
                }
            }
            if !closed {
                return Err(bad("a quote is not closed; add `\"`"));
            }
            rest = &rest[end..];
            if let Some(times) = rest.strip_prefix('*') {
                let digits = times.find(|c: char| !c.is_ascii_digit()).unwrap_or(times.len());
                let count = times[..digits].parse().map_err(|_| bad("`*` needs a number"))?;
                word.text = word.text.repeat(count);
                rest = &times[digits..];
            }
        }
        words.push(word);
        rest = rest.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let text =
            "scenario: one\n  when ana opens T in IT \"on \\\"fire\\\"\" title=\"x\"*3 @key=k => FORBIDDEN a\n | more";
        let feature = Feature::parse("f", text).unwrap();
        let step = &feature.scenarios[0].steps[0];
        let shown: Vec<String> = step
            .words
            .iter()
            .map(|word| word.key.as_ref().map_or(word.text.clone(), |key| format!("{key}:{}", word.text)))
            .collect();
        assert_eq!(shown, ["ana", "opens", "T", "in", "IT", "on \"fire\"", "title:xxx", "@key:k"]);
        assert_eq!(step.outcome.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["FORBIDDEN", "a"]);
        assert_eq!(step.block, "more\n");
        assert!(Feature::parse("f", "ana opens").unwrap_err().to_string().contains("line 1"));
        assert!(Feature::parse("f", "scenario: a\nana says \"x").unwrap_err().to_string().contains("not closed"));
    }
}
