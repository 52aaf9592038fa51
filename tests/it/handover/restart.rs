//! Restarts under load: a client that sends again what was not acknowledged loses nothing.
//!
//! Each client numbers its messages and stays ahead of its acknowledgements by a window. When its
//! connection ends, for any reason, it connects again and continues with the first message that was
//! not acknowledged. Most daemons are terminated and drain, every third is killed.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::daemon::Daemon;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{PATIENCE, wait_until};

const CLIENTS: u64 = 8;
/// Messages that a client sends before it waits for acknowledgements.
const WINDOW: u64 = 50;

/// One client's part of the work.
struct Client<'a> {
    number: u64,
    address: &'a str,
    messages: u64,
    /// Messages before this were acknowledged.
    safe: u64,
    /// Sent more than once, with how often: all of them were unacknowledged at an end.
    resent: BTreeMap<u64, u64>,
    all_safe: &'a AtomicU64,
}

#[test]
fn restarts_under_load_lose_nothing_and_double_only_what_was_unacknowledged() {
    // In a debug build the daemon is slower, and so is this.
    let (restarts, messages) = if cfg!(debug_assertions) {
        (5, 10_000)
    } else {
        (20, 100_000)
    };
    let restarts = chosen("RESTARTS", restarts);
    let messages = chosen("RESTART_MESSAGES", messages) / CLIENTS;
    let scratch = Scratch::new();
    let file = scratch.join("received");
    let all_safe = AtomicU64::new(0);
    let mut daemon = start("127.0.0.1:0", &file);
    let address = daemon.address.clone();
    let (mut kills, mut cut_off) = (0, 0);
    let mut before = 0;
    let resent: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    number,
                    address: &address,
                    messages,
                    safe: 0,
                    resent: BTreeMap::new(),
                    all_safe: &all_safe,
                };
                scope.spawn(|| client.send_all())
            })
            .collect();
        for restart in 1..=restarts {
            // Spread over the work, each in the middle of it.
            let share = messages * CLIENTS * restart / (restarts + 1);
            wait_until("the work goes on", || {
                all_safe.load(Ordering::Relaxed) >= share
            });
            if restart % 3 == 0 {
                kills += 1;
                daemon.signal(Signal::KILL);
                daemon.wait_exit();
            } else {
                cut_off += stop(&mut daemon, &file, before);
            }
            before = lines(&file);
            daemon = start(&address, &file);
        }
        clients
            .into_iter()
            .map(|client| client.join().expect("a client"))
            .collect()
    });
    stop(&mut daemon, &file, before);
    let doubled = judge(&file, messages, &resent, kills);
    let sent_again: u64 = resent.iter().flat_map(BTreeMap::values).sum();
    eprintln!(
        "{restarts} restarts, {kills} of them kills, {} messages: none lost, {sent_again} sent again, {doubled} of them \
         doubled, {cut_off} connections cut off",
        messages * CLIENTS
    );
}

fn chosen(name: &str, otherwise: u64) -> u64 {
    let chosen = std::env::var(name).ok();
    chosen.map_or(otherwise, |text| text.parse().expect("a number"))
}

fn start(address: &str, file: &Path) -> Daemon {
    Daemon::start(&[
        "recv",
        address,
        "--ack",
        "--output",
        text(file),
        "--drain",
        "5s",
    ])
}

/// Ends it as a service manager does; answers how many clients it cut off. What it says it received
/// are the lines that it has added.
fn stop(daemon: &mut Daemon, file: &Path, before: u64) -> u64 {
    daemon.signal(Signal::TERM);
    let exit = daemon.wait_exit();
    let report = exit.report();
    let added = lines(file) - before;
    assert_eq!((report.received, report.delivered), (added, added));
    let expected = if report.cut_off == 0 { 0 } else { 3 };
    assert_eq!(exit.code, Some(expected), "{}", exit.stderr);
    report.cut_off
}

