//! Handlers that block, or might, beside a runtime's means for blocking work.

use super::bars::{Bar, Question};
use super::bench::Bench;
use super::load::Shape;
use super::pairs::{Cell, Contender};

const SECTION: &str = "blocking";
const CLIENTS: usize = 64;

/// The handler's work, the number of threads, and the least ratio to `spawn_blocking` on as many.
const CELLS: &[(&str, usize, Option<f64>)] = &[
    ("might-block", 8, Some(1.8)),
    ("sleep1ms", 64, Some(1.15)),
    ("rare10ms", 16, Some(1.5)),
    ("fsync", 16, None),
    ("compute50us", 8, None),
];

/// The most by which one slow message in a hundred may change the median of all.
const OTHERS: f64 = 1.2;

pub fn run(bench: &mut Bench) {
    for clients in bench
        .options
        .clients
        .clone()
        .unwrap_or_else(|| vec![CLIENTS])
    {
        for (work, workers, bar) in CELLS {
            let cell = Cell {
                section: SECTION,
                work,
                load: bench.load(clients, 1, Shape::Echo),
            };
            for peer in ["tokio-spawn-blocking", "tokio-block-in-place", "threads"] {
                if bench.options.wants_peer(peer) {
                    bench.pair(
                        &cell,
                        &bench.ours(*workers),
                        &Contender::own(peer, *workers),
                    );
                }
            }
            if let Some(bar) = bar {
                let threads = Contender::own("threads", *workers);
                let spawned = Contender::own("tokio-spawn-blocking", *workers);
                bench.yardstick(&cell, &threads, &spawned);
                bench.judge(&Question {
                    cell: &cell,
                    peer: "tokio-spawn-blocking",
                    name: "throughput",
                    bar: Bar::AtLeast(*bar),
                    of: |f| f.rate,
                });
            }
            if *work == "rare10ms" {
                others(bench, &cell, *workers);
            }
        }
    }
}

/// poold with slow messages against poold without: the second of the pair has a handler that never
/// sleeps.
fn others(bench: &mut Bench, cell: &Cell, workers: usize) {
    let ours = bench.ours(workers);
    let Contender { label, launch } = bench.ours(workers);
    let label = format!("{label}, none sleeping");
    let none = Contender {
        label,
        launch: Box::new(move |_, scratch| launch("fast", scratch)),
    };
    bench.pair(cell, &ours, &none);
    bench.judge(&Question {
        cell,
        peer: &none.label,
        name: "p50 of the others",
        bar: Bar::AtMost(OTHERS),
        of: |f| f.p50,
    });
}
