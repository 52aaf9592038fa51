//! Which thread accepts: the leader of the workers, or the acceptor's own.
//!
//! The leader waits for new clients as for the bytes of connected ones. It accepts a few and goes
//! on with their first turns, so on a quiet server no thread wakes another for a client. The
//! acceptor's own thread accepts
//! - the rest of a crowd, while workers go on with their clients;
//! - while no worker polls, because handlers block: the watch tells it;
//! - after a pause, because of a rate or for want of descriptors;
//! - when another thread has changed what the gate depends on;
//! - the backlog, when a drain begins.
//!
//! One of them at a time is the acceptor, see [`Baton`](crate::scheduler::baton::Baton).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::drain::ServerPhase;
use crate::net::acceptor::{Acceptor, Waits};

/// Maximum clients that a worker accepts in a row, while connected ones wait.
const WORKER_BURST: usize = 64;

/// What the acceptor's thread does next.
enum Then {
    /// Wait to be woken, or until this time.
    Wait(Option<Instant>),
    End,
}

impl Shared {
    /// Accepts clients that the poller has reported, on a worker.
    pub(super) fn accept_some(self: &Arc<Self>) {
        self.client_has_come.store(true, Ordering::SeqCst);
        if self.ctx.drain.phase() != ServerPhase::Running {
            // What is left of the backlog is its own thread's.
            self.ctx.accept_waker.notify();
            return;
        }
        self.acceptor.call(|acceptor| {
            let accept = || acceptor.accept(self, WORKER_BURST);
            let waits = self.heartbeat.accepts(accept);
            if waits != Waits::AnEvent || acceptor.recovers_at().is_some() {
                self.ctx.accept_waker.notify();
            }
        });
    }

    /// Runs the acceptor's thread until the listeners are closed.
    pub(super) fn accept_to_the_end(self: &Arc<Self>) {
        loop {
            // If a worker is the acceptor, it looks again, and wakes this thread if need be.
            let mut then = Then::Wait(None);
            self.acceptor.call(|acceptor| {
                then = self.heartbeat.accepts(|| self.accept_all(acceptor));
            });
            match then {
                Then::Wait(until) => self.ctx.accept_waker.wait(until),
                Then::End => return,
            }
        }
    }

    /// Accepts, with pauses if need be, until there is nothing to do but to wait.
    fn accept_all(self: &Arc<Self>, acceptor: &mut Acceptor) -> Then {
        loop {
            let waits = acceptor.accept(self, usize::MAX);
            acceptor.notice_recovery();
            match waits {
                Waits::More => {}
                Waits::AnEvent => return Then::Wait(acceptor.recovers_at()),
                Waits::Time(pause) => self.rest(acceptor, pause),
                Waits::Nothing => {
                    // Another process may hold it open.
                    acceptor.close(|listener| drop(self.poller.unwatch(&listener)));
                    return Then::End;
                }
            }
        }
    }

    /// Waits for a pause to pass, even if clients come: clients that reconnect at once after they
    /// were turned away must not keep it busy. Only the waker ends the pause early.
    fn rest(&self, acceptor: &mut Acceptor, pause: Duration) {
        let until = Instant::now() + pause;
        self.ctx.accept_waker.wait(Some(until));
        if Instant::now() < until {
            // A client leaves; its descriptor is free now or soon.
            acceptor.try_soon();
        }
    }
}
