//! The machine and the versions of a run, as needed to repeat it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::launch::output_within;
use super::options::Options;
use super::{outside, subject};

const LOCK: &str = include_str!("../../Cargo.lock");

/// The crates whose versions decide the figures.
const CRATES: &[&str] = &[
    "poold",
    "tokio",
    "tokio-util",
    "may",
    "net-io",
    "threadpool",
    "parking_lot",
    "mio",
    "memchr",
    "bytes",
];

pub struct Machine {
    pub when: String,
    facts: Vec<(String, String)>,
}

impl Machine {
    pub fn look(options: &Options) -> Machine {
        let when = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let mut facts = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
        let file = |path: &str| {
            fs::read_to_string(path)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let arguments: Vec<String> = std::env::args()
            .skip(1)
            .filter(|a| a != "--bench")
            .collect();
        fact(
            "command",
            format!("cargo bench --bench peers -- {}", arguments.join(" ")),
        );
        fact("pairs", options.pairs().to_string());
        let (long, warmup) = (options.duration(0), options.warmup(0));
        let each = options.warmup(1) - warmup;
        fact(
            "run",
            format!(
                "{long:?}, of which {warmup:?} to warm up; and {each:?} of warm-up for each client"
            ),
        );
        if options.load != Path::new(subject::BINARY) {
            fact("load", "another program than `poold flood`".to_owned());
        }
        fact("workers", options.workers.to_string());
        let cpus = |list: &Option<Vec<usize>>| match list {
            Some(list) => format!("{list:?}"),
            None => "all".to_owned(),
        };
        fact("processors of the server", cpus(&options.server_cpus));
        fact("processors of the load", cpus(&options.load_cpus));
        fact("processor", processor(&file("/proc/cpuinfo")));
        fact("memory", named(&file("/proc/meminfo"), "MemTotal"));
        fact("kernel", file("/proc/sys/kernel/osrelease"));
        fact("load before", file("/proc/loadavg"));
        fact("rustc", first_line("rustc", &["--version"]));
        fact("poold's commit", commit());
        for name in CRATES {
            fact(name, locked(name));
        }
        for (name, line) in outside::VERSIONS {
            fact(name, first_line("sh", &["-c", line]));
        }
        Machine { when, facts }
    }

    pub fn rows(&self) -> Vec<Vec<String>> {
        self.facts
            .iter()
            .map(|(name, value)| vec![name.clone(), value.clone()])
            .collect()
    }

    pub fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> = self
            .facts
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        json!({ "when": self.when, "facts": facts })
    }
}

fn processor(cpuinfo: &str) -> String {
    let count = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    format!("{count} × {}", named(cpuinfo, "model name"))
}

/// The value after `name` and a colon, at the beginning of a line.
fn named(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line
        .and_then(|line| line.split_once(':'))
        .map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

/// All versions of a crate that are in use: poold's and a peer's may differ.
fn locked(name: &str) -> String {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let versions = LOCK
        .split(&entry)
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    versions.collect::<Vec<_>>().join(", ")
}

fn commit() -> String {
    let commit = first_line("git", &["rev-parse", "--short", "HEAD"]);
    let changed = first_line("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed == ABSENT {
        commit
    } else {
        format!("{commit}, changed")
    }
}

const ABSENT: &str = "–";

fn first_line(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stderr(std::process::Stdio::null());
    let text = output_within(command, Duration::from_secs(5), None).unwrap_or_default();
    text.lines()
        .next()
        .map_or_else(|| ABSENT.to_owned(), |line| line.trim().to_owned())
}
