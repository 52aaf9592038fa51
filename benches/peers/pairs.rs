//! Contenders, the runs that are made of them in turn, and the ratios of each pair.

use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::launch::Announces;
use super::load::{Figures, Load};
use super::serve::SCRATCH;
pub use super::spread::Spread;

type Launch = Box<dyn Fn(&str, &Path) -> io::Result<(Command, Announces)>>;

/// A server to measure.
pub struct Contender {
    pub label: String,
    /// Makes the command for a work and a place for its files.
    pub launch: Launch,
}

impl Contender {
    /// A peer inside this benchmark, in a process of its own.
    pub fn own(peer: &str, workers: usize) -> Contender {
        let label = match peer {
            "epoll" | "epoll-tls" | "relay" | "limit-recv" | "threads" | "spawner" => {
                peer.to_owned()
            }
            _ => format!("{peer} ({workers})"),
        };
        let peer = peer.to_owned();
        let launch = move |work: &str, scratch: &Path| {
            let mut command = Command::new(std::env::current_exe()?);
            command
                .args(["serve", &peer, work, &workers.to_string()])
                .env(SCRATCH, scratch);
            Ok((command, Announces::Itself))
        };
        Contender {
            label,
            launch: Box::new(launch),
        }
    }

    /// A program that listens where it likes and says so.
    pub fn program(label: &str, command: impl Fn() -> Command + 'static) -> Contender {
        let launch = move |_: &str, _: &Path| Ok((command(), Announces::OnStderr));
        Contender {
            label: label.to_owned(),
            launch: Box::new(launch),
        }
    }
}

/// One situation in which two contenders are compared.
pub struct Cell<'a> {
    pub section: &'a str,
    pub work: &'a str,
    pub load: Load,
}

/// All runs of two contenders in one situation: ours and theirs, in turn.
pub struct Pairing {
    pub section: String,
    pub situation: String,
    pub ours: String,
    pub peer: String,
    pub runs: Vec<(Figures, Figures)>,
}

/// A ratio as a person reads it: the median, and between which the pairs lay.
pub fn ratio(spread: Option<Spread>) -> String {
    let text = |s: Spread| format!("{:.2} ({:.2}–{:.2})", s.median, s.least, s.most);
    spread.map_or_else(|| "–".to_owned(), text)
}

impl Pairing {
    /// Ours divided by theirs, pair by pair.
    pub fn ratio(&self, of: impl Fn(&Figures) -> f64) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|(ours, theirs)| of(ours) / of(theirs)))
    }

    pub fn median(&self, of: impl Fn(&Figures) -> f64) -> (f64, f64) {
        let median = |values: Vec<f64>| Spread::of(values).map_or(f64::NAN, |s| s.median);
        let (ours, theirs) = self.runs.iter().map(|(a, b)| (of(a), of(b))).unzip();
        (median(ours), median(theirs))
    }

    pub fn json(&self) -> Value {
        let runs = |pick: fn(&(Figures, Figures)) -> &Figures| -> Vec<Value> {
            self.runs.iter().map(|pair| pick(pair).json()).collect()
        };
        let spread = |of: fn(&Figures) -> f64| self.ratio(of).map(|s| s.json());
        json!({
            "section": self.section,
            "situation": self.situation,
            "ours": self.ours,
            "peer": self.peer,
            "ratio": {
                "rate": spread(|f| f.rate),
                "p50": spread(|f| f.p50),
                "p99": spread(|f| f.p99),
                "cpu_per_message": spread(|f| f.cpu_per_message),
            },
            "runs": { "ours": runs(|pair| &pair.0), "peer": runs(|pair| &pair.1) },
        })
    }
}

impl Cell<'_> {
    /// What tells this cell from the others of its section.
    pub fn situation(&self) -> String {
        let Load {
            clients,
            pipeline,
            size,
            ..
        } = self.load;
        let clients = if clients == 1 {
            "1 client".into()
        } else {
            format!("{clients} clients")
        };
        let work = if self.work == "fast" { "" } else { self.work };
        let work = if work.is_empty() {
            String::new()
        } else {
            format!("{work}, ")
        };
        format!("{work}{clients}, pipeline {pipeline}, {size} B")
    }
}
