//! Text as both databases must see it: folded for comparison, split into words for search.
//!
//! The databases' own folding and tokenising disagree with each other, so neither is used.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest word that is indexed, in characters; longer ones are cut there, on both sides.
const WORD: usize = 40;

/// `text` without case and accents: `Naïve ÄÖ` becomes `naive ao`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The words of `text`, folded, each once, in order of the alphabet. Whatever is not a letter or digit separates words.
pub fn words(text: &str) -> BTreeSet<String> {
    in_order(text).into_iter().collect()
}

/// The words of a search, in the order they were typed; the last may be the beginning of a word.
pub fn in_order(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD).collect())
        .collect()
}

/// Whether `words` hold every word of `search`, the last one as a prefix. An empty search matches nothing.
pub fn matches(words: &BTreeSet<String>, search: &[String]) -> bool {
    let Some((last, whole)) = search.split_last() else { return false };
    whole.iter().all(|word| words.contains(word))
        && words.range(last.clone()..).next().is_some_and(|word| word.starts_with(last.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fold_case_and_accents_and_split_at_signs() {
        let found = words("Naïve a.b@c.de v2.3 ÄÖ Straße");
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>().join(" "), "3 a ao b c de naive straße v2");
    }

    #[test]
    fn the_last_word_may_be_a_beginning() {
        let words = words("printer on fire");
        assert!(matches(&words, &in_order("fire pri")));
        assert!(!matches(&words, &in_order("pri fire")));
        assert!(!matches(&words, &in_order("  ")));
    }
}
