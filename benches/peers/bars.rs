//! What issue 3 asks for, and whether a run reached it.

use serde_json::{Value, json};

use super::load::Figures;
use super::pairs::{Pairing, Spread, ratio};
use super::report::Report;

/// A bound on a median.
#[derive(Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

/// One line of the table of what must be reached.
pub struct Verdict {
    pub what: String,
    pub against: String,
    pub bar: Bar,
    pub unit: &'static str,
    pub found: Option<Spread>,
    /// Answers that ours lost and connections that failed while it was measured: speed at that
    /// price is none.
    pub faults: f64,
}

impl Bar {
    fn met(self, value: f64) -> bool {
        match self {
            Bar::AtLeast(bar) => value >= bar,
            Bar::AtMost(bar) => value <= bar,
        }
    }

    fn text(self) -> String {
        match self {
            Bar::AtLeast(bar) => format!("≥ {bar}"),
            Bar::AtMost(bar) => format!("≤ {bar}"),
        }
    }
}

impl Verdict {
    /// What could not be measured is not met.
    pub fn met(&self) -> bool {
        self.faults == 0.0 && self.found.is_some_and(|found| self.bar.met(found.median))
    }

    pub fn row(&self) -> Vec<String> {
        let Verdict {
            what,
            against,
            bar,
            unit,
            found,
            faults,
        } = self;
        let verdict = match (found, self.met()) {
            (None, _) => "not measured".to_owned(),
            (Some(_), true) => "met".to_owned(),
            (Some(_), false) if *faults > 0.0 => format!("**not met**, {faults} faults"),
            (Some(_), false) => "**not met**".to_owned(),
        };
        let bar = format!("{}{unit}", bar.text());
        vec![what.clone(), against.clone(), bar, ratio(*found), verdict]
    }

    pub fn json(&self) -> Value {
        json!({
            "what": self.what,
            "against": self.against,
            "bar": self.bar.text(),
            "unit": self.unit,
            "found": self.found.map(|found| found.json()),
            "faults": self.faults,
            "met": self.met(),
        })
    }
}

/// Judges ours against the strongest of the peers whose labels begin with `peer`: the one
/// that leaves us the lowest ratio of throughput.
pub struct Judge<'a> {
    pub report: &'a Report,
    pub section: &'a str,
    pub situation: &'a str,
    pub peer: &'a str,
}

impl Judge<'_> {
    fn strongest(&self) -> Option<&Pairing> {
        let rate = |pairing: &&Pairing| {
            pairing
                .ratio(|f| f.rate)
                .map_or(f64::INFINITY, |spread| spread.median)
        };
        let here = |pairing: &&Pairing| {
            pairing.section == self.section
                && pairing.situation == self.situation
                && pairing.peer.starts_with(self.peer)
        };
        let all = self.report.pairings.iter();
        all.filter(here).min_by(|a, b| rate(a).total_cmp(&rate(b)))
    }

    /// None if no such pair was asked for.
    pub fn verdict(&self, name: &str, bar: Bar, of: fn(&Figures) -> f64) -> Option<Verdict> {
        let pairing = self.strongest()?;
        Some(Verdict {
            what: format!("{}, {}: {name}", self.section, self.situation),
            against: pairing.peer.clone(),
            bar,
            unit: " ×",
            found: pairing.ratio(of),
            faults: pairing.runs.iter().map(|(ours, _)| ours.faults).sum(),
        })
    }
}
