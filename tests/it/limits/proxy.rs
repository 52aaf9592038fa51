//! Balancers that announce their clients with PROXY headers: raw bytes on real sockets.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use poold::{Limit, Options, ProxyFrom, answer};

use crate::support::daemon::Daemon;
use crate::support::gate::Gate;
use crate::support::net::{
    connect, connect_from, end, is_reset, reset, send, take_all, take_line, take_to_end, wait_reset,
};
use crate::support::scratch::{Scratch, text};
use crate::support::server::{count, finish, options, serve};
use crate::support::spool::{Race, in_time, wait_until};

pub const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// A line of version 1 for a client of this address and port.
fn line(from: &str, port: u16) -> Vec<u8> {
    format!("PROXY TCP4 {from} 198.51.100.9 {port} 5140\r\n").into_bytes()
}

/// Version 2, for the same.
fn binary(from: [u8; 4], port: u16) -> Vec<u8> {
    let port = port.to_be_bytes();
    let rest = [&from[..], &[198, 51, 100, 9], &port, &[20, 20]].concat();
    [SIGNATURE, &[0x21, 0x11, 0, 12], &rest].concat()
}

/// Headers are awaited from 127.0.0.2 alone.
fn balanced() -> Options {
    let mut proxy_from = ProxyFrom::default();
    proxy_from.add("127.0.0.2").expect("an address");
    Options {
        proxy_from,
        ..options()
    }
}

fn through_balancer(address: &str, header: &[u8]) -> TcpStream {
    let balancer = connect_from("127.0.0.2", address);
    balancer.set_nodelay(true).expect("a socket");
    send(&balancer, header);
    balancer
}

