//! Plays a feature on a stage: the little world first, then line by line.

use std::sync::atomic::{AtomicU64, Ordering};

use super::parse::{Feature, Scenario, Step, Word, step};
use super::speak::{Noun, Said, understand};
use super::stage::{Acted, Look, Refused, Seen, Stage};
use super::words::Cast;
use crate::command::Made;
use crate::id::TicketId;
use crate::testing::Chance;
use crate::ticket::LinkKind;
use crate::time::Clock;

/// Who and what every scenario begins with.
const WORLD: &str = include_str!("world.txt");

/// What was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Played {
    /// Scenarios played.
    pub scenarios: usize,
    /// Scenarios this level cannot play.
    pub passed_over: usize,
    /// Lines this level cannot show.
    pub lines_passed_over: usize,
}

/// A line that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{feature}: {scenario}\n  line {line} ({level}): {text}\n  {problem}")]
pub struct Failed {
    /// The file.
    pub feature: String,
    /// The scenario.
    pub scenario: String,
    /// The line, from 1.
    pub line: usize,
    /// As it was written.
    pub text: String,
    /// The level.
    pub level: &'static str,
    /// What was seen instead.
    pub problem: String,
}

impl Feature {
    /// Plays every scenario of the feature.
    ///
    /// # Errors
    /// The first line that does not hold.
    pub async fn play(&self, stage: &mut dyn Stage) -> Result<Played, Failed> {
        let mut played = Played::default();
        for scenario in &self.scenarios {
            let keyed = |word: &Word| word.key.as_deref() == Some("@key");
            if !stage.keeps_keys() && scenario.steps.iter().any(|step| step.words.iter().any(keyed)) {
                played.passed_over += 1;
                continue;
            }
            played.lines_passed_over += self.scenario(scenario, stage).await?;
            played.scenarios += 1;
        }
        Ok(played)
    }

    async fn scenario(&self, scenario: &Scenario, stage: &mut dyn Stage) -> Result<usize, Failed> {
        // Scenarios share a database: each has tenants of its own.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut scene = Acting { cast: Cast::default(), suffix: format!("-{n}"), chance: Chance::new(n), over: 0 };
        let world = WORLD.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        for line in world {
            let step = step(0, line).expect("the little world can be read");
            scene.line(&step, stage).await.map_err(|problem| self.failed(scenario, &step, stage, problem))?;
        }
        for step in &scenario.steps {
            scene.line(step, stage).await.map_err(|problem| self.failed(scenario, step, stage, problem))?;
        }
        Ok(scene.over)
    }

    fn failed(&self, scenario: &Scenario, step: &Step, stage: &dyn Stage, problem: String) -> Failed {
        let (line, text, level) = (step.line, step.text.clone(), stage.level());
        Failed { feature: self.name.clone(), scenario: scenario.name.clone(), line, text, level, problem }
    }
}

struct Acting {
    cast: Cast,
    suffix: String,
    chance: Chance,
    over: usize,
}

