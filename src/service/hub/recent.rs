//! The last messages, for newcomers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::batch::{Chunk, split};
use super::settings::{HubSettings, Last};

/// What a kept message costs beside its bytes.
const COST: usize = 64;

/// See the head of the file.
#[derive(Default)]
pub(super) struct Recent {
    kept: VecDeque<(Instant, Bytes)>,
    /// Their cost.
    bytes: usize,
}

impl Recent {
    /// Keeps what is asked for of a chunk.
    pub(super) fn remember(&mut self, settings: &HubSettings, chunk: &Chunk, ends: &[usize]) {
        let count = match settings.last {
            Last::Nothing => return,
            Last::Count(count) => count,
            Last::Time(_) => usize::MAX,
        };
        let now = Instant::now();
        for message in split(chunk, ends, count) {
            self.add(now, message);
        }
        self.trim(settings, now);
    }

    /// Keeps a message of another process, which came then.
    pub(super) fn keep(&mut self, settings: &HubSettings, since: Instant, message: Bytes) {
        self.add(since, message);
        self.trim(settings, Instant::now());
    }

    /// What is kept, and since when, in order.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Instant, &Bytes)> {
        self.kept.iter().map(|(since, message)| (*since, message))
    }

    /// How many messages there are, and how many of the newest cost at most `max`.
    pub(super) fn newest(&self, max: usize) -> (usize, usize) {
        let mut left = max;
        let fits = |(_, message): &&(Instant, Bytes)| match left.checked_sub(message.len() + COST) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        let count = self.kept.iter().rev().take_while(fits).count();
        (self.kept.len(), count)
    }

    fn add(&mut self, since: Instant, message: Bytes) {
        self.bytes += message.len() + COST;
        self.kept.push_back((since, message));
    }

    fn trim(&mut self, settings: &HubSettings, now: Instant) {
        let (count, time) = match settings.last {
            Last::Nothing => (0, Duration::MAX),
            Last::Count(count) => (count, Duration::MAX),
            Last::Time(time) => (usize::MAX, time),
        };
        while self.kept.len() > count || self.bytes > settings.waiting_max {
            self.forget_first();
        }
        self.forget_older(now, time);
    }

    /// In order.
    pub(super) fn of_newcomer(
        &mut self,
        settings: &HubSettings,
        now: Instant,
    ) -> impl Iterator<Item = Chunk> {
        if let Last::Time(time) = settings.last {
            self.forget_older(now, time);
        }
        self.kept.iter().map(|(_, bytes)| Chunk {
            bytes: bytes.clone(),
            messages: 1,
        })
    }

    fn forget_older(&mut self, now: Instant, time: Duration) {
        let is_old = |at: Instant| now.saturating_duration_since(at) > time;
        while self.kept.front().is_some_and(|(at, _)| is_old(*at)) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, first)) = self.kept.pop_front() {
            self.bytes -= first.len() + COST;
        }
    }
}
