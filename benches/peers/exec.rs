//! A program for each connection: connections a second, beside `tcpserver` and `socat`.
//!
//! The system takes most of the time, to start and end the programs; the comparison shows what each
//! server adds.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bars::{Bar, Question};
use super::bench::Bench;
use super::load::{Figures, Load, Shape};
use super::outside;
use super::pairs::{Cell, Contender};
use super::subject;

/// As many as the workers, so that no client waits for a worker.
const CLIENTS: usize = 8;
const PROGRAMS: &[&str] = &["/bin/true", "/bin/cat"];
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(bench: &mut Bench) {
    for program in PROGRAMS {
        let load = bench.load(CLIENTS, 1, Shape::Churn);
        let cell = Cell {
            section: "exec",
            work: program,
            load,
        };
        let workers = bench.options.workers;
        for peer in outside::superservers() {
            if !bench.options.wants_peer(&peer.label) {
                continue;
            }
            let ours = Contender {
                label: "poold exec".to_owned(),
                launch: Box::new(move |program, _| subject::superserver(program, workers)),
            };
            bench.pair_by(&cell, &ours, &peer, measure);
            let bare = Contender::own("spawner", workers);
            bench.yardstick_by(&cell, &bare, &peer, measure);
            bench.judge(&Question {
                cell: &cell,
                peer: &peer.label,
                name: "connections a second",
                bar: Bar::AtLeast(1.1),
                of: |f| f.rate,
            });
        }
    }
}

/// The result of one client.
#[derive(Default)]
struct Seen {
    millionths: Vec<u64>,
    faults: u64,
}

/// One run against a fresh server: each client connects, gets its program's answer, and connects
/// again.
fn measure(bench: &Bench, server: &Contender, cell: &Cell) -> io::Result<Figures> {
    let server = bench.start(server, cell.work)?;
    let Load {
        clients,
        duration,
        warmup,
        size,
        ..
    } = cell.load;
    let message = vec![b'x'; if cell.work == "/bin/cat" { size } else { 0 }];
    let from = Instant::now() + warmup;
    let until = from + duration;
    let address = server.address;
    let seen: Vec<Seen> = thread::scope(|scope| {
        let client = || scope.spawn(|| client(address, &message, from, until));
        let all: Vec<_> = (0..clients).map(|_| client()).collect();
        let joined = all.into_iter().map(|one| one.join().unwrap_or_default());
        joined.collect()
    });
    let faults: u64 = seen.iter().map(|one| one.faults).sum();
    let mut times: Vec<u64> = seen.into_iter().flat_map(|one| one.millionths).collect();
    if times.is_empty() {
        return Err(io::Error::other("no client was served"));
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64;
    let rate = times.len() as f64 / duration.as_secs_f64();
    Ok(Figures {
        rate,
        p50: at(0.5),
        p99: at(0.99),
        // CPU time is not compared: most of it is the programs', and not every server waits for its
        // children.
        cpu_per_message: f64::NAN,
        switches_per_message: None,
        faults: faults as f64,
        load: json!({ "connections": times.len() }),
    })
}

fn client(address: SocketAddr, message: &[u8], from: Instant, until: Instant) -> Seen {
    let mut seen = Seen::default();
    loop {
        let begun = Instant::now();
        if begun >= until {
            return seen;
        }
        match talk(address, message) {
            Ok(true) if begun >= from => {
                let took = begun.elapsed().as_micros();
                seen.millionths
                    .push(u64::try_from(took).unwrap_or(u64::MAX));
            }
            Ok(true) => {}
            _ => seen.faults += 1,
        }
    }
}

/// Whether the answer is right.
fn talk(address: SocketAddr, message: &[u8]) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if !message.is_empty() {
        stream.write_all(message)?;
        stream.shutdown(Shutdown::Write)?;
    }
    let mut answer = Vec::new();
    loop {
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other.map(|_| answer == message),
        }
    }
}
