//! What a server that is busy may not hold against its clients: they can't see what it sees late.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::SockRef;

use poold::{Limit, Options, Server, Times, Verdict, answer};

use crate::support::gate::Gate;
use crate::support::net::{connect, send, take, take_line};
use crate::support::scratch::{Scratch, text};
use crate::support::server::{Logged, count, finish, options, serve};
use crate::support::spool::{Race, in_time, wait_until};

const LIMIT: Duration = Duration::from_secs(2);
/// More than the system keeps on the way.
const LONG: usize = 40 << 20;

/// A server with a single worker, which waits at the gate for a client that says "block".
fn one_worker(times: Times) -> (Server, String, Gate) {
    let gate = Gate::default();
    let at = gate.clone();
    let options = Options {
        workers: 1,
        times,
        ..options()
    };
    let (server, address) = serve(
        options,
        answer(move |line: &[u8]| match line {
            b"block" => {
                at.pass();
                b"on".to_vec()
            }
            b"long" => vec![b'x'; LONG],
            b"block, long" => {
                at.pass();
                vec![b'x'; LONG]
            }
            line => line.to_vec(),
        }),
    );
    (server, address, gate)
}

/// From here on the worker is busy with this client.
fn block(client: &TcpStream, gate: &Gate) {
    send(client, "block\n");
    gate.wait_waiting(1);
}

/// Lets the worker go on when the limit has passed. Nothing happens meanwhile that could be waited
/// for: that time passes is what is tried.
fn open_late(gate: &Gate) {
    std::thread::sleep(LIMIT * 3 / 2);
    gate.open();
}

#[test]
fn a_client_that_sent_while_all_workers_were_busy_was_not_idle() {
    in_time(LIMIT, sends_while_all_are_busy);
}

fn sends_while_all_are_busy(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        idle: Some(LIMIT),
        first_byte: Some(LIMIT),
        ..Times::default()
    });
    race.begin();
    let (blocker, client) = (connect(&address), connect(&address));
    send(&client, "one\n");
    assert_eq!(take_line(&client), "one");
    block(&blocker, &gate);
    send(&client, "two\n");
    let new = connect(&address);
    send(&new, "new\n");
    race.end();
    open_late(&gate);
    race.begin();
    for (client, line) in [(&client, "two"), (&new, "new")] {
        assert_eq!(take_line(client), line);
        send(client, "on\n");
        assert_eq!(take_line(client), "on");
    }
    drop((blocker, client, new));
    finish(server);
}

/// More clients than the poller reports at once: all deadlines come before some of their bytes.
#[test]
fn no_one_of_a_crowd_that_sent_while_all_workers_were_busy_was_idle() {
    in_time(LIMIT, is_a_crowd_in_time);
}

fn is_a_crowd_in_time(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        idle: Some(LIMIT),
        first_byte: Some(LIMIT),
        ..Times::default()
    });
    race.begin();
    let blocker = connect(&address);
    let crowd: Vec<_> = (0..380).map(|_| connect(&address)).collect();
    block(&blocker, &gate);
    race.end();
    for client in &crowd {
        send(client, "in time\n");
    }
    open_late(&gate);
    for client in &crowd {
        assert_eq!(take_line(client), "in time");
    }
    let acted = [Limit::Idle, Limit::FirstByte].map(|limit| count(&server, limit));
    assert_eq!(acted, [0, 0]);
    drop((blocker, crowd));
    finish(server);
}

#[test]
fn a_client_that_waits_for_its_answer_is_not_idle() {
    in_time(LIMIT, waits_for_its_answer);
}

fn waits_for_its_answer(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        idle: Some(LIMIT),
        ..Times::default()
    });
    race.begin();
    let client = connect(&address);
    block(&client, &gate);
    race.end();
    open_late(&gate);
    race.begin();
    assert_eq!(take_line(&client), "on");
    // The worker has ended its turn when it serves another.
    let other = connect(&address);
    send(&other, "another\n");
    assert_eq!(take_line(&other), "another");
    send(&client, "and on\n");
    assert_eq!(take_line(&client), "and on");
    drop((client, other));
    finish(server);
}

#[test]
fn a_message_that_was_ended_in_time_is_taken() {
    in_time(LIMIT, ends_it_in_time);
}

fn ends_it_in_time(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        message: Some(LIMIT),
        ..Times::default()
    });
    let (blocker, client) = (connect(&address), connect(&address));
    race.begin();
    send(&client, "half a ");
    let handle = server.handle();
    wait_until("its half is read", || handle.stats().bytes_in >= 7);
    block(&blocker, &gate);
    send(&client, "line\n");
    race.end();
    open_late(&gate);
    assert_eq!(take_line(&client), "half a line");
    drop((blocker, client));
    finish(server);
}

