//! A thread's deadlines.

use std::cmp::Reverse;
use std::io;
use std::time::{Duration, Instant};

use mio::Events;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::client::{Cause, Client, Phase};
use super::connecting::{BREATH, CONNECTING_MAX};
use super::interrupt::GRACE;
use super::load::Load;
use super::plan::Connections;
use super::tally::ConnectionFault;
use super::work::Stage;

/// Time between two checks of the deadlines.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Time for a server to end its side when nothing depends on it.
const END_MAX: Duration = Duration::from_secs(2);

impl Load<'_> {
    /// Checks the deadlines.
    pub(super) fn keep_time(&mut self) {
        let now = self.work.now;
        let plan = self.work.plan;
        let ended = |duration| now >= self.work.start + duration;
        if self.work.stage == Stage::Sending && plan.duration.is_some_and(ended) {
            self.stop();
        }
        if plan.interrupt.is_pressed() && !self.work.is_interrupted() {
            self.work.interrupted_at = Some(now);
            self.stop();
        }
        if now.saturating_duration_since(self.ticked_at) < TICK {
            return;
        }
        self.ticked_at = now;
        if !self.is_waiting() {
            self.work.moved_at = now;
        }
        let is_over = |since, most| now.saturating_duration_since(since) > most;
        let stuck = is_over(self.work.moved_at, plan.timeout)
            || self
                .work
                .interrupted_at
                .is_some_and(|at| is_over(at, GRACE));
        for i in 0..self.clients.len() {
            if let Some(cause) = self.expired(&self.clients[i], stuck) {
                self.over(i, cause);
            }
        }
        if stuck {
            for _ in 0..self.drop_unconnected() {
                self.work
                    .tally
                    .errors
                    .count(ConnectionFault::ConnectTimeout);
                self.work.tally.abandoned += 1;
            }
        }
    }

    /// Whether something is awaited: at a low rate, there are times in which nothing is due.
    fn is_waiting(&self) -> bool {
        let is_paced = self.work.schedule.is_some() && self.work.stage == Stage::Sending;
        let plan = self.work.plan;
        !is_paced || self.clients.iter().any(|client| client.is_waiting(plan))
    }

    fn expired(&self, client: &Client, stuck: bool) -> Option<Cause> {
        let plan = self.work.plan;
        let waited = self.work.now.saturating_duration_since(client.asked_at);
        let connecting = client.phase == Phase::Connecting
            || plan.connections == Connections::EachMessage
                && client.phase == Phase::Open
                && client.is_fresh(plan);
        match client.phase {
            Phase::Apart => None,
            _ if connecting && waited > plan.timeout => {
                Some(Cause::Failed(ConnectionFault::ConnectTimeout))
            }
            Phase::Ending if plan.has_replies() && waited > END_MAX.min(plan.timeout) => {
                Some(Cause::Done)
            }
            Phase::Open | Phase::Ending if stuck && self.work.stage != Stage::Connecting => {
                Some(Cause::Failed(ConnectionFault::Timeout))
            }
            _ => None,
        }
    }

    /// Gives up the clients that still wait to connect; answers how many.
    fn drop_unconnected(&mut self) -> usize {
        let dropped = self.unconnected.len() + self.retries.len();
        self.unconnected.clear();
        self.retries.clear();
        self.alive -= dropped;
        dropped
    }

    /// Starts nothing new.
    fn stop(&mut self) {
        self.work.stage = Stage::Stopping;
        self.drop_unconnected();
        for i in 0..self.clients.len() {
            if self.clients[i].phase == Phase::Open {
                self.clients[i].hold_back(&self.work);
                let next = self.clients[i].advance(&mut self.work);
                self.follow(i, next);
            }
        }
    }

    /// Waits for events.
    pub(super) fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let idle = self.idle_time();
        let pacing = self.work.schedule.is_some() && self.work.stage == Stage::Sending;
        let waited = if pacing && !idle.is_zero() {
            // The poll's own timeout counts milliseconds, too coarse to send on time.
            let registry = self.poll.registry();
            let exact = Timespec {
                tv_sec: 0,
                tv_nsec: idle.subsec_nanos().into(),
            };
            // A signal ends the wait early, which does no harm.
            let _ = poll(&mut [PollFd::new(registry, PollFlags::IN)], Some(&exact));
            self.poll.poll(events, Some(Duration::ZERO))
        } else {
            self.poll.poll(events, Some(idle))
        };
        match waited {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }

    /// How long to wait when nothing happens; never longer than a tick.
    fn idle_time(&self) -> Duration {
        let mut longest = TICK;
        if !self.unconnected.is_empty() && self.connecting < CONNECTING_MAX {
            longest = match self.work.stage {
                Stage::Connecting => BREATH,
                Stage::Sending | Stage::Stopping => Duration::ZERO,
            };
        }
        if !self.ready.is_empty() || longest.is_zero() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut until = now + longest;
        if let Some(Reverse((due, _))) = self.retries.peek() {
            until = until.min(*due);
        }
        if self.work.stage == Stage::Sending {
            let start = self.work.start;
            let due = self
                .work
                .schedule
                .as_ref()
                .and_then(|schedule| schedule.next_due());
            for time in [due, self.work.plan.duration].into_iter().flatten() {
                until = until.min(start + time);
            }
        }
        until.saturating_duration_since(now)
    }
}
