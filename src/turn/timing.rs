//! A connection's time limits, and when to check them next.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Turn;
use crate::connection::handler::End;
use crate::connection::{CloseRequest, Stage};
use crate::limits::limit::Limit;

impl Turn<'_> {
    /// Ends a connection that has exceeded a time limit.
    pub(super) fn notice_time(&mut self) {
        if self
            .owned
            .lasting
            .check
            .is_some_and(|check| check <= self.now)
        {
            self.owned.lasting.check = None;
        }
        let Some((due, limit)) = self.due() else {
            return;
        };
        let is_ending = matches!(self.owned.stage, Stage::Last { .. });
        if due > self.now || (is_ending && limit != Limit::WriteStall) {
            return;
        }
        let begun = match limit {
            Limit::Message => self.owned.decoder.begun(),
            _ => &[],
        };
        self.acted(limit, "", begun);
        match limit {
            Limit::WriteStall => {
                // The client takes nothing, so waiting until it takes the end is useless. What was
                // read is still delivered to a service that stores.
                self.give_up_answering();
                self.owned.stage = Stage::Closing(End::Limit(limit));
            }
            Limit::Message => {
                self.last_words(&End::Limit(limit));
                self.stop_serving(End::Limit(limit));
            }
            Limit::Wait => self.turn_away(limit),
            _ => self.begin_to_end(End::Limit(limit)),
        }
    }

    /// Schedules a wake for the next deadline.
    pub(super) fn schedule(&mut self) {
        let due = [
            self.due().map(|(due, _)| due),
            self.next_look(),
            self.throttled_until(),
            self.silent_at(),
            self.hint_at(),
            self.awaited_until(),
        ];
        let Some(due) = due.into_iter().flatten().min() else {
            return;
        };
        if self.owned.lasting.check.is_none_or(|check| due < check) {
            let before = self.owned.lasting.check.replace(due);
            self.ctx.deadlines.push(due, before, self.connection);
        }
    }

    /// Notes since when a message is under way, and since when the client takes nothing.
    pub(super) fn keep_time(&mut self) {
        let times = &self.ctx.limits.options.times;
        if times.message.is_some() {
            // While the client has unsent output, or the service lets it wait, it is not read from,
            // so the message may have ended.
            let waits = !self.owned.unread.is_empty() || self.owned.paused.is_some();
            let is_inside = self.owned.decoder.is_inside() || self.kept() > 0;
            if !is_inside || waits || !self.output.is_empty() {
                self.owned.begun = None;
            } else if self.owned.begun.is_none() {
                self.owned.begun = Some(Box::new((self.now, self.bytes_so_far())));
            }
        }
        if !self.has_unsent() {
            self.set_stalled(None);
        } else if self.owned.stalled.is_none() {
            // The output may be younger than the turn, whose service may have taken long.
            self.set_stalled(Some(Instant::now()));
        }
    }

    /// Bytes of the client, with those of a record that is not complete.
    fn bytes_so_far(&self) -> u64 {
        let bytes = self.connection.tally.bytes_in.load(Ordering::Relaxed);
        bytes + self.kept() as u64
    }

    /// Notes since when the client takes nothing, for the limit and for senders.
    pub(super) fn set_stalled(&mut self, since: Option<Instant>) {
        if self.owned.stalled == since {
            return;
        }
        self.owned.stalled = since;
        let connection = self.connection;
        let since = since.map(|since| since.saturating_duration_since(connection.since()));
        let since = since.map_or(0, |since| {
            u64::try_from(since.as_millis()).map_or(u64::MAX, |ms| ms.saturating_add(1))
        });
        let stalled = &connection.tally.stalled_ms;
        stalled.store(since, Ordering::Relaxed);
    }

    /// What has come by a deadline counts, though the poller may not have told of it.
    pub(super) fn read_if_due(&mut self) {
        let is_due = || self.due().is_some_and(|(due, _)| due <= self.now);
        self.owned.readable = self.owned.readable || is_due();
    }

    /// The earliest deadline of this connection as it stands.
    fn due(&self) -> Option<(Instant, Limit)> {
        if let Stage::Lingering(_) = self.owned.stage {
            return None;
        }
        if let Stage::Waiting = self.owned.stage {
            let wait_max = self.ctx.limits.options.wait_max?;
            return Some((self.connection.since() + wait_max, Limit::Wait));
        }
        if self.is_unknown() {
            // The header's own deadline bounds it.
            return None;
        }
        if !self.ctx.limits.is_timed && self.owned.stalled.is_none() {
            return None;
        }
        let times = &self.ctx.limits.options.times;
        let stall = match self.owned.stage {
            Stage::Last { .. } | Stage::Closing(_) => self.stall_max(),
            _ => times.write_stall,
        };
        let stall = self
            .owned
            .stalled
            .zip(stall)
            .map(|(since, most)| since + most);
        if matches!(self.owned.stage, Stage::Last { .. } | Stage::Closing(_)) {
            // It ends already; only the write stall still applies.
            return stall.map(|due| (due, Limit::WriteStall));
        }
        let since = self.connection.since();
        let tally = &self.connection.tally;
        let silent = tally.bytes_in.load(Ordering::Relaxed) == 0;
        let heard = since + Duration::from_millis(tally.heard_ms.load(Ordering::Relaxed));
        let bytes = self.bytes_so_far();
        // The rest of the message may wait in the socket.
        let begun = self.owned.begun.as_deref();
        let message = begun
            .filter(|_| !self.owned.readable)
            .and_then(|(begun, from)| times.message_due(*begun, bytes.saturating_sub(*from)));
        let first_byte = times.first_byte.filter(|_| silent);
        // A client that waits because it exceeded its rate is not idle.
        let waits = !self.owned.unread.is_empty() || self.throttled_until().is_some();
        let idle = times.idle.filter(|_| !waits);
        [
            // Behind a header or a handshake, the client itself begins.
            (first_byte.map(|most| heard + most), Limit::FirstByte),
            (idle.map(|most| heard + most), Limit::Idle),
            (message, Limit::Message),
            (stall, Limit::WriteStall),
            (times.lifetime.map(|most| since + most), Limit::Lifetime),
        ]
        .into_iter()
        .filter_map(|(due, limit)| Some((due?, limit)))
        .min_by_key(|(due, _)| *due)
    }

    /// When silence ends the message, if the framing has such a rule. Not while bytes of the client
    /// may still be unread.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let silence = self.owned.decoder.silence()?;
        let is_served = match &self.owned.stage {
            Stage::Lingering(linger) => self.is_delivering(&linger.end),
            _ => self.is_serving(),
        };
        let is_read = is_served && self.output.is_empty() && self.owned.unread.is_empty();
        let heard = self.connection.tally.heard_ms.load(Ordering::Relaxed);
        let heard = self.connection.since() + Duration::from_millis(heard);
        (is_read && self.throttled_until().is_none()).then_some(heard + silence)
    }

    /// Whether a message has ended in silence.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_at().is_some_and(|at| at <= self.now)
    }

    /// Messages and bytes that the rate allows now.
    pub(super) fn allowance(&mut self) -> (u64, usize) {
        let is_last = matches!(self.owned.stage, Stage::Last { .. });
        match (&mut self.owned.lasting.bucket, self.ctx.limits.options.rate) {
            // What arrived before the end is bounded; delaying it helps no other client.
            (_, None) => (u64::MAX, usize::MAX),
            _ if is_last => (u64::MAX, usize::MAX),
            (Some(bucket), _) => bucket.fill(self.now),
            (None, Some(rate)) => (rate.messages_burst.into(), rate.bytes_burst as usize),
        }
    }

    /// Until when the client is not read from, because of its rate or because the service paused
    /// it.
    pub(super) fn throttled_until(&self) -> Option<Instant> {
        let bucket = match &self.owned.lasting.bucket {
            Some(bucket) if !matches!(self.owned.stage, Stage::Last { .. }) => bucket.next(),
            _ => None,
        };
        let next = bucket.max(self.owned.paused)?;
        (next > self.now).then_some(next)
    }

    /// Follows a request to close.
    pub(super) fn follow_request(&mut self, request: Option<CloseRequest>) {
        let waits = matches!(self.owned.stage, Stage::Waiting) || self.is_unknown();
        let goes_on = waits || self.is_serving();
        match request {
            Some(CloseRequest::Close(reason)) if goes_on => {
                self.begin_to_end(End::Closed(reason));
            }
            Some(CloseRequest::Shed(limit)) if goes_on => {
                if !self.output.is_empty() {
                    self.give_up_answering();
                }
                self.begin_to_end(End::Limit(limit));
            }
            Some(request) => self.follow_request_lingering(&request),
            None => {}
        }
    }
}