#[test]
fn the_client_is_the_one_that_is_announced() {
    let unix = [SIGNATURE, &[0x21, 0x31, 0, 216], &[b'/'; 216]].concat();
    let ipv6 = [
        SIGNATURE,
        &[0x21, 0x21, 0, 39],
        &[0; 15],
        &[1],
        &[0; 16],
        &[0, 7, 0, 8],
        &[0xee, 0, 0],
    ];
    let mut daemon = Daemon::recv(&["--proxy-from", "127.0.0.2"]);
    for (header, named) in [
        (line("192.0.2.1", 5), "192.0.2.1:5"),
        (
            b"PROXY TCP6 ::ffff:192.0.2.1 ::1 5 6\r\n".to_vec(),
            "192.0.2.1:5",
        ),
        (binary([192, 0, 2, 1], 5), "192.0.2.1:5"),
        (ipv6.concat(), "[::1]:7"),
        (unix, "unix:0"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.2:"),
        (LOCAL.to_vec(), "127.0.0.2:"),
    ] {
        for in_pieces in [false, true] {
            let before = daemon.stdout.text().lines().count();
            let message = [&header[..], b"alpha\nPROXY x\n"].concat();
            let balancer = connect_from("127.0.0.2", &daemon.address);
            balancer.set_nodelay(true).expect("a socket");
            match in_pieces {
                true => message.iter().for_each(|byte| send(&balancer, [*byte])),
                false => send(&balancer, message),
            }
            daemon.stdout.wait_lines(before + 2);
            let printed = daemon.stdout.text();
            let printed: Vec<_> = printed.lines().skip(before).collect();
            assert!(
                printed[0].starts_with(&format!("Message from {named}")),
                "{printed:?}"
            );
            assert!(printed[0].ends_with(": alpha") && printed[1].ends_with(": PROXY x"));
        }
    }
    // From any other address it is data.
    let other = connect_from("127.0.0.3", &daemon.address);
    send(&other, line("192.0.2.1", 5));
    daemon.stdout.wait_line("127.0.0.3:");
    drop(other);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let warnings: Vec<_> = exit
        .stderr
        .lines()
        .filter(|line| line.contains("warning: "))
        .collect();
    assert!(
        warnings.len() == 1 && warnings[0].contains("try --proxy-from"),
        "{warnings:?}"
    );
}

#[test]
fn what_is_no_header_is_reset_counted_and_named() {
    let (server, address) = serve(balanced(), answer(|line: &[u8]| line.to_vec()));
    let long = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat();
    let wrong: [&[u8]; 5] = [
        b"hello\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 +1 2\r\nalpha\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\nalpha\n",
        &[SIGNATURE, b"\x23"].concat(),
        &long,
    ];
    for (counted, bytes) in wrong.iter().enumerate() {
        let balancer = through_balancer(&address, bytes);
        wait_reset(&balancer);
        wait_until("it is counted", || {
            count(&server, Limit::ProxyHeader) == counted as u64 + 1
        });
        assert_eq!(take_all(&balancer).0, b"", "nothing is answered");
    }
    // One that ends within its header.
    let balancer = through_balancer(&address, b"PROXY TCP4 192.0.2.1");
    end(&balancer);
    wait_until("it is counted", || count(&server, Limit::ProxyHeader) == 6);
    drop(balancer);
    assert_eq!(finish(server).received, 0);
}

#[test]
fn a_header_is_waited_for_at_rest_and_not_for_ever() {
    let mut options = balanced();
    options.times.first_byte = Some(Duration::from_millis(400));
    let (server, address) = serve(options, answer(|line: &[u8]| line.to_vec()));
    let begun = Instant::now();
    let silent = [
        through_balancer(&address, b"PROXY TCP4 192."),
        connect_from("127.0.0.2", &address),
    ];
    wait_until("both are here, or were", || {
        server.handle().stats().accepted == 2
    });
    silent.iter().for_each(wait_reset);
    assert!(begun.elapsed() >= Duration::from_millis(400));
    wait_until("both are counted", || {
        count(&server, Limit::ProxyHeader) == 2
    });
    // The bytes of a header are not the client's first.
    let client = through_balancer(&address, &line("192.0.2.1", 5));
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(count(&server, Limit::FirstByte), 1);
    drop((silent, client));
    finish(server);
}

const LATE: Duration = Duration::from_secs(2);

/// A client has its time from its header on, not from the balancer's connection on.
#[test]
fn a_client_whose_header_comes_late_is_not_idle() {
    in_time(LATE, a_header_comes_late);
}

fn a_header_comes_late(race: &Race) {
    let mut options = balanced();
    options.times.idle = Some(LATE);
    let (server, address) = serve(options, answer(|line: &[u8]| line.to_vec()));
    let client = connect_from("127.0.0.2", &address);
    std::thread::sleep(LATE + Duration::from_millis(200));
    race.begin();
    send(&client, line("192.0.2.1", 5));
    wait_until("it is let in", || {
        let list = server.handle().registry().list();
        list.iter().any(|one| one.peer.to_string() == "192.0.2.1:5") || list.is_empty()
    });
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x");
    drop(client);
    finish(server);
}

#[test]
fn lists_and_shares_judge_the_client_and_never_the_balancer() {
    let mut options = balanced();
    // The balancer's own address may not connect by itself.
    options.deny.add("127.0.0.2").expect("an address");
    options.deny.add("192.0.2.66").expect("an address");
    options.per_address_max = Some(2);
    let (server, address) = serve(options, answer(|line: &[u8]| line.to_vec()));
    let come = |from: &str| through_balancer(&address, &line(from, 5));
    let is_served = |client: &TcpStream| {
        send(client, "x\n");
        take_line(client) == "x"
    };
    let here: Vec<_> = (1..=20)
        .flat_map(|host| [host, host])
        .map(|host| come(&format!("192.0.2.{host}")))
        .collect();
    assert!(here.iter().all(is_served));
    let locals: Vec<_> = (0..5).map(|_| through_balancer(&address, LOCAL)).collect();
    assert!(locals.iter().all(is_served));
    for nth in 1..=30 {
        assert_eq!(take_all(&come("192.0.2.7")).0, b"");
        wait_until("it is counted", || {
            count(&server, Limit::AddressShare) == nth
        });
        assert_eq!(take_all(&come("192.0.2.66")).0, b"");
        wait_until("it is counted", || {
            count(&server, Limit::AddressList) == nth
        });
    }
    assert!(here.iter().chain(&locals).all(is_served));
    assert_eq!(server.handle().stats().clients, 45);
    drop(here);
    wait_until("the shares are given back", || {
        server.handle().stats().clients == 5
    });
    assert!(is_served(&come("192.0.2.7")));
    drop(locals);
    finish(server);
}

#[test]
fn a_check_reaches_no_service_and_no_log() {
    let mut daemon = Daemon::start(&[
        "exec",
        "127.0.0.1:0",
        "--proxy-from",
        "127.0.0.2",
        "--shell",
        "echo $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP $TCPLOCALPORT; exec cat",
    ]);
    for _ in 0..20 {
        reset(through_balancer(&daemon.address, LOCAL));
        drop(through_balancer(&daemon.address, b"PROXY UNKNOWN\r\n"));
        drop(connect_from("127.0.0.2", &daemon.address));
        // Its own address, as HAProxy's version 1 has it.
        let check = connect_from("127.0.0.2", &daemon.address);
        let own = check.local_addr().expect("connected");
        send(&check, line("127.0.0.2", own.port()));
        reset(check);
        drop(through_balancer(
            &daemon.address,
            &line("127.0.0.2", 5)[..0],
        ));
    }
    // A client that the balancer can't name, of a service that speaks first.
    let nameless = through_balancer(&daemon.address, LOCAL);
    assert!(take_line(&nameless).starts_with("127.0.0.2 "));
    let client = through_balancer(
        &daemon.address,
        &[&line("192.0.2.1", 7)[..], b"alpha\nbeta\n"].concat(),
    );
    assert_eq!(take_line(&client), "192.0.2.1 7 198.51.100.9 5140");
    assert_eq!(
        (take_line(&client), take_line(&client)),
        ("alpha".into(), "beta".into())
    );
    for one in [&nameless, &client] {
        end(one);
        assert_eq!(take_to_end(one), b"");
    }
    drop((nameless, client));
    let exit = daemon.stop();
    assert!(
        exit.stderr.contains("2 programs run: 2 ended well"),
        "{}",
        exit.stderr
    );
    assert!(!exit.stderr.contains("warning: "), "{}", exit.stderr);
}

#[test]
fn clients_of_a_queue_are_those_that_are_known() {
    let flags = ["-w", "1", "--queue", "1", "--proxy-from", "127.0.0.2"];
    let script = ["--shell", "echo on; exec cat"];
    let mut daemon = Daemon::start(&[&["exec", "127.0.0.1:0"], &flags[..], &script].concat());
    // A connection without its header keeps no client out.
    let unknown: Vec<_> = (0..5)
        .map(|_| connect_from("127.0.0.2", &daemon.address))
        .collect();
    let first = through_balancer(&daemon.address, &line("192.0.2.1", 1));
    assert_eq!(take_line(&first), "on");
    let second = through_balancer(&daemon.address, &line("192.0.2.2", 1));
    wait_until("the second waits", || {
        let third = through_balancer(&daemon.address, &line("192.0.2.3", 1));
        end(&third);
        take_to_end(&third) == b"busy\n"
    });
    end(&first);
    assert_eq!(take_to_end(&first), b"");
    assert_eq!(take_line(&second), "on");
    drop((unknown, first, second));
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_drain_serves_announced_clients_and_waits_for_no_health_check() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = answer(move |line: &[u8]| {
        held.pass();
        line.to_vec()
    });
    let (server, address) = serve(balanced(), service);
    let begun = through_balancer(&address, b"PROXY TCP4 192.0.2.1 192.0.2.9 1");
    let client = through_balancer(&address, &[&line("192.0.2.1", 7)[..], b"alpha\n"].concat());
    gate.wait_waiting(1);
    let silent = connect_from("127.0.0.2", &address);
    wait_until("all are here", || server.handle().stats().clients == 3);
    let begin = Instant::now();
    server.handle().drain();
    gate.open();
    send(&begun, b" 2\r\nbeta\n");
    assert_eq!(take_to_end(&client), b"alpha\n");
    assert_eq!(take_to_end(&begun), b"beta\n", "its header was under way");
    assert_eq!(take_to_end(&silent), b"");
    drop((begun, client, silent));
    let report = server.wait();
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (2, 2, 0)
    );
    assert!(begin.elapsed() < Duration::from_secs(15), "{report}");
}

