//! TLS: echo, handshakes, receiving, and what half a handshake does to others. What idle clients
//! cost is in `tls_rest`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::bars::{Bar, Question, Verdict};
use super::bench::Bench;
use super::load::{Figures, Load, Shape};
use super::pairs::{Cell, Contender, Spread};
use super::tls_clients::{Attack, Dialer};
use super::{outside, subject, tls_rest};

/// Clients, and the least ratios of throughput and the most of CPU against tokio-rustls that poold
/// set itself: with 2 threads, and with 1.
const ECHO: &[(usize, f64, f64)] = &[(8, 1.2, 1.0), (64, 1.12, 0.97), (1000, 1.12, 0.90)];
const THREADS: &[usize] = &[1, 2, 8];
const PIPELINE: usize = 32;
/// Clients that handshake at the same time.
const CALLERS: usize = 8;
const CALLERS_WARMUP: Duration = Duration::from_millis(100);
/// Kinds of keys, and the work that a peer knows them by.
const KEYS: [(&str, &str); 2] = [("p256", "fast"), ("rsa", "rsa")];
const POLITE: usize = 63;
const STANDING: usize = 1000;
const SHAKING: usize = 8;

pub fn run(bench: &mut Bench) {
    for (kind, _) in KEYS {
        if let Err(error) = make(bench.scratch.path(), kind) {
            bench.report.pass_over(kind, "tls", &error);
        }
    }
    for &(clients, faster, cheaper) in ECHO {
        if bench
            .options
            .clients
            .as_ref()
            .is_none_or(|some| some.contains(&clients))
        {
            echo(bench, clients, faster, cheaper);
        }
    }
    many_lines(bench);
    for (kind, work) in KEYS {
        handshakes(bench, kind, work);
    }
    receive(bench);
    beside(bench);
    tls_rest::run(bench);
}

/// A certificate that signs itself, and its key. ring makes no RSA keys.
fn make(folder: &Path, kind: &str) -> io::Result<()> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = match kind {
        "rsa" => {
            let mut command = Command::new("openssl");
            command.args([
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ]);
            let made = command.output()?;
            rcgen::KeyPair::from_pem(&String::from_utf8_lossy(&made.stdout))
        }
        _ => rcgen::KeyPair::generate(),
    };
    let key = key.map_err(io::Error::other)?;
    let params = rcgen::CertificateParams::new(names).map_err(io::Error::other)?;
    let made = params.self_signed(&key).map_err(io::Error::other)?;
    fs::write(folder.join(format!("{kind}.pem")), made.pem())?;
    fs::write(folder.join(format!("{kind}.key")), key.serialize_pem())
}

fn ours(bench: &Bench) -> Contender {
    Contender::own("poold-tls", bench.options.workers)
}

fn secured(load: Load) -> Load {
    Load { tls: true, ..load }
}

fn peers(bench: &Bench, peer: &str, threads: &[usize]) -> Vec<Contender> {
    let wanted = bench.options.wants_peer(peer);
    let threads = threads.iter().filter(|_| wanted);
    threads
        .map(|&threads| Contender::own(peer, threads))
        .collect()
}

fn echo(bench: &mut Bench, clients: usize, faster: f64, cheaper: f64) {
    let load = secured(bench.load(clients, 1, Shape::Echo));
    let cell = Cell {
        section: "tls",
        work: "fast",
        load,
    };
    let ours = ours(bench);
    let mut all = peers(bench, "tokio-rustls", THREADS);
    all.extend(peers(bench, "epoll-tls", &[1]));
    for peer in &all {
        bench.pair(&cell, &ours, peer);
    }
    for peer in peers(bench, "tokio-rustls", &[2]) {
        bench.yardstick(&cell, &Contender::own("epoll-tls", 1), &peer);
    }
    let rate: fn(&Figures) -> f64 = |f| f.rate;
    let cpu: fn(&Figures) -> f64 = |f| f.cpu_per_message;
    for (peer, name, bar, of) in [
        ("tokio-rustls (2)", "throughput", Bar::AtLeast(faster), rate),
        ("tokio-rustls (", "throughput", Bar::AtLeast(1.0), rate),
        (
            "tokio-rustls (1)",
            "CPU a message",
            Bar::AtMost(cheaper),
            cpu,
        ),
        ("epoll-tls", "throughput", Bar::AtLeast(0.95), rate),
        ("epoll-tls", "CPU a message", Bar::AtMost(1.08), cpu),
    ] {
        bench.judge(&Question {
            cell: &cell,
            peer,
            name,
            bar,
            of,
        });
    }
}

