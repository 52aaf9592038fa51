//! How throughput changes with clients, workers and the size of a message: curves.

use super::bench::Bench;
use super::chart::{Axis, Curve, Curves};
use super::load::{Figures, Load, Shape};
use super::pairs::{Contender, Spread};

const CLIENTS: &[usize] = &[1, 10, 100, 1000, 10_000, 19_000];
const WORKERS: &[usize] = &[1, 2, 4, 8, 16, 32, 64];
/// The shortest message with a number, which the load puts into each.
const SIZES: &[usize] = &[32, 64, 256, 1024, 4096, 16_384, 65_536];
const USUAL: usize = 64;

/// The most runs for a point: a curve shows a shape, not a ratio.
const RUNS_MAX: usize = 3;

pub fn run(bench: &mut Bench) {
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

/// From one client to as many as the usual limit of descriptors allows.
pub fn clients(bench: &mut Bench) {
    let picture = |name: &str, y, of| {
        let curves = Curves {
            name: name.to_owned(),
            title: "Echo of 64-byte lines".to_owned(),
            x: "clients",
            y,
            y_axis: Axis::Linear,
            lines: Vec::new(),
        };
        Picture { curves, of }
    };
    let pictures = vec![
        picture("clients", "messages a second", |figures, _| figures.rate),
        picture(
            "clients-cpu",
            "µs of the server's CPU a message",
            |figures, _| figures.cpu_per_message,
        ),
    ];
    let points = bench.options.clients_or(CLIENTS);
    let load = |bench: &Bench, clients| bench.load(clients, 1, Shape::Echo);
    let lines = same_at_each_point(bench, &[("tokio", 2), ("epoll", 1)]);
    draw(bench, pictures, &lines, &points, "fast", load);
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
    let of = |figures: &Figures, _| figures.rate;
    draw(
        bench,
        vec![Picture { curves, of }],
        &lines,
        &points,
        work,
        load,
    );
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
    let workers = bench.options.workers;
    let peers = [("tokio", workers), ("threads", workers), ("epoll", 1)];
    let lines = same_at_each_point(bench, &peers);
    let of = |figures: &Figures, size| figures.rate * size as f64 / 1e6;
    draw(
        bench,
        vec![Picture { curves, of }],
        &lines,
        &points,
        "fast",
        load,
    );
}

/// Curves, and the quantity of a run that they show.
struct Picture {
    curves: Curves,
    of: fn(&Figures, usize) -> f64,
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

fn same_at_each_point(bench: &Bench, all: &[(&str, usize)]) -> Vec<Line> {
    let workers = bench.options.workers;
    let peers = all
        .iter()
        .copied()
        .filter(|(peer, _)| bench.options.wants_peer(peer))
        .map(|(peer, workers)| (peer.to_owned(), workers));
    let subject = (bench.options.subject.clone(), workers);
    let line = |(peer, workers): (String, usize)| {
        let label = Contender::own(&peer, workers).label;
        Line::new(label, move |_| Contender::own(&peer, workers))
    };
    std::iter::once(subject).chain(peers).map(line).collect()
}

/// A curve for each server, in each of the charts. The runs of a point are made in turn, so that
/// other load on the machine moves a point of each curve, not one curve.
fn draw(
    bench: &mut Bench,
    mut pictures: Vec<Picture>,
    lines: &[Line],
    points: &[usize],
    work: &str,
    load: impl Fn(&Bench, usize) -> Load,
) {
    let no_points = |line: &Line| Curve {
        label: line.label.clone(),
        points: Vec::new(),
    };
    for picture in &mut pictures {
        picture.curves.lines = lines.iter().map(no_points).collect();
    }
    for &point in points {
        let load = load(bench, point);
        let runs: Vec<Contender> = lines.iter().map(|line| (line.at)(point)).collect();
        let found = in_turn(bench, &runs, work, &load);
        for Picture { curves, of } in &mut pictures {
            for (curve, runs) in curves.lines.iter_mut().zip(&found) {
                let spread = Spread::of(runs.iter().map(|figures| of(figures, point)));
                curve
                    .points
                    .extend(spread.map(|spread| (point as f64, spread)));
            }
        }
    }
    let curves = pictures.into_iter().map(|picture| picture.curves);
    bench.report.curves.extend(curves);
}

/// The runs of each server; none of one that failed.
fn in_turn(bench: &mut Bench, all: &[Contender], work: &str, load: &Load) -> Vec<Vec<Figures>> {
    let mut runs = vec![Some(Vec::new()); all.len()];
    for _ in 0..bench.options.pairs().min(RUNS_MAX) {
        for (server, runs) in all.iter().zip(&mut runs) {
            let Some(so_far) = runs else {
                continue;
            };
            match bench.measure(server, work, load) {
                Ok(figures) => so_far.push(figures),
                Err(error) => {
                    let place =
                        format!("growth, {work}, {} clients, {} B", load.clients, load.size);
                    bench.report.pass_over(&server.label, &place, &error);
                    *runs = None;
                }
            }
        }
    }
    runs.into_iter().map(Option::unwrap_or_default).collect()
}
