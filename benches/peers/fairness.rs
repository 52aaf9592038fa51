//! One client that floods beside 63 that ask and wait: what it costs them.

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
/// Looks for each pair that was asked for: a ratio of two p99 strays more than one of two rates.
const LOOKS: usize = 3;

pub fn run(bench: &mut Bench) {
    let workers = bench.options.workers;
    let mut all = vec![bench.ours(workers)];
    for (peer, workers) in [("tokio", 2), ("tokio", workers), ("epoll", 1)] {
        if bench.options.wants_peer(peer) {
            all.push(Contender::own(peer, workers));
        }
    }
    let what = "p99 of 63 clients beside one that floods / without it";
    for (at, contender) in all.iter().enumerate() {
        let found: io::Result<Vec<f64>> = (0..LOOKS * bench.options.pairs())
            .map(|_| look(bench, contender))
            .collect();
        if let Err(error) = &found {
            bench.report.pass_over(&contender.label, "fairness", error);
        }
        let spread = Spread::of(found.unwrap_or_default());
        if let Some(spread) = spread {
            bench.report.value(&contender.label, what, spread, " ×");
        }
        if at == 0 {
            bench.report.verdicts.push(Verdict {
                what: what.to_owned(),
                against: "itself".to_owned(),
                bar: Bar::AtMost(2.0),
                unit: " ×",
                found: spread,
                yardstick: None,
                faults: 0.0,
            });
        }
    }
}

fn look(bench: &Bench, contender: &Contender) -> io::Result<f64> {
    let polite = bench.load(POLITE, 1, Shape::Echo);
    let without = bench.measure(contender, "fast", &polite)?;
    let mut server = bench.start(contender, "fast")?;
    // It goes on for longer than the others measure, and is ended when they are done.
    let duration = polite.duration + Duration::from_secs(5);
    let flood = Load {
        pipeline: FLOOD,
        duration,
        ..bench.load(1, FLOOD, Shape::Echo)
    };
    let mut command = flood.command(&bench.options.load, server.address);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut flood = spawn_on(&mut command, bench.options.load_cpus.as_deref())?;
    let beside = bench.run(&mut server, &polite);
    end(&mut flood);
    Ok(beside?.p99 / without.p99)
}
