//! The queue: clients that are served, wait, or are refused.

use std::net::TcpStream;

use super::children::{children, server};
use super::{program, shell, stop_well};
use crate::support::daemon::Daemon;
use crate::support::net::{connect, connect_from, end, reset, send, take_line, take_to_end};
use crate::support::spool::wait_until;

/// A client whose connection the daemon has logged (at the level of `debug`).
fn come(daemon: &Daemon, id: usize) -> TcpStream {
    let client = connect(&daemon.address);
    daemon.stderr.wait_line(&format!("connected (id={id}, "));
    client
}

#[test]
pub(crate) fn there_are_never_more_children_than_workers_and_clients_wait_in_order() {
    let mut daemon = shell(&["--workers", "2"], "echo on; exec cat");
    let server = server(&daemon);
    let clients: Vec<_> = (0..6).map(|_| connect(&daemon.address)).collect();
    for pair in clients.chunks(2) {
        // The first two are served, so they are the two that came first.
        for client in pair {
            assert_eq!(take_line(client), "on");
            assert!(children(server).len() <= 2);
        }
        for client in pair {
            send(client, "rest");
            end(client);
            assert_eq!(take_to_end(client), b"rest");
        }
    }
    drop(clients);
    stop_well(&mut daemon, 6);
}

#[test]
pub(crate) fn beyond_the_queue_and_after_the_wait_clients_are_told() {
    let args = ["--workers", "1", "--queue", "1", "--log-level", "debug"];
    let mut daemon = shell(&args, "echo on; exec cat");
    let served = come(&daemon, 1);
    assert_eq!(take_line(&served), "on");
    let waits = come(&daemon, 2);
    for _ in 0..3 {
        assert_eq!(take_to_end(&connect(&daemon.address)), b"busy\n");
    }
    daemon
        .stderr
        .wait_line("as many wait for a worker as the queue holds");
    drop(served);
    assert_eq!(take_line(&waits), "on");
    drop(waits);
    stop_well(&mut daemon, 2);

    let mut daemon = shell(
        &["--workers", "1", "--max-wait", "50ms"],
        "echo on; exec cat",
    );
    let served = connect(&daemon.address);
    assert_eq!(take_line(&served), "on");
    assert_eq!(take_to_end(&connect(&daemon.address)), b"busy\n");
    daemon
        .stderr
        .wait_line("they have waited for a worker for max-wait");
    drop(served);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_client_that_left_while_waiting_runs_no_program_and_a_half_closed_one_is_served() {
    let mut daemon = shell(
        &["--workers", "1", "--log-level", "debug"],
        "echo on; exec cat",
    );
    let first = come(&daemon, 1);
    assert_eq!(take_line(&first), "on");
    let leaves = come(&daemon, 2);
    let half_closed = come(&daemon, 3);
    send(&half_closed, "asked for");
    end(&half_closed);
    send(&leaves, "never mind");
    reset(leaves);
    // At once, though no worker is free.
    daemon.stderr.wait_line("closed (id=2, ");
    end(&first);
    assert_eq!(take_to_end(&first), b"");
    assert_eq!(take_to_end(&half_closed), b"on\nasked for");
    drop((first, half_closed));
    stop_well(&mut daemon, 2);
}

#[test]
pub(crate) fn the_house_rules_hold() {
    let mut daemon = program(&["--deny", "127.0.0.0/8"], &["cat"]);
    assert_eq!(take_to_end(&connect(&daemon.address)), b"busy\n");
    stop_well(&mut daemon, 0);
    let mut daemon = shell(&["--max-per-address", "1"], "echo on; exec cat");
    let first = connect(&daemon.address);
    assert_eq!(take_line(&first), "on");
    assert_eq!(take_to_end(&connect(&daemon.address)), b"busy\n");
    drop(first);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_client_refused_by_the_queue_takes_no_share_of_its_address() {
    let args = ["-w", "1", "--queue", "0", "--max-per-address", "1"];
    let mut daemon = shell(&args, "echo on; exec cat");
    let come = || connect_from("127.0.0.2", &daemon.address);
    let first = connect(&daemon.address);
    assert_eq!(take_line(&first), "on");
    assert_eq!(take_to_end(&come()), b"busy\n");
    end(&first);
    assert_eq!(take_to_end(&first), b"");
    drop(first);
    wait_until("there is room again", || {
        let next = come();
        end(&next);
        take_to_end(&next) == b"on\n"
    });
    daemon.interrupt();
    assert_eq!(daemon.wait_exit().code, Some(0));
}
