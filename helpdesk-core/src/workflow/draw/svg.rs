//! The drawing as SVG: sizes of boxes and labels, and the document.

use std::collections::BTreeMap;

use super::layers::{Head, Kind, Layers, Line};
use super::place::{Spot, place};
use super::plan::{Plan, begin};
use super::text::{width, wrap, xml};
use super::{Path, told};
use crate::workflow::model::{Category, State, Transition};

/// Pixels around the drawing.
const MARGIN: f64 = 24.0;
/// Pixels between the border of a box and its text.
const PAD: f64 = 12.0;
/// The most pixels a text takes inside a box, and the label of a line.
const ROOM: (f64, f64) = (200.0, 150.0);
/// The narrowest box.
const BOX_MIN: f64 = 120.0;
/// The most visits a description tells.
const TOLD_MAX: usize = 100;

const INK: &str = "#1f2328";
const LINE: &str = "#6e7781";
const TAKEN: &str = "#0550ae";

/// A line of text: its font size, how it looks, what it says.
type Text = (f64, &'static str, String);

const BOLD: &str = " font-weight=\"600\"";
const PLAIN: &str = "";
const MUTED: &str = " fill=\"#57606a\"";
const STRESSED: &str = " fill=\"#0550ae\" font-weight=\"600\"";

/// A state as it will stand in its box.
#[derive(Debug)]
struct Box {
    head: Vec<Text>,
    /// Per note: the transition and its lines.
    notes: Vec<(usize, Vec<Text>)>,
    size: (f64, f64),
}

/// Everything in place.
#[derive(Debug)]
pub(super) struct Picture {
    layers: Layers,
    spots: Vec<Spot>,
    sizes: Vec<(f64, f64)>,
    boxes: Vec<Box>,
    labels: BTreeMap<usize, Vec<Text>>,
}

const fn leading(size: f64) -> f64 {
    size + 4.0
}

/// The size that bold text seems to have, as wide as it is.
fn seeming(size: f64, look: &str) -> f64 {
    if look.contains("font-weight") { size * 1.12 } else { size }
}

fn texts(out: &mut Vec<Text>, text: &str, size: f64, look: &'static str, room: f64) {
    out.extend(wrap(text, seeming(size, look), room).into_iter().map(|line| (size, look, line)));
}

fn extent(lines: &[Text]) -> (f64, f64) {
    let wide = lines.iter().map(|(size, look, text)| width(text, seeming(*size, look))).fold(0.0, f64::max);
    (wide, lines.iter().map(|(size, ..)| leading(*size)).sum())
}

impl Box {
    fn of(plan: &Plan<'_>, at: usize, path: Option<&Path>, taken: &BTreeMap<&str, usize>) -> Self {
        let state = &plan.states[at];
        let mut head = Vec::new();
        texts(&mut head, &state.label, 14.0, BOLD, ROOM.0);
        texts(&mut head, &kind(state), 11.0, MUTED, ROOM.0);
        if let Some(path) = path {
            if let Some(steps) = told(&path.steps(&state.id)) {
                texts(&mut head, &steps, 11.0, STRESSED, ROOM.0);
            }
            if path.present() == Some(&state.id) {
                texts(&mut head, "the ticket is here", 11.0, STRESSED, ROOM.0);
            }
        }
        let mut notes = Vec::new();
        for (way, begin) in plan.notes(at) {
            let transition = plan.ways[way].transition;
            let mut lines = Vec::new();
            let look = if taken.contains_key(transition.id.as_str()) { STRESSED } else { PLAIN };
            texts(&mut lines, &format!("→ {}", counted(transition, taken)), 12.0, look, ROOM.0);
            texts(&mut lines, begin, 11.0, MUTED, ROOM.0);
            notes.push((way, lines));
        }
        let extents: Vec<(f64, f64)> =
            std::iter::once(extent(&head)).chain(notes.iter().map(|note| extent(&note.1))).collect();
        let wide = extents.iter().map(|extent| extent.0).fold(BOX_MIN - 2.0 * PAD, f64::max);
        let high = extents.iter().map(|extent| extent.1 + 6.0).sum::<f64>() - 6.0;
        Self { head, notes, size: ((wide + 2.0 * PAD).ceil(), (high + 1.5 * PAD).ceil()) }
    }
}

/// What a state is, in words.
fn kind(state: &State) -> String {
    format!("{}{}", state.category.as_str(), if state.retired { ", retired" } else { "" })
}

fn counted(transition: &Transition, taken: &BTreeMap<&str, usize>) -> String {
    match taken.get(transition.id.as_str()) {
        Some(many) if *many > 1 => format!("{} ×{many}", transition.label),
        _ => transition.label.clone(),
    }
}

impl Picture {
    pub(super) fn of(plan: &Plan<'_>, path: Option<&Path>) -> Self {
        let taken = path.map(Path::taken).unwrap_or_default();
        let layers = Layers::of(plan);
        let boxes: Vec<Box> = (0..plan.states.len()).map(|at| Box::of(plan, at, path, &taken)).collect();
        let mut labels = BTreeMap::new();
        for kind in &layers.kinds {
            if let Kind::Label(way) = kind {
                let transition = plan.ways[*way].transition;
                let look = if taken.contains_key(transition.id.as_str()) { STRESSED } else { PLAIN };
                let mut lines = Vec::new();
                texts(&mut lines, &counted(transition, &taken), 12.0, look, ROOM.1);
                labels.insert(*way, lines);
            }
        }
        let size = |kind: &Kind| match kind {
            Kind::Start => (16.0, 16.0),
            Kind::State(at) => boxes[*at].size,
            Kind::Label(way) => labels.get(way).map_or((0.0, 0.0), |lines| {
                let (wide, high) = extent(lines);
                ((wide + 8.0).ceil(), high + 2.0)
            }),
            Kind::Bend => (2.0, 0.0),
        };
        let sizes: Vec<(f64, f64)> = layers.kinds.iter().map(size).collect();
        let spots = place(&layers, &sizes);
        Self { layers, spots, sizes, boxes, labels }
    }

    #[cfg(test)]
    pub(super) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.layers.kinds.iter()
    }

    /// (left, top, width, height) of the box of a node.
    pub(super) fn frame(&self, node: usize) -> (f64, f64, f64, f64) {
        let ((wide, high), spot) = (self.sizes[node], self.spots[node]);
        (spot.x - (wide / 2.0).floor(), ((spot.top + spot.bottom - high) / 2.0).round(), wide, high)
    }

    /// Where the lines begin and end at their nodes: (x at the upper end, x at the lower end).
    fn ports(&self) -> Vec<(f64, f64)> {
        let lines = &self.layers.lines;
        let mut ports = vec![(0.0, 0.0); lines.len()];
        let mut ends: BTreeMap<(usize, bool), Vec<(f64, usize)>> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            if let ([upper, second, ..], [.., before, lower]) = (line.through.as_slice(), line.through.as_slice()) {
                ends.entry((*upper, false)).or_default().push((self.spots[*second].x, at));
                ends.entry((*lower, true)).or_default().push((self.spots[*before].x, at));
            }
        }
        for ((node, above), mut lines) in ends {
            lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let (wide, many) = (self.sizes[node].0, lines.len() as f64);
            let most = if matches!(self.layers.kinds[node], Kind::State(_)) { 26.0 } else { 8.0 };
            let step = ((wide - PAD) / many).min(most);
            for (nth, (_, line)) in lines.into_iter().enumerate() {
                let x = self.spots[node].x + ((nth as f64 - (many - 1.0) / 2.0) * step).round();
                if above { ports[line].1 = x } else { ports[line].0 = x }
            }
        }
        ports
    }
}

