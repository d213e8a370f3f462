//! Medians of alternations, ratios, and the two ways they are printed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::drive::{Run, median};
use crate::step::Op;

/// Who was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// (a): pgbench with the least schema.
    Minimal,
    /// (b): SQL written by hand.
    Hand,
    /// (c): the desk.
    Desk,
    /// (c) on the larger database.
    Grown,
    /// (a) with as many tickets.
    MinimalGrown,
}

/// One line of the report: an operation at a number of callers on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// `postgres` or `sqlite`.
    pub database: &'static str,
    /// Callers at once.
    pub callers: usize,
    /// The operation.
    pub op: Op,
}

/// Everything measured.
#[derive(Debug, Default)]
pub struct Report {
    runs: BTreeMap<(Line, Who), Vec<Run>>,
}

impl Report {
    /// Notes a run.
    pub fn note(&mut self, line: Line, who: Who, run: Run) {
        self.runs.entry((line, who)).or_default().push(run);
    }

    fn medians(&self, line: Line, who: Who) -> Option<Run> {
        let runs = self.runs.get(&(line, who))?;
        let of = |pick: fn(&Run) -> f64| median(&mut runs.iter().map(pick).collect::<Vec<f64>>());
        Some(Run {
            tps: of(|run| run.tps),
            p50: of(|run| run.p50),
            client: of(|run| run.client),
            server: of(|run| run.server),
        })
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.runs.keys().map(|(line, _)| *line).collect();
        lines.dedup();
        lines
    }

    fn ratio(&self, line: Line, of: Who, to: Who) -> Option<f64> {
        Some(self.medians(line, of)?.tps / self.medians(line, to)?.tps)
    }

    /// The table for people.
    pub fn print(&self) {
        println!(
            "\n{:<9} {:>7} {:<11} {:<13} {:>9} {:>9} {:>22}",
            "database", "callers", "operation", "who", "per s", "p50 ms", "CPU us: client server"
        );
        for line in self.lines() {
            for (who, name) in [
                (Who::Minimal, "(a) minimal"),
                (Who::Hand, "(b) by hand"),
                (Who::Desk, "(c) desk"),
                (Who::Grown, "(c) grown"),
                (Who::MinimalGrown, "(a) grown"),
            ] {
                let Some(run) = self.medians(line, who) else { continue };
                let Run { tps, p50, client, server } = run;
                let (database, callers, op) = (line.database, line.callers, line.op.name());
                let p50 = p50 / 1000.0;
                println!(
                    "{database:<9} {callers:>7} {op:<11} {name:<13} {tps:>9.0} {p50:>9.3} {client:>15.0} {server:>6.0}"
                );
            }
        }
        println!(
            "\n{:<9} {:>7} {:<11} {:>6} {:>8} {:>6} {:>8} {:>7} {:>7}",
            "database", "callers", "operation", "c/b", "wanted", "c/a", "wanted", "grown c", "grown a"
        );
        for line in self.lines() {
            let shown = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            let (c_b, c_a) = (self.ratio(line, Who::Desk, Who::Hand), self.ratio(line, Who::Desk, Who::Minimal));
            let (wanted_b, wanted_a) = wanted(line);
            println!(
                "{:<9} {:>7} {:<11} {:>6} {:>8} {:>6} {:>8} {:>7} {:>7}",
                line.database,
                line.callers,
                line.op.name(),
                shown(c_b),
                judged(c_b, wanted_b),
                shown(c_a),
                judged(c_a, wanted_a),
                shown(self.ratio(line, Who::Desk, Who::Grown)),
                shown(self.ratio(line, Who::Minimal, Who::MinimalGrown)),
            );
        }
    }

    /// The one line for machines.
    pub fn json(&self, tickets: u64) -> Value {
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        let ratios = self.lines().into_iter().filter_map(|line| {
            let desk = self.medians(line, Who::Desk)?;
            let mut ratio = json!({
                "op": line.op.name(), "db": line.database, "clients": line.callers, "tickets": tickets,
                "c_a": self.ratio(line, Who::Desk, Who::Minimal).map(round),
                "c_b": self.ratio(line, Who::Desk, Who::Hand).map(round),
                "cpu_us": (desk.client + desk.server).round(),
            });
            if let Some(slower) = self.ratio(line, Who::Desk, Who::Grown) {
                ratio["slower"] = json!(round(slower));
            }
            if let Some(slower) = self.ratio(line, Who::Minimal, Who::MinimalGrown) {
                ratio["floor_slower"] = json!(round(slower));
            }
            if let Some(raw) = self.medians(line, Who::Hand).filter(|_| line.database == "sqlite" && !line.op.writes())
            {
                ratio["above_us"] = json!(round(desk.p50 - raw.p50));
            }
            Some(ratio)
        });
        json!({ "ratios": ratios.collect::<Vec<_>>() })
    }
}

/// What c/b and c/a should be at least.
fn wanted(line: Line) -> (Option<f64>, Option<f64>) {
    if line.database == "sqlite" {
        return (line.op.writes().then_some(0.75), None);
    }
    let by_hand = if line.op.writes() { 0.8 } else { 0.85 };
    let minimal = match line.op {
        Op::Create | Op::List => 0.6,
        Op::Transition | Op::Comment => 0.35,
        Op::Get => 0.4,
    };
    if line.callers < 8 { (None, None) } else { (Some(by_hand), Some(minimal)) }
}

fn judged(ratio: Option<f64>, wanted: Option<f64>) -> String {
    match (ratio, wanted) {
        (Some(ratio), Some(wanted)) => format!("{wanted:.2} {}", if ratio >= wanted { "ok" } else { "NO" }),
        (_, Some(wanted)) => format!("{wanted:.2}"),
        (_, None) => String::new(),
    }
}
