//! What of a definition becomes a line between boxes, and what a note inside one. Both drawings follow it.

use crate::workflow::model::{Definition, From, State, Transition};

/// How many lines a drawing may have per state before it is a tangle.
const LINES_PER_STATE: usize = 2;
/// The most entrances that are drawn from the start dot.
const ENTRANCES_MAX: usize = 3;
/// The most states a note names after "any but".
const EXCEPTIONS_MAX: usize = 3;

/// A definition, ready to be drawn.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// The states in the order of the definition.
    pub(super) states: &'a [State],
    /// The transitions in the order of the definition.
    pub(super) ways: Vec<Way<'a>>,
}

/// A transition, and how it is drawn.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) transition: &'a Transition,
    /// Index of the state it leads to.
    pub(super) to: usize,
    pub(super) drawn: Drawn,
}

/// How a transition is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drawn {
    /// A line from the start dot.
    Entrance,
    /// Lines from these states, meeting in one label.
    Lines(Vec<usize>),
    /// A note in the box of the target: where it begins, in words.
    Note(String),
}

impl<'a> Plan<'a> {
    pub(super) fn of(definition: &'a Definition) -> Self {
        let states = definition.states.as_slice();
        let index = |id: &str| states.iter().position(|state| state.id == id);
        let mut ways: Vec<Way<'a>> = definition
            .transitions
            .iter()
            .filter_map(|transition| {
                let to = index(&transition.to)?;
                Some(Way { transition, to, drawn: Drawn::Note(begin(transition, states)) })
            })
            .collect();

        let entrances: Vec<usize> = (0..ways.len()).filter(|at| ways[*at].transition.from == From::Nothing).collect();
        let shown = if entrances.len() <= ENTRANCES_MAX { entrances.len() } else { 1 };
        for at in &entrances[..shown] {
            ways[*at].drawn = Drawn::Entrance;
        }
        // Lines go to those that need the fewest and shortest, until there are enough of them.
        let mut wanted: Vec<(usize, usize, usize, Vec<usize>)> = Vec::new();
        for (at, way) in ways.iter().enumerate() {
            if let From::States(from) = &way.transition.from {
                let mut from: Vec<usize> = from.iter().filter_map(|id| index(id)).collect();
                from.sort_unstable();
                from.dedup();
                let span = from.iter().map(|state| state.abs_diff(way.to)).max().unwrap_or_default();
                wanted.push((from.len(), span, at, from));
            }
        }
        wanted.sort();
        let mut left = states.len() * LINES_PER_STATE;
        for same in wanted.chunk_by(|a, b| a.0 == b.0) {
            // Transitions of one kind look alike, except where even plain ones are too many.
            let (each, all) = (same[0].0, same.iter().map(|one| one.0).sum::<usize>());
            if each == 0 || (each > 1 && all > left) {
                break;
            }
            for (_, _, at, from) in same.iter().take(left / each) {
                ways[*at].drawn = Drawn::Lines(from.clone());
                left -= each;
            }
        }
        Self { states, ways }
    }

    /// The notes in the box of a state: index of the way, and where it begins.
    pub(super) fn notes(&self, state: usize) -> impl Iterator<Item = (usize, &str)> {
        self.ways.iter().enumerate().filter(move |(_, way)| way.to == state).filter_map(|(at, way)| match &way.drawn {
            Drawn::Note(begin) => Some((at, begin.as_str())),
            Drawn::Entrance | Drawn::Lines(_) => None,
        })
    }
}

/// Where a transition begins, in words.
pub(super) fn begin(transition: &Transition, states: &[State]) -> String {
    let named = |states: &[&State]| states.iter().map(|state| state.label.as_str()).collect::<Vec<_>>().join(", ");
    match &transition.from {
        From::Nothing => "for a new ticket".into(),
        From::Any => "from any state".into(),
        From::States(ids) => {
            let (from, other): (Vec<&State>, Vec<&State>) = states.iter().partition(|state| ids.contains(&state.id));
            let other: Vec<&State> = other.into_iter().filter(|state| state.id != transition.to).collect();
            let to_itself = ids.contains(&transition.to);
            if to_itself || other.len() > EXCEPTIONS_MAX || other.len() >= from.len() {
                return format!("from {}", named(&from));
            }
            if other.is_empty() { "from any state".into() } else { format!("from any but {}", named(&other)) }
        }
    }
}
