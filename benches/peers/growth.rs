//! How throughput changes with clients, workers and the size of a message: curves.

use super::bench::Bench;
use super::chart::{Axis, Curve, Curves};
use super::load::{Load, Shape};
use super::pairs::{Contender, Spread};

const CLIENTS: &[usize] = &[1, 4, 16, 64, 256, 1000, 4000, 10_000];
const WORKERS: &[usize] = &[1, 2, 4, 8, 16, 32, 64];
/// The load numbers its messages, and has no room for that in fewer bytes.
const SIZES: &[usize] = &[32, 64, 256, 1024, 4096, 16_384, 65_536];
const USUAL: usize = 64;

/// A point is the median of so many runs at most: a curve shows a shape, not a ratio.
const RUNS_MAX: usize = 3;

pub fn run(bench: &mut Bench) {
    clients(bench);
    workers(bench, "fast", "returns at once", "tokio");
    workers(
        bench,
        "compute50us",
        "computes for 50 µs",
        "tokio-spawn-blocking",
    );
    workers(bench, "sleep1ms", "sleeps 1 ms", "tokio-spawn-blocking");
    sizes(bench);
}

fn clients(bench: &mut Bench) {
    let mut curves = Curves {
        name: "clients".to_owned(),
        title: "Echo of 64-byte lines".to_owned(),
        x: "clients",
        y: "messages a second",
        y_axis: Axis::Linear,
        lines: Vec::new(),
    };
    for (peer, workers) in who(bench) {
        let who = Contender::own(&peer, workers);
        let points = bench.options.clients_or(CLIENTS);
        let load = |bench: &Bench, clients| bench.load(clients, 1, Shape::Echo);
        let points = points.into_iter().filter_map(|clients| {
            let rate = rate(bench, &who, "fast", &load(bench, clients))?;
            Some((clients as f64, rate))
        });
        curves.lines.push(Curve {
            label: who.label.clone(),
            points: points.collect(),
        });
    }
    bench.report.curves.push(curves);
}

fn workers(bench: &mut Bench, work: &str, does: &str, peer: &'static str) {
    let mut curves = Curves {
        name: format!("workers-{work}"),
        title: format!("Pool size, 64 clients, a handler that {does}"),
        x: "workers",
        y: "messages a second",
        y_axis: Axis::Logarithmic,
        lines: Vec::new(),
    };
    let subject = bench.options.subject.clone();
    for name in [subject.as_str(), peer] {
        let load = bench.load(USUAL, 1, Shape::Echo);
        let mut points = Vec::new();
        for workers in bench.options.some_of(WORKERS) {
            if let Some(rate) = rate(bench, &Contender::own(name, workers), work, &load) {
                points.push((workers as f64, rate));
            }
        }
        curves.lines.push(Curve {
            label: name.to_owned(),
            points,
        });
    }
    bench.report.curves.push(curves);
}

fn sizes(bench: &mut Bench) {
    let mut curves = Curves {
        name: "sizes".to_owned(),
        title: "Echo, 64 clients".to_owned(),
        x: "bytes a message",
        y: "MB a second",
        y_axis: Axis::Linear,
        lines: Vec::new(),
    };
    for (peer, workers) in who(bench) {
        let who = Contender::own(&peer, workers);
        let mut points = Vec::new();
        for size in bench.options.some_of(SIZES) {
            let load = Load {
                size,
                ..bench.load(USUAL, 1, Shape::Echo)
            };
            if let Some(rate) = rate(bench, &who, "fast", &load) {
                points.push((size as f64, rate.times(size as f64 / 1e6)));
            }
        }
        curves.lines.push(Curve {
            label: who.label,
            points,
        });
    }
    bench.report.curves.push(curves);
}

fn who(bench: &Bench) -> Vec<(String, usize)> {
    let workers = bench.options.workers;
    let all = [("tokio", workers), ("threads", workers), ("epoll", 1)];
    let peers = all
        .into_iter()
        .filter(|(peer, _)| bench.options.wants_peer(peer));
    let subject = (bench.options.subject.as_str(), workers);
    let named = |(peer, workers): (&str, usize)| (peer.to_owned(), workers);
    std::iter::once(subject).chain(peers).map(named).collect()
}

fn rate(bench: &mut Bench, who: &Contender, work: &str, load: &Load) -> Option<Spread> {
    let mut rates = Vec::new();
    for _ in 0..bench.options.pairs().min(RUNS_MAX) {
        match bench.measure(who, work, load) {
            Ok(figures) => rates.push(figures.rate),
            Err(error) => {
                let place = format!("growth, {work}, {} clients, {} B", load.clients, load.size);
                bench.report.pass_over(&who.label, &place, &error);
                return None;
            }
        }
    }
    Spread::of(rates)
}
