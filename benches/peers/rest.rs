//! What ten thousand silent clients cost: memory, time of an idle server, and the p99 of the
//! sender.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::bars::{Bar, Verdict};
use super::bench::Bench;
use super::launch::Server;
use super::load::Shape;
use super::pairs::{Contender, Spread};
use super::subject;

const SILENT: usize = 10_000;
const STEP: Duration = Duration::from_millis(100);
const STEPS_MAX: usize = 50;
const IDLE: Duration = Duration::from_secs(2);

/// What one look at one server found.
struct Found {
    bytes_per_client: f64,
    idle_seconds: f64,
    p99_ratio: f64,
}

pub fn run(bench: &mut Bench) {
    let workers = bench.options.workers;
    let mut all = vec![daemon(bench)];
    for (peer, workers) in [("tokio", 2), ("epoll", 1), ("threads", workers), ("may", 2)] {
        if bench.options.wants_peer(peer) {
            all.push(Contender::own(peer, workers));
        }
    }
    for (at, contender) in all.iter().enumerate() {
        let found: io::Result<Vec<Found>> = (0..bench.options.pairs())
            .map(|_| look(bench, contender))
            .collect();
        if let Err(error) = &found {
            bench.report.pass_over(&contender.label, "rest", error);
        }
        // What ours did not show is not met.
        note(bench, contender, &found.unwrap_or_default(), at == 0);
    }
}

/// The daemon as it is delivered, or the peer that stands for it.
fn daemon(bench: &Bench) -> Contender {
    let workers = bench.options.workers;
    if bench.options.subject != "poold" {
        return bench.ours(workers);
    }
    Contender::program("poold echo", move || subject::daemon(workers))
}

/// Bytes for each silent client.
pub fn memory(bench: &Bench, contender: &Contender) -> io::Result<f64> {
    let server = bench.start(contender, "fast")?;
    thread::sleep(STEP);
    let empty = server.resident()?;
    let silent = connect(server.address, SILENT)?;
    let full = settled(&server)?;
    drop(silent);
    Ok((full - empty) / SILENT as f64)
}

/// Alone first, on the same server, so that nothing else differs; memory is taken before a client
/// has sent, since what sending leaves behind would hide what the silent ones cost.
fn look(bench: &Bench, contender: &Contender) -> io::Result<Found> {
    let mut server = bench.start(contender, "fast")?;
    thread::sleep(STEP);
    let empty = server.resident()?;
    let silent = connect(server.address, SILENT)?;
    let full = settled(&server)?;
    let before = server.usage()?;
    thread::sleep(if bench.options.quick { IDLE / 10 } else { IDLE });
    let idle = server.usage()? - before;
    let talk = bench.load(1, 1, Shape::Echo);
    let among = bench.run(&mut server, &talk)?;
    drop(silent);
    drop(server);
    let alone = bench.measure(contender, "fast", &talk)?;
    Ok(Found {
        bytes_per_client: (full - empty) / SILENT as f64,
        idle_seconds: idle.cpu,
        p99_ratio: among.p99 / alone.p99,
    })
}

fn connect(address: SocketAddr, count: usize) -> io::Result<Vec<TcpStream>> {
    (0..count)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_secs(5)))
        .collect()
}

/// Its memory when that no longer changes: the last clients are still being accepted when the
/// last connect returns.
pub fn settled(server: &Server) -> io::Result<f64> {
    let mut last = server.resident()?;
    let mut same = 0;
    for _ in 0..STEPS_MAX {
        thread::sleep(STEP);
        let now = server.resident()?;
        same = if now == last { same + 1 } else { 0 };
        if same == 5 {
            break;
        }
        last = now;
    }
    Ok(last)
}

fn note(bench: &mut Bench, contender: &Contender, found: &[Found], ours: bool) {
    let memory = Spread::of(found.iter().map(|found| found.bytes_per_client));
    let idle = Spread::of(found.iter().map(|found| found.idle_seconds));
    let p99 = Spread::of(found.iter().map(|found| found.p99_ratio));
    let kinds = [
        (
            "memory for each of 10 000 silent clients",
            " bytes",
            Bar::AtMost(400.0),
            memory,
        ),
        (
            "CPU of an idle server with 10 000 clients over 2 s",
            " s",
            Bar::AtMost(0.01),
            idle,
        ),
        (
            "p99 of one client among 10 000 silent ones / alone",
            " ×",
            Bar::AtMost(1.2),
            p99,
        ),
    ];
    for (what, unit, bar, spread) in kinds {
        if let Some(spread) = spread {
            bench.report.value(&contender.label, what, spread, unit);
        }
        if ours {
            let against = "itself".to_owned();
            let what = what.to_owned();
            bench.report.verdicts.push(Verdict {
                what,
                against,
                bar,
                unit,
                found: spread,
                yardstick: None,
                faults: 0.0,
            });
        }
    }
}
