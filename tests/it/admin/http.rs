//! The admin endpoint as an HTTP server: it answers any input as it should, and the service's
//! clients don't notice.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::admin::{Watched, answers, converse};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::spool::{Race, in_time, wait_until};

fn ask(watched: &Watched, requests: &str) -> Vec<(u16, String)> {
    let answers = converse(&connect(&watched.tcp), requests);
    let answers = answers.into_iter();
    answers.map(|answer| (answer.status, answer.body)).collect()
}

#[test]
fn every_request_is_answered_as_it_should_be() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let one = |request: &str| {
        let answers = ask(&watched, request);
        assert_eq!(answers.len(), 1, "{request}: {answers:?}");
        answers[0].0
    };
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("\r\n\nGET /healthz HTTP/1.1\nHost: localhost\n\n", 200),
        (
            "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            200,
        ),
        ("GET /readyz?verbose HTTP/1.0\r\n\r\n", 200),
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        (
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
            400,
        ),
        ("nonsense\r\n\r\n", 400),
        ("\x16\x03\x01\x02\r\n\r\n", 400),
        ("GET /none HTTP/1.0\r\n\r\n", 404),
        ("GET /../etc/passwd HTTP/1.0\r\n\r\n", 404),
        ("GET /clients?state=asleep HTTP/1.0\r\n\r\n", 400),
        ("PUT /metrics HTTP/1.0\r\n\r\n", 405),
        ("BREW /healthz HTTP/1.0\r\n\r\n", 405),
        ("GET /drain HTTP/1.0\r\n\r\n", 405),
        ("POST /drain HTTP/1.0\r\n\r\n", 403),
        ("POST /clients/1/close HTTP/1.0\r\n\r\n", 403),
        ("GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
            413,
        ),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
            501,
        ),
    ] {
        assert_eq!(one(request), status, "{request}");
    }
    let many = format!("GET / HTTP/1.0\r\n{}\r\n", "X: y\r\n".repeat(70));
    assert_eq!(one(&many), 431);
    // Few of them, none of them too long, and together too much.
    let header = format!("X: {}\r\n", "y".repeat(1000));
    for (count, status) in [(14, 200), (18, 431)] {
        let long = format!("GET / HTTP/1.0\r\n{}\r\n", header.repeat(count));
        assert_eq!(one(&long), status, "{count}");
    }
    let answers = converse(&connect(&watched.tcp), "PUT / HTTP/1.0\r\n\r\n");
    assert!(
        answers[0].head.contains("\r\nAllow: GET, HEAD"),
        "{answers:?}"
    );
    assert_eq!(watched.metric("poold_phase{phase=\"running\"}"), 1.0);
}

#[test]
fn requests_that_come_together_are_answered_in_order_on_one_connection() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let host = "HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let requests = format!("GET /healthz {host}HEAD /healthz {host}GET /none {host}").repeat(300);
    let all = ask(&watched, &requests);
    assert_eq!(all.len(), 900);
    for three in all.chunks(3) {
        assert_eq!(three[0], (200, "ok\n".into()));
        assert_eq!(three[1], (200, String::new()));
        assert_eq!(three[2].0, 404);
    }
    // Far more is owed than the outbox holds: it is answered as the client reads.
    let requests = format!("GET / {host}").repeat(200);
    let all = ask(&watched, &requests);
    assert!(all.len() == 200 && all.iter().all(|one| one == &all[0]));

    let close = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let all = converse(&connect(&watched.tcp), &close.repeat(2));
    assert_eq!(all.len(), 1, "nothing is answered after a close");
    assert!(all[0].head.contains("\r\nConnection: close"));
    let old = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let all = converse(&connect(&watched.tcp), &old.repeat(2));
    assert_eq!(all.len(), 2);
    assert!(all[0].head.contains("\r\nConnection: keep-alive"));
    let all = converse(
        &connect(&watched.tcp),
        &"GET /healthz HTTP/1.0\r\n\r\n".repeat(2),
    );
    assert_eq!(all.len(), 1, "HTTP/1.0 closes unless it is asked not to");
}

