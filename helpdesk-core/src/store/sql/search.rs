//! Full text: how words are indexed and asked for. The words themselves are made in [`text`](crate::text).
//!
//! SQLite: `hd_search_words`, FTS5 over `hd_search.words`, tokenizer `ascii`, which leaves our words as they are.
//! PostgreSQL: `hd_search.words` is a tsvector of the words and one more lexeme, the tenant's, so that a GIN index on
//! words alone finds the documents of one tenant.

use crate::id::TenantId;

/// The tenant as a lexeme: no word begins with a colon.
pub(crate) fn tenant_lexeme(tenant: TenantId) -> String {
    format!(":{}", uuid::Uuid::from(tenant).simple())
}

/// What PostgreSQL indexes for a document, for `array_to_tsvector`.
pub(crate) fn lexemes(tenant: TenantId, words: &str) -> Vec<String> {
    let words = words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
    std::iter::once(tenant_lexeme(tenant)).chain(words).collect()
}

/// A PostgreSQL `tsquery`: all words, the last as a prefix. None for an empty search, which matches nothing.
pub(crate) fn tsquery(tenant: TenantId, search: &[String]) -> Option<String> {
    let (last, whole) = search.split_last()?;
    let mut query = format!("'{}'", tenant_lexeme(tenant));
    for word in whole {
        query.push_str(&format!(" & '{word}'")); // words are letters and digits: nothing to escape
    }
    query.push_str(&format!(" & '{last}':*"));
    Some(query)
}

/// An FTS5 query: all words, the last as a prefix. None for an empty search, which matches nothing.
pub(crate) fn fts5(search: &[String]) -> Option<String> {
    let (last, whole) = search.split_last()?;
    let mut query = String::new();
    for word in whole {
        query.push_str(&format!("\"{word}\" AND "));
    }
    query.push_str(&format!("\"{last}\"*"));
    Some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_a_prefix_and_no_word_can_be_a_tenant() {
        let search = crate::text::in_order("Fire: O'Pri");
        assert_eq!(fts5(&search).unwrap(), "\"fire\" AND \"o\" AND \"pri\"*");
        assert_eq!(
            tsquery(TenantId::NIL, &search).unwrap(),
            "':00000000000000000000000000000000' & 'fire' & 'o' & 'pri':*"
        );
        assert_eq!((fts5(&[]), tsquery(TenantId::NIL, &[])), (None, None));
        assert_eq!(lexemes(TenantId::NIL, "a b"), [":00000000000000000000000000000000", "a", "b"]);
        assert!(crate::text::in_order(&tenant_lexeme(TenantId::NIL))[0].starts_with('0'));
    }
}
