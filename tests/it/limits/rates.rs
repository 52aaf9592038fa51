//! Rates: what is too much comes later, whole and in order, and waiting costs nothing.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::net::{connect, send, take};
use crate::support::spool::{PATIENCE, Race, at_most, in_time};

/// `count` lines, numbered.
fn numbered(count: usize) -> String {
    (0..count)
        .map(|number| format!("line {number}\n"))
        .collect()
}

/// Checks that exactly these came, in order.
fn in_order(lines: &[&str], count: usize) {
    assert_eq!(lines.len(), count);
    for (number, line) in lines.iter().enumerate() {
        assert!(line.ends_with(&format!(": line {number}")), "{line}");
    }
}

#[test]
fn messages_come_at_their_rate_after_a_burst_and_in_order() {
    let mut daemon = Daemon::recv(&["--rate", "20:260,1m"]);
    let client = connect(&daemon.address);
    let begin = Instant::now();
    send(&client, numbered(300));
    daemon.stdout.wait_lines(300);
    let all = begin.elapsed();
    // Two seconds' worth beyond a burst of 13.
    assert!((1.9..10.0).contains(&all.as_secs_f64()), "{all:?}");
    drop(client);
    in_order(&daemon.stop().lines(), 300);
}

#[test]
fn bytes_come_at_their_rate_after_a_burst() {
    let daemon = Daemon::echo(&["--rate", "1m,16k:160k"]);
    let client = connect(&daemon.address);
    let sent: Vec<u8> = (0..192 * 1024_u32).map(|number| number as u8).collect();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| send(&client, &sent));
        assert!(take(&client, sent.len()) == sent);
    });
    let all = begin.elapsed();
    // Two seconds' worth beyond a burst of ten.
    assert!((1.9..9.0).contains(&all.as_secs_f64()), "{all:?}");
}

#[test]
fn a_rate_costs_nothing_below_it() {
    let daemon = Daemon::echo(&["--rate", "1000,1m"]);
    let clients: Vec<_> = (0..10).map(|_| connect(&daemon.address)).collect();
    for client in &clients {
        send(client, "x");
        assert_eq!(take(client, 1), b"x");
    }
    daemon.takes_at_most(0.02, Duration::from_secs(1));
}

#[test]
fn a_delayed_client_costs_little() {
    let daemon = Daemon::start(&["discard", "127.0.0.1:0", "--rate", "100k,16k"]);
    let clients: Vec<_> = (0..50).map(|_| connect(&daemon.address)).collect();
    let block = vec![b'x'; 1 << 20];
    for client in &clients {
        client
            .set_write_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        let mut writer = client;
        while writer
            .write(&block)
            .is_ok_and(|written| written == block.len())
        {}
    }
    let share = daemon.takes_at_most(0.25, Duration::from_secs(1));
    eprintln!(
        "50 clients held back: {:.1} % of a processor",
        share * 100.0
    );
}

#[test]
fn a_quick_client_passes_a_high_rate_undelayed() {
    let daemon = Daemon::start(&["discard", "127.0.0.1:0", "--rate", "1g,1g"]);
    let client = connect(&daemon.address);
    let begin = Instant::now();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        send(&client, &block);
    }
    let took = begin.elapsed();
    eprintln!("200 MB under a rate of 1 GB/s: {took:?}");
    assert!(took < at_most(Duration::from_secs(2)), "{took:?}");
}

#[test]
fn a_drain_delivers_at_once_what_the_rate_held_back() {
    let mut daemon = Daemon::recv(&["--rate", "5,1m", "--drain", "20s"]);
    let client = connect(&daemon.address);
    send(&client, numbered(300));
    daemon.stdout.wait_lines(5);
    let begin = Instant::now();
    daemon.interrupt();
    assert_eq!(crate::support::net::take_to_end(&client), b"");
    drop(client);
    let exit = daemon.wait_exit();
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
    in_order(&exit.lines(), 300);
    assert_eq!(
        (exit.report().received, exit.report().delivered),
        (300, 300)
    );
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn a_delayed_client_is_not_idle() {
    in_time(Duration::from_millis(1500), forty_lines_are_delayed);
}

fn forty_lines_are_delayed(race: &Race) {
    let mut daemon = Daemon::recv(&["--rate", "10:1,1m", "--idle", "1500ms"]);
    let client = connect(&daemon.address);
    client.set_read_timeout(Some(PATIENCE)).expect("a socket");
    send(&client, numbered(40));
    daemon.stdout.wait_lines(39);
    race.begin();
    daemon.stdout.wait_lines(40);
    send(&client, "line 40\n");
    daemon.stdout.wait_lines(41);
    assert!(!daemon.stderr.text().contains("said nothing"));
    drop(client);
    in_order(&daemon.stop().lines(), 41);
}
