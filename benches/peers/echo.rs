//! Echo of 64-byte lines, and connect, one message, close.

use std::time::Duration;

use super::bars::{Bar, Question};
use super::bench::Bench;
use super::load::{Figures, Load, Shape};
use super::pairs::{Cell, Contender};
use super::uring;

const CLIENTS: &[usize] = &[1, 8, 64, 1000, 10_000];
const PIPELINES: &[usize] = &[1, 32];

/// The most threads of a pool that gives each connection a thread; with more clients it is skipped.
const THREADS_MAX: usize = 4096;

/// Clients that connect and leave at the same time.
const CALLERS: &[usize] = &[1, 8, 64];
/// Each connection takes a new port, and ports are few.
const CALLERS_WARMUP: Duration = Duration::from_millis(100);

pub fn run(bench: &mut Bench) {
    for pipeline in bench.options.pipelines_or(PIPELINES) {
        for clients in bench.options.clients_or(CLIENTS) {
            let load = bench.load(clients, pipeline, Shape::Echo);
            let cell = Cell {
                section: "echo",
                work: "fast",
                load,
            };
            let ours = bench.ours(bench.options.workers);
            for peer in peers(bench, clients) {
                bench.pair(&cell, &ours, &peer);
            }
            // The peers that have a bar.
            for peer in rivals(bench, pipeline) {
                bench.yardstick(&cell, &Contender::own("epoll", 1), &peer);
            }
            judge(bench, &cell);
        }
    }
}

pub fn connect(bench: &mut Bench) {
    for callers in bench.options.clients_or(CALLERS) {
        call(bench, callers);
    }
}

fn call(bench: &mut Bench, callers: usize) {
    let workers = bench.options.workers;
    let load = Load {
        warmup: CALLERS_WARMUP,
        ..bench.load(callers, 1, Shape::Churn)
    };
    let cell = Cell {
        section: "connect",
        work: "fast",
        load,
    };
    let ours = bench.ours(workers);
    let wanted = [
        ("tokio", 2),
        ("tokio", workers),
        ("threads", workers),
        ("epoll", 1),
    ];
    for (peer, workers) in wanted {
        if bench.options.wants_peer(peer) {
            bench.pair(&cell, &ours, &Contender::own(peer, workers));
        }
    }
    let mut ask = |peer, name, bar, of| {
        bench.judge(&Question {
            cell: &cell,
            peer,
            name,
            bar,
            of,
        });
    };
    let limit = if callers == 1 { 1.25 } else { 1.15 };
    ask("tokio (", "connections", Bar::AtLeast(1.25), |f| f.rate);
    ask("epoll", "CPU a connection", Bar::AtMost(limit), |f| {
        f.cpu_per_message
    });
}

/// The servers that answer lines, for this many clients. A server that keeps a thread for a
/// connection has a thread for each client: the others would never be served.
fn peers(bench: &mut Bench, clients: usize) -> Vec<Contender> {
    let workers = bench.options.workers;
    let mut wanted = vec![
        ("tokio", 2),
        ("tokio", workers),
        ("tokio-codec", 2),
        ("tokio-codec-feed", 2),
        ("threads", clients),
        ("may", 2),
        ("epoll", 1),
    ];
    let pooled = [
        ("book", clients.max(workers)),
        ("net-io", clients.max(workers)),
    ];
    let fits = clients <= THREADS_MAX;
    wanted.extend(pooled.iter().filter(|_| fits));
    for (peer, _) in pooled.iter().filter(|_| !fits) {
        let why = format!("needs a thread for each client; {THREADS_MAX} is taken as the most");
        bench
            .report
            .pass_over(peer, &format!("echo, {clients} clients"), &why);
    }
    wanted.retain(|(peer, _)| bench.options.wants_peer(peer));
    let own = wanted
        .into_iter()
        .map(|(peer, workers)| Contender::own(peer, workers));
    own.chain(uring::contenders(&bench.options)).collect()
}

/// The fastest variant of a runtime, for single lines and for many at once.
fn rivals(bench: &Bench, pipeline: usize) -> Vec<Contender> {
    let mut rivals = if pipeline == 1 {
        vec![("tokio", 2), ("tokio", bench.options.workers)]
    } else {
        vec![("tokio-codec-feed", 2)]
    };
    rivals.retain(|(peer, _)| bench.options.wants_peer(peer));
    rivals
        .into_iter()
        .map(|(peer, workers)| Contender::own(peer, workers))
        .collect()
}

fn judge(bench: &mut Bench, cell: &Cell) {
    let mut ask = |peer, name, bar, of| {
        bench.judge(&Question {
            cell,
            peer,
            name,
            bar,
            of,
        })
    };
    let rate: fn(&Figures) -> f64 = |f| f.rate;
    let many = cell.load.clients > 64;
    if cell.load.pipeline == 1 {
        let (runtime, limit) = if many { (1.05, 0.97) } else { (1.15, 0.98) };
        ask("tokio (", "throughput", Bar::AtLeast(runtime), rate);
        ask("tokio (", "p99", Bar::AtMost(1.0), |f| f.p99);
        ask("tokio (", "CPU a message", Bar::AtMost(1.0), |f| {
            f.cpu_per_message
        });
        ask("epoll", "throughput", Bar::AtLeast(limit), rate);
        if cell.load.clients >= 64 {
            ask("epoll", "CPU a message", Bar::AtMost(1.03), |f| {
                f.cpu_per_message
            });
        }
        let ring = match cell.load.clients {
            ..64 => 1.5,
            64..1000 => 1.0,
            _ => 1.1,
        };
        for peer in ["monoio (", "compio ("] {
            ask(peer, "throughput", Bar::AtLeast(ring), rate);
        }
    } else if cell.load.pipeline == 32 {
        ask("tokio-codec", "throughput", Bar::AtLeast(1.5), rate);
    }
}
