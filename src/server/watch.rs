//! The watch: one thread that checks the server about once a millisecond while there is work, and
//! sleeps while there is none.
//!
//! It calls in another worker when no turn has ended since its last check (a handler blocks), wakes
//! connections whose deadline has come, and enforces the drain's deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::drain::{Backlog, ServerPhase};
use crate::scheduler::run_queue::{Tick, Wakeup};
use crate::scheduler::state::Reasons;
use crate::service::Work;

/// Between two checks while there is work.
const TICK: Duration = Duration::from_millis(1);
/// The same while all turns are quick and end: the watch is hardly needed then, and each check
/// takes a little of the core that serves.
const SMOOTH_TICK: Duration = Duration::from_millis(3);
/// The same while the output holds up every worker: there is none to call in, and what waits for it
/// is not quick.
const HELD_TICK: Duration = Duration::from_millis(10);
/// Checks without any work before it sleeps: waking it costs more than a few checks.
const QUIET_TICKS: u32 = 50;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// There is work: check again soon.
    Work,
    /// There is work, and turns are quick.
    Smooth,
    /// Every worker waits for the service's own output.
    HeldUp,
    /// There is no work.
    Quiet,
    /// There will be no more work.
    Over,
}

impl Shared {
    /// Runs the watch until the server has stopped.
    pub(super) fn watch(self: &Arc<Self>) {
        let notify = &self.ctx.deadlines.watch_notify;
        let mut quiet = 0;
        loop {
            let found = self.look(Instant::now());
            let pause = match found {
                Look::Over => return,
                Look::Smooth => SMOOTH_TICK,
                Look::HeldUp => HELD_TICK,
                Look::Work | Look::Quiet => TICK,
            };
            quiet = if found == Look::Quiet { quiet + 1 } else { 0 };
            let next = Instant::now() + pause;
            self.ctx.deadlines.look_at(next);
            let mut due = Some(next);
            if quiet >= QUIET_TICKS
                && let Some(asleep_until) = self.may_sleep()
            {
                due = asleep_until;
                quiet = 0;
            }
            notify.wait(due);
        }
    }

    fn look(self: &Arc<Self>, now: Instant) -> Look {
        let tick = self.run_queue.tick();
        self.answer(tick.call);
        if tick.unpolled && self.acceptor.is_free() {
            // No leader notices new clients.
            self.ctx.accept_waker.notify();
        }
        for connection in self.ctx.deadlines.due(now) {
            connection.wake(Reasons::NOTICE);
        }
        self.overload.look(now, self.run_queue.load().0);
        self.ctx.work.tick(now);
        let is_held_up = self.ctx.work.is_held_up();
        if is_held_up {
            self.worker_table.were_held_up(now);
        }
        self.worker_table.look(now, |id| {
            self.ctx.registry.look_up(id).map(|info| info.peer)
        });
        self.ctx.notices.look(now);
        if self.ctx.drain.begins().is_some_and(|at| at <= now) {
            self.ctx.drain.begin(Backlog::Accept);
            self.ctx.accept_waker.notify();
        }
        if self.ctx.drain.phase() == ServerPhase::Stopped {
            return Look::Over;
        }
        if self
            .ctx
            .drain
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.cut_off();
            return Look::Work;
        }
        match tick {
            Tick { quiet: true, .. } => Look::Quiet,
            Tick { smooth: true, .. } => Look::Smooth,
            Tick {
                unpolled: true,
                call: Wakeup::NotNeeded,
                ..
            } if is_held_up => Look::HeldUp,
            // A worker that takes a stream calls in the next one itself.
            _ if matches!(self.ctx.work, Work::Streams(_)) => Look::Smooth,
            _ => Look::Work,
        }
    }

    /// Whether work will wake the watch, and when to check even so.
    fn may_sleep(&self) -> Option<Option<Instant>> {
        if !self.run_queue.park_watch() {
            return None;
        }
        // The leader sleeps, so no connection waits for a worker.
        self.overload.rest();
        // After the leader's last turn: what begins later wakes the watch, and nothing that a turn
        // has begun or postponed is overlooked.
        let due = [
            self.ctx.drain.begins(),
            self.ctx.drain.deadline(),
            self.ctx.notices.next(),
            self.worker_table.next(),
            self.ctx.work.tick(Instant::now()),
        ];
        let due = due.into_iter().flatten().min();
        Some(self.ctx.deadlines.sleep_until(due))
    }

    /// Resets every connection that is left at the drain's deadline.
    pub(super) fn cut_off(&self) {
        self.ctx.work.cut_off();
        // Without a free descriptor the acceptor may still wait to accept a client.
        self.ctx.accept_waker.notify();
        for connection in self.ctx.registry.all() {
            connection.cut();
        }
    }
}
