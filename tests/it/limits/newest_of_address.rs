//! The newest client of an address takes the place of its oldest, where that is asked for; and how
//! the flags that decide it are checked.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use poold::{Limit, Options, WhenAddressFull, WhenFull, answer};

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{connect_from, is_reset, send, take_all, take_line, take_to_end};
use crate::support::server::{count, finish, options, serve};
use crate::support::spool::{Spool, wait_until};

/// A server that keeps this many clients of an address, the newest ones.
fn newest(most: usize) -> Options {
    Options {
        per_address_max: Some(most),
        when_address_full: WhenAddressFull::Newest,
        ..options()
    }
}

#[test]
fn a_device_that_comes_again_takes_the_place_of_its_ghost() {
    let (server, address) = serve(newest(2), answer(|line: &[u8]| line.to_vec()));
    let other = connect_from("127.0.0.3", &address);
    let mut ghosts = vec![
        connect_from("127.0.0.2", &address),
        connect_from("127.0.0.2", &address),
    ];
    for gone in 1..=5 {
        for client in ghosts.iter().chain([&other]) {
            send(client, "still here\n");
            assert_eq!(take_line(client), "still here");
        }
        ghosts.push(connect_from("127.0.0.2", &address));
        assert_eq!(take_to_end(&ghosts.remove(0)), b"", "the oldest is closed");
        wait_until("it is counted", || count(&server, Limit::Replaced) == gone);
    }
    assert_eq!(count(&server, Limit::AddressShare), 0);
    drop((ghosts, other));
    finish(server);
}

#[test]
fn a_ghost_with_unsent_output_delays_no_client() {
    let big = answer(|_: &[u8]| vec![b'x'; 8 << 20]);
    let (server, address) = serve(newest(1), big);
    let ghost = connect_from("127.0.0.2", &address);
    send(&ghost, "a\n");
    wait_until("it is owed an answer", || {
        let list = server.handle().registry().list();
        list.iter().any(|client| client.owed > 0)
    });
    let next = connect_from("127.0.0.2", &address);
    wait_until("the ghost is reset", || is_reset(&ghost));
    wait_until("the next is here alone", || {
        server.handle().stats().clients == 1
    });
    drop((ghost, next));
    finish(server);
}

#[test]
fn a_program_sees_that_a_newer_client_has_come() {
    let flags = ["--max-per-address", "1", "--when-address-full", "newest"];
    let script = ["--shell", "echo $TCPREMOTEPORT; exec cat"];
    let mut daemon = Daemon::start(&[&["exec", "127.0.0.1:0"], &flags[..], &script].concat());
    let ghost = connect_from("127.0.0.2", &daemon.address);
    take_line(&ghost);
    let next = connect_from("127.0.0.2", &daemon.address);
    let port = next.local_addr().expect("connected").port().to_string();
    assert_eq!(take_line(&next), port);
    assert_eq!(take_to_end(&ghost), b"", "its program has ended");
    drop(next);
    assert_eq!(daemon.stop().code, Some(0));
    let told = daemon.stderr.text();
    assert!(told.contains("a newer one of their address"), "{told}");
}

/// The one line that it says before it exits with 2.
fn usage(args: &[&str]) -> String {
    let mut command = poold(args);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("poold starts"));
    let said = Spool::of(guard.0.stderr.take().expect("piped"));
    assert_eq!(guard.wait_exit(), Some(2), "{args:?}");
    String::from_utf8(said.wait_end()).expect("UTF-8")
}

#[test]
fn flags_that_say_nothing_are_refused() {
    for (args, says) in [
        (&["--when-address-full", "newest"][..], "max-per-address"),
        (&["--time", "--format", "raw"], "--format raw"),
        (&["--output", "http://h"], "redis://HOST?stream=NAME"),
        (&["--shed-after", "2000000y"], "--shed-after"),
    ] {
        let said = usage(&[&["recv", "127.0.0.1:0"], args].concat());
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn the_time_stands_before_the_text() {
    let mut daemon = Daemon::recv(&["--time"]);
    let client = connect_from("127.0.0.1", &daemon.address);
    send(&client, "hello\n");
    drop(client);
    daemon.stdout.wait_lines(1);
    let printed = String::from_utf8(daemon.stop().stdout).expect("UTF-8");
    let (time, message) = printed.split_once(' ').expect("a space after the time");
    assert!(message.starts_with("Message from 127.0.0.1:") && message.ends_with(": hello\n"));
    assert_eq!((time.len(), time.ends_with('Z')), (24, true), "{time}");
    let (day, clock) = time.split_once('T').expect("as RFC 3339 has it");
    let parts = (day.split('-').count(), clock.split(':').count());
    assert_eq!(parts, (3, 3), "{time}");
}

#[test]
fn a_flag_sets_which_clients_may_be_shed() {
    assert_eq!(Options::default().shed_after, Duration::from_secs(60));
    assert_eq!(Options::default().when_full, WhenFull::Wait);
    let flags = ["-m", "1", "--when-full", "shed", "--shed-after", "0s"];
    let mut daemon = Daemon::echo(&flags);
    let first = connect_from("127.0.0.1", &daemon.address);
    send(&first, "x\n");
    assert_eq!(take_line(&first), "x");
    // One that a worker still has is not closed: then the next is refused.
    wait_until("it makes room for another", || {
        let second = connect_from("127.0.0.1", &daemon.address);
        (&second).write_all(b"y\n").is_ok() && take_all_of(&second, 2) == b"y\n"
    });
    assert_eq!(take_all(&first).0, b"");
    assert_eq!(daemon.stop().code, Some(0));
}

/// This many bytes, or what came before the end.
fn take_all_of(stream: &TcpStream, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.take(most).read_to_end(&mut bytes);
    bytes
}
