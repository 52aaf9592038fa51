//! Whole runs against servers that lose, repeat, swap, damage, end and hang.

use std::io::{BufRead, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use super::super::fleet::flood;
use super::super::progress::Progress;
use super::super::report::Report;
use super::super::tally::ConnectionFault;
use super::server::{Lines, Server, answer, discard, plan};

#[test]
fn each_fault_is_found() {
    let flood = |reply: fn(usize, &str) -> String| {
        let server = Server::new(move |reader, stream| answer(reader, stream, reply));
        let (plan, tally) = server.flood("-c 2 -n 20 -p 5 --timeout 5s");
        assert!(!Report::new(&plan, &tally).is_good());
        (tally.account.received, tally.account.faults())
    };
    let lose = |n, line: &str| {
        if n == 6 {
            String::new()
        } else {
            line.to_owned()
        }
    };
    assert_eq!(flood(lose), (38, [2, 0, 0, 0]));
    let double = |n, line: &str| line.repeat(if n == 6 { 2 } else { 1 });
    assert_eq!(flood(double), (40, [0, 0, 2, 0]));
    let last_double = |n, line: &str| line.repeat(if n == 19 { 2 } else { 1 });
    assert_eq!(flood(last_double), (40, [0, 0, 2, 0]));
    let hurt = |n, line: &str| {
        if n == 6 {
            line.replace("xyz", "xz")
        } else {
            line.to_owned()
        }
    };
    assert_eq!(flood(hurt), (38, [0, 0, 0, 2]));
}

#[test]
fn a_reply_in_the_wrong_place_is_reordered() {
    let server = Server::new(|reader, stream| {
        let mut kept = String::new();
        answer(reader, stream, |number, line| match number {
            3 => {
                line.clone_into(&mut kept);
                String::new()
            }
            4 => format!("{line}{kept}"),
            _ => line.to_owned(),
        })
    });
    let (_, tally) = server.flood("-c 1 -n 10 -p 5");
    assert_eq!(
        (tally.account.received, tally.account.faults()),
        (10, [0, 1, 0, 0])
    );
}

#[test]
fn a_server_that_ends_is_a_fault_unless_it_is_awaited() {
    let server = Server::new(|mut reader: Lines, mut stream| {
        for _ in 0..10 {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            stream.write_all(line.as_bytes())?;
        }
        stream.shutdown(Shutdown::Write)?;
        discard(reader, stream)
    });
    let (plan, tally) = server.flood("-c 3 -n 20 -p 4");
    assert_eq!(
        (tally.account.received, tally.account.faults()),
        (30, [6, 0, 0, 0])
    );
    assert_eq!(tally.errors.of(ConnectionFault::ClosedEarly), 3);
    assert!(!Report::new(&plan, &tally).is_good());
    let (plan, tally) = server.flood("-c 3 -p 4 --until-closed");
    assert_eq!(
        (tally.sent, tally.account.received, tally.account.faults()),
        (36, 30, [0; 4])
    );
    assert!(Report::new(&plan, &tally).is_good());
}

#[test]
fn nothing_waits_for_ever() {
    let server = Server::new(discard);
    let (_, tally) = server.flood("-c 1 -n 2 --rate 100 --timeout 200ms");
    assert_eq!((tally.sent, tally.account.faults()), (2, [2, 0, 0, 0]));
    assert_eq!(tally.errors.of(ConnectionFault::Timeout), 1);
    let (plan, tally) = server.flood("-c 3 -n 5 -p 2 --timeout 200ms");
    assert_eq!((tally.sent, tally.account.faults()), (6, [6, 0, 0, 0]));
    assert_eq!(tally.errors.of(ConnectionFault::Timeout), 3);
    assert!(!Report::new(&plan, &tally).is_good());
    // It may be no echo at all, as `poold recv` is none.
    let hint = Report::new(&plan, &tally).hint().unwrap();
    assert!(hint.contains("--expect"), "{hint}");
}

#[test]
fn a_refused_connection_is_reported() {
    // Bound and not listening: no other test gets the port, and none answers there.
    let bound_only = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    bound_only.bind(&any.into()).unwrap();
    let address = bound_only.local_addr().unwrap().as_socket().unwrap();
    for args in ["-c 2 -n 1", "-c 2 -n 1 --churn"] {
        let plan = plan(&format!("{address} {args}"));
        let tally = flood(&plan, &Progress::hidden()).unwrap();
        assert_eq!((tally.connected, tally.sent), (0, 0));
        assert!(tally.errors.of(ConnectionFault::ConnectRefused) >= 2);
        assert!(!Report::new(&plan, &tally).is_good());
    }
}

#[test]
fn clients_that_could_not_connect_are_reported() {
    let name = format!("flood-full-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    // What a run with this process id has left that was killed.
    let _ = std::fs::remove_file(&path);
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    // Room for one client, which stays until no other can connect.
    listener.listen(0).unwrap();
    let plan = plan(&format!("unix:{} -c 2 -n 5", path.display()));
    let server = std::thread::spawn(move || {
        poll(&mut [PollFd::new(&listener, PollFlags::IN)], None).unwrap();
        std::fs::remove_file(&path).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
    });
    let tally = flood(&plan, &Progress::hidden()).unwrap();
    server.join().unwrap();
    assert_eq!((tally.connected, tally.account.received), (1, 5));
    assert_eq!(tally.account.faults(), [0; 4]);
    assert!(!Report::new(&plan, &tally).is_good());
}

#[test]
fn at_the_end_a_connection_that_does_not_stand_is_not_waited_for() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    listener.bind(&any.into()).unwrap();
    // Room for one client.
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _first = TcpStream::connect(address).unwrap();
    let plan = plan(&format!(
        "{address} --churn --expect nothing -c 2 -t 300ms --timeout 3s"
    ));
    let tally = flood(&plan, &Progress::hidden()).unwrap();
    assert_eq!((tally.connected, tally.sent), (0, 0));
    assert_eq!(tally.errors.of(ConnectionFault::Timeout), 0);
}

#[test]
fn a_server_that_goes_away_between_connections() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for _ in 0..5 {
            let (mut stream, _) = listener.accept().unwrap();
            std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
        }
    });
    let plan = plan(&format!("{address} --churn -c 1 -n 50 --timeout 5s"));
    let tally = flood(&plan, &Progress::hidden()).unwrap();
    server.join().unwrap();
    assert_eq!(tally.account.received, 5);
    assert!(!Report::new(&plan, &tally).is_good());
}