impl Acting {
    async fn line(&mut self, step: &Step, stage: &mut dyn Stage) -> Result<(), String> {
        let now = stage.clock().now();
        let said = match understand(step, &self.cast, &self.suffix, now) {
            // A definition that cannot even be read is refused before any command is sent.
            Err(muddle) if !step.block.is_empty() && text(&step.outcome) == ["WORKFLOW_MALFORMED"] => {
                return if muddle.contains("the definition has") { Ok(()) } else { Err(muddle) };
            }
            said => said?,
        };
        match said {
            Said::Wait(millis) => stage.clock().advance(millis),
            Said::Enter(tenant) => {
                let id = self.cast.tenants.get(&tenant).ok_or_else(|| format!("no tenant `{tenant}` so far"))?;
                self.cast.tenant = Some(*id);
            }
            Said::Act(by, mut ask, named) => {
                if ask.id.is_none() {
                    ask.id = Some(self.chance.uuid(now.millis()).into());
                }
                let done = stage.act(&by, *ask).await;
                self.judge(step, done, named)?;
            }
            Said::Learn(by, name, look) => match stage.see(&by, &look).await {
                Ok(Seen::Approval(id)) => drop(self.cast.approvals.insert(name, id)),
                Ok(Seen::List(ids)) if ids.len() == 1 => drop(self.cast.tickets.insert(name, ids[0])),
                other => return Err(format!("finds {other:?}")),
            },
            Said::Blind(by, ticket) => match stage.see(&by, &Look::Ticket(ticket)).await {
                Err(refused) if refused.code == "NOT_FOUND" => {}
                other => return Err(format!("sees {other:?}")),
            },
            Said::Picture(by, ticket, fields) => {
                let seen = stage.see(&by, &Look::Ticket(ticket)).await;
                let Seen::Ticket(picture) = self.unless_refused(step, seen)? else { return Ok(()) };
                for (field, wanted) in fields {
                    let wanted = self.cast.shown(&field, &wanted, now)?;
                    if let Some(shown) = picture.0.get(field.as_str()).filter(|shown| **shown != wanted) {
                        return Err(format!("{field} is `{shown}`, expected `{wanted}`"));
                    }
                    if !picture.0.contains_key(field.as_str()) && !is_field(&field) {
                        return Err(format!("no field `{field}`"));
                    }
                }
            }
            Said::See(by, look) => {
                if !stage.shows(&look) {
                    self.over += 1;
                    return Ok(());
                }
                let seen = stage.see(&by, &look).await;
                if step.text.contains("=>") {
                    return self.judge_refusal(step, seen.map(|seen| format!("{seen:?}")));
                }
                let seen = seen.map_err(|refused| format!("refused with {}: {}", refused.code, refused.message))?;
                let mut wanted = text(&step.outcome);
                if matches!(seen, Seen::List(_) | Seen::Links(_)) {
                    wanted.sort_unstable(); // numbers of two projects are in no order
                }
                let (shown, wanted) = (self.told(&seen), wanted.join(" "));
                if shown != wanted {
                    return Err(format!("is `{shown}`, expected `{wanted}`"));
                }
            }
        }
        Ok(())
    }

    /// What was seen, in the words of the scenario.
    fn told(&self, seen: &Seen) -> String {
        fn name<T: PartialEq>(known: &std::collections::BTreeMap<String, T>, wanted: &T) -> String {
            known.iter().find(|(_, id)| *id == wanted).map_or_else(|| "?".into(), |(name, _)| name.clone())
        }
        let all: Vec<String> = match seen {
            Seen::Ticket(picture) => vec![format!("{picture:?}")],
            Seen::List(ids) => {
                let mut names: Vec<String> = ids.iter().map(|id| name(&self.cast.tickets, id)).collect();
                names.sort();
                names
            }
            Seen::Links(links) => {
                let told = |(kind, id): &(LinkKind, TicketId)| format!("{kind}:{}", name(&self.cast.tickets, id));
                let mut all: Vec<String> = links.iter().map(told).collect();
                all.sort();
                all
            }
            Seen::Count(count) => vec![count.to_string()],
            Seen::History(kinds) => kinds.clone(),
            Seen::Entries(entries) => entries.iter().map(|(id, _)| name(&self.cast.entries, id)).collect(),
            Seen::Exits(exits) => {
                exits.iter().map(|(id, open)| if *open { id.clone() } else { format!("!{id}") }).collect()
            }
            Seen::Why(words) | Seen::Words(words) => words.clone(),
            Seen::Cards(ids) => ids.iter().map(|id| name(&self.cast.tickets, id)).collect(),
            Seen::Approval(id) => vec![id.to_string()],
            Seen::Told(words) => words.iter().map(|word| self.cast.with_names(word)).collect(),
            Seen::People(ids) => {
                let mut names: Vec<String> = ids
                    .iter()
                    .map(|id| {
                        let known = self.cast.people.iter().find(|(_, (_, person))| person == id);
                        known.map_or_else(|| "?".into(), |(name, _)| name.clone())
                    })
                    .collect();
                names.sort();
                names
            }
        };
        all.join(" ")
    }

    fn unless_refused(&self, step: &Step, seen: Result<Seen, Refused>) -> Result<Seen, String> {
        if step.outcome.is_empty() {
            return seen.map_err(|refused| format!("refused with {}: {}", refused.code, refused.message));
        }
        self.judge_refusal(step, seen.map(|seen| format!("{seen:?}")))?;
        Ok(Seen::Count(0))
    }

