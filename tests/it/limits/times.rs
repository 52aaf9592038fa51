//! Time limits: a client that takes too long is closed, others stay, and bytes that had arrived
//! count.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use socket2::SockRef;

use poold::answer;

use crate::support::daemon::Daemon;
use crate::support::flood::Flood;
use crate::support::net::{connect, connect_saying, end, send, take, take_to_end, wait_reset};
use crate::support::server::{options, serve};
use crate::support::spool::{PATIENCE, Race, in_time};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Waits for the end, answers what came before it, and checks that it did not come too early.
fn ends_after(client: &TcpStream, begin: Instant, least: Duration) -> Vec<u8> {
    let came = take_to_end(client);
    let took = begin.elapsed();
    assert!(took >= least, "{took:?}");
    came
}

/// Sends until nothing is taken any more, never reads, and waits for the reset.
fn stuff(client: &TcpStream) {
    SockRef::from(client)
        .set_recv_buffer_size(4096)
        .expect("a socket");
    client.set_write_timeout(Some(ms(300))).expect("a socket");
    let block = vec![b'x'; 1 << 16];
    let mut writer = client;
    let error = loop {
        if let Err(error) = writer.write(&block) {
            break error;
        }
    };
    if error.kind() == ErrorKind::WouldBlock {
        wait_reset(client);
    }
}

#[test]
fn a_client_without_a_first_byte_is_closed_and_one_with_a_byte_stays() {
    let daemon = Daemon::echo(&["--first-byte", "400ms"]);
    let begin = Instant::now();
    let silent = connect(&daemon.address);
    let other = connect_saying(&daemon.address, "x");
    assert_eq!(take(&other, 1), b"x");
    assert_eq!(ends_after(&silent, begin, ms(380)), b"");
    send(&other, "y");
    assert_eq!(take(&other, 1), b"y");
}

#[test]
fn an_idle_client_is_closed_and_an_active_one_stays() {
    in_time(ms(2000), one_is_idle);
}

fn one_is_idle(race: &Race) {
    let daemon = Daemon::echo(&["--idle", "2s"]);
    let (silent, other) = (connect(&daemon.address), connect(&daemon.address));
    let begin = Instant::now();
    send(&silent, "x");
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| ends_after(&silent, begin, ms(1980)));
        let went_on = || {
            send(&other, "x");
            assert_eq!(take(&other, 1), b"x");
            race.step();
            std::thread::sleep(ms(50));
        };
        while !silent.is_finished() {
            went_on();
        }
        assert_eq!(silent.join().expect("it is closed in time"), b"x");
        went_on();
    });
}

#[test]
fn limits_hold_while_all_other_clients_are_busy() {
    let daemon = Daemon::echo(&["--idle", "500ms", "-w", "2"]);
    let flood = Flood::start(&daemon.address, &["-c", "32", "-t", "2s", "-p", "8"]);
    let begin = Instant::now();
    let silent = connect(&daemon.address);
    assert_eq!(ends_after(&silent, begin, ms(450)), b"");
    flood.wait_good();
}

#[test]
fn no_client_is_closed_for_silence_by_default() {
    let mut daemon = Daemon::recv(&[]);
    let client = connect(&daemon.address);
    send(&client, "half a ");
    std::thread::sleep(Duration::from_secs(3));
    send(&client, "line\n");
    daemon.stdout.wait_line(": half a line");
    end(&client);
    drop(client);
    assert_eq!(daemon.stop().report().received, 1);
}

#[test]
fn a_message_that_keeps_the_rate_is_let_end_and_one_that_does_not_is_closed() {
    let mut daemon = Daemon::recv(&["--message", "700ms", "--min-rate", "1000"]);
    let (slow, quick) = (connect(&daemon.address), connect(&daemon.address));
    let begin = Instant::now();
    send(&slow, "slow");
    for _ in 0..25 {
        send(&quick, [b'q'; 2400]);
        std::thread::sleep(ms(80));
    }
    send(&quick, "\n");
    daemon.stdout.wait_line(&"q".repeat(10_000));
    assert!(begin.elapsed() >= ms(2000));
    assert_eq!(take_to_end(&slow), b"");
    // It stays for any time between two messages.
    std::thread::sleep(ms(1000));
    send(&quick, "after\n");
    daemon.stdout.wait_line(": after");
    drop((slow, quick));
    let exit = daemon.stop();
    assert!(
        exit.lines()
            .iter()
            .any(|line| line.ends_with("(partial): slow"))
    );
    assert_eq!(exit.report().received, 3);
}

#[test]
fn a_client_that_takes_nothing_is_reset_and_a_slow_reader_is_not() {
    in_time(ms(2500), one_reads_slowly);
}

fn one_reads_slowly(race: &Race) {
    let daemon = Daemon::echo(&["--write-stall", "2500ms"]);
    let slow = connect(&daemon.address);
    let stalled = connect(&daemon.address);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            stuff(&stalled);
        });
        scope.spawn(|| {
            send(&slow, vec![b'x'; 24 << 20]);
            end(&slow);
        });
        let mut all = 0;
        let mut block = vec![0; 1 << 20];
        loop {
            match (&slow).read(&mut block).expect("no reset") {
                0 => break,
                more => all += more,
            }
            race.step();
            if all % (1 << 20) < (1 << 18) {
                std::thread::sleep(ms(40));
            }
        }
        assert_eq!(all, 24 << 20);
    });
}

