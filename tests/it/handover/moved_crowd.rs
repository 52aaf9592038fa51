//! A crowd across restarts, some of which fail: nothing lost, doubled, out of order or closed.
//!
//! `MOVE_CLIENTS=10000 MOVE_SENDERS=200 MOVE_RESTARTS=50` is the large run; it says what it saw.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::moved_fails::Successor;
use super::takeover::Line;
use crate::support::daemon::calm;
use crate::support::gate::SetAtEnd;
use crate::support::net::{connect, crowd_turn};
use crate::support::scratch::Scratch;
use crate::support::spool::is_quiet;

/// Between two messages of a sender.
const PACE: Duration = Duration::from_millis(20);
/// The longest that a client may wait for an answer on a quiet machine.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// A client of an echo.
struct Client {
    stream: BufReader<TcpStream>,
    sent: u64,
}

impl Client {
    fn say(&mut self) {
        let line = format!("message {}\n", self.sent);
        let mut stream = self.stream.get_ref();
        stream.write_all(line.as_bytes()).expect("it is connected");
        self.sent += 1;
    }

    fn hear(&mut self) {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("it is connected");
        assert_eq!(line, format!("message {}\n", self.sent - 1));
    }
}

fn chosen(name: &str, otherwise: usize) -> usize {
    let chosen = std::env::var(name).ok();
    chosen.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Each sends its next message when it has the answer to the one before; answers the longest wait.
fn send_until(over: &AtomicBool, senders: &mut [Client]) -> Duration {
    let mut worst = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        senders.iter_mut().for_each(Client::say);
        senders.iter_mut().for_each(Client::hear);
        let took = begun.elapsed();
        worst = worst.max(took);
        thread::sleep(PACE.saturating_sub(took));
    }
    worst
}

/// A restart that works, or a successor that does not.
fn restart(line: &mut Line, number: usize) {
    match number % 5 {
        0..=2 => return line.restart(),
        3 => drop(Successor::ready(line.control(), 1).hear_clients()),
        _ => {
            let mut successor = Successor::ready(line.control(), 1);
            let _ = successor.hear_clients();
            assert!(successor.hear()["back"].is_object(), "it is too slow");
            assert!(successor.hear()["no"].is_object(), "and is given up");
        }
    }
    line.first.stderr.wait_times(
        "those that were not go on here",
        number / 5 * 2 + 1 + usize::from(number % 5 == 4),
    );
}

/// No client has stayed with an old process.
fn check(log: &str) {
    let (all, whole) = (
        log.matches("stayed=").count(),
        log.matches("stayed=0").count(),
    );
    assert_eq!(all, whole, "{log}");
}

#[test]
fn a_crowd_notices_no_restart() {
    let _turn = crowd_turn();
    let clients = chosen("MOVE_CLIENTS", 300);
    let senders = chosen("MOVE_SENDERS", 20).min(clients);
    let restarts = chosen("MOVE_RESTARTS", 5);
    let dir = Scratch::new();
    let mut line = Line::start(&dir, &calm(&["echo", "127.0.0.1:0", "--framing", "lines"]));
    let address = line.first.address.clone();
    let mut all: Vec<Client> = (0..clients)
        .map(|_| Client {
            stream: BufReader::with_capacity(64, connect(&address)),
            sent: 0,
        })
        .collect();
    // All are accepted, and none is in the backlog.
    all.iter_mut().for_each(Client::say);
    all.iter_mut().for_each(Client::hear);
    let (over, begun) = (AtomicBool::new(false), Instant::now());
    let worst = thread::scope(|scope| {
        let senders = &mut all[..senders];
        let sent = scope.spawn(|| send_until(&over, senders));
        let over_then = SetAtEnd(&over);
        (0..restarts).for_each(|number| restart(&mut line, number));
        drop(over_then);
        sent.join().expect("every message is answered")
    });
    let took = begun.elapsed();
    check(&line.first.stderr.text());
    all.iter_mut().for_each(Client::say);
    all.iter_mut().for_each(Client::hear);
    let messages: u64 = all.iter().map(|client| client.sent).sum();
    drop(all);
    let log = line.stop();
    check(&log);
    let moves = log.lines().filter(|line| line.contains("clients moved"));
    let took_ms =
        moves.filter_map(|line| line.split("ms=").nth(1)?.trim_end_matches(')').parse().ok());
    let slowest: u64 = took_ms.max().expect("at least one restart works");
    eprintln!(
        "{restarts} restarts in {took:.0?}: {clients} clients, {messages} messages, none lost; \
         longest wait {worst:.0?}, one move took at most {slowest} ms"
    );
    assert!(!is_quiet() || worst < WAIT_MAX, "{worst:?}");
}
