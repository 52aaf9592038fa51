//! Clients that do everything wrong. What happens to them is of no interest.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::{Clock, Dice};
use crate::support::daemon::{Guard, poold};
use crate::support::net::{connect, reset};

/// Connections that one vandal keeps open at most.
const KEPT_MAX: usize = 12;
/// So that no write or read of a vandal lasts beyond the end by much.
const BRIEF: Duration = Duration::from_millis(50);

/// What becomes of what a vandal sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It fills a disk: less of it.
    Stored,
    Answered,
}

/// Misbehaves until the clock has run down, then goes without a word.
pub fn rage(address: &str, fate: Fate, clock: &Clock, mut dice: Dice) {
    let mut kept = Vec::new();
    while clock.runs() {
        let client = connect(address);
        client.set_write_timeout(Some(BRIEF)).expect("a socket");
        client.set_read_timeout(Some(BRIEF)).expect("a socket");
        if let Some(client) = misbehave(address, client, fate, &mut dice) {
            kept.push(client);
        }
        if kept.len() >= KEPT_MAX {
            let client = kept.swap_remove(dice.below(KEPT_MAX));
            if dice.below(2) == 0 {
                reset(client);
            }
        }
    }
}

/// One wrong thing. Errors are part of it: the daemon may defend itself. Answers the connections
/// that stay.
fn misbehave(
    address: &str,
    mut client: TcpStream,
    fate: Fate,
    dice: &mut Dice,
) -> Option<TcpStream> {
    match dice.below(9) {
        // Comes and goes.
        0 => return None,
        1 => {
            let _ = client.write_all(b"begun and ");
            reset(client);
            return None;
        }
        // Ends its side and stays for the rest, or not.
        2 => {
            let _ = client.write_all(b"one\ntwo\nthr");
            let _ = client.shutdown(Shutdown::Write);
        }
        // Reads no more, though there is something to read.
        3 => {
            let _ = client.shutdown(Shutdown::Read);
            let _ = client.write_all(b"answer me\n");
        }
        // Sends and never reads, until it can't send.
        4 => {
            let block = b"never read \n".repeat(1000);
            let most = if fate == Fate::Stored { 5 } else { 5000 };
            for _ in 0..dice.below(most) {
                if client.write_all(&block).is_err() {
                    break;
                }
            }
        }
        5 => {
            for byte in b"a byte at a time\nand then" {
                let _ = client.write_all(&[*byte]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        6 => {
            let length = dice.below(50_000);
            let _ = client.write_all(&dice.bytes(length));
            let _ = client.read(&mut [0; 1000]);
        }
        // A line without an end.
        7 => {
            let block = vec![b'x'; 100_000];
            while client.write_all(&block).is_ok() && dice.below(10) > 0 {}
        }
        _ => freeze_a_flood(address, dice),
    }
    Some(client)
}

/// A process of many clients that is stopped in the middle, goes on, and is ended.
fn freeze_a_flood(address: &str, dice: &mut Dice) {
    let mut command = poold(&["flood", address, "-c", "10", "-n", "200", "--json", "-q"]);
    let pipeline = ["-p", "50", "--expect", "echo"];
    command
        .args(pipeline)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let flood = Guard(command.spawn().expect("poold starts"));
    for signal in [Signal::STOP, Signal::CONT, Signal::STOP] {
        std::thread::sleep(Duration::from_millis(dice.below(60) as u64));
        // It may have ended by itself: it is not reaped yet, so the number is still its own.
        let _ = kill_process(flood.pid(), signal);
    }
}
