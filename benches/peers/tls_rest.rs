//! What idle clients of TLS cost: after a message, after a long one, and after others have gone.

use std::io;
use std::thread;
use std::time::Duration;

use super::bars::{Bar, Verdict};
use super::bench::Bench;
use super::launch::Server;
use super::pairs::{Contender, Spread};
use super::rest::settled;
use super::subject;
use super::tls_clients::{Dialer, Talker};

const CLIENTS: usize = 2000;
const MANY: usize = 10_000;
const LONG: usize = 100_000;
const STEP: Duration = Duration::from_millis(300);
const AT_MOST: f64 = 4600.0;

/// Bytes for each client.
const WHATS: [&str; 4] = [
    "memory for each of 2 000 idle clients of TLS, after a message",
    "the same, after a message of 100 kB",
    "the same, after others came and went",
    "memory for each of 10 000 idle clients of TLS, after a message",
];

pub fn run(bench: &mut Bench) {
    let (workers, scratch) = (bench.options.workers, bench.scratch.path().to_owned());
    let ours = Contender::program("poold echo", move || {
        let mut command = subject::daemon(workers);
        command.args(subject::certificate(&scratch));
        command.args(["--framing", "lines", "--message-max", "200k"]);
        command
    });
    let mut all = vec![ours];
    for (peer, threads) in [("tokio-rustls", 2), ("epoll-tls", 1)] {
        if bench.options.wants_peer(peer) {
            all.push(Contender::own(peer, threads));
        }
    }
    for (at, contender) in all.iter().enumerate() {
        let found = look(bench, contender).unwrap_or_else(|error| {
            bench
                .report
                .pass_over(&contender.label, "tls, at rest", &error);
            [None; 4]
        });
        for (what, found) in WHATS.into_iter().zip(found) {
            let found = Spread::of(found);
            if let Some(found) = found {
                bench.report.value(&contender.label, what, found, " bytes");
            }
            if at == 0 {
                bench.report.verdicts.push(Verdict {
                    what: what.to_owned(),
                    against: "itself".to_owned(),
                    bar: Bar::AtMost(AT_MOST),
                    unit: " bytes",
                    found,
                    yardstick: None,
                    faults: 0.0,
                });
            }
        }
    }
}

fn look(bench: &Bench, contender: &Contender) -> io::Result<[Option<f64>; 4]> {
    let dialer = Dialer::new(&bench.scratch.path().join("p256.pem"))?;
    let (server, empty) = fresh(bench, contender, &dialer)?;
    let grown = |count: usize| Ok::<_, io::Error>((settled(&server)? - empty) / count as f64);
    let mut talkers = connect(&dialer, &server, CLIENTS)?;
    let first = grown(CLIENTS)?;
    for talker in &mut talkers {
        talker.ask(LONG)?;
    }
    let after_long = grown(CLIENTS)?;
    drop(talkers);
    settled(&server)?;
    let talkers = connect(&dialer, &server, CLIENTS)?;
    let after_others = grown(CLIENTS)?;
    drop(talkers);
    let (server, empty) = fresh(bench, contender, &dialer)?;
    let resting: Vec<_> = connect(&dialer, &server, MANY)?
        .into_iter()
        .map(Talker::rest)
        .collect();
    let many = (settled(&server)? - empty) / resting.len() as f64;
    Ok([first, after_long, after_others, many].map(Some))
}

/// A server, and its memory after a client came and went.
fn fresh(bench: &Bench, contender: &Contender, dialer: &Dialer) -> io::Result<(Server, f64)> {
    let server = bench.start(contender, "fast")?;
    dialer.connect(server.address)?.ask(LONG)?;
    thread::sleep(STEP);
    let empty = server.resident()?;
    Ok((server, empty))
}

fn connect(dialer: &Dialer, server: &Server, count: usize) -> io::Result<Vec<Talker>> {
    (0..count).map(|_| dialer.connect(server.address)).collect()
}
