//! One thread's share of the clients, around one poll.
//!
//! A pass waits for events, lets each client that has one read and write once, then those
//! that still have something to write, then those that are to connect. With every message
//! answered before the next is sent that is one read, one write and a share of one wait for
//! each message; nothing is allocated for it and the clock is read once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::client::{Cause, Client, Next, Phase, Role};
use super::plan::{Connections, Plan, ServerEnd};
use super::tally::Failure;
use super::work::{Stage, Work};

/// How often deadlines are looked at.
pub const TICK: Duration = Duration::from_millis(100);
/// Clients that connect at the same time; well below the least usual backlog of 128.
const BURST: usize = 100;
/// Attempts to connect, with pauses that double from `PAUSE`: 1.3 s in all.
const ATTEMPTS_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(10);
/// How long a server may take to end its side when nothing depends on it.
const END_MAX: Duration = Duration::from_secs(2);

/// One thread's clients.
#[derive(Debug)]
pub struct Load<'a> {
    pub work: Work<'a>,
    poll: Poll,
    clients: Vec<Client>,
    /// Clients with something to write; each at most once (`Client::queued`).
    ready: VecDeque<usize>,
    /// Clients that are to connect now.
    unconnected: VecDeque<usize>,
    /// Clients that are to connect later.
    retries: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Clients in the phase of connecting.
    connecting: usize,
    /// Senders that have not finished.
    alive: usize,
    ticked_at: Instant,
}

impl<'a> Load<'a> {
    /// Thread `thread` has every so many-th client.
    pub fn new(plan: &'a Plan, thread: u64) -> io::Result<Self> {
        let work = Work::new(plan, thread);
        let role = |index| match index {
            i if i < plan.clients - plan.stall => Role::Sender,
            i if i < plan.clients => Role::Stalled,
            _ => Role::Silent,
        };
        let stride = plan.threads as usize;
        let clients: Vec<Client> = (thread..plan.clients + plan.silent)
            .step_by(stride)
            .map(|index| Client::new(index, role(index), plan, work.now))
            .collect();
        let each = plan.connections == Connections::EachMessage;
        let at_once = |i: &usize| !each || clients[*i].role == Role::Silent;
        Ok(Self {
            poll: Poll::new()?,
            ready: VecDeque::with_capacity(clients.len()),
            unconnected: (0..clients.len()).filter(at_once).collect(),
            retries: BinaryHeap::new(),
            connecting: 0,
            alive: clients
                .iter()
                .filter(|client| client.role == Role::Sender)
                .count(),
            ticked_at: work.now,
            clients,
            work,
        })
    }

    /// Connects all that keep their connection. Those that can't be connected are out.
    pub fn connect_all(&mut self, events: &mut Events) -> io::Result<()> {
        while self.connecting > 0 || !self.unconnected.is_empty() || !self.retries.is_empty() {
            self.pass(events)?;
        }
        Ok(())
    }

    /// Sends from `start` on.
    pub fn begin(&mut self, start: Instant) {
        self.work.begin(start);
        for i in 0..self.clients.len() {
            if self.clients[i].phase == Phase::Open {
                self.work.now = Instant::now();
                let next = self.clients[i].advance(&mut self.work);
                self.follow(i, next);
            } else if self.work.plan.connections == Connections::EachMessage
                && self.clients[i].role == Role::Sender
            {
                self.unconnected.push_back(i);
            }
        }
    }

    /// Whether nobody is left who sends.
    pub fn is_over(&self) -> bool {
        self.alive == 0
    }

