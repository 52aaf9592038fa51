//! One thread's share of the clients, around one poll.
//!
//! A pass waits for events, lets each client that has one read and write once, then those
//! that still have something to write, then those that are to connect. With every message
//! answered before the next is sent that is one read, one write and a share of one wait for
//! each message; nothing is allocated for it and the clock is read once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::Instant;

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::client::{Cause, Client, Next, Phase};
use super::plan::{Connections, Plan, ServerEnd};
use super::tally::ConnectionFault;
use super::work::{Stage, Work};

/// Messages that are released before replies and the clock are checked again: a rate that is too
/// high must not delay the end of the run.
const RELEASED_MAX: usize = 1024;

/// One thread's clients.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) work: Work<'a>,
    pub(super) poll: Poll,
    pub(super) clients: Vec<Client>,
    /// Clients with something to write; each at most once (`Client::queued`).
    pub(super) ready: VecDeque<usize>,
    /// Clients that are to connect now.
    pub(super) unconnected: VecDeque<usize>,
    /// Clients that are to connect later.
    pub(super) retries: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Clients in the phase of connecting.
    pub(super) connecting: usize,
    /// Clients that have not finished.
    pub(super) alive: usize,
    pub(super) ticked_at: Instant,
}

impl<'a> Load<'a> {
    /// A thread's clients: every `threads`th one.
    pub(crate) fn new(plan: &'a Plan, thread: u64) -> io::Result<Load<'a>> {
        let work = Work::new(plan, thread);
        let stride = plan.threads as usize;
        let clients: Vec<Client> = (thread..plan.clients)
            .step_by(stride)
            .map(|index| Client::new(index, plan, work.now))
            .collect();
        let at_once = match plan.connections {
            Connections::Kept => clients.len(),
            Connections::EachMessage => 0,
        };
        Ok(Load {
            poll: Poll::new()?,
            ready: VecDeque::with_capacity(clients.len()),
            unconnected: (0..at_once).collect(),
            retries: BinaryHeap::new(),
            connecting: 0,
            alive: clients.len(),
            ticked_at: work.now,
            clients,
            work,
        })
    }

    /// Sends from `start` on.
    pub(crate) fn begin(&mut self, start: Instant) {
        self.work.begin(start);
        for i in 0..self.clients.len() {
            if self.clients[i].phase == Phase::Open {
                self.work.now = Instant::now();
                let next = self.clients[i].advance(&mut self.work);
                self.follow(i, next);
            } else if self.work.plan.connections == Connections::EachMessage {
                self.unconnected.push_back(i);
            }
        }
    }

    /// Whether no client is left that sends.
    pub(crate) fn is_over(&self) -> bool {
        self.alive == 0
    }

    /// Waits for events and handles them.
    pub(crate) fn pass(&mut self, events: &mut Events) -> io::Result<()> {
        self.wait(events)?;
        self.work.now = Instant::now();
        for event in events.iter() {
            self.handle(event);
        }
        self.release_due();
        for _ in 0..self.ready.len() {
            let Some(i) = self.ready.pop_front() else {
                break;
            };
            self.clients[i].queued = false;
            let next = self.clients[i].write(&mut self.work);
            self.settle(i, next);
        }
        self.connect_some();
        self.keep_time();
        Ok(())
    }

    fn handle(&mut self, event: &Event) {
        let Token(i) = event.token();
        let client = &mut self.clients[i];
        match client.phase {
            // Dropped earlier in this pass.
            Phase::Apart => {}
            Phase::Connecting => match client.is_established() {
                Ok(true) => {
                    client.open();
                    client.note_connected(&mut self.work);
                    self.connecting -= 1;
                    // It may have ended already, and no further event would say so.
                    let next = client.hear(&mut self.work, event.is_read_closed());
                    self.follow(i, next);
                }
                Ok(false) => {}
                Err(failure) => self.over(i, Cause::Failed(failure)),
            },
            Phase::Open | Phase::Ending => {
                let ended = event.is_read_closed() || event.is_error();
                let next = match event.is_readable() || ended || client.owes() {
                    true => client.hear(&mut self.work, ended),
                    false => client.advance(&mut self.work),
                };
                self.follow(i, next);
            }
        }
    }

    /// Writes once for the client; the rest waits for the others' turns.
    pub(super) fn follow(&mut self, i: usize, next: Next) {
        let next = match next {
            Next::Write if !self.clients[i].queued => self.clients[i].write(&mut self.work),
            other => other,
        };
        self.settle(i, next);
    }

    fn settle(&mut self, i: usize, next: Next) {
        match next {
            Next::Wait => {}
            Next::Write if self.clients[i].queued => {}
            Next::Write => {
                self.clients[i].queued = true;
                self.ready.push_back(i);
            }
            Next::Over(cause) => self.over(i, cause),
        }
    }

    /// Counts a connection that is over, and decides whether the client makes another.
    pub(super) fn over(&mut self, i: usize, cause: Cause) {
        let plan = self.work.plan;
        let client = &mut self.clients[i];
        let refused = matches!(
            cause,
            Cause::Failed(ConnectionFault::ConnectRefused | ConnectionFault::ConnectFailed)
        );
        self.connecting -= usize::from(client.phase == Phase::Connecting);
        client.retire(&mut self.work, cause);
        let stopped = plan.server_end == ServerEnd::Awaited && cause != Cause::Done;
        let stage = self.work.stage;
        let ended = stopped && stage != Stage::Connecting;
        if refused && !ended && self.connect_later(i) {
            return;
        }
        let unreachable = refused
            || matches!(
                cause,
                Cause::Failed(ConnectionFault::ConnectTimeout | ConnectionFault::Tls)
            );
        self.work.tally.abandoned += u64::from(unreachable);
        let client = &mut self.clients[i];
        let again = plan.connections == Connections::EachMessage
            && stage == Stage::Sending
            && !unreachable
            && !stopped;
        if again && client.renew(plan) {
            self.unconnected.push_back(i);
        } else {
            self.alive -= 1;
        }
    }

    /// Releases the messages that are due.
    fn release_due(&mut self) {
        if self.work.stage != Stage::Sending {
            return;
        }
        let elapsed = self.work.now.saturating_duration_since(self.work.start);
        let elapsed = elapsed.min(self.work.plan.duration.unwrap_or(elapsed));
        for _ in 0..RELEASED_MAX {
            let Some((i, seq)) = self.work.schedule.as_mut().and_then(|s| s.pop(elapsed)) else {
                break;
            };
            self.work.moved_at = self.work.now;
            let client = &mut self.clients[i];
            if client.phase == Phase::Open {
                client.release(seq + 1, self.work.plan);
                let next = client.advance(&mut self.work);
                self.follow(i, next);
            }
        }
    }
}
