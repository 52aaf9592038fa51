//! No descriptor left: no spin, no flood of log lines, no client lost, and a quick recovery.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::support::daemon::{Daemon, POOLD};
use crate::support::net::{connect, send, take, take_all};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{EPISODE, Race, at_most, in_time, wait_until};

/// A limit is on the number of the highest descriptor, so that every number below has to be in use.
fn fill(daemon: &Daemon, inside: &mut Vec<TcpStream>) {
    for _ in daemon.descriptors()..=daemon.highest_descriptor() {
        inside.push(connect(&daemon.address));
        assert!(inside.last().is_some_and(is_served));
    }
}

/// Takes the running daemon's descriptors away: it may open none beyond those that it has.
fn starve(daemon: &Daemon, inside: &mut Vec<TcpStream>) {
    fill(daemon, inside);
    let now = Some(daemon.descriptors() as u64);
    let limit = Rlimit {
        current: now,
        maximum: now,
    };
    prlimit(Some(daemon.pid()), Resource::Nofile, limit).expect("our own child");
}

fn is_served(client: &TcpStream) -> bool {
    send(client, "x");
    take(client, 1) == b"x"
}

/// How often the log says this.
fn said(daemon: &Daemon, part: &str) -> usize {
    daemon.stderr.text().matches(part).count()
}

/// An echo daemon with ten clients, and no descriptor for an eleventh.
fn starving() -> (Daemon, Vec<TcpStream>) {
    let daemon = Daemon::echo(&["-w", "2"]);
    let mut inside: Vec<_> = (0..10).map(|_| connect(&daemon.address)).collect();
    assert!(inside.iter().all(is_served));
    starve(&daemon, &mut inside);
    (daemon, inside)
}

#[test]
fn more_clients_than_64_descriptors_wait_and_cost_nothing() {
    in_time(EPISODE, two_hundred_wait);
}

fn two_hundred_wait(_: &Race) {
    let mut command = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" echo 127.0.0.1:0";
    command.args(["-c", script, POOLD]).stdin(Stdio::null());
    let daemon = Daemon::spawn(command.stdout(Stdio::piped()));
    let mut inside: Vec<_> = (0..32).map(|_| connect(&daemon.address)).collect();
    assert!(inside.iter().all(is_served));
    let waiting: Vec<_> = (0..200).map(|_| connect(&daemon.address)).collect();
    let share = daemon.takes_at_most(0.01, Duration::from_secs(1));
    eprintln!(
        "200 clients more than descriptors: {:.2} % of a processor",
        share * 100.0
    );
    assert!(inside.iter().all(is_served));
    drop(inside.pop());
    let begin = Instant::now();
    assert!(is_served(&waiting[0]), "the first in line is next");
    let took = begin.elapsed();
    assert!(took < at_most(Duration::from_millis(100)), "{took:?}");
    assert_eq!(
        said(&daemon, "full: as many clients"),
        1,
        "{}",
        daemon.stderr.text()
    );
}

#[test]
fn with_descriptors_for_a_single_client_the_admin_opens_as_well() {
    let mut command = Command::new("sh");
    let script = "ulimit -n 33; exec \"$0\" echo 127.0.0.1:0 --workers 1 --admin 127.0.0.1:0";
    command.args(["-c", script, POOLD]).stdin(Stdio::null());
    let daemon = Daemon::spawn(command.stdout(Stdio::piped()));
    daemon
        .stderr
        .wait_line("echo: 1 worker, at most 1 client and");
    assert_eq!(said(&daemon, "admin on 127.0.0.1:"), 1);
    assert!(is_served(&connect(&daemon.address)));
}

#[test]
fn without_a_descriptor_it_does_not_spin_and_serves_connected_clients() {
    let (daemon, inside) = starving();
    let _outside: Vec<_> = (0..100).map(|_| connect(&daemon.address)).collect();
    daemon.stderr.wait_line("cannot accept");
    let share = daemon.takes_at_most(0.01, Duration::from_secs(2));
    eprintln!(
        "no descriptor, 100 clients outside: {:.2} % of a processor",
        share * 100.0
    );
    assert!(inside.iter().all(is_served));
    assert_eq!(
        said(&daemon, "cannot accept"),
        1,
        "{}",
        daemon.stderr.text()
    );
}

