//! One source, many readers: deliveries a second beside nats-server, `ncat --broker` and a bare
//! loop; what readers that stopped or read a byte a second cost the others; and what idle readers
//! cost.

use super::bars::{Bar, Question, Verdict};
use super::bench::Bench;
use super::load::Shape;
use super::pairs::{Cell, Contender};
use super::spread::Spread;
use super::{outside, rest, subject};

const READERS: &[usize] = &[10, 100, 1000];
/// Lines in flight to the last reader: few enough that no server treats a reader as slow.
const WINDOW: usize = 1024;

/// Readers at full speed, beside those that stopped and those that read a byte a second.
const QUICK: usize = 950;
const STOPPED: usize = 50;
const SLOW: usize = 10;

pub fn run(bench: &mut Bench) {
    for readers in bench.options.clients_or(READERS) {
        let feed = Shape::Feed {
            stopped: 0,
            slow: 0,
        };
        let cell = Cell {
            section: "hub",
            work: "one source",
            load: bench.load(readers, WINDOW, feed),
        };
        let peers = [
            (outside::nats(), 3.0),
            (outside::broker(), 5.0),
            (Contender::own("relay", 1), 0.8),
        ];
        for (peer, bar) in peers {
            if !bench.options.wants_peer(&peer.label) {
                continue;
            }
            bench.pair(&cell, &hub(bench), &peer);
            bench.judge(&Question {
                cell: &cell,
                peer: &peer.label,
                name: "deliveries",
                bar: Bar::AtLeast(bar),
                of: |f| f.rate,
            });
        }
    }
    if bench.options.wants_peer("slow readers") {
        beside_slow_ones(bench);
    }
    if bench.options.wants_peer("idle readers") {
        idle(bench);
    }
}

fn hub(bench: &Bench) -> Contender {
    let workers = bench.options.workers;
    Contender::program("poold hub", move || subject::hub(workers))
}

/// The same server twice: with slow readers, and without.
fn beside_slow_ones(bench: &mut Bench) {
    let quick = bench.options.some_of(&[QUICK / 10, QUICK])[0];
    let readers = if bench.options.quick { quick } else { QUICK };
    let shape = |stopped, slow| bench.load(readers, WINDOW, Shape::Feed { stopped, slow });
    let (with, without) = (shape(STOPPED, SLOW), shape(0, 0));
    let mut ratios = Vec::new();
    for pair in 0..bench.options.pairs() {
        let run = |load| bench.measure(&hub(bench), "fast", load);
        // In turn, as pairs of servers.
        let both = if pair % 2 == 0 {
            run(&with).and_then(|with| Ok((with, run(&without)?)))
        } else {
            run(&without).and_then(|without| Ok((run(&with)?, without)))
        };
        match both {
            Ok((with, without)) => ratios.push(with.p99 / without.p99),
            Err(error) => bench.report.pass_over("poold hub", "slow readers", &error),
        }
    }
    let what = format!(
        "p99 of {readers} readers beside {STOPPED} that stopped and {SLOW} that read a byte a \
         second / without these"
    );
    note(bench, &what, " ×", Bar::AtMost(1.2), Spread::of(ratios));
}

fn idle(bench: &mut Bench) {
    let look = |_| rest::memory(bench, &hub(bench));
    match (0..bench.options.pairs())
        .map(look)
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(found) => {
            let what = "memory for each of 10 000 idle readers";
            note(
                bench,
                what,
                " bytes",
                Bar::AtMost(1024.0),
                Spread::of(found),
            );
        }
        Err(error) => bench.report.pass_over("poold hub", "idle readers", &error),
    }
}

fn note(bench: &mut Bench, what: &str, unit: &'static str, bar: Bar, found: Option<Spread>) {
    if let Some(spread) = found {
        bench.report.value("poold hub", what, spread, unit);
    }
    bench.report.verdicts.push(Verdict {
        what: format!("hub, {what}"),
        against: "itself".to_owned(),
        bar,
        unit,
        found,
        yardstick: None,
        faults: 0.0,
    });
}
