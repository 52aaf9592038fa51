//! Many clients at once.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::flood::{by_client, check, flood};
use crate::support::net::{connect, crowd_turn, send, take};
use crate::support::spool::wait_until;

const CLIENTS: usize = 2000;
const LINES: usize = 30;

#[test]
fn two_thousand_clients_on_four_workers_lose_double_and_mix_nothing() {
    let mut daemon = Daemon::recv(&["-w", "4"]);
    let (clients, lines) = (CLIENTS.to_string(), LINES.to_string());
    let shape = ["-c", &clients, "-n", &lines];
    flood(
        &daemon.address,
        &[&shape[..], &["--expect", "nothing", "--pieces", "7"]].concat(),
    );
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);

    let found = by_client(&exit.stdout);
    assert_eq!(found.len(), CLIENTS);
    let all: Vec<u64> = (0..LINES as u64).collect();
    for (client, (peer, numbers)) in &found {
        assert_eq!(numbers, &all, "client {client} ({peer})");
    }
    check(&exit.stdout, &shape);
    let report = exit.report();
    let sent = (CLIENTS * LINES) as u64;
    assert_eq!((report.received, report.delivered), (sent, sent));
}

/// The median of the times that a line takes there and back.
fn round_trip(talker: &TcpStream) -> Duration {
    let mut times: Vec<Duration> = (0..500)
        .map(|_| {
            let begin = Instant::now();
            send(talker, "are you there?\n");
            assert_eq!(take(talker, 15), b"are you there?\n");
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn ten_thousand_silent_clients_cost_a_kib_each_and_delay_no_other() {
    const SILENT: usize = 10_000;
    let _turn = crowd_turn();
    let daemon = Daemon::echo(&[]);
    // Buffers of workers and pollers are there from the first flood on.
    flood(&daemon.address, &["-c", "64", "-n", "50"]);
    let talker = connect(&daemon.address);
    let calm = Daemon::echo(&[]);
    let other = connect(&calm.address);
    for client in [&talker, &other] {
        round_trip(client);
    }
    let (memory, descriptors) = (daemon.memory("VmRSS"), daemon.descriptors());

    let silent: Vec<TcpStream> = (0..SILENT).map(|_| connect(&daemon.address)).collect();
    wait_until("all are accepted", || {
        daemon.descriptors() >= descriptors + SILENT
    });
    // The client that connected last was served once, and so were all before it.
    send(&silent[SILENT - 1], "last\n");
    assert_eq!(take(&silent[SILENT - 1], 5), b"last\n");
    let each = (daemon.memory("VmRSS").saturating_sub(memory)) * 1024 / SILENT as u64;
    eprintln!("{each} bytes each");
    assert!(each <= 1024, "{each} bytes for each silent client");
    // Noise of a shared machine: a factor, what one switch of threads may cost, and something else
    // that has had the machine for one of the two.
    let is_quick = (0..3).any(|_| {
        let [among, alone] = [&talker, &other].map(round_trip);
        eprintln!("alone {alone:?}, among {SILENT} {among:?}");
        among <= alone * 4 + Duration::from_millis(1)
    });
    assert!(is_quick, "each time they delay it");
}