#[test]
fn a_client_is_shed_closed_and_listed_as_what_it_is() {
    let (server, address) = serve(balanced(), answer(|line: &[u8]| line.to_vec()));
    let awaited = through_balancer(&address, b"PRO");
    let known = through_balancer(&address, &line("192.0.2.1", 7));
    let registry = || server.handle().registry().list();
    wait_until("one is known", || {
        let list = registry();
        list.len() == 2 && list[1].peer.to_string() == "192.0.2.1:7"
    });
    let list = registry();
    assert!(list[0].peer.to_string().starts_with("127.0.0.2:"));
    assert_eq!((list[0].bytes_in, list[1].bytes_in), (0, 0));
    let handle = server.handle();
    assert_eq!(handle.registry().send_all("hello\n"), 1, "one was let in");
    assert_eq!(take_line(&known), "hello");
    for client in &list {
        assert!(handle.registry().close(client.id, "no more"));
    }
    assert_eq!(take_to_end(&known), b"");
    wait_until("the other is closed", || {
        is_reset(&awaited) || take_all(&awaited).0.is_empty()
    });
    drop((awaited, known));
    finish(server);
}

#[test]
fn a_balancer_may_come_over_a_unix_socket() {
    let scratch = Scratch::new();
    let path = scratch.join("socket");
    let place = format!("unix:{}", text(&path));
    let mut daemon = Daemon::start(&["recv", &place, "--proxy-from", "unix"]);
    let mut balancer = UnixStream::connect(&path).expect("it listens");
    for piece in line("192.0.2.1", 7).chunks(9) {
        std::io::Write::write_all(&mut balancer, piece).expect("it is read");
    }
    std::io::Write::write_all(&mut balancer, b"alpha\n").expect("it is read");
    assert_eq!(
        daemon.stdout.wait_line("alpha"),
        "Message from 192.0.2.1:7: alpha"
    );
    drop(balancer);
    assert_eq!(daemon.stop().code, Some(0));
    // A network of TCP says nothing of it.
    let mut daemon = Daemon::start(&["recv", &place, "--proxy-from", "127.0.0.1"]);
    let mut client = UnixStream::connect(&path).expect("it listens");
    std::io::Write::write_all(&mut client, &line("192.0.2.1", 7)).expect("it is read");
    daemon.stdout.wait_line("PROXY TCP4");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn servers_without_balancers_take_a_header_for_data() {
    let (server, address) = serve(options(), answer(|line: &[u8]| line.to_vec()));
    let client = connect(&address);
    send(&client, "PROXY UNKNOWN\r\n");
    assert_eq!(take_line(&client), "PROXY UNKNOWN");
    drop(client);
    finish(server);
}