#[test]
fn a_descriptor_that_comes_free_is_used_within_100_ms() {
    let (daemon, mut inside) = starving();
    let (mut took, mut soon) = (Vec::new(), 0);
    // Beside other work one may be late, and a back-off may have just been over: not four of them.
    while soon < 4 && took.len() < 10 {
        // Long enough for the back-off to have grown to its most.
        let waiting: Vec<_> = (0..20).map(|_| connect(&daemon.address)).collect();
        std::thread::sleep(Duration::from_millis(1200));
        let begin = Instant::now();
        assert!(is_served(&inside[0]));
        // A busy machine lets those wait that are in as well.
        let most = Duration::from_millis(100).max(begin.elapsed() * 4);
        drop(inside.pop());
        let begin = Instant::now();
        wait_until("the next is let in", || {
            waiting.iter().any(|client| {
                client.set_nonblocking(true).expect("a socket");
                let mut writer = client;
                let _ = std::io::Write::write(&mut writer, b"x");
                matches!(std::io::Read::read(&mut &*client, &mut [0]), Ok(1))
            })
        });
        took.push(begin.elapsed());
        soon += usize::from(took.last() < Some(&most));
        drop(waiting);
        wait_until("they have left and one is in again", || {
            // While departed clients are still accepted, it may be refused.
            let client = connect(&daemon.address);
            let mut writer = &client;
            let asked = std::io::Write::write_all(&mut writer, b"x");
            let is_in = asked.is_ok() && matches!((&client).read(&mut [0]), Ok(1));
            if is_in {
                inside.push(client);
            }
            is_in
        });
    }
    eprintln!("let in after {took:?}");
    assert!(soon >= 4, "{took:?}");
}

#[test]
fn clients_that_come_back_at_once_cannot_make_it_spin() {
    let (daemon, inside) = starving();
    let over = AtomicBool::new(false);
    let tries = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let client = connect(&daemon.address);
                    tries.fetch_add(1, Ordering::Relaxed);
                    client
                        .set_read_timeout(Some(Duration::from_millis(100)))
                        .expect("a socket");
                    let _ = take_all(&client);
                }
            });
        }
        daemon.stderr.wait_line("cannot accept");
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            daemon.takes_at_most(0.02, Duration::from_secs(2))
        }));
        over.store(true, Ordering::Relaxed);
        let share = judged.expect("it does not spin");
        let tries = tries.load(Ordering::Relaxed);
        eprintln!(
            "{tries} clients came back: {:.2} % of a processor",
            share * 100.0
        );
    });
    assert!(inside.iter().all(is_served));
    assert!(
        said(&daemon, "cannot accept") <= 2,
        "{}",
        daemon.stderr.text()
    );
}

#[test]
fn when_there_are_descriptors_again_it_says_so_once() {
    let (daemon, mut inside) = starving();
    let outside: Vec<_> = (0..20).map(|_| connect(&daemon.address)).collect();
    daemon.stderr.wait_line("cannot accept");
    inside.clear();
    drop(outside);
    daemon.stderr.wait_line("accepting again");
    assert!(is_served(&connect(&daemon.address)));
    let text = daemon.stderr.text();
    assert_eq!(
        (
            said(&daemon, "cannot accept"),
            said(&daemon, "accepting again")
        ),
        (1, 1),
        "{text}"
    );
}

/// Clients that have sent something, all of which wait when a drain begins.
fn drain_before_many(daemon: &mut Daemon) -> Vec<TcpStream> {
    daemon.stand_still();
    let waiting: Vec<_> = (0..24).map(|_| connect(&daemon.address)).collect();
    waiting.iter().for_each(|client| send(client, "x"));
    daemon.interrupt();
    daemon.signal(Signal::CONT);
    waiting
}

