//! One sender, many readers in one room: deliveries a second.

use super::bars::{Bar, Question};
use super::bench::Bench;
use super::load::Shape;
use super::outside;
use super::pairs::{Cell, Contender};
use super::subject;

const READERS: &[usize] = &[10, 100, 1000];
const BAR: f64 = 2.0;

/// Lines in flight to the last reader: few enough that neither server treats a reader as slow.
const WINDOW: usize = 1024;

pub fn run(bench: &mut Bench) {
    for readers in bench.options.clients_or(READERS) {
        let cell = Cell {
            section: "chat",
            work: "one sender",
            load: bench.load(readers, WINDOW, Shape::Fan),
        };
        let workers = bench.options.workers;
        let ours = Contender::program("poold chat", move || subject::chat(workers));
        let peer = outside::nats();
        if !bench.options.wants_peer(&peer.label) {
            continue;
        }
        bench.pair(&cell, &ours, &peer);
        bench.judge(&Question {
            cell: &cell,
            peer: &peer.label,
            name: "deliveries",
            bar: Bar::AtLeast(BAR),
            of: |f| f.rate,
        });
    }
}