/// The document.
pub(super) fn write(name: &str, picture: &Picture, plan: &Plan<'_>, path: Option<&Path>) -> String {
    let right = |node: usize| picture.frame(node).0 + picture.frame(node).2;
    let wide = (0..picture.sizes.len()).map(right).fold(0.0, f64::max);
    let low = picture.spots.iter().map(|spot| spot.bottom).fold(0.0, f64::max);
    let heading = wrap(name, seeming(16.0, BOLD), wide.max(360.0));
    let top = heading.len() as f64 * 20.0 + 12.0;
    let wide = heading.iter().map(|line| width(line, seeming(16.0, BOLD))).fold(wide, f64::max).ceil() + 2.0 * MARGIN;
    let high = low + top + 2.0 * MARGIN;

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{wide}\" height=\"{high}\" \
         viewBox=\"0 0 {wide} {high}\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" fill=\"{INK}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<rect width=\"{wide}\" height=\"{high}\" fill=\"#ffffff\"/>\n",
        xml(name),
        xml(&described(plan, path)),
    );
    for (nth, line) in heading.iter().enumerate() {
        let y = MARGIN + 14.0 + nth as f64 * 20.0;
        put!(out, "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"16\" font-weight=\"600\">{}</text>\n", xml(line));
    }
    put!(out, "<g transform=\"translate({MARGIN} {})\">\n", MARGIN + top);
    let taken = path.map(Path::taken).unwrap_or_default();
    let ports = picture.ports();
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, line) in picture.layers.lines.iter().enumerate() {
        lines.entry(line.way).or_default().push(at);
    }
    let mut label_of = BTreeMap::new();
    for (node, kind) in picture.layers.kinds.iter().enumerate() {
        match kind {
            Kind::Start => {
                let (x, y, ..) = picture.frame(node);
                put!(out, "<circle cx=\"{}\" cy=\"{}\" r=\"7\"/>\n", x + 8.0, y + 8.0);
            }
            Kind::Label(way) => {
                label_of.insert(*way, node);
            }
            Kind::State(_) | Kind::Bend => {}
        }
    }
    for (way, lines) in lines {
        let transition = plan.ways[way].transition;
        let (colour, bold) = if taken.contains_key(transition.id.as_str()) { (TAKEN, "2.5") } else { (LINE, "1.5") };
        open(&mut out, "transition", &transition.id, &sentence(plan, way));
        let (mut strokes, mut heads) = (String::new(), String::new());
        for line in lines {
            trace(picture, &picture.layers.lines[line], ports[line], &mut strokes, &mut heads);
        }
        put!(out, "<path d=\"{strokes}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{bold}\"/>");
        put!(out, "<path d=\"{heads}\" fill=\"{colour}\"/>\n");
        if let (Some(node), Some(texts)) = (label_of.get(&way), picture.labels.get(&way)) {
            let (x, y, wide, _) = picture.frame(*node);
            say(&mut out, texts, x + (wide / 2.0).floor(), y + 1.0, " text-anchor=\"middle\"");
        }
        out.push_str("</g>\n");
    }
    for (node, kind) in picture.layers.kinds.iter().enumerate() {
        if let Kind::State(at) = kind {
            state(&mut out, picture, plan, *at, picture.frame(node), path);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn open(out: &mut String, class: &str, id: &str, title: &str) {
    put!(out, "<g class=\"{class}\" data-{class}=\"{}\"><title>{}</title>\n", xml(id), xml(title));
}

fn say(out: &mut String, lines: &[Text], x: f64, top: f64, anchor: &str) -> f64 {
    let mut y = top;
    for (size, look, text) in lines {
        put!(out, "<text x=\"{x}\" y=\"{}\" font-size=\"{size}\"{look}{anchor}>{}</text>\n", y + size, xml(text));
        y += leading(*size);
    }
    y
}

fn state(
    out: &mut String,
    picture: &Picture,
    plan: &Plan<'_>,
    at: usize,
    (x, y, wide, high): (f64, f64, f64, f64),
    path: Option<&Path>,
) {
    let (it, state) = (&picture.boxes[at], &plan.states[at]);
    open(out, "state", &state.id, &format!("{}: {}", state.label, kind(state)));
    let (fill, border) = colours(state.category);
    let visited = path.is_some_and(|path| path.visits.iter().any(|visit| visit.state == state.id));
    let present = path.is_some_and(|path| path.present() == Some(&state.id));
    let (border, bold) = match (present, visited) {
        (true, _) => (TAKEN, "4"),
        (false, true) => (TAKEN, "2"),
        (false, false) => (border, "1.5"),
    };
    let dashes = if state.retired { " stroke-dasharray=\"6 4\"" } else { "" };
    put!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"{fill}\" stroke=\"{border}\" \
         stroke-width=\"{bold}\"{dashes}/>\n"
    );
    let left = x + PAD;
    let mut below = say(out, &it.head, left, y + PAD / 2.0, "");
    for (way, lines) in &it.notes {
        put!(out, "<path d=\"M{x} {}h{wide}\" stroke=\"{border}\" stroke-opacity=\"0.4\"/>\n", below + 3.0);
        open(out, "transition", &plan.ways[*way].transition.id, &sentence(plan, *way));
        below = say(out, lines, left, below + 6.0, "");
        out.push_str("</g>\n");
    }
    out.push_str("</g>\n");
}

/// A line from node to node: it turns between layers only, and runs straight where it passes one.
fn trace(picture: &Picture, line: &Line, (from, to): (f64, f64), strokes: &mut String, heads: &mut String) {
    let ([upper, ..], [.., lower]) = (line.through.as_slice(), line.through.as_slice()) else { return };
    let (frame, end) = (picture.frame(*upper), picture.frame(*lower).1);
    let begin = frame.1 + frame.3;
    let tip = |head| if line.head == Some(head) { 7.0 } else { 0.0 };
    put!(strokes, "M{from} {}", begin + tip(Head::Up));
    let mut above = picture.spots[*upper].bottom + tip(Head::Up);
    let mut x = from;
    for node in &line.through[1..] {
        let last = node == lower;
        let (next, spot) = (if last { to } else { picture.spots[*node].x }, picture.spots[*node]);
        if (next - x).abs() >= 0.5 {
            let top = spot.top - if last { tip(Head::Down) } else { 0.0 };
            let half = ((above + top) / 2.0).round();
            put!(strokes, "V{above}C{x} {half} {next} {half} {next} {top}");
        }
        (x, above) = (next, spot.bottom);
    }
    put!(strokes, "V{}", end - tip(Head::Down));
    match line.head {
        Some(Head::Down) => put!(heads, "M{to} {end}l-5 -9h10z"),
        Some(Head::Up) => put!(heads, "M{from} {begin}l-5 9h10z"),
        None => {}
    }
}

/// A transition in words.
fn sentence(plan: &Plan<'_>, way: usize) -> String {
    let (transition, to) = (plan.ways[way].transition, &plan.states[plan.ways[way].to].label);
    let mut words = format!("{}: {}, to {to}", transition.label, begin(transition, plan.states));
    if let Some(needed) = transition.permission {
        put!(words, ", needs {}", needed.as_str());
    }
    if let Some(guard) = &transition.guard {
        put!(words, ", guarded: {}", guard.says);
    }
    words
}

/// The whole drawing in words, for those who do not see it.
fn described(plan: &Plan<'_>, path: Option<&Path>) -> String {
    let state = |state: &State| format!("{} ({})", state.label, kind(state));
    let states: Vec<String> = plan.states.iter().map(state).collect();
    let ways: Vec<String> = (0..plan.ways.len()).map(|way| sentence(plan, way)).collect();
    let mut words = format!("States: {}. Transitions: {}.", states.join("; "), ways.join("; "));
    let Some((path, present)) = path.and_then(|path| Some((path, path.present()?))) else { return words };
    let label = |id: &str| plan.states.iter().find(|state| state.id == id).map_or(id, |state| &state.label).to_owned();
    let from = path.visits.len().saturating_sub(TOLD_MAX);
    let way: Vec<String> = path.visits[from..].iter().map(|visit| label(&visit.state)).collect();
    put!(words, " The ticket is in {}. Its path", label(present));
    if from > 0 {
        put!(words, ", without the first {from} steps");
    }
    put!(words, ": {}.", way.join(", "));
    words
}

/// Fill and border of a box.
const fn colours(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::New => ("#ddf4ff", "#218bff"),
        Category::Open => ("#fff8c5", "#bf8700"),
        Category::Waiting => ("#fbefff", "#a475f9"),
        Category::Resolved => ("#dafbe1", "#2da44e"),
        Category::Closed => ("#eaeef2", "#6e7781"),
        Category::Cancelled => ("#ffebe9", "#fa4549"),
    }
}
