//! Which layer each node is on, and in which order: layered drawing after Sugiyama, Tagawa and Toda (1981).
//!
//! Nodes are the start dot, the states, the labels of lines, and a bend wherever a line crosses a layer. States stand
//! on even layers in the order of their definition, labels on odd ones between them.

use super::plan::{Drawn, Plan};
use crate::workflow::model::{Category, State};

/// Sweeps that reorder the layers; more gain little.
const SWEEPS: usize = 12;

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The start dot.
    Start,
    /// The state with this index.
    State(usize),
    /// The label of the way with this index.
    Label(usize),
    /// A line passes here.
    Bend,
}

/// A line between two neighbouring layers or, with bends, distant ones.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Index of its way.
    pub(super) way: usize,
    /// The nodes it passes, from the upper to the lower one.
    pub(super) through: Vec<usize>,
    /// Where it has its head, if anywhere.
    pub(super) head: Option<Head>,
}

/// The end of a line that has an arrow's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// The upper end.
    Up,
    /// The lower end.
    Down,
}

/// The nodes in layers, with the lines between them.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) kinds: Vec<Kind>,
    /// The nodes of each layer, from left to right.
    pub(super) order: Vec<Vec<usize>>,
    pub(super) lines: Vec<Line>,
    /// The neighbours of each node on the layer above.
    pub(super) above: Vec<Vec<usize>>,
    /// The neighbours of each node on the layer below.
    pub(super) below: Vec<Vec<usize>>,
}

impl Layers {
    pub(super) fn of(plan: &Plan<'_>) -> Self {
        let layer_of_state = levels(plan);
        let mut it = Self { kinds: vec![], order: vec![], lines: vec![], above: vec![], below: vec![] };
        let start = plan.ways.iter().any(|way| way.drawn == Drawn::Entrance).then(|| it.node(Kind::Start, 0));
        let states: Vec<usize> =
            layer_of_state.iter().enumerate().map(|(at, layer)| it.node(Kind::State(at), *layer)).collect();
        for (at, way) in plan.ways.iter().enumerate() {
            let target = (states[way.to], layer_of_state[way.to]);
            let sources: Vec<(usize, usize)> = match &way.drawn {
                Drawn::Note(_) => continue,
                Drawn::Entrance => start.into_iter().map(|node| (node, 0)).collect(),
                Drawn::Lines(from) => from.iter().map(|state| (states[*state], layer_of_state[*state])).collect(),
            };
            let layer = match sources.as_slice() {
                [(_, source)] => middle(*source, target.1),
                many if many.iter().any(|(_, layer)| *layer < target.1) => target.1.saturating_sub(1),
                _ => target.1 + 1,
            };
            let label = it.node(Kind::Label(at), layer);
            for source in sources {
                it.line(at, source, (label, layer), false);
            }
            it.line(at, (label, layer), target, true);
        }
        it.arrange();
        it
    }

    fn node(&mut self, kind: Kind, layer: usize) -> usize {
        let node = self.kinds.len();
        self.kinds.push(kind);
        self.above.push(vec![]);
        self.below.push(vec![]);
        if self.order.len() <= layer {
            self.order.resize(layer + 1, vec![]);
        }
        self.order[layer].push(node);
        node
    }

    fn line(&mut self, way: usize, from: (usize, usize), to: (usize, usize), headed: bool) {
        let down = from.1 < to.1;
        let (upper, lower) = if down { (from, to) } else { (to, from) };
        let head = headed.then_some(if down { Head::Down } else { Head::Up });
        let mut through = vec![upper.0];
        for layer in upper.1 + 1..lower.1 {
            let bend = self.node(Kind::Bend, layer);
            through.push(bend);
        }
        through.push(lower.0);
        for pair in through.windows(2) {
            self.below[pair[0]].push(pair[1]);
            self.above[pair[1]].push(pair[0]);
        }
        self.lines.push(Line { way, through, head });
    }

    /// Orders the nodes of every layer so that few lines cross.
    fn arrange(&mut self) {
        let mut place = vec![0; self.kinds.len()];
        let note = |order: &[Vec<usize>], place: &mut Vec<usize>| {
            for (at, node) in order.iter().flat_map(|layer| layer.iter().enumerate()) {
                place[*node] = at;
            }
        };
        note(&self.order, &mut place);
        let mut best = (self.crossings(&place), self.order.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let down = sweep % 2 == 0;
            let count = self.order.len();
            for step in 1..count {
                let layer = if down { step } else { count - 1 - step };
                let towards = if down { &self.above } else { &self.below };
                // The median keeps long lines straight; nodes without neighbours stay where they are.
                let key = |node: &usize| median(&towards[*node], &place).unwrap_or(2 * place[*node]);
                self.order[layer].sort_by_cached_key(key);
                for (at, node) in self.order[layer].iter().enumerate() {
                    place[*node] = at;
                }
            }
            let crossings = self.crossings(&place);
            if crossings < best.0 {
                best = (crossings, self.order.clone());
            }
        }
        self.order = best.1;
    }

    fn crossings(&self, place: &[usize]) -> usize {
        let mut sum = 0;
        for pair in self.order.windows(2) {
            let mut ends: Vec<usize> = Vec::new();
            for node in &pair[0] {
                let from = ends.len();
                ends.extend(self.below[*node].iter().map(|node| place[*node]));
                ends[from..].sort_unstable();
            }
            // Counts inversions with a Fenwick tree.
            let mut tree = vec![0; pair[1].len() + 1];
            for (seen, end) in ends.iter().enumerate() {
                let (mut not_right, mut at) = (0, end + 1);
                while at > 0 {
                    not_right += tree[at];
                    at &= at - 1;
                }
                sum += seen - not_right;
                at = end + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
        }
        sum
    }
}

/// Twice the median place of `nodes`.
fn median(nodes: &[usize], place: &[usize]) -> Option<usize> {
    let mut places: Vec<usize> = nodes.iter().map(|node| place[*node]).collect();
    places.sort_unstable();
    let half = places.len() / 2;
    match places.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(2 * places[half]),
        _ => Some(places[half - 1] + places[half]),
    }
}

/// The odd layer in the middle of two even ones; below, when they are one.
fn middle(a: usize, b: usize) -> usize {
    let half = usize::midpoint(a, b);
    if half % 2 == 1 { half } else { half + 1 }
}

/// The layer of each state: below the states defined earlier from which a line leads to it, else below the one defined
/// just before. States that only wait, and ends, stand side by side.
fn levels(plan: &Plan<'_>) -> Vec<usize> {
    let dot = usize::from(plan.ways.iter().any(|way| way.drawn == Drawn::Entrance));
    let beside = |a: &State, b: &State| {
        (a.category == Category::Waiting && b.category == Category::Waiting)
            || (a.category.ended() && b.category.ended())
    };
    let mut earlier: Vec<Vec<usize>> = vec![vec![]; plan.states.len()];
    for way in &plan.ways {
        if let Drawn::Lines(from) = &way.drawn {
            earlier[way.to].extend(from.iter().filter(|state| **state < way.to));
        }
    }
    let mut levels: Vec<usize> = Vec::with_capacity(plan.states.len());
    for (at, state) in plan.states.iter().enumerate() {
        let above = earlier[at].iter().map(|state| levels[*state] + 1).max();
        let level = above.unwrap_or_else(|| match at.checked_sub(1) {
            None => dot,
            Some(before) if beside(&plan.states[before], state) => levels[before],
            Some(before) => levels[before] + 1,
        });
        levels.push(level);
    }
    levels.into_iter().map(|level| 2 * level).collect()
}
