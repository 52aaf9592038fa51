//! The cost of one client that floods, for 63 others that ask and wait.
//!
//! Measured twice, and the bar is for both. First all 64 are clients of one load, which reads from
//! all of them in turn and so slows the flood: a server without fairness passes, too. Then the
//! client that floods is a process of its own, which shows the difference between servers; with
//! fewer than three cores it also competes with the load and the server for them.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use super::bars::{Bar, Verdict};
use super::bench::Bench;
use super::launch::{end, spawn_on};
use super::load::{Load, Shape};
use super::pairs::{Contender, Spread};

const POLITE: usize = 63;
const FLOOD: usize = 1024;
/// Measurements for each pair: a ratio of two p99 varies more than one of two rates.
const LOOKS: usize = 3;

/// A way of flooding; measuring it gives the p99 of the others.
type Beside = fn(&Bench, &Contender, &Load) -> io::Result<f64>;
const WAYS: [(&str, Beside); 2] = [
    ("p99 of 63 clients beside one that floods", among_them),
    (
        "p99 of 63 clients beside one that floods, a process of its own",
        from_another_process,
    ),
];

pub fn run(bench: &mut Bench) {
    let workers = bench.options.workers;
    let mut all = vec![bench.ours(workers)];
    for (peer, workers) in [("tokio", 2), ("tokio", workers), ("epoll", 1)] {
        if bench.options.wants_peer(peer) {
            all.push(Contender::own(peer, workers));
        }
    }
    for (what, beside) in WAYS {
        for (at, contender) in all.iter().enumerate() {
            let looks = looks(bench, contender, beside).unwrap_or_else(|error| {
                let report = &mut bench.report;
                report.pass_over(&contender.label, "fairness", &error);
                Vec::new()
            });
            let spread = |figure: fn(&Look) -> f64| Spread::of(looks.iter().map(figure));
            let ratio = spread(|look| look.beside / look.without);
            let (label, over) = (&contender.label, format!("{what} / without it"));
            if let (Some(ratio), Some(beside)) = (ratio, spread(|look| look.beside)) {
                bench.report.value(label, &over, ratio, " ×");
                bench.report.value(label, what, beside, " µs");
            }
            if at == 0 {
                bench.report.verdicts.push(Verdict {
                    what: over,
                    against: "itself".to_owned(),
                    bar: Bar::AtMost(2.0),
                    unit: " ×",
                    found: ratio,
                    yardstick: None,
                    faults: 0.0,
                });
            }
        }
    }
}

/// The p99 of the 63, in microseconds.
struct Look {
    without: f64,
    beside: f64,
}

fn looks(bench: &Bench, contender: &Contender, beside: Beside) -> io::Result<Vec<Look>> {
    let polite = bench.load(POLITE, 1, Shape::Echo);
    let look = |_| -> io::Result<Look> {
        Ok(Look {
            without: bench.measure(contender, "fast", &polite)?.p99,
            beside: beside(bench, contender, &polite)?,
        })
    };
    (0..LOOKS * bench.options.pairs()).map(look).collect()
}

fn among_them(bench: &Bench, contender: &Contender, polite: &Load) -> io::Result<f64> {
    let load = Load {
        clients: POLITE + 1,
        greedy: 1,
        ..*polite
    };
    Ok(bench.measure(contender, "fast", &load)?.p99)
}

fn from_another_process(bench: &Bench, contender: &Contender, polite: &Load) -> io::Result<f64> {
    let mut server = bench.start(contender, "fast")?;
    // It goes on for longer than the others measure, and is ended when they are done.
    let flood = Load {
        duration: polite.duration + Duration::from_secs(5),
        ..bench.load(1, FLOOD, Shape::Echo)
    };
    let mut command = flood.command(&bench.options.load, server.address);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut flood = spawn_on(&mut command, bench.options.load_cpus.as_deref())?;
    let figures = bench.run(&mut server, polite);
    end(&mut flood);
    Ok(figures?.p99)
}