    /// Waits for something to do and does it.
    pub fn pass(&mut self, events: &mut Events) -> io::Result<()> {
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
                    // It may be over already, and nothing would announce that again.
                    let next = client.hear(&mut self.work, event.is_read_closed());
                    self.follow(i, next);
                }
                Ok(false) => {}
                Err(failure) => self.over(i, Cause::Failed(failure)),
            },
            Phase::Open | Phase::Ending => {
                let ended = event.is_read_closed() || event.is_error();
                let next = match event.is_readable() || ended {
                    true => client.hear(&mut self.work, ended),
                    false => client.advance(&mut self.work),
                };
                self.follow(i, next);
            }
        }
    }

    /// A client whose turn it is writes at once; the rest of it must wait for the others.
    fn follow(&mut self, i: usize, next: Next) {
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

    fn over(&mut self, i: usize, cause: Cause) {
        let plan = self.work.plan;
        let client = &mut self.clients[i];
        let refused = matches!(
            cause,
            Cause::Failed(Failure::ConnectRefused | Failure::ConnectFailed)
        );
        self.connecting -= usize::from(client.phase == Phase::Connecting);
        client.retire(&mut self.work, cause);
        let stopped = plan.server_end == ServerEnd::Awaited && cause != Cause::Done;
        let stage = self.work.stage;
        if refused && client.attempts < ATTEMPTS_MAX && !(stopped && stage != Stage::Connecting) {
            let pause = PAUSE * 2_u32.pow(client.attempts.min(6));
            client.attempts += 1;
            self.retries.push(Reverse((self.work.now + pause, i)));
            return;
        }
        if client.role != Role::Sender {
            return;
        }
        let again = plan.connections == Connections::EachMessage
            && stage == Stage::Sending
            && !refused
            && !stopped;
        if again && client.renew(plan) {
            self.unconnected.push_back(i);
        } else {
            self.alive -= 1;
        }
    }

    fn connect_some(&mut self) {
        while let Some(&Reverse((due, i))) = self.retries.peek() {
            if due > self.work.now {
                break;
            }
            self.retries.pop();
            self.unconnected.push_back(i);
        }
        // Not more than there are now: one that fails at once must not be tried for ever.
        for _ in 0..self.unconnected.len() {
            if self.connecting >= BURST {
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

    fn connect(&mut self, i: usize) -> Result<(), Failure> {
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

    /// Lets go of the messages that are due.
    fn release_due(&mut self) {
        if self.work.stage != Stage::Sending {
            return;
        }
        let elapsed = self.work.now.saturating_duration_since(self.work.start);
        while let Some((i, seq)) = self.work.schedule.as_mut().and_then(|s| s.pop(elapsed)) {
            self.work.moved_at = self.work.now;
            let client = &mut self.clients[i];
            if client.phase == Phase::Open && client.role == Role::Sender {
                client.release(seq + 1, self.work.plan);
                let next = client.advance(&mut self.work);
                self.follow(i, next);
            }
        }
    }

    /// Looks at the deadlines.
    fn keep_time(&mut self) {
        let now = self.work.now;
        let plan = self.work.plan;
        let ended = |duration| now >= self.work.start + duration;
        if self.work.stage == Stage::Sending && plan.duration.is_some_and(ended) {
            self.stop();
        }
        if now.saturating_duration_since(self.ticked_at) < TICK {
            return;
        }
        self.ticked_at = now;
        let stuck = now.saturating_duration_since(self.work.moved_at) > plan.timeout;
        for i in 0..self.clients.len() {
            if let Some(cause) = self.expired(&self.clients[i], stuck) {
                self.over(i, cause);
            }
        }
        if stuck {
            self.drop_unconnected();
        }
    }

    fn expired(&self, client: &Client, stuck: bool) -> Option<Cause> {
        let plan = self.work.plan;
        let waited = self.work.now.saturating_duration_since(client.asked_at);
        let connecting = client.phase == Phase::Connecting
            || plan.connections == Connections::EachMessage
                && client.phase == Phase::Open
                && client.role == Role::Sender
                && client.is_fresh(plan);
        match client.phase {
            Phase::Apart => None,
            _ if connecting && waited > plan.timeout => {
                Some(Cause::Failed(Failure::ConnectTimeout))
            }
            Phase::Ending if plan.has_replies() && waited > END_MAX.min(plan.timeout) => {
                Some(Cause::Done)
            }
            Phase::Open | Phase::Ending
                if stuck && client.role == Role::Sender && self.work.stage != Stage::Connecting =>
            {
                Some(Cause::Failed(Failure::Timeout))
            }
            _ => None,
        }
    }

    /// Nobody gets through any more, so those still waiting for their turn are out.
    fn drop_unconnected(&mut self) {
        let waiting = self.retries.drain().map(|Reverse((_, i))| i);
        for i in self.unconnected.drain(..).chain(waiting) {
            self.alive -= usize::from(self.clients[i].role == Role::Sender);
        }
    }

    /// Starts nothing new.
    fn stop(&mut self) {
        self.work.stage = Stage::Stopping;
        self.drop_unconnected();
        for i in 0..self.clients.len() {
            if self.clients[i].phase == Phase::Open {
                let next = self.clients[i].advance(&mut self.work);
                self.follow(i, next);
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let idle = self.idle_time();
        let pacing = self.work.schedule.is_some() && self.work.stage == Stage::Sending;
        let waited = if pacing && !idle.is_zero() {
            // The poll's own timeout counts milliseconds, too coarse to send on time.
            let registry = self.poll.registry();
            let exact = Timespec {
                tv_sec: 0,
                tv_nsec: idle.subsec_nanos().into(),
            };
            // A signal ends it early, which is as good as any other reason.
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
        let may_connect = !self.unconnected.is_empty() && self.connecting < BURST;
        if !self.ready.is_empty() || may_connect {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut until = now + TICK;
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
