//! Receiving 100-byte lines: until the server has read all and closed every connection.

use super::bars::{Bar, Question};
use super::bench::Bench;
use super::load::{Load, Shape};
use super::outside;
use super::pairs::{Cell, Contender};
use super::subject;

const CLIENTS: &[usize] = &[1, 8, 1000];
const SIZE: usize = 100;

/// Enough that a write of the load carries many lines.
const PIPELINE: usize = 512;

/// Formats that are compared with nothing but the limit.
const OTHER_FORMATS: &[&str] = &["json", "raw"];

pub fn run(bench: &mut Bench) {
    for clients in bench.options.clients_or(CLIENTS) {
        let load = Load {
            size: SIZE,
            ..bench.load(clients, PIPELINE, Shape::Send)
        };
        let text = Cell {
            section: "receive",
            work: "text",
            load,
        };
        for peer in peers(bench) {
            let ours = receiver(bench, "text");
            bench.pair(&text, &ours, &peer);
        }
        judge(bench, &text);
        for format in OTHER_FORMATS {
            let cell = Cell {
                work: format,
                ..text
            };
            let ours = receiver(bench, format);
            let limit = Contender::own("limit-recv", 1);
            bench.pair(&cell, &ours, &with_fast_work(limit));
        }
    }
}

/// `poold recv`, or the peer that stands for it.
fn receiver(bench: &Bench, format: &'static str) -> Contender {
    let workers = bench.options.workers;
    if bench.options.subject != "poold" {
        return with_fast_work(Contender::own(&bench.options.subject, workers));
    }
    let label = format!("poold recv {format}");
    Contender::program(&label, move || subject::receiver(format, workers))
}

fn peers(bench: &Bench) -> Vec<Contender> {
    let own = [
        Contender::own("limit-recv", 1),
        Contender::own("tokio-recv", 2),
    ];
    let mut all: Vec<Contender> = own.into_iter().map(with_fast_work).collect();
    all.extend(outside::receivers());
    let wanted = |name: &str| bench.options.wants_peer(name);
    all.retain(|peer| wanted(peer.label.split(' ').next().unwrap_or_default()));
    all
}

/// A receiver's cell is named by its format, which is not a work that a peer knows.
fn with_fast_work(contender: Contender) -> Contender {
    let Contender { label, launch } = contender;
    Contender {
        label,
        launch: Box::new(move |_, scratch| launch("fast", scratch)),
    }
}

fn judge(bench: &mut Bench, cell: &Cell) {
    for (peer, bar) in [("limit-recv", 0.6), ("rsyslog", 5.0), ("ncat", 0.8)] {
        let (name, bar) = ("throughput", Bar::AtLeast(bar));
        bench.judge(&Question {
            cell,
            peer,
            name,
            bar,
            of: |f| f.rate,
        });
    }
}
