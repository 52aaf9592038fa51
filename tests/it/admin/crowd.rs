//! Clients of the admin endpoint that ask for a thousand answers at once, and read them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::admin::Watched;
use crate::support::net::{connect, take_all};
use crate::support::spool::{at_most, wait_until};

/// Reads all clients' answers, until it is over.
fn read_all(crowd: &mut Vec<TcpStream>, over: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    let tick = Timespec::try_from(Duration::from_millis(20)).expect("fits");
    while !over.load(Ordering::Relaxed) {
        let mut asked: Vec<_> = crowd
            .iter()
            .map(|client| PollFd::new(client, PollFlags::IN))
            .collect();
        poll(&mut asked, Some(&tick)).expect("poll works");
        let ready: Vec<_> = asked.iter().map(|one| !one.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        crowd.retain_mut(|client| {
            let is_ready = ready.next().expect("one for each");
            !is_ready || client.read(&mut buffer).is_ok_and(|length| length > 0)
        });
    }
}

#[test]
fn a_single_request_is_answered_soon_beside_many() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    // As many as there may be.
    let mut crowd: Vec<_> = (0..64).map(|_| connect(&watched.tcp)).collect();
    let much = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000);
    let over = AtomicBool::new(false);
    for mut one in &crowd {
        one.write_all(much.as_bytes()).expect("it takes it");
    }
    std::thread::scope(|scope| {
        scope.spawn(|| read_all(&mut crowd, &over));
        let begin = Instant::now();
        // While none of the others rests, none makes room, and it is turned away.
        let judged = std::panic::catch_unwind(|| {
            wait_until("it is answered", || {
                let client = connect(&watched.tcp);
                let asked = (&client).write_all(b"GET /healthz HTTP/1.0\r\n\r\n");
                asked.is_ok() && take_all(&client).0.starts_with(b"HTTP/1.1 200 ")
            });
        });
        over.store(true, Ordering::Relaxed);
        judged.expect("it is answered");
        let took = begin.elapsed();
        eprintln!("answered after {took:?}");
        assert!(took < at_most(Duration::from_secs(3)), "{took:?}");
    });
}
