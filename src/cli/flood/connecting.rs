//! Connects a thread's clients: a few at a time, with retries.

use std::cmp::Reverse;
use std::io;
use std::time::Duration;

use mio::{Events, Token};

use super::client::Cause;
use super::load::Load;
use super::tally::ConnectionFault;
use super::work::Stage;

/// Maximum connections that are being made at the same time.
pub(crate) const CONNECTING_MAX: usize = 100;
/// Before anything is sent: this many clients begin to connect, then the server gets a moment to
/// accept them. A handshake needs no accept, so without the pause the backlog (often 128) would
/// soon be full, and the next client's SYN would be retried only after a second.
const BURST: usize = 16;
/// The same while handshakes are not answered at once: the backlog is full, or the path is long.
const BURST_WHILE_WAITING: usize = 2;
/// That moment.
pub(crate) const BREATH: Duration = Duration::from_millis(1);
/// Attempts to connect, with pauses that double from `PAUSE`: 1.3 s in all.
const ATTEMPTS_MAX: u32 = 7;
const PAUSE: Duration = Duration::from_millis(10);

impl Load<'_> {
    /// Connects all clients that keep their connection; gives up those that can't connect.
    pub(crate) fn connect_all(&mut self, events: &mut Events) -> io::Result<()> {
        while self.connecting > 0 || !self.unconnected.is_empty() || !self.retries.is_empty() {
            self.pass(events)?;
        }
        Ok(())
    }

    /// Begins as many connections as the bound allows.
    pub(super) fn connect_some(&mut self) {
        while let Some(&Reverse((due, i))) = self.retries.peek() {
            if due > self.work.now {
                break;
            }
            self.retries.pop();
            self.unconnected.push_back(i);
        }
        // Each at most once: a client that fails at once must not be retried for ever.
        let turn = match self.work.stage {
            Stage::Connecting if self.connecting > 0 => BURST_WHILE_WAITING,
            Stage::Connecting => BURST,
            Stage::Sending | Stage::Stopping => self.unconnected.len(),
        };
        for _ in 0..turn.min(self.unconnected.len()) {
            if self.connecting >= CONNECTING_MAX {
                break;
            }
            let Some(i) = self.unconnected.pop_front() else {
                break;
            };
            if let Err(failure) = self.connect(i) {
                self.over(i, Cause::Failed(failure));
            }
        }
    }

    fn connect(&mut self, i: usize) -> Result<(), ConnectionFault> {
        let client = &mut self.clients[i];
        client.connect(&self.work, self.poll.registry(), Token(i))?;
        if self.work.stage == Stage::Connecting {
            self.connecting += 1;
        } else {
            client.open();
            let next = client.advance(&mut self.work);
            self.follow(i, next);
        }
        Ok(())
    }

    /// Schedules another attempt of a refused client, if it has one left.
    pub(super) fn connect_later(&mut self, i: usize) -> bool {
        let client = &mut self.clients[i];
        if client.attempts >= ATTEMPTS_MAX {
            return false;
        }
        let pause = PAUSE * 2_u32.pow(client.attempts);
        client.attempts += 1;
        self.retries.push(Reverse((self.work.now + pause, i)));
        true
    }
}
