//! Words of a text and the patterns that find them: whole words, case folded, no substrings.

/// A text as folded words.
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Splits at everything that is neither letter nor digit.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(fold).collect())
    }
}

/// A word, or several in a row; the last may end in `*` for any ending.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    words: Vec<String>,
    open: bool,
}

impl Pattern {
    /// `None` when the text has no word in it, or a `*` elsewhere than at its end.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (body, open) = text.strip_suffix('*').map_or((text, false), |body| (body, true));
        let words = Words::of(body).0;
        // `foo *` would be the word followed by anything at all: a slip, not a pattern.
        let ends_in_word = body.chars().next_back().is_some_and(char::is_alphanumeric);
        (!words.is_empty() && !body.contains('*') && (!open || ends_in_word)).then_some(Self { words, open })
    }

    /// Whether the words occur in a row.
    pub(crate) fn is_in(&self, text: &Words) -> bool {
        let last = self.words.len() - 1;
        text.0.windows(self.words.len()).any(|window| {
            self.words.iter().zip(window).enumerate().all(|(at, (want, have))| {
                if self.open && at == last { have.starts_with(want.as_str()) } else { want == have }
            })
        })
    }
}

/// Upper and back to lower, so that `ß` meets `SS` and final sigma meets sigma.
pub(crate) fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