/// One read does not take all of it.
#[test]
fn a_long_message_that_was_ended_in_time_is_taken() {
    in_time(LIMIT, ends_a_long_one_in_time);
}

fn ends_a_long_one_in_time(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        message: Some(LIMIT),
        min_rate: Some(u32::MAX),
        ..Times::default()
    });
    let (blocker, client) = (connect(&address), connect(&address));
    race.begin();
    send(&client, "the begin");
    let handle = server.handle();
    wait_until("its begin is read", || handle.stats().bytes_in >= 9);
    block(&blocker, &gate);
    let rest = "n".repeat(60_000) + "\n";
    send(&client, &rest);
    race.end();
    open_late(&gate);
    assert_eq!(take(&client, 60_010), format!("the begin{rest}").as_bytes());
    drop((blocker, client));
    finish(server);
}

#[test]
fn a_client_that_reads_in_time_is_sent_the_rest() {
    // It reads in time, and before that the worker is busy in time.
    in_time(LIMIT, reads_in_time);
}

fn reads_in_time(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        write_stall: Some(LIMIT),
        ..Times::default()
    });
    let (blocker, client) = (connect(&address), connect(&address));
    race.begin();
    send(&client, "long\n");
    let handle = server.handle();
    wait_until("it owes", || {
        handle.registry().list().iter().any(|one| one.owed > 0)
    });
    block(&blocker, &gate);
    let owed = handle.registry().list().iter().map(|one| one.owed).max();
    let sent = LONG + 1 - owed.expect("one owes");
    take(&client, sent);
    race.end();
    open_late(&gate);
    take(&client, LONG + 1 - sent);
    drop((blocker, client));
    finish(server);
}

/// What it has not been sent yet it can't take: the time of the handler is not the client's.
#[test]
fn a_client_has_its_time_to_read_however_long_its_answer_took() {
    in_time(LIMIT, reads_what_took_long);
}

fn reads_what_took_long(race: &Race) {
    let (server, address, gate) = one_worker(Times {
        write_stall: Some(LIMIT),
        ..Times::default()
    });
    let (client, other) = (connect(&address), connect(&address));
    send(&client, "block, long\n");
    gate.wait_waiting(1);
    open_late(&gate);
    race.begin();
    let handle = server.handle();
    wait_until("it owes", || {
        handle.registry().list().iter().any(|one| one.owed > 0)
    });
    // The worker looks at it again if its time is over.
    for _ in 0..5 {
        send(&other, "on\n");
        assert_eq!(take_line(&other), "on");
    }
    take(&client, 1);
    race.end();
    take(&client, LONG);
    drop((client, other));
    finish(server);
}

/// A read stops before a byte that was sent as urgent, as `telnet` does, and so tells nothing of
/// what there is behind it.
#[test]
fn what_comes_after_an_urgent_byte_is_not_left_lying() {
    let (server, address, gate) = one_worker(Times::default());
    let (blocker, client) = (connect(&address), connect(&address));
    send(&client, "one\n");
    assert_eq!(take_line(&client), "one");
    block(&blocker, &gate);
    send(&client, "two\n");
    SockRef::from(&client).send_out_of_band(b"!").expect("room");
    send(&client, "three\n");
    gate.open();
    assert_eq!(take_line(&client), "two");
    assert_eq!(take_line(&client), "three");
    drop((blocker, client));
    finish(server);
}

/// A read from a Unix socket also ends behind bytes that came with a descriptor.
#[test]
fn what_comes_after_a_descriptor_is_not_left_lying() {
    let scratch = Scratch::new();
    let path = scratch.join("socket");
    let gate = Gate::default();
    let at = gate.clone();
    // An answer that the client takes would be another event.
    let (logged, log) = Logged::new(move |_, message, _| {
        if message.bytes == b"block" {
            at.pass();
        }
        Verdict::Go
    });
    let mut options = options();
    options.workers = 1;
    let server = Server::bind(format!("unix:{}", text(&path)), options, logged);
    let server = server.expect("it starts");
    let connect = || UnixStream::connect(&path).expect("it listens");
    let (mut blocker, mut client) = (connect(), connect());
    blocker.write_all(b"block\n").expect("room");
    gate.wait_waiting(1);
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut room);
    let given = [blocker.as_fd()];
    assert!(beside.push(SendAncillaryMessage::ScmRights(&given)));
    let line = [IoSlice::new(b"one\n")];
    let sent = sendmsg(&client, &line, &mut beside, SendFlags::empty());
    assert_eq!(sent, Ok(4));
    client.write_all(b"two\n").expect("room");
    gate.open();
    wait_until("both lines are served", || log.of(2).len() == 3);
    assert_eq!(log.of(2), ["opened", "Whole one", "Whole two"]);
    drop((blocker, client));
    finish(server);
}