/// A line that a kill has torn is one, too.
fn lines(file: &Path) -> u64 {
    let bytes = std::fs::read(file).expect("it is there");
    let whole = bytes.iter().filter(|byte| **byte == b'\n').count();
    let is_torn = bytes.last().is_some_and(|last| *last != b'\n');
    (whole + usize::from(is_torn)) as u64
}

impl Client<'_> {
    fn send_all(mut self) -> BTreeMap<u64, u64> {
        let until = Instant::now() + PATIENCE * 4;
        let mut begun = 0;
        while self.safe < self.messages {
            assert!(
                Instant::now() < until,
                "client {} came to no end",
                self.number
            );
            let Ok(stream) = TcpStream::connect(self.address) else {
                // No process listens between two daemons.
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            for number in self.safe..begun {
                *self.resent.entry(number).or_default() += 1;
            }
            begun = begun.max(self.converse(&stream));
        }
        self.resent
    }

    /// Sends from the first that is not safe, until all is done or the connection ends. Answers
    /// up to where messages were sent, perhaps in part.
    fn converse(&mut self, mut stream: &TcpStream) -> u64 {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let base = self.safe;
        let mut sent = base;
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while self.safe < self.messages {
            let limit = self.messages.min(self.safe + WINDOW);
            let lines: Vec<_> = (sent..limit)
                .map(|number| format!("client {} message {number} .\n", self.number))
                .collect();
            sent = limit;
            if stream.write_all(lines.concat().as_bytes()).is_err() {
                break;
            }
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => heard.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("stalled"),
                Err(_) => break,
            }
            self.take_acknowledgements(&mut heard, base, sent);
        }
        sent
    }

    /// The count is of this connection, so it begins at `base`.
    fn take_acknowledgements(&mut self, heard: &mut Vec<u8>, base: u64, sent: u64) {
        let whole = heard
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines: Vec<u8> = heard.drain(..whole).collect();
        for line in str::from_utf8(&lines).expect("text").lines() {
            let count = line
                .strip_prefix("ack ")
                .and_then(|count| count.parse::<u64>().ok());
            let safe = base + count.unwrap_or_else(|| panic!("no acknowledgement: {line}"));
            assert!(
                self.safe < safe && safe <= sent,
                "{}, then {safe} of {sent}",
                self.safe
            );
            self.all_safe.fetch_add(safe - self.safe, Ordering::Relaxed);
            self.safe = safe;
        }
    }
}

/// Every message is in the file, and never more often than it was sent. Answers how many lines
/// were there a second time.
fn judge(file: &Path, messages: u64, resent: &[BTreeMap<u64, u64>], kills: u64) -> u64 {
    let printed = std::fs::read_to_string(file).expect("text is UTF-8");
    let mut counts = vec![vec![0_u64; messages as usize]; resent.len()];
    let mut torn = 0;
    for line in printed.lines() {
        let Some((label, message)) = line.split_once(": client ") else {
            torn += u64::from(!line.contains(" (partial): "));
            continue;
        };
        // What a connection's end has cut is marked; what a kill has cut lacks its end. Neither
        // was acknowledged.
        if label.ends_with(" (partial)") || !message.ends_with(" .") {
            torn += u64::from(!label.ends_with(" (partial)"));
            continue;
        }
        let words: Vec<&str> = message.split(' ').collect();
        let [client, "message", number, "."] = words[..] else {
            panic!("two lines in one: {line}");
        };
        let [client, number] = [client, number].map(|word| word.parse::<usize>().expect(line));
        counts[client][number] += 1;
    }
    assert!(torn <= kills, "{torn} torn lines, {kills} kills");
    for (client, counts) in counts.iter().enumerate() {
        for (number, count) in counts.iter().enumerate() {
            let sent = 1 + resent[client].get(&(number as u64)).unwrap_or(&0);
            assert!(
                (1..=sent).contains(count),
                "client {client}, message {number}: {count} times there, {sent} times sent"
            );
        }
    }
    counts.iter().flatten().map(|count| count - 1).sum()
}
