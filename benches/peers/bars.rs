//! The bars, and whether a run has reached them.

use serde_json::{Value, json};

use super::load::Figures;
use super::pairs::{Cell, Pairing, Spread};

/// A bound on a median.
#[derive(Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

/// One row of the table of bars.
pub struct Verdict {
    pub what: String,
    pub against: String,
    pub bar: Bar,
    pub unit: &'static str,
    pub found: Option<Spread>,
    /// A bare server and its ratio to the same peer: the most that this machine allows.
    pub yardstick: Option<(String, Spread)>,
    /// Answers that poold lost and connections that failed in its runs; with any, the bar is
    /// missed.
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
    /// A bar without a measurement is missed.
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
            yardstick,
            faults,
        } = self;
        let verdict = match (found, self.met()) {
            (None, _) => "not measured".to_owned(),
            (Some(_), true) => "met".to_owned(),
            (Some(_), false) if *faults > 0.0 => format!("**not met**, {faults} faults"),
            (Some(_), false) => "**not met**".to_owned(),
        };
        let bar = format!("{}{unit}", bar.text());
        vec![
            what.clone(),
            against.clone(),
            bar,
            found.map_or_else(|| "–".to_owned(), exact),
            verdict,
            yardstick
                .as_ref()
                .map_or_else(String::new, |(server, found)| {
                    format!("{server}: {}", exact(*found))
                }),
        ]
    }

    pub fn json(&self) -> Value {
        json!({
            "what": self.what,
            "against": self.against,
            "bar": self.bar.text(),
            "unit": self.unit,
            "found": self.found.map(|found| found.json()),
            "yardstick": self.yardstick.as_ref().map(|(server, found)| {
                json!({ "who": server, "found": found.json() })
            }),
            "faults": self.faults,
            "met": self.met(),
        })
    }
}

/// With one digit more than elsewhere, so that a bar that is missed by little does not look met.
fn exact(found: Spread) -> String {
    let Spread {
        median,
        least,
        most,
    } = found;
    format!("{median:.3} ({least:.3}–{most:.3})")
}

/// Selects from the pairs: poold against the strongest of the peers whose labels begin with `peer`,
/// which is the one with the lowest ratio of throughput.
pub struct Question<'a> {
    pub cell: &'a Cell<'a>,
    pub peer: &'a str,
    pub name: &'a str,
    pub bar: Bar,
    pub of: fn(&Figures) -> f64,
}

impl Question<'_> {
    /// The row of these pairs; without pairs, a row without a measurement.
    pub fn answer(&self, pairings: &[Pairing], yardsticks: &[Pairing]) -> Verdict {
        let Question {
            cell,
            peer,
            name,
            bar,
            of,
        } = self;
        let situation = cell.situation();
        let here = |pairing: &&Pairing| {
            pairing.section == cell.section
                && pairing.situation == situation
                && pairing.peer.starts_with(peer)
        };
        let rate = |pairing: &Pairing| {
            pairing
                .ratio(|f| f.rate)
                .map_or(f64::INFINITY, |spread| spread.median)
        };
        let all = pairings.iter().filter(here);
        let strongest = all.min_by(|a, b| rate(a).total_cmp(&rate(b)));
        let beside = strongest.and_then(|strongest| {
            let mut all = yardsticks.iter().filter(here);
            let beside = all.find(|pairing| pairing.peer == strongest.peer)?;
            Some((beside.ours.clone(), beside.ratio(of)?))
        });
        let faults = |pairing: &Pairing| pairing.runs.iter().map(|(ours, _)| ours.faults).sum();
        let peer = peer.trim_end_matches(" (").to_owned();
        Verdict {
            what: format!("{}, {situation}: {name}", cell.section),
            against: strongest.map_or(peer, |pairing| pairing.peer.clone()),
            bar: *bar,
            unit: " ×",
            found: strongest.and_then(|pairing| pairing.ratio(of)),
            yardstick: beside,
            faults: strongest.map_or(0.0, faults),
        }
    }
}
