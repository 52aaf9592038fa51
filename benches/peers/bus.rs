//! How long a line of `chat --bus` takes from a client of one daemon to a client of another, beside
//! two relays that do the same by hand, and beside `XADD` and `XREAD` alone.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::bars::{Bar, Verdict};
use super::bench::Bench;
use super::launch::Server;
use super::pairs::Contender;
use super::spread::Spread;
use super::stream::{Adder, END, Watcher, connect, read_until};
use super::{outside, subject};

/// 200 lines a second: each finds everything at rest.
const LINES: usize = 1000;
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);
const BAR: f64 = 1.3;

/// The median time of a line through a stream of this server, in microseconds.
type Measure = fn(&Bench, SocketAddr, &str) -> io::Result<f64>;

/// A way from a speaker to a reader.
trait Way {
    fn say(&mut self, line: &[u8]) -> io::Result<()>;
    /// Waits for that line.
    fn hear(&mut self) -> io::Result<()>;
    /// Makes ready for the next one.
    fn rest(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn run(bench: &mut Bench) {
    let ways: [(&str, Measure); 2] = [
        ("two relays by hand", relays),
        ("XADD and XREAD by hand", by_hand),
    ];
    for (peer, theirs) in ways {
        match in_turn(bench, theirs) {
            Ok(pairs) => judge(bench, peer, &pairs),
            Err(error) => bench.report.pass_over("poold chat --bus", peer, &error),
        }
    }
}

/// The medians of both, pair by pair.
fn in_turn(bench: &Bench, theirs: Measure) -> io::Result<Vec<(f64, f64)>> {
    let redis = bench.start(&outside::redis(), "")?;
    (0..bench.options.pairs())
        .map(|pair| {
            let (ours, other) = (format!("ours{pair}"), format!("theirs{pair}"));
            if pair % 2 == 0 {
                let first = daemons(bench, redis.address, &ours)?;
                return Ok((first, theirs(bench, redis.address, &other)?));
            }
            let first = theirs(bench, redis.address, &other)?;
            Ok((daemons(bench, redis.address, &ours)?, first))
        })
        .collect()
}

fn judge(bench: &mut Bench, peer: &str, pairs: &[(f64, f64)]) {
    let of = |pick: fn(&(f64, f64)) -> f64| Spread::of(pairs.iter().map(pick));
    let what = "a line from one daemon to another, p50";
    for (whose, found) in [
        ("poold chat --bus", of(|pair| pair.0)),
        (peer, of(|pair| pair.1)),
    ] {
        if let Some(found) = found {
            bench
                .report
                .value(whose, &format!("{what}, against {peer}"), found, " µs");
        }
    }
    bench.report.verdicts.push(Verdict {
        what: format!("chat --bus, {what}"),
        against: peer.to_owned(),
        bar: Bar::AtMost(BAR),
        unit: " ×",
        found: of(|(ours, theirs)| ours / theirs),
        yardstick: None,
        faults: 0.0,
    });
}

fn daemons(bench: &Bench, redis: SocketAddr, stream: &str) -> io::Result<f64> {
    let (workers, bus) = (
        bench.options.workers,
        format!("redis://{redis}?stream={stream}"),
    );
    let daemon = Contender::program("poold chat --bus", move || subject::house(workers, &bus));
    let start = || bench.start(&daemon, "fast");
    let (one, other) = (start()?, start()?);
    let enter = |server: &Server| {
        let mut client = patient(server.address)?;
        // It asks for no name.
        client.write_all(b"\n")?;
        while !read_until(&mut client, b"\n")?
            .windows(7)
            .any(|seven| seven == b"welcome")
        {}
        Ok::<_, io::Error>(client)
    };
    median(&mut Clients(enter(&one)?, enter(&other)?))
}

fn relays(bench: &Bench, redis: SocketAddr, stream: &str) -> io::Result<f64> {
    let place = format!("{redis}/{stream}");
    let start = || bench.start(&Contender::own("stream-relay", 1), &place);
    let (one, other) = (start()?, start()?);
    let enter = |server: &Server| {
        let mut client = patient(server.address)?;
        read_until(&mut client, END).map(|_| client)
    };
    median(&mut Clients(enter(&one)?, enter(&other)?))
}

fn by_hand(_: &Bench, redis: SocketAddr, stream: &str) -> io::Result<f64> {
    let (adder, watcher) = (Adder::new(redis, stream)?, Watcher::new(redis, stream)?);
    median(&mut ByHand(adder, watcher))
}

/// The median of many lines' times, in microseconds.
fn median(way: &mut impl Way) -> io::Result<f64> {
    let mut times = Vec::new();
    for number in 0..LINES {
        let line = [format!("line {number} of a dialogue").as_bytes(), END].concat();
        let began = Instant::now();
        way.say(&line)?;
        way.hear()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
        way.rest()?;
        std::thread::sleep(PAUSE);
    }
    let all = Spread::of(times).map(|spread| spread.median);
    all.ok_or_else(|| io::Error::other("no line came"))
}

fn patient(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A speaker and a reader.
struct Clients(TcpStream, TcpStream);

impl Way for Clients {
    fn say(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.write_all(line)
    }

    fn hear(&mut self) -> io::Result<()> {
        read_until(&mut self.1, END).map(drop)
    }
}

struct ByHand(Adder, Watcher);

impl Way for ByHand {
    fn say(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.add(line)
    }

    fn hear(&mut self) -> io::Result<()> {
        self.1.next().map(drop)
    }

    fn rest(&mut self) -> io::Result<()> {
        self.1.ask()?;
        self.0.is_added()
    }
}
