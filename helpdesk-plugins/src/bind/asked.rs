//! What a search asks about: the fields of a ticket whose values its answer tells. Pure. Who may find a ticket at all is
//! the desk's to say, as for everybody.

use helpdesk_core::filter::{Cond, Filter, Number};

use super::sight::people;
use crate::capability::{Call, Denied, Grant};

/// Whether `grant` reaches to every field that a filter asks about: whoever may ask may find out.
///
/// # Errors
/// The first field that was not granted.
pub(super) fn check(filter: &Filter, grant: &Grant) -> Result<(), Denied> {
    match filter {
        Filter::All | Filter::None => Ok(()),
        Filter::Is(cond) => {
            fields(cond).into_iter().try_for_each(|field| grant.check(Call::Read { kind: "ticket", field }))
        }
        Filter::Not(inner) => check(inner, grant),
        Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|filter| check(filter, grant)),
    }
}

/// The fields a condition tells of.
fn fields(cond: &Cond) -> Vec<&'static str> {
    match cond {
        // What is found is named by its id.
        Cond::Id(_) => vec![],
        Cond::Project(_) => vec!["project"],
        Cond::Type(_) => vec!["type"],
        Cond::State(_) => vec!["state"],
        Cond::Category(_) => vec!["category"],
        Cond::Priority(_) => vec!["priority"],
        Cond::Urgency(_) => vec!["urgency"],
        Cond::Importance(_) => vec!["importance"],
        Cond::Visibility(_) => vec!["visibility"],
        Cond::Group(_) => vec!["group"],
        Cond::Company(_) => vec!["company"],
        Cond::Parent(_) => vec!["parent"],
        Cond::CreatedBy(_) => vec!["created_by"],
        Cond::Related { relations, .. } | Cond::Mine(relations) => relations.iter().map(|one| people(*one)).collect(),
        Cond::Tag(_) => vec!["tags"],
        Cond::Title(_) => vec!["title"],
        Cond::Time(when, _) => vec![when.as_str()],
        // As of an event: the number is told with the key.
        Cond::Number(Number::Number, _) => vec!["key"],
        Cond::Number(number @ (Number::Estimate | Number::Reopened | Number::Regrouped), _) => vec![number.as_str()],
        Cond::PriorityManual(_) => vec!["priority_manual"],
        Cond::Deleted(_) => vec!["deleted"],
        Cond::Text(_) => vec!["title", "description", "entries"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capabilities, Manifest};

    /// What is in the way of a filter with these read capabilities.
    fn refused(filter: &str, read: &[&str]) -> Option<String> {
        let mut manifest = Manifest::parse(include_str!("../../../plugins/triage/plugin.toml")).unwrap();
        manifest.capabilities.read = vec!["ticket.*".into()];
        let read = read.iter().map(ToString::to_string).collect();
        let grant = Grant::new(&manifest, Capabilities { read, ..Capabilities::default() }).unwrap();
        let filter: Filter = serde_json::from_str(filter).unwrap();
        check(&filter, &grant).err().map(|denied| denied.what)
    }

    #[test]
    fn whoever_asks_for_a_field_needs_to_read_it() {
        let id = "00000000-0000-0000-0000-000000000001";
        for (filter, fields) in [
            (r#""all""#.to_owned(), &[][..]),
            (format!(r#"{{"id":["{id}"]}}"#), &[]),
            (r#"{"priority":["high"]}"#.into(), &["priority"]),
            (r#"{"not":{"priority":["high"]}}"#.into(), &["priority"]),
            (r#"{"and":["all",{"or":["none",{"title":{"begins":"a"}}]}]}"#.into(), &["title"]),
            (format!(r#"{{"parent":["{id}"]}}"#), &["parent"]),
            (
                format!(r#"{{"related":{{"people":["{id}"],"relations":["assignee","watcher"]}}}}"#),
                &["assignees", "watchers"],
            ),
            (r#"{"mine":["requester"]}"#.into(), &["requester"]),
            (r#"{"time":["due_at",{}]}"#.into(), &["due_at"]),
            (r#"{"number":["number",{"from":3}]}"#.into(), &["key"]),
            (r#"{"number":["estimate",{}]}"#.into(), &["estimate"]),
            (r#"{"text":"salary"}"#.into(), &["title", "description", "entries"]),
        ] {
            let all: Vec<String> = fields.iter().map(|field| format!("ticket.{field}")).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            assert_eq!(refused(&filter, &all), None, "{filter}");
            assert_eq!(refused(&filter, &["ticket.*"]), None, "{filter}");
            for left_out in 0..all.len() {
                let rest = [&all[..left_out], &all[left_out + 1..]].concat();
                assert_eq!(refused(&filter, &rest), Some(format!("`read:{}`", all[left_out])), "{filter}");
            }
        }
    }
}
