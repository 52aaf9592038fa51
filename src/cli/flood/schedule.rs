//! When each message is due when time sets the pace.
//!
//! The clients take turns, so message `seq` of client `c` of `n` is number `seq * n + c` of
//! the run and due that many intervals after the start. Nothing is kept for a message: its due
//! time can be worked out again when the reply comes, however late it was sent.

use std::time::Duration;

/// One thread's part of the schedule: clients `first`, `first + stride`, ...
#[derive(Debug)]
pub(crate) struct Schedule {
    rate: f64,
    clients: u64,
    first: u64,
    stride: u64,
    /// Messages from each client.
    limit: u64,
    /// What is due next.
    seq: u64,
    client: u64,
}

impl Schedule {
    /// Starts with message 0 of client `first`.
    pub(crate) fn new(rate: f64, clients: u64, first: u64, stride: u64, limit: u64) -> Schedule {
        Schedule {
            rate,
            clients,
            first,
            stride,
            limit,
            seq: 0,
            client: first,
        }
    }

    /// When a message is due, from the start.
    pub(crate) fn due(&self, client: u64, seq: u64) -> Duration {
        Duration::from_secs_f64((seq * self.clients + client) as f64 / self.rate)
    }

    /// When the next message is due, from the start.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        (self.seq < self.limit).then(|| self.due(self.client, self.seq))
    }

    /// The next message if it is due by now: the client's place among this thread's, and seq.
    pub(crate) fn pop(&mut self, elapsed: Duration) -> Option<(usize, u64)> {
        if self.next_due()? > elapsed {
            return None;
        }
        let due = (
            ((self.client - self.first) / self.stride) as usize,
            self.seq,
        );
        self.client += self.stride;
        if self.client >= self.clients {
            self.client = self.first;
            self.seq += 1;
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_take_turns() {
        let mut schedule = Schedule::new(1000.0, 5, 1, 2, 2);
        let mut popped = Vec::new();
        while let Some(due) = schedule.next_due() {
            let (place, seq) = schedule.pop(due).unwrap();
            popped.push((due.as_millis(), place, seq));
        }
        assert_eq!(popped, [(1, 0, 0), (3, 1, 0), (6, 0, 1), (8, 1, 1)]);
        assert_eq!(schedule.pop(Duration::MAX), None);
    }
}
