//! Good clients beside bad ones: they hardly notice.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::daemon::Daemon;
use crate::net::{connect, send, take};
use crate::spool::{PATIENCE, wait_until};
use crate::tool::{Flood, flood};

const MANY: usize = 1000;
/// What the issue asks for is 1.2 and 2; a shared machine and a debug build add to that.
const NOISE: u32 = 3;
const FLOOR: Duration = Duration::from_millis(10);
/// Whoever makes the flood takes a core as well.
const FLOOD_FLOOR: Duration = Duration::from_millis(60);

/// The 99th percentile of the times that a line takes there and back.
fn p99(talker: &TcpStream) -> Duration {
    let mut times: Vec<Duration> = (0..2000)
        .map(|_| {
            let begin = Instant::now();
            send(talker, "are you there?\n");
            assert_eq!(take(talker, 15), b"are you there?\n");
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Compares, up to three times: something else may have had the machine meanwhile.
fn compare(what: &str, floor: Duration, mut measure: impl FnMut() -> (Duration, Duration)) {
    for attempt in 1.. {
        let (alone, among) = measure();
        eprintln!("p99 alone {alone:?}, {what} {among:?}");
        if among <= alone * NOISE + floor {
            return;
        }
        assert!(attempt < 3, "alone {alone:?}, {what} {among:?}");
    }
}

#[test]
fn a_thousand_slow_senders_slow_nobody() {
    let daemon = Daemon::echo(&["--framing", "lines"]);
    let talker = connect(&daemon.address);
    let alone = p99(&talker);
    let slow: Vec<_> = (0..MANY).map(|_| connect(&daemon.address)).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each in its turn, so that each sends a byte a second.
            for client in slow.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                send(client, "s");
                std::thread::sleep(Duration::from_secs(1) / MANY as u32);
            }
        });
        std::thread::sleep(Duration::from_millis(500));
        compare("among a thousand slow senders", FLOOR, || {
            (alone, p99(&talker))
        });
        over.store(true, Ordering::Relaxed);
    });
}

/// A client with small buffers, who sends until nothing is taken any more, and never reads.
/// Answers what was taken.
fn deaf(address: &str) -> (TcpStream, usize) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors");
    socket.set_recv_buffer_size(4096).expect("a socket");
    socket.set_send_buffer_size(4096).expect("a socket");
    let to: SocketAddr = address.parse().expect("an address");
    socket.connect(&to.into()).expect("it listens");
    socket.set_nonblocking(true).expect("a socket");
    (TcpStream::from(socket), 0)
}

#[test]
fn a_thousand_who_never_read_slow_nobody_and_are_not_read_from() {
    let daemon = Daemon::echo(&["--framing", "lines", "--outbox-max", "16k"]);
    let talker = connect(&daemon.address);
    let alone = p99(&talker);
    let memory = daemon.memory("VmRSS");
    let mut many: Vec<_> = (0..MANY).map(|_| deaf(&daemon.address)).collect();
    let line = [&[b'x'; 1023][..], b"\n"].concat().repeat(8);
    let mut moved = Instant::now();
    let begin = moved;
    wait_until("nothing is taken from any of them", || {
        for (client, taken) in &mut many {
            match client.write(&line) {
                Ok(length) => {
                    *taken += length;
                    moved = Instant::now();
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        moved.elapsed() > Duration::from_millis(500)
    });
    assert!(begin.elapsed() < PATIENCE);
    let most = many
        .iter()
        .map(|(_, taken)| *taken)
        .max()
        .expect("a thousand");
    let each = daemon.memory("VmRSS").saturating_sub(memory) / MANY as u64;
    eprintln!("at most {most} bytes taken from each, {each} KiB of memory each");
    assert!(
        most < 8 << 20,
        "{most} bytes were read from one that does not read"
    );
    // Its outbox, what was read and not yet answered, and what a client costs.
    assert!(each <= 16 + 64 + 16, "{each} KiB each");
    compare("among a thousand who never read", FLOOR, || {
        (alone, p99(&talker))
    });
}

fn latency(result: &Value) -> Duration {
    let micros = result["latency_us"]["p99"].as_f64();
    Duration::from_secs_f64(micros.expect("a figure") / 1e6)
}

#[test]
fn one_who_floods_leaves_the_others_their_share() {
    let daemon = Daemon::echo(&["--framing", "lines"]);
    let polite = [
        "-c", "63", "-t", "1500ms", "--warmup", "500ms", "--rate", "1000",
    ];
    compare("beside one who floods", FLOOD_FLOOR, || {
        let alone = latency(&flood(&daemon.address, &polite));
        let torrent = ["-c", "1", "-p", "20000", "-t", "3s"];
        let torrent = Flood::start(&daemon.address, &torrent);
        std::thread::sleep(Duration::from_millis(500));
        let among = latency(&flood(&daemon.address, &polite));
        torrent.wait_good();
        (alone, among)
    });
}
