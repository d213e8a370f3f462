//! The drawing as a Mermaid `stateDiagram-v2`.
//!
//! Ids get a prefix (`end`, `state` and others are words of Mermaid) and labels are escaped. Notes stand as further
//! lines of a state's description; lines that meet do so in a `<<choice>>`.

use super::plan::{Drawn, Plan};
use super::text::mermaid as safe;
use super::{Path, told};
use crate::workflow::model::Category;

pub(super) fn write(plan: &Plan<'_>, path: Option<&Path>) -> String {
    let taken = path.map(Path::taken).unwrap_or_default();
    let named = |label: &str, id: &str| Some(safe(label)).filter(|safe| !safe.is_empty()).unwrap_or_else(|| safe(id));
    let mut out = String::from("stateDiagram-v2\n");
    for (at, state) in plan.states.iter().enumerate() {
        put!(out, "    state \"{}\" as s_{}\n", named(&state.label, &state.id), state.id);
        for (way, begin) in plan.notes(at) {
            let transition = plan.ways[way].transition;
            let label = named(&transition.label, &transition.id);
            put!(out, "    s_{} : → {label} ({})\n", state.id, safe(begin));
        }
        if let Some(steps) = path.and_then(|path| told(&path.steps(&state.id))) {
            put!(out, "    s_{} : {}\n", state.id, safe(&steps));
        }
    }
    for way in &plan.ways {
        let (transition, to) = (way.transition, &plan.states[way.to].id);
        let mut label = named(&transition.label, &transition.id);
        if let Some(many) = taken.get(transition.id.as_str()).filter(|many| **many > 1) {
            put!(label, " ×{many}");
        }
        match &way.drawn {
            Drawn::Note(_) => {}
            Drawn::Entrance => put!(out, "    [*] --> s_{to} : {label}\n"),
            Drawn::Lines(from) => match from.as_slice() {
                [one] => put!(out, "    s_{} --> s_{to} : {label}\n", plan.states[*one].id),
                many => {
                    put!(out, "    state t_{} <<choice>>\n", transition.id);
                    for from in many {
                        put!(out, "    s_{} --> t_{}\n", plan.states[*from].id, transition.id);
                    }
                    put!(out, "    t_{} --> s_{to} : {label}\n", transition.id);
                }
            },
        }
    }
    for category in Category::ALL {
        let of: Vec<String> = plan
            .states
            .iter()
            .filter(|state| state.category == *category)
            .map(|state| format!("s_{}", state.id))
            .collect();
        if !of.is_empty() {
            put!(
                out,
                "    classDef c_{} {}\n    class {} c_{}\n",
                category.as_str(),
                style(*category),
                of.join(","),
                category.as_str()
            );
        }
    }
    if let Some(path) = path {
        let visited: Vec<String> = plan
            .states
            .iter()
            .filter(|state| {
                path.visits.iter().any(|visit| visit.state == state.id) && path.present() != Some(&state.id)
            })
            .map(|state| format!("s_{}", state.id))
            .collect();
        if !visited.is_empty() {
            put!(
                out,
                "    classDef p_visited stroke:#0550ae,stroke-width:2px\n    class {} p_visited\n",
                visited.join(",")
            );
        }
        if let Some(present) = plan.states.iter().find(|state| path.present() == Some(&state.id)) {
            put!(out, "    classDef p_present stroke:#0550ae,stroke-width:4px\n    class s_{} p_present\n", present.id);
        }
    }
    out
}

const fn style(category: Category) -> &'static str {
    match category {
        Category::New => "fill:#ddf4ff,stroke:#218bff,color:#1f2328",
        Category::Open => "fill:#fff8c5,stroke:#bf8700,color:#1f2328",
        Category::Waiting => "fill:#fbefff,stroke:#a475f9,color:#1f2328",
        Category::Resolved => "fill:#dafbe1,stroke:#2da44e,color:#1f2328",
        Category::Closed => "fill:#eaeef2,stroke:#6e7781,color:#1f2328",
        Category::Cancelled => "fill:#ffebe9,stroke:#fa4549,color:#1f2328",
    }
}
