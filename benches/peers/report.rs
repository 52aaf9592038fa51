//! The result of a run, on the terminal and in files.

use std::fmt::{Display, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::bars::Verdict;
use super::chart::{self, Curves};
use super::machine::Machine;
use super::pairs::{Pairing, Spread, ratio};

#[derive(Default)]
pub struct Report {
    pub pairings: Vec<Pairing>,
    /// Comparisons between peers, without poold.
    pub yardsticks: Vec<Pairing>,
    pub verdicts: Vec<Verdict>,
    /// Single values that are no ratio: the server, the quantity, the value, the unit.
    pub values: Vec<(String, String, Spread, &'static str)>,
    pub curves: Vec<Curves>,
    passed_over: Vec<String>,
}

const BARS: &[&str] = &[
    "what",
    "against",
    "bar",
    "found (min–max)",
    "",
    "a yardstick against the same",
];
const PAIRS: &[&str] = &[
    "situation",
    "ours",
    "peer",
    "a second, ours",
    "peer",
    "ratio (min–max)",
    "p50, µs",
    "p99, µs",
    "p99 ratio",
    "CPU µs a message",
    "CPU ratio",
    "switches a message",
    "faults",
];

impl Report {
    /// A server that could not be measured, where, and why.
    pub fn pass_over(&mut self, server: &str, place: &str, why: &dyn Display) {
        let line = format!("{server}: {place}: {why}");
        if !self.passed_over.contains(&line) {
            println!("passed over: {line}");
            self.passed_over.push(line);
        }
    }

    pub fn value(&mut self, whose: &str, what: &str, found: Spread, unit: &'static str) {
        println!("{whose}: {what}: {}{unit}", ratio(Some(found)));
        self.values
            .push((whose.to_owned(), what.to_owned(), found, unit));
    }

    /// The table of bars alone.
    pub fn bars(&self) -> String {
        table(BARS, self.verdicts.iter().map(Verdict::row))
    }

    /// The whole report, as text.
    fn text(&self, machine: &Machine, pictures: &[String]) -> String {
        let mut text = format!("# poold and its peers, {}\n\n", machine.when);
        text += &table(&["", ""], machine.rows());
        text += "\nEach ratio is ours divided by the peer's: the median of the pairs, which were run \
                 in turn, now one first and now the other, and in brackets the least and the most. Server and load are processes of \
                 their own; a server is fresh for each run. CPU time and context switches are the \
                 server's.\n";
        text += &format!("\n## The bars\n\n{}", self.bars());
        let mut sections: Vec<&str> = self.pairings.iter().map(|p| p.section.as_str()).collect();
        sections.dedup();
        for section in sections {
            let here = self
                .pairings
                .iter()
                .filter(|pairing| pairing.section == section);
            let _ = write!(text, "\n## {section}\n\n{}", table(PAIRS, here.map(row)));
        }
        if !self.yardsticks.is_empty() {
            let rows = table(PAIRS, self.yardsticks.iter().map(row));
            let _ = write!(
                text,
                "\n## Yardsticks\n\nWho carries nothing that poold must carry (a queue, limits, a \
                 registry, a drain), in our place: what the machine leaves room for.\n\n{rows}"
            );
        }
        if !self.values.is_empty() {
            let rows = self.values.iter().map(|(whose, what, found, unit)| {
                vec![
                    what.clone(),
                    whose.clone(),
                    ratio(Some(*found)),
                    unit.trim().to_owned(),
                ]
            });
            text += &format!(
                "\n## Values\n\n{}",
                table(&["what", "whose", "", "unit"], rows)
            );
        }
        for picture in pictures {
            let _ = write!(text, "\n![{picture}]({picture})\n");
        }
        if !self.passed_over.is_empty() {
            let lines = self.passed_over.join("\n- ");
            let _ = write!(text, "\n## Passed over\n\n- {lines}\n");
        }
        text
    }

    fn json(&self, machine: &Machine) -> Value {
        let values = self.values.iter().map(|(whose, what, found, unit)| {
            json!({ "whose": whose, "what": what, "found": found.json(), "unit": unit })
        });
        json!({
            "machine": machine.json(),
            "bars": self.verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
            "pairs": self.pairings.iter().map(Pairing::json).collect::<Vec<_>>(),
            "yardsticks": self.yardsticks.iter().map(Pairing::json).collect::<Vec<_>>(),
            "values": values.collect::<Vec<_>>(),
            "curves": self.curves.iter().map(Curves::json).collect::<Vec<_>>(),
            "passed_over": self.passed_over,
        })
    }

    /// Writes the files; returns the path of the text.
    pub fn write(&self, machine: &Machine, directory: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(directory)?;
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let stamp = now.trim_end_matches('Z').replace(':', "-");
        let mut pictures = Vec::new();
        for curves in &self.curves {
            let name = format!("{stamp}-{}.svg", curves.name);
            chart::draw(curves, &directory.join(&name))?;
            pictures.push(name);
        }
        let all = spread_out(&self.json(machine));
        fs::write(directory.join(format!("{stamp}-peers.json")), all)?;
        let path = directory.join(format!("{stamp}-peers.md"));
        fs::write(&path, self.text(machine, &pictures))?;
        Ok(path)
    }
}

fn row(pairing: &Pairing) -> Vec<String> {
    let two =
        |(ours, theirs): (f64, f64), digits: usize| format!("{ours:.digits$} / {theirs:.digits$}");
    let (ours, theirs) = pairing.median(|f| f.rate);
    let faults: (f64, f64) = pairing.runs.iter().fold((0.0, 0.0), |sum, (a, b)| {
        (sum.0 + a.faults, sum.1 + b.faults)
    });
    vec![
        pairing.situation.clone(),
        pairing.ours.clone(),
        pairing.peer.clone(),
        format!("{ours:.0}"),
        format!("{theirs:.0}"),
        ratio(pairing.ratio(|f| f.rate)),
        two(pairing.median(|f| f.p50), 0),
        two(pairing.median(|f| f.p99), 0),
        ratio(pairing.ratio(|f| f.p99)),
        two(pairing.median(|f| f.cpu_per_message), 2),
        ratio(pairing.ratio(|f| f.cpu_per_message)),
        two(
            pairing.median(|f| f.switches_per_message.unwrap_or(f64::NAN)),
            3,
        ),
        two(faults, 0),
    ]
}

/// A table in Markdown.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let rule = vec!["---".to_owned(); header.len()];
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    line(&names) + &line(&rule) + &rows
}

/// JSON with one line for each item of its lists.
fn spread_out(all: &Value) -> String {
    let parts = all
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| match value {
            Value::Array(items) => {
                let lines: Vec<String> = items.iter().map(Value::to_string).collect();
                format!("\"{name}\": [\n{}\n]", lines.join(",\n"))
            }
            other => format!("\"{name}\": {other}"),
        });
    format!("{{\n{}\n}}\n", parts.collect::<Vec<_>>().join(",\n"))
}