#[test]
fn a_long_reply_may_take_long_as_long_as_it_is_taken() {
    in_time(ms(2500), a_reply_is_taken_slowly);
}

fn a_reply_is_taken_slowly(race: &Race) {
    let mut options = options();
    options.times.write_stall = Some(ms(2500));
    let (server, address) = serve(options, answer(|_: &[u8]| vec![b'x'; 40 << 20]));
    let client = connect(&address);
    send(&client, "all of it, please\n");
    for _ in 0..40 {
        take(&client, 1 << 20);
        race.step();
        std::thread::sleep(ms(80));
    }
    assert_eq!(take(&client, 1), b"\n");
    drop(client);
    crate::support::server::finish(server);
}

#[test]
fn an_idle_client_that_takes_nothing_is_reset_and_costs_nothing() {
    let daemon = Daemon::echo(&["--idle", "300ms", "--write-stall", "1500ms"]);
    let client = connect(&daemon.address);
    // Taking in what fills the buffers is work; waiting is none.
    stuff(&client);
    let spent = daemon.cpu();
    assert!(spent < ms(900), "{spent:?} of waiting");
}

#[test]
fn a_connection_lasts_for_its_lifetime_however_busy() {
    let daemon = Daemon::echo(&["--lifetime", "1s", "--framing", "lines"]);
    let begin = Instant::now();
    let client = connect(&daemon.address);
    let mut rounds = 0;
    let took = loop {
        if (&client).write_all(b"again\n").is_err() {
            break begin.elapsed();
        }
        match (&client).read(&mut [0; 6]) {
            Ok(6) => rounds += 1,
            Ok(0) => break begin.elapsed(),
            other => panic!("{other:?}"),
        }
        assert!(begin.elapsed() < PATIENCE, "it never ends");
    };
    assert!(rounds > 0 && took >= ms(980), "{rounds} in {took:?}");
}

#[test]
fn the_end_of_a_silent_client_loses_nothing_that_it_had_sent() {
    let mut daemon = Daemon::recv(&["--idle", "300ms"]);
    let client = connect_saying(&daemon.address, "whole\nbegun");
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let exit = daemon.stop();
    let lines = exit.lines();
    assert!(lines[0].ends_with(": whole") && lines[1].ends_with("(partial): begun"));
}

#[test]
fn a_client_that_ends_each_message_in_time_may_always_be_within_one() {
    in_time(ms(2000), is_always_within_one);
}

fn is_always_within_one(race: &Race) {
    let daemon = Daemon::echo(&["--framing", "lines", "--message", "2s"]);
    let client = connect(&daemon.address);
    send(&client, "x");
    for _ in 0..25 {
        std::thread::sleep(ms(100));
        send(&client, "\nx");
        assert_eq!(take(&client, 2), b"x\n");
        race.step();
    }
}

/// A message that is dropped ends in time as well as one that is served.
#[test]
fn a_client_whose_messages_are_dropped_may_always_be_within_one() {
    in_time(ms(2000), each_is_dropped);
}

fn each_is_dropped(race: &Race) {
    let drops = ["--message-max", "4", "--overlong", "drop"];
    let daemon = Daemon::echo(&[&["--framing", "lines", "--message", "2s"], &drops[..]].concat());
    let client = connect(&daemon.address);
    send(&client, "x");
    for _ in 0..40 {
        std::thread::sleep(ms(100));
        send(&client, "too long\nx");
        race.step();
    }
    send(&client, "\n");
    assert_eq!(take(&client, 2), b"x\n");
}

#[test]
fn a_client_delayed_by_its_rate_is_not_idle() {
    let daemon = Daemon::echo(&["--framing", "lines", "--rate", "1:1,1m", "--idle", "900ms"]);
    let client = connect_saying(&daemon.address, "1\n2\n3\n4\n");
    assert_eq!(take(&client, 8), b"1\n2\n3\n4\n");
}

#[test]
fn a_client_with_unread_answers_is_not_idle() {
    in_time(ms(1500), answers_are_unread);
}

fn answers_are_unread(race: &Race) {
    let mut options = options();
    options.send_buffer = Some(4096);
    options.times.idle = Some(ms(1500));
    // Two answers fill the outbox: the others wait with what was read.
    let (server, address) = serve(options, answer(|_: &[u8]| vec![b'x'; 200_000]));
    let client = connect(&address);
    send(&client, "1\n2\n3\n4\n");
    race.end();
    std::thread::sleep(ms(2500));
    take(&client, 3 * 200_001);
    race.begin();
    take(&client, 200_001);
    send(&client, "5\n");
    take(&client, 200_001);
    drop(client);
    let limits = server.handle().stats().limits;
    assert!(limits.iter().all(|(_, count)| *count == 0), "{limits:?}");
    crate::support::server::finish(server);
}
