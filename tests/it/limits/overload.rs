//! More requests than the workers can serve: admitted clients are answered soon, the rest at once.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use poold::{Limit, Options, Server, answer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::net::{connect, end, send, take_to_end};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{at_most, is_quiet, wait_until};

const WORKERS: u32 = 4;
const WORK: Duration = Duration::from_millis(10);

/// `WORKERS` workers that take 10 ms for a message: 400 of them a second.
fn slow_server() -> (Server, String) {
    let mut options = options();
    options.workers = WORKERS as usize;
    options.clients_max = 5000;
    options.overload = Options::default().overload;
    // A refused client must give its share back, or no client is admitted before half of the storm
    // is over.
    options.per_address_max = Some(1500);
    serve(
        options,
        answer(|line: &[u8]| {
            std::thread::sleep(WORK);
            line.to_vec()
        }),
    )
}

/// The answers to many connections at once, and how long they took.
#[derive(Default)]
struct Outcome {
    asked: u32,
    answered: Vec<Duration>,
    refused: Vec<Duration>,
}

/// Asks; a client that is refused already may find that out here.
fn asks(mut client: &TcpStream) -> bool {
    client.write_all(b"hello\n").is_ok()
}

/// Asks `rate` times a second, each on a connection of its own, whether answers come or not.
fn storm(address: &str, rate: u32, lasting: Duration) -> Outcome {
    let begin = Instant::now();
    let mut outcome = Outcome::default();
    let mut open: Vec<(TcpStream, Instant)> = Vec::new();
    while begin.elapsed() < lasting || !open.is_empty() {
        let due = begin.elapsed().min(lasting).as_secs_f64() * f64::from(rate);
        while f64::from(outcome.asked) < due {
            let asked = Instant::now();
            let client = connect(address);
            asks(&client);
            client.set_nonblocking(true).expect("a socket");
            open.push((client, asked));
            outcome.asked += 1;
        }
        let mut polled: Vec<_> = open
            .iter()
            .map(|(client, _)| PollFd::new(client, PollFlags::IN))
            .collect();
        let most = Timespec::try_from(Duration::from_millis(2)).expect("fits");
        poll(&mut polled, Some(&most)).expect("poll works");
        drop(polled);
        open.retain(|(client, asked)| match (&*client).read(&mut [0; 6]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Ok(6) => {
                outcome.answered.push(asked.elapsed());
                false
            }
            _ => {
                outcome.refused.push(asked.elapsed());
                false
            }
        });
    }
    outcome
}

/// The share of answers within a second: on a quiet machine, of what the workers can answer;
/// elsewhere, of what they answered.
fn goodput(outcome: &Outcome, capacity: u32, lasting: Duration) -> f64 {
    let in_time = |took: &&Duration| **took <= Duration::from_secs(1);
    let answered = outcome.answered.iter().filter(in_time).count();
    let all = match is_quiet() {
        true => f64::from(capacity) * lasting.as_secs_f64(),
        false => outcome.answered.len() as f64,
    };
    answered as f64 / all
}

#[test]
fn at_three_times_capacity_most_of_it_is_answered_within_a_second() {
    let seconds = std::env::var("POOLD_TEST_STORM_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(3);
    let lasting = Duration::from_secs(seconds);
    let (server, address) = slow_server();
    let capacity = (Duration::from_secs(1).as_millis() / WORK.as_millis()) as u32 * WORKERS;
    if is_quiet() {
        let calm = storm(&address, capacity * 3 / 4, Duration::from_secs(1));
        assert_eq!(calm.refused.len(), 0, "there is no overload yet");
    }
    // Without a limit a fifth would be in time, since more and more would wait.
    let least = if is_quiet() { 0.9 } else { 0.5 };
    let mut outcome = storm(&address, 3 * capacity, lasting);
    let mut turned_away = 0;
    // Something else may have had the machine meanwhile: two more may try.
    for _ in 0..2 {
        if goodput(&outcome, capacity, lasting) < least {
            turned_away += outcome.refused.len() as u64;
            outcome = storm(&address, 3 * capacity, lasting);
        }
    }
    let after = Instant::now();
    wait_until("a client is served again", || {
        let client = connect(&address);
        let is_served = asks(&client) && (&client).read_exact(&mut [0; 6]).is_ok();
        turned_away += u64::from(!is_served);
        is_served
    });
    let normal = after.elapsed();

    outcome.answered.sort_unstable();
    outcome.refused.sort_unstable();
    let goodput = goodput(&outcome, capacity, lasting);
    let median = |times: &[Duration]| times.get(times.len() / 2).copied().unwrap_or_default();
    eprintln!(
        "{} asked, {} answered (median {:?}, most {:?}), {} refused (median {:?}); \
         {:.0} % in time, normal after {normal:?}",
        outcome.asked,
        outcome.answered.len(),
        median(&outcome.answered),
        outcome.answered.last(),
        outcome.refused.len(),
        median(&outcome.refused),
        goodput * 100.0
    );
    assert!(goodput >= least, "{goodput}");
    assert!(normal < at_most(Duration::from_secs(1)), "{normal:?}");
    // A machine that is busy with other tests may let so many wait that their address has its share.
    let stats = server.handle().stats();
    let counted = stats.limit(Limit::Overload) + stats.limit(Limit::AddressShare);
    assert_eq!(
        counted,
        outcome.refused.len() as u64 + turned_away,
        "every refusal is counted"
    );
    finish(server);
}

#[test]
fn a_drain_during_overload_answers_all_that_was_read() {
    let (server, address) = slow_server();
    let clients: Vec<_> = (0..300).map(|_| connect(&address)).collect();
    let handle = server.handle();
    // One that came in the overload would be refused.
    wait_until("all are in", || handle.stats().clients == 300);
    clients.iter().for_each(|client| send(client, "hello\n"));
    wait_until("it works", || handle.stats().messages_in > 20);
    handle.drain();
    for client in &clients {
        assert_eq!(take_to_end(client), b"hello\n");
        end(client);
    }
    drop(clients);
    let report = server.wait();
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (300, 300, 0)
    );
}
