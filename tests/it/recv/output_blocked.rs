//! An output that takes nothing for a while: clients wait, memory stays, nothing is lost.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::daemon::{Daemon, poold};
use crate::support::flood::{Flood, check};
use crate::support::net::{connect, send, take_line};
use crate::support::spool::{PATIENCE, Spool, wait_until};

/// A pipe that we hold, and a daemon that writes into it.
fn held(args: &[&str]) -> (Daemon, File) {
    let (reader, writer) = std::io::pipe().expect("descriptors");
    let mut command = poold(&[&["recv", "127.0.0.1:0"], args].concat());
    let daemon = Daemon::spawn(command.stdout(Stdio::from(writer)));
    // The command keeps its copy of the writing end: without it the end is seen.
    drop(command);
    (daemon, File::from(OwnedFd::from(reader)))
}

#[test]
fn a_blocked_output_holds_clients_back_and_loses_nothing() {
    let (mut daemon, reader) = held(&["-w", "4"]);
    let shape = ["-c", "50", "-n", "20000", "-s", "128"];
    let args = [
        &shape[..],
        &["-p", "50", "--expect", "nothing", "--timeout", "60s"],
    ]
    .concat();
    let flood = Flood::start(&daemon.address, &args);
    daemon.stderr.wait_line("the output blocks");

    // From here on nothing moves: every worker waits for room, and no socket is read.
    let memory = daemon.memory("VmRSS");
    let until = Instant::now() + Duration::from_secs(4);
    let mut most = memory;
    wait_until("it has been blocked for four seconds", || {
        most = most.max(daemon.memory("VmRSS"));
        Instant::now() >= until
    });
    assert!(
        most <= memory + 1024,
        "{memory} KiB when it blocked, then {most} KiB"
    );

    let printed = Spool::of(reader);
    daemon.stderr.wait_line("the output takes more again");
    flood.wait_good();
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let printed = printed.wait_end();
    check(&printed, &shape);
    let lines = printed.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(
        (exit.report().received, exit.report().delivered),
        (lines, lines)
    );
    // A reader that gets no processor for a second causes another block: count the first one's.
    let (first_block, _) = exit.stderr.split_once("takes more again").expect("told");
    assert_eq!(
        complaints(first_block),
        1,
        "it says so once: {}",
        exit.stderr
    );
}

#[test]
fn what_waits_for_a_blocked_output_is_not_acknowledged() {
    let (daemon, reader) = held(&["-w", "4", "--ack"]);
    let (first, second) = (connect(&daemon.address), connect(&daemon.address));
    // A pipe holds one line and a little of the next one, which its worker is writing.
    send(
        &first,
        [vec![b'x'; 60_000], b"\n".to_vec()].concat().repeat(8),
    );
    wait_until("the pipe is full", || {
        rustix::io::ioctl_fionread(&reader).expect("a pipe") > 61_000
    });
    send(&second, "after it\n");
    let soon = Some(Duration::from_millis(300));
    second.set_read_timeout(soon).expect("a socket");
    let too_early = (&second).read(&mut [0; 8]).expect_err("nothing is safe");
    assert_eq!(too_early.kind(), std::io::ErrorKind::WouldBlock);
    let printed = Spool::of(reader);
    second.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(take_line(&second), "ack 1");
    printed.wait_line(": after it");
}

/// How often it said that the output blocks.
fn complaints(stderr: &str) -> usize {
    stderr
        .lines()
        .filter(|line| line.contains("the output blocks"))
        .count()
}

#[test]
fn while_the_output_holds_up_every_worker_no_thread_looks_a_thousand_times_a_second() {
    let (daemon, _reader) = held(&["-w", "2"]);
    let shape = ["-c", "8", "-n", "2000", "-p", "50", "--expect", "nothing"];
    let _flood = Flood::start(&daemon.address, &shape);
    daemon.stderr.wait_line("the output blocks");
    let waits = || daemon.waits_of("watch") + daemon.waits_of("acceptor");
    let (before, begin) = (waits(), Instant::now());
    std::thread::sleep(Duration::from_secs(1));
    let each_second = (waits() - before) as f64 / begin.elapsed().as_secs_f64();
    assert!(each_second < 400.0, "{each_second:.0}");
}

#[test]
fn an_output_that_stays_blocked_does_not_hold_up_the_end() {
    let (mut daemon, mut reader) = held(&["-w", "2", "--drain", "300ms"]);
    let args = [
        "-c",
        "8",
        "-n",
        "2000",
        "-p",
        "50",
        "--expect",
        "nothing",
        "--until-closed",
    ];
    let flood = Flood::start(&daemon.address, &args);
    daemon.stderr.wait_line("the output blocks");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    drop(flood);
    let report = exit.report();
    assert!(report.took() < Duration::from_secs(15), "{report:?}");
    assert!(report.delivered < report.received, "{report:?}");

    let mut printed = Vec::new();
    reader.read_to_end(&mut printed).expect("a pipe");
    let whole = printed.iter().filter(|byte| **byte == b'\n').count() as u64;
    // What was in the writer's hands may be half out; more than was received never is.
    assert!(report.delivered <= whole, "{report:?}, {whole} printed");
    assert!(whole <= report.received, "{report:?}, {whole} printed");
}

#[test]
fn what_is_half_out_at_the_deadline_was_received() {
    let (mut daemon, mut reader) = held(&["-w", "1", "--drain", "200ms"]);
    let client = crate::support::net::connect(&daemon.address);
    crate::support::net::send(&client, "a line of some length\n".repeat(2500));
    // The only worker is in the middle of a write: the pipe is full. With how many bytes depends on
    // the pieces that it was written in.
    let (mut held, mut since) = (0, Instant::now());
    wait_until("the pipe is full", || {
        let now = rustix::io::ioctl_fionread(&reader).expect("a pipe");
        if now != held {
            (held, since) = (now, Instant::now());
        }
        held > 20_000 && since.elapsed() > Duration::from_millis(300)
    });
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    let mut printed = Vec::new();
    reader.read_to_end(&mut printed).expect("a pipe");
    let whole = printed.iter().filter(|byte| **byte == b'\n').count() as u64;
    let report = exit.report();
    assert!(whole <= report.received, "{report:?}, {whole} printed");
    assert!(report.delivered <= whole, "{report:?}, {whole} printed");
}

#[test]
fn an_output_without_a_reader_ends_it_as_it_ends_pipe_tools() {
    let (mut daemon, reader) = held(&[]);
    let client = crate::support::net::connect(&daemon.address);
    drop(reader);
    // Until that is noticed: while another test starts a process, that has our end for a moment.
    wait_until("the output fails", || {
        crate::support::net::send(&client, "into the void\n");
        daemon
            .stderr
            .text()
            .contains("the output has no reader any more")
    });
    // The drain it starts shows the client the end.
    assert_eq!(crate::support::net::take_to_end(&client), b"");
    drop(client);
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(141), "{}", exit.stderr);
    let report = exit.report();
    assert_eq!(report.cut_off, 0);
    assert!(report.delivered < report.received, "{report:?}");
}
