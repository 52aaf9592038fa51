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
    let curves = Curves {
        name: "clients".to_owned(),
        title: "Echo of 64-byte lines".to_owned(),
        x: "clients",
        y: "messages a second",
        y_axis: Axis::Linear,
        lines: Vec::new(),
    };
    let points = bench.options.clients_or(CLIENTS);
    let load = |bench: &Bench, clients| bench.load(clients, 1, Shape::Echo);
    let lines = same_at_each_point(bench);
    draw(bench, curves, &lines, &points, "fast", load, |_| 1.0);
}

fn workers(bench: &mut Bench, work: &str, does: &str, peer: &'static str) {
    let curves = Curves {
        name: format!("workers-{work}"),
        title: format!("Pool size, 64 clients, a handler that {does}"),
        x: "workers",
        y: "messages a second",
        y_axis: Axis::Logarithmic,
        lines: Vec::new(),
    };
    let points = bench.options.some_of(WORKERS);
    let load = |bench: &Bench, _| bench.load(USUAL, 1, Shape::Echo);
    let subject = bench.options.subject.clone();
    let lines = [subject, peer.to_owned()]
        .map(|name| Line::new(name.clone(), move |workers| Contender::own(&name, workers)));
    draw(bench, curves, &lines, &points, work, load, |_| 1.0);
}

fn sizes(bench: &mut Bench) {
    let curves = Curves {
        name: "sizes".to_owned(),
        title: "Echo, 64 clients".to_owned(),
        x: "bytes a message",
        y: "MB a second",
        y_axis: Axis::Linear,
        lines: Vec::new(),
    };
    let points = bench.options.some_of(SIZES);
    let load = |bench: &Bench, size| Load {
        size,
        ..bench.load(USUAL, 1, Shape::Echo)
    };
    let lines = same_at_each_point(bench);
    draw(bench, curves, &lines, &points, "fast", load, |size| {
        size as f64 / 1e6
    });
}

/// A curve: the servers that run at each of its points.
struct Line {
    label: String,
    at: Box<dyn Fn(usize) -> Contender>,
}

impl Line {
    fn new(label: String, at: impl Fn(usize) -> Contender + 'static) -> Line {
        Line {
            label,
            at: Box::new(at),
        }
    }
}

fn same_at_each_point(bench: &Bench) -> Vec<Line> {
    let workers = bench.options.workers;
    let all = [("tokio", workers), ("threads", workers), ("epoll", 1)];
    let peers = all
        .into_iter()
        .filter(|(peer, _)| bench.options.wants_peer(peer))
        .map(|(peer, workers)| (peer.to_owned(), workers));
    let subject = (bench.options.subject.clone(), workers);
    let line = |(peer, workers): (String, usize)| {
        let label = Contender::own(&peer, workers).label;
        Line::new(label, move |_| Contender::own(&peer, workers))
    };
    std::iter::once(subject).chain(peers).map(line).collect()
}

/// A curve for each of the lines. Those of a point are run in turn, so that what the machine does
/// beside them moves a point of each and not one curve.
fn draw(
    bench: &mut Bench,
    mut curves: Curves,
    lines: &[Line],
    points: &[usize],
    work: &str,
    load: impl Fn(&Bench, usize) -> Load,
    unit: impl Fn(usize) -> f64,
) {
    let no_points = |line: &Line| Curve {
        label: line.label.clone(),
        points: Vec::new(),
    };
    curves.lines = lines.iter().map(no_points).collect();
    for &point in points {
        let load = load(bench, point);
        let runs: Vec<Contender> = lines.iter().map(|line| (line.at)(point)).collect();
        let rates = in_turn(bench, &runs, work, &load);
        for (curve, rate) in curves.lines.iter_mut().zip(rates) {
            let rate = rate.map(|rate| (point as f64, rate.times(unit(point))));
            curve.points.extend(rate);
        }
    }
    bench.report.curves.push(curves);
}

/// `None` for a server that failed.
fn in_turn(bench: &mut Bench, all: &[Contender], work: &str, load: &Load) -> Vec<Option<Spread>> {
    let mut rates = vec![Some(Vec::new()); all.len()];
    for _ in 0..bench.options.pairs().min(RUNS_MAX) {
        for (server, rates) in all.iter().zip(&mut rates) {
            let Some(so_far) = rates else {
                continue;
            };
            match bench.measure(server, work, load) {
                Ok(figures) => so_far.push(figures.rate),
                Err(error) => {
                    let place =
                        format!("growth, {work}, {} clients, {} B", load.clients, load.size);
                    bench.report.pass_over(&server.label, &place, &error);
                    *rates = None;
                }
            }
        }
    }
    rates
        .into_iter()
        .map(|rates| rates.and_then(Spread::of))
        .collect()
}