#[test]
fn half_requests_delay_no_client_and_hold_no_memory() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let halves: Vec<_> = (0..30).map(|_| connect(&watched.tcp)).collect();
    let beginnings = [
        "",
        "G",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
    ];
    for (half, beginning) in halves.iter().zip(beginnings.iter().cycle()) {
        send(half, beginning);
    }
    assert_eq!(watched.get("/healthz").status, 200);
    // One of them goes on after all, byte by byte.
    for byte in "y\r\n\r\n".chars() {
        send(&halves[3], byte.to_string());
    }
    assert!(take_line(&halves[3]).starts_with("HTTP/1.1 200"));
    // A header of a megabyte is read to its end, kept nowhere, and refused.
    let before = watched.daemon.memory("VmHWM");
    let large = connect(&watched.tcp);
    send(&large, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    let piece = "x".repeat(1 << 16);
    (0..16).for_each(|_| send(&large, &piece));
    send(&large, "\r\n\r\n");
    assert_eq!(answers(&take_to_end(&large), &[])[0].status, 431);
    let grown = watched.daemon.memory("VmHWM") - before;
    assert!(grown < 512, "{grown} KiB more");
    // So are many small ones.
    let many = connect(&watched.tcp);
    send(&many, "GET / HTTP/1.1\r\n");
    send(&many, "X: yyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(2000));
    send(&many, "\r\n");
    assert_eq!(answers(&take_to_end(&many), &[])[0].status, 431);
    drop(halves);
}

#[test]
fn five_hundred_connections_to_it_leave_the_service_alone() {
    let watched = Watched::start(&["echo", "127.0.0.1:0", "-w", "2"]);
    let client = connect(&watched.daemon.address);
    let talk = || {
        let begin = Instant::now();
        for number in 0..200 {
            send(&client, format!("{number}\n"));
            assert_eq!(take_line(&client), number.to_string());
        }
        begin.elapsed()
    };
    let alone = talk();
    let crowd: Vec<_> = (0..500)
        .map(|number| {
            let mut one = connect(&watched.tcp);
            if number % 2 == 0 {
                // It may be closed already, to make room or because there is none.
                let _ = one.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n");
            }
            one
        })
        .collect();
    let among = talk();
    assert!(
        among < 4 * alone + Duration::from_secs(5),
        "alone {alone:?}, among them {among:?}"
    );
    // The client that rested longest makes room for a real request within a second or so.
    wait_until("it answers again", || {
        let mut one = connect(&watched.tcp);
        let _ = one.write_all(b"GET /healthz HTTP/1.0\r\n\r\n");
        let (bytes, _) = crate::support::net::take_all(&one);
        bytes.starts_with(b"HTTP/1.1 200")
    });
    drop(crowd);
    end(&client);
    assert_eq!(take_to_end(&client), b"");
}

#[test]
fn unfinished_and_endless_clients_keep_no_client_out() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    // As many as there may be: half of them drip a request, the others ask again and again.
    let whole = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let crowd: Vec<_> = (0..64).map(|_| connect(&watched.tcp)).collect();
    let keep_on = |crowd: &[std::net::TcpStream]| {
        for (number, mut one) in crowd.iter().enumerate() {
            let piece = if number % 2 == 0 { "X: y\r\n" } else { whole };
            // It may have had to make room.
            let _ = one.write_all(piece.as_bytes());
        }
    };
    crowd
        .iter()
        .step_by(2)
        .for_each(|one| send(one, "GET / HTTP/1.1\r\n"));
    for _ in 0..10 {
        keep_on(&crowd);
        assert_eq!(watched.get("/healthz").status, 200);
    }
}

/// Not only when it is closed for reading nothing, after ten seconds.
const ROOM_WITHIN: Duration = Duration::from_secs(8);

#[test]
fn a_client_that_asks_much_and_reads_nothing_makes_room_for_others() {
    in_time(ROOM_WITHIN, many_ask_and_read_nothing);
}

fn many_ask_and_read_nothing(race: &Race) {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let crowd: Vec<_> = (0..64).map(|_| connect(&watched.tcp)).collect();
    let much = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    for mut one in &crowd {
        let _ = one.write_all(much.as_bytes());
    }
    let begin = Instant::now();
    race.begin();
    assert_eq!(watched.get("/healthz").status, 200);
    assert!(begin.elapsed() < ROOM_WITHIN, "{:?}", begin.elapsed());
}
