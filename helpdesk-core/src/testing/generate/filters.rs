//! Filters over a population, with the name of every field and operator in them.

use super::Population;
use crate::filter::{Cond, Filter, Number, Range, TextIs, When};
use crate::ticket::{Importance, Priority, Relation, TicketType, Urgency, Visibility};
use crate::time::Clock;
use crate::workflow::Category;

impl Population {
    /// Every field with every operator, by name.
    pub fn operators() -> Vec<String> {
        let mut all: Vec<String> = [
            "id/one_of",
            "project/one_of",
            "type/one_of",
            "state/one_of",
            "category/one_of",
            "priority/one_of",
            "urgency/one_of",
            "importance/one_of",
            "visibility/one_of",
            "group/one_of",
            "group/none",
            "company/one_of",
            "company/none",
            "parent/one_of",
            "parent/none",
            "created_by/one_of",
            "tag/one_of",
            "tag/none",
            "title/equal",
            "title/contains",
            "title/begins",
            "priority_manual/is",
            "deleted/is",
            "text/words",
            "text/beginning",
        ]
        .map(str::to_owned)
        .into();
        all.extend(
            Relation::ALL.iter().flat_map(|r| [format!("{r}/one_of"), format!("{r}/anybody"), format!("{r}/me")]),
        );
        let ranges = ["from", "to", "between", "set"];
        all.extend(When::ALL.iter().flat_map(|when| ranges.map(|range| format!("{when}/{range}"))));
        all.extend(Number::ALL.iter().flat_map(|number| ranges.map(|range| format!("{number}/{range}"))));
        all
    }

    /// A filter, bound to somebody, with the operators in it.
    pub fn filter(&mut self) -> (Filter, Vec<String>) {
        let mut used = vec![];
        let filter = self.tree(2, &mut used);
        let me = self.person();
        (filter.bind(Some(me)), used)
    }

    fn tree(&mut self, depth: usize, used: &mut Vec<String>) -> Filter {
        match self.chance.below(if depth == 0 { 6 } else { 10 }) {
            0..=4 => self.leaf(used),
            5 => self.leaf(used).negate(),
            6 => self.tree(depth - 1, used).negate(),
            n => {
                let parts = (0..1 + self.chance.below(3)).map(|_| self.tree(depth - 1, used)).collect();
                if n == 7 { Filter::And(parts) } else { Filter::Or(parts) }
            }
        }
    }

    fn leaf(&mut self, used: &mut Vec<String>) -> Filter {
        let operators = Self::operators();
        let name = self.chance.pick(&operators).clone();
        used.push(name.clone());
        let (field, operator) = name.split_once('/').unwrap_or((&name, ""));
        if let Ok(which) = field.parse::<When>() {
            let range = [self.instant(), self.instant()];
            return Cond::Time(which, ranged(operator, range)).into();
        }
        if let Ok(which) = field.parse::<Number>() {
            let most = if which == Number::Estimate { 200 } else { 1 + self.tickets.len() / 2 };
            let small = matches!(which, Number::Reopened | Number::Regrouped);
            let most = if small { 4 } else { most };
            let range = [self.chance.below(most) as i64, self.chance.below(most) as i64];
            return Cond::Number(which, ranged(operator, range)).into();
        }
        if let Ok(relation) = field.parse::<Relation>() {
            return match operator {
                "one_of" => {
                    let mut people = self.persons(3);
                    people.push(self.person());
                    Cond::Related { people, relations: vec![relation] }.into()
                }
                "anybody" => Cond::Related { people: vec![], relations: vec![relation] }.into(),
                _ => Cond::Mine(vec![relation]).into(),
            };
        }
        self.plain(field, operator).into()
    }

    fn plain(&mut self, field: &str, operator: &str) -> Cond {
        fn list<T: Copy>(population: &mut Population, all: &[T]) -> Vec<T> {
            let mut some = population.chance.some(all, all.len() - 1);
            if some.is_empty() {
                some.push(*population.chance.pick(all));
            }
            some
        }
        let none = operator == "none";
        match field {
            "id" => {
                let ids = self.tickets.clone();
                Cond::Id(list(self, &ids))
            }
            "project" => {
                let all = [self.world.it, self.world.ops];
                Cond::Project(list(self, &all))
            }
            "type" => Cond::Type(list(self, TicketType::ALL)),
            "state" => {
                let all = ["todo", "in_progress", "review", "done", "new", "resolved", "closed", "awaiting_user"];
                Cond::State(list(self, &all).into_iter().map(str::to_owned).collect())
            }
            "category" => Cond::Category(list(self, Category::ALL)),
            "priority" => Cond::Priority(list(self, Priority::ALL)),
            "urgency" => Cond::Urgency(list(self, Urgency::ALL)),
            "importance" => Cond::Importance(list(self, Importance::ALL)),
            "visibility" => Cond::Visibility(list(self, Visibility::ALL)),
            "group" if none => Cond::Group(vec![]),
            "group" => {
                let all = self.groups();
                Cond::Group(list(self, &all))
            }
            "company" if none => Cond::Company(vec![]),
            "company" => {
                let all = self.companies();
                Cond::Company(list(self, &all))
            }
            "parent" if none => Cond::Parent(vec![]),
            "parent" => {
                let ids = self.tickets.clone();
                Cond::Parent(self.chance.some(&ids, 20).into_iter().chain(ids.first().copied()).collect())
            }
            "created_by" => {
                let all = [self.world.ana.author(), self.world.root.author(), self.world.mia.author()];
                let mut some = self.chance.some(&all, 2);
                some.push(crate::actor::Author::System);
                Cond::CreatedBy(some)
            }
            "tag" if none => Cond::Tag(vec![]),
            "tag" => {
                let all = self.tags();
                Cond::Tag(list(self, &all))
            }
            "title" => {
                let text = self.words(1);
                Cond::Title(match operator {
                    "equal" => TextIs::Equal(text),
                    "contains" => TextIs::Contains(text.chars().take(1 + self.chance.below(4)).collect()),
                    _ => TextIs::Begins(text.to_uppercase().chars().take(1 + self.chance.below(3)).collect()),
                })
            }
            "priority_manual" => Cond::PriorityManual(self.chance.percent(50)),
            "deleted" => Cond::Deleted(self.chance.percent(50)),
            _ => {
                let text = self.words(2);
                Cond::Text(match operator {
                    "words" => text,
                    _ => text.chars().take(1 + self.chance.below(5)).collect(),
                })
            }
        }
    }

    /// Where internal entries may be searched: everywhere, nowhere, in one project, or on tickets of one group.
    pub fn internal(&mut self) -> Filter {
        match self.chance.below(4) {
            0 => Filter::All,
            1 => Filter::None,
            2 => Cond::Project(vec![self.world.it]).into(),
            _ => Cond::Group(vec![self.world.network]).into(),
        }
    }

    /// The present instant of the world.
    pub fn now(&self) -> crate::Timestamp {
        self.world.clock.now()
    }
}

fn ranged<T: Ord + Copy>(operator: &str, ends: [T; 2]) -> Range<T> {
    let [a, b] = ends;
    match operator {
        "from" => Range { from: Some(a), to: None },
        "to" => Range { from: None, to: Some(a) },
        "between" => Range { from: Some(a.min(b)), to: Some(a.max(b)) },
        _ => Range { from: None, to: None },
    }
}