    fn judge(
        &mut self,
        step: &Step,
        done: Result<Acted, Refused>,
        named: Option<(Noun, String)>,
    ) -> Result<(), String> {
        let outcome = text(&step.outcome);
        let acted = match (done, outcome.as_slice()) {
            (Ok(acted), []) => acted,
            (Ok(acted), ["unchanged"]) if acted.changed != Some(true) => acted,
            (Ok(acted), ["version", wanted]) if acted.version.is_none_or(|v| v.to_string() == *wanted) => acted,
            (Ok(acted), ["same", name]) => {
                let same = self.cast.tickets.get(*name).map(|id| Made::Ticket(*id));
                let same = same.or_else(|| self.cast.entries.get(*name).map(|id| Made::Entry(*id)));
                let same = same.or_else(|| self.cast.people.get(*name).map(|(_, id)| Made::Person(*id)));
                if same.as_ref() != Some(&acted.made) {
                    return Err(format!("made {:?}, expected {same:?}", acted.made));
                }
                acted
            }
            (Err(refused), []) => return Err(format!("refused with {}: {}", refused.code, refused.message)),
            (done, _) => return self.judge_refusal(step, done.map(|acted| format!("{acted:?}"))),
        };
        if let Some((noun, name)) = named {
            self.name(noun, name, acted.made)?;
        }
        Ok(())
    }

    /// `CODE field field`: the fields are those the refusal speaks of, in any order.
    fn judge_refusal(&self, step: &Step, done: Result<String, Refused>) -> Result<(), String> {
        let outcome = text(&step.outcome);
        let (code, fields) = outcome.split_first().ok_or("nothing is expected")?;
        match done {
            Ok(happened) => Err(format!("happened: {happened}")),
            Err(refused) if refused.code != *code => Err(format!("refused with {}: {}", refused.code, refused.message)),
            Err(refused) => {
                let (mut told, mut wanted) = (refused.fields.clone(), fields.to_vec());
                told.sort();
                told.dedup();
                wanted.sort_unstable();
                if wanted.is_empty() || told == wanted {
                    Ok(())
                } else {
                    Err(format!("refused for {told:?}: {}", refused.message))
                }
            }
        }
    }

    fn name(&mut self, noun: Noun, name: String, made: Made) -> Result<(), String> {
        let cast = &mut self.cast;
        match (noun, made) {
            (Noun::Tenant, Made::Tenant(id)) => {
                cast.tenants.insert(name, id);
                cast.tenant = Some(id);
            }
            (Noun::Project, Made::Project(id)) => drop(cast.projects.insert(name, id)),
            (Noun::Person, Made::Person(id)) => {
                let tenant = cast.here()?;
                cast.people.insert(name, (tenant, id));
            }
            (Noun::Group, Made::Group(id)) => drop(cast.groups.insert(name, id)),
            (Noun::Grant, Made::Grant(id)) => drop(cast.grants.insert(name, id)),
            (Noun::Board, Made::Board(id)) => drop(cast.boards.insert(name, id)),
            (Noun::Column, Made::Column(id)) => drop(cast.columns.insert(name, id)),
            (Noun::Tag, Made::Tag(id)) => drop(cast.tags.insert(name, id)),
            (Noun::Ticket, Made::Ticket(id)) => drop(cast.tickets.insert(name, id)),
            (Noun::Entry, Made::Entry(id)) => drop(cast.entries.insert(name, id)),
            (Noun::Approval, Made::Approval(id)) => drop(cast.approvals.insert(name, id)),
            (Noun::Delegation, Made::Delegation(id)) => drop(cast.delegations.insert(name, id)),
            (noun, made) => return Err(format!("made {made:?}, expected a {noun:?}")),
        }
        Ok(())
    }
}

fn text(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

/// Fields a level may leave out of its pictures.
fn is_field(name: &str) -> bool {
    let fields = [
        "key",
        "title",
        "description",
        "type",
        "state",
        "category",
        "priority",
        "priority_manual",
        "urgency",
        "importance",
        "visibility",
        "group",
        "company",
        "parent",
        "start_at",
        "due_at",
        "estimate",
        "resolved_at",
        "closed_at",
        "created_at",
        "updated_at",
        "created_by",
        "updated_by",
        "reopened",
        "regrouped",
        "version",
        "deleted",
        "assignees",
        "reporter",
        "requester",
        "watchers",
        "approvers",
        "members",
        "tags",
        "approval",
    ];
    fields.contains(&name)
}