fn many_lines(bench: &mut Bench) {
    let cell = Cell {
        section: "tls",
        work: "fast",
        load: secured(bench.load(64, PIPELINE, Shape::Echo)),
    };
    let ours = ours(bench);
    for peer in peers(bench, "tokio-rustls-codec-feed", &[2]) {
        bench.pair(&cell, &ours, &peer);
    }
    bench.judge(&Question {
        cell: &cell,
        peer: "tokio-rustls-codec-feed",
        name: "throughput",
        bar: Bar::AtLeast(1.3),
        of: |f| f.rate,
    });
}

/// A message on a new connection each time: what a handshake costs, with the connection around it.
fn handshakes(bench: &mut Bench, kind: &str, work: &'static str) {
    if !bench.scratch.path().join(format!("{kind}.key")).exists() {
        return;
    }
    let load = Load {
        warmup: CALLERS_WARMUP,
        ..secured(bench.load(CALLERS, 1, Shape::Churn))
    };
    let cell = Cell {
        section: "tls handshakes",
        work,
        load,
    };
    let ours = ours(bench);
    let mut all = peers(bench, "tokio-rustls", &[1]);
    all.extend(peers(bench, "epoll-tls", &[1]));
    for peer in &all {
        bench.pair(&cell, &ours, peer);
    }
    bench.judge(&Question {
        cell: &cell,
        peer: "tokio-rustls (1)",
        name: "CPU a handshake",
        bar: Bar::AtMost(1.0),
        of: |f| f.cpu_per_message,
    });
}

fn receive(bench: &mut Bench) {
    let cell = Cell {
        section: "tls receive",
        work: "text",
        load: Load {
            size: 100,
            ..secured(bench.load(8, 512, Shape::Send))
        },
    };
    let workers = bench.options.workers;
    let scratch = bench.scratch.path().to_owned();
    let ours = Contender::program("poold recv", move || {
        let mut command = subject::receiver("text", workers);
        command.args(subject::certificate(&scratch));
        command
    });
    if bench.options.wants_peer("rsyslog") {
        bench.pair(&cell, &ours, &outside::rsyslog_with_tls());
    }
    bench.judge(&Question {
        cell: &cell,
        peer: "rsyslog",
        name: "throughput",
        bar: Bar::AtLeast(10.0),
        of: |f| f.rate,
    });
}

/// The p99 of clients that talk, beside those that stand still in the handshake and those that do
/// nothing else; on the same server.
fn beside(bench: &mut Bench) {
    let ours = ours(bench);
    let mut all = vec![ours];
    all.extend(peers(bench, "tokio-rustls", &[2]));
    for (at, contender) in all.iter().enumerate() {
        let looks = (0..bench.options.pairs()).map(|_| look(bench, contender));
        let looks: Vec<f64> = looks.collect::<io::Result<_>>().unwrap_or_else(|error| {
            bench
                .report
                .pass_over(&contender.label, "tls, beside handshakes", &error);
            Vec::new()
        });
        let found = Spread::of(looks);
        let what = "p99 of 63 clients beside 1 008 in handshakes / without";
        if let Some(found) = found {
            bench.report.value(&contender.label, what, found, " ×");
        }
        if at == 0 {
            bench.report.verdicts.push(Verdict {
                what: what.to_owned(),
                against: "itself".to_owned(),
                bar: Bar::AtMost(1.5),
                unit: " ×",
                found,
                yardstick: None,
                faults: 0.0,
            });
        }
    }
}

fn look(bench: &Bench, contender: &Contender) -> io::Result<f64> {
    let polite = secured(bench.load(POLITE, 1, Shape::Echo));
    let mut server = bench.start(contender, "fast")?;
    let without = bench.run(&mut server, &polite)?;
    let dialer = Dialer::new(&bench.scratch.path().join("p256.pem"))?;
    let attack = Attack::begin(&dialer, server.address, STANDING, SHAKING)?;
    let beside = bench.run(&mut server, &polite)?;
    drop(attack);
    Ok(beside.p99 / without.p99)
}