#[test]
fn clients_waiting_when_a_drain_begins_are_admitted_as_others_leave() {
    let (mut daemon, inside) = starving();
    let waiting = drain_before_many(&mut daemon);
    daemon.stderr.wait_line("cannot accept");
    daemon.stderr.wait_line("draining");
    // No further client is refused, however long there is no descriptor.
    std::thread::sleep(Duration::from_secs(1));
    drop(inside);
    let served = waiting.iter().filter(|client| is_answered(client)).count();
    // Until the signal is heard one is turned away, and more after 10, 20, 40 ms and so on.
    assert!(served >= 8, "{served} of 24\n{}", daemon.stderr.text());
    drop(waiting);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

/// Whether it gets back what it sent, and then the end.
fn is_answered(mut client: &TcpStream) -> bool {
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).is_ok() && answer == b"x"
}

/// Takes every descriptor away, the one that is kept back included.
fn starve_wholly(daemon: &Daemon) {
    let limit = Rlimit {
        current: Some(3),
        maximum: Some(3),
    };
    prlimit(Some(daemon.pid()), Resource::Nofile, limit).expect("our own child");
}

#[test]
fn a_drain_that_cannot_accept_ends_at_once_when_no_client_waits() {
    let mut daemon = Daemon::echo(&["--drain", "60s"]);
    starve_wholly(&daemon);
    let begin = Instant::now();
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}\n{}", exit.stderr);
}

#[test]
fn a_client_that_waits_until_the_end_of_a_drain_is_cut_off() {
    let mut daemon = Daemon::echo(&["--drain", "300ms"]);
    starve_wholly(&daemon);
    let waiting = connect(&daemon.address);
    daemon.stderr.wait_line("cannot accept");
    let exit = daemon.stop();
    assert_eq!(exit.report().cut_off, 1, "{}", exit.stderr);
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert!((&waiting).read(&mut [0]).is_err(), "it is reset");
}

#[test]
fn a_drain_lets_in_with_the_descriptor_that_is_kept_back() {
    let (mut daemon, inside) = starving();
    let waiting = drain_before_many(&mut daemon);
    // One after the other, although no connected client closes.
    let answered = |client: TcpStream| is_answered(&client);
    let served = waiting.into_iter().map(answered).filter(|is| *is).count();
    // Until the signal is heard one is turned away, and more after 10, 20, 40 ms and so on.
    assert!(served >= 1, "{served} of 24\n{}", daemon.stderr.text());
    drop(inside);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn a_list_that_could_not_be_read_is_read_when_there_are_descriptors_again() {
    let scratch = Scratch::new();
    let list = scratch.join("deny");
    std::fs::write(&list, "192.0.2.1\n").expect("our own folder");
    let daemon = Daemon::echo(&["-w", "2", "--deny", text(&list)]);
    let limit = |most: usize| {
        let limit = Rlimit {
            current: Some(most as u64),
            maximum: getrlimit(Resource::Nofile).maximum,
        };
        prlimit(Some(daemon.pid()), Resource::Nofile, limit).expect("our own child");
    };
    let mut inside = Vec::new();
    fill(&daemon, &mut inside);
    let full = daemon.descriptors();
    limit(full + 1);
    std::fs::write(&list, "127.0.0.0/8\n").expect("our own folder");
    wait_until("it can't read the list", || {
        // It has the last descriptor.
        assert!(is_served(&connect(&daemon.address)));
        daemon.wait_descriptors_at_most(full);
        said(&daemon, "the address list stays as it was") == 1
    });
    limit(full + 10);
    wait_until("it reads the list", || {
        let client = connect(&daemon.address);
        let _ = (&client).write_all(b"x");
        !matches!((&client).read(&mut [0]), Ok(1))
    });
    assert_eq!(said(&daemon, "the address list stays as it was"), 1);
    assert!(inside.iter().all(is_served));
}
