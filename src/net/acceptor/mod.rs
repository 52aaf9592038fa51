//! The acceptor: accepts clients, classifies errors, and hands each client to its host.
//!
//! It waits in a poller of its own, with a waker, because a blocked `accept` could not be woken
//! (signals restart it). While the server is full it does not accept: new clients wait in the
//! backlog. It never writes to a client and never waits for one.

mod backlog;
mod fault;
mod gate;
mod source;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::{info, warn};

use backlog::BacklogCounter;
use fault::{Fault, sort};
pub(crate) use gate::{AcceptGate, AcceptHandler};
use source::Source;

use crate::net::listen::{BACKLOG, Holders, Listening};
use crate::series::Series;

const WAKER: Token = Token(usize::MAX);
/// Pauses while the system has no descriptor or memory; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Most clients accepted in a row, before the acceptor looks at anything else.
const BURST: usize = 64;

/// Counts of failed accepts.
#[derive(Debug, Default)]
pub(crate) struct AcceptErrors {
    /// The client had gone, or the network was down.
    pub(crate) client: AtomicU64,
    /// This process or system lacked a descriptor or memory.
    pub(crate) exhausted: AtomicU64,
}

/// A handle to the acceptor, for other threads.
pub(crate) struct AcceptWaker {
    waker: Waker,
    /// They are open as long as the acceptor keeps them, and no longer.
    listeners: Vec<Weak<Source>>,
}

impl AcceptWaker {
    /// Wakes the acceptor, which then asks its host whether to accept.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the acceptor can't be woken");
        }
    }

    /// Duplicates of the listeners that are still open.
    pub(crate) fn listeners(&self) -> io::Result<Vec<OwnedFd>> {
        let open = self.listeners.iter().filter_map(Weak::upgrade);
        open.map(|listener| listener.as_fd().try_clone_to_owned())
            .collect()
    }
}

/// See the head of the file.
pub(crate) struct Acceptor {
    poll: Poll,
    listeners: Vec<Arc<Source>>,
    errors: Arc<AcceptErrors>,
    /// A reserve, to be closed when there is no descriptor left: with it the acceptor can accept
    /// the next client and close it at once, instead of leaving it to wait.
    reserve: Option<OwnedFd>,
    /// The next pause when there is no descriptor.
    pause: Duration,
    /// Failures for want of a descriptor or memory.
    wants: Series<()>,
    /// Clients that wait while the server is full.
    outside: BacklogCounter,
    /// Clients that wait because of the accept rate.
    held_up: BacklogCounter,
    /// A client has come since the gate was asked last.
    has_event: bool,
}

impl Acceptor {
    /// Prepares to accept from the listeners; the waker interrupts its wait.
    pub(crate) fn new(
        listeners: Vec<Listening>,
        errors: Arc<AcceptErrors>,
    ) -> io::Result<(Acceptor, AcceptWaker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut sources = Vec::new();
        for (index, listening) in listeners.into_iter().enumerate() {
            let source = Source::new(listening);
            source.register(poll.registry(), Token(index))?;
            sources.push(Arc::new(source));
        }
        let accept_waker = AcceptWaker {
            waker,
            listeners: sources.iter().map(Arc::downgrade).collect(),
        };
        Ok((
            Acceptor {
                poll,
                listeners: sources,
                errors,
                reserve: open_reserve(),
                pause: PAUSE_MIN,
                wants: Series::new(),
                outside: BacklogCounter::default(),
                held_up: BacklogCounter::default(),
                has_event: false,
            },
            accept_waker,
        ))
    }

    /// Accepts until the gate closes and the backlog is empty, then closes the listeners.
    pub(crate) fn run(mut self, host: &impl AcceptHandler) {
        let mut events = Events::with_capacity(8);
        loop {
            let timeout = match self.accept_all(host) {
                Waits::AnEvent => None,
                Waits::Resources => Some(self.next_pause()),
                Waits::Time(pause) => Some(pause),
                Waits::Nothing => return,
            };
            self.notice_recovery();
            if let Some(pause) = timeout {
                self.rest(&mut events, pause);
            } else {
                let over = self.wants.next();
                let left = over.map(|at| at.saturating_duration_since(Instant::now()));
                self.wait(&mut events, left);
            }
        }
    }

    /// Waits for events. They only end the wait: each time every listener is asked.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) {
        if let Err(error) = self.poll.poll(events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            warn!(%error, "the acceptor can't wait for clients; pausing");
            std::thread::sleep(PAUSE_MAX);
        }
        self.has_event |= events.iter().any(|event| event.token() != WAKER);
    }

    /// Waits for a pause to pass, even if clients come: clients that reconnect at once after they
    /// were turned away must not keep it busy. Only the waker ends the pause early.
    fn rest(&mut self, events: &mut Events, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            self.wait(events, Some(left));
            if events.iter().any(|event| event.token() == WAKER) {
                // A client leaves; its descriptor is free now or soon.
                self.pause = PAUSE_MIN;
                return;
            }
            if Instant::now() >= until {
                return;
            }
        }
    }

    /// Tells the host of clients that wait while the gate is not open.
    fn tell_waiting(&mut self, gate: AcceptGate, host: &impl AcceptHandler) {
        let has_event = std::mem::take(&mut self.has_event);
        let line = match gate {
            AcceptGate::Full => &mut self.outside,
            AcceptGate::Paused(_) => &mut self.held_up,
            _ => return,
        };
        if !client_waits(&self.listeners) {
            line.clear();
            return;
        }
        if line.look(has_event) {
            host.has_to_wait(gate);
        }
        if gate == AcceptGate::Full {
            host.is_waited_for();
        }
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// Accepts clients while the gate is open, from each listener in turn.
    fn accept_all(&mut self, host: &impl AcceptHandler) -> Waits {
        // The gate is asked before the last look at the backlog, so that clients that came earlier
        // are accepted. If it closes meanwhile, the waker causes another look.
        let closing = host.gate() == AcceptGate::Closing;
        let mut empty = 0;
        let mut index = 0;
        while empty < self.listeners.len() {
            for accepted in 0..BURST {
                let gate = host.gate();
                self.tell_waiting(gate, host);
                match gate {
                    AcceptGate::Full | AcceptGate::Held => return Waits::AnEvent,
                    AcceptGate::Paused(pause) => return Waits::Time(pause),
                    AcceptGate::Shut => return Waits::Nothing,
                    AcceptGate::Over => return self.cut_off(host),
                    AcceptGate::Open | AcceptGate::Closing => {}
                }
                match self.listeners[index].accept() {
                    Ok((socket, peer)) => {
                        empty = 0;
                        self.pause = PAUSE_MIN;
                        self.outside.move_up();
                        self.held_up.move_up();
                        host.admit(socket, peer, self.listeners[index].is_plain);
                        // Most clients come alone. An accept in vain costs several times as much
                        // as this look.
                        if accepted == 0 && !client_waits(&self.listeners[index..=index]) {
                            empty = 1;
                            break;
                        }
                    }
                    Err(error) => match self.judge(index, &error) {
                        Fault::Client => {}
                        Fault::Exhausted => return self.starve(index, host),
                        Fault::NoClient => {
                            empty += 1;
                            break;
                        }
                        Fault::Fatal => break,
                    },
                }
            }
            index = (index + 1) % self.listeners.len().max(1);
        }
        let over = self.listeners.is_empty() || closing;
        if over { Waits::Nothing } else { Waits::AnEvent }
    }

    /// Counts an error, logs it where the operator should know, and drops a dead listener.
    fn judge(&mut self, index: usize, error: &io::Error) -> Fault {
        let fault = sort(error);
        match fault {
            Fault::NoClient => {}
            Fault::Client => {
                self.errors.client.fetch_add(1, Ordering::Relaxed);
            }
            Fault::Exhausted => {
                self.errors.exhausted.fetch_add(1, Ordering::Relaxed);
                if self.wants.happened((), Instant::now()).is_some() {
                    warn!(%error, "cannot accept; clients wait or are turned away until it passes");
                }
            }
            Fault::Fatal => {
                tracing::error!(%error, "this listener is dead; clients can't connect to it");
                self.listeners.remove(index);
            }
        }
        fault
    }

    /// No descriptor: turns away at most one client, then pauses.
    fn starve(&mut self, index: usize, host: &impl AcceptHandler) -> Waits {
        host.starved();
        match host.gate() {
            // The system reports a lack of descriptors even if the backlog is empty.
            AcceptGate::Closing if !client_waits(&self.listeners) => return Waits::Nothing,
            AcceptGate::Closing => {
                // The host makes room for the next client.
                self.reserve = None;
                return Waits::Resources;
            }
            // The clients in the backlog are another process's.
            AcceptGate::Shut => return Waits::Nothing,
            // Clients in the backlog go on waiting.
            AcceptGate::Held => return Waits::AnEvent,
            AcceptGate::Over => return self.cut_off(host),
            _ => {}
        }
        if self.reserve.take().is_some() {
            // Accepted with the descriptor of the reserve, and closed at once.
            drop(self.listeners[index].accept());
        }
        self.reserve = open_reserve();
        Waits::Resources
    }

    /// Resets and counts the clients in the backlog, as far as there are descriptors to accept
    /// them; leaves listeners alone that another process may hold.
    fn cut_off(&mut self, host: &impl AcceptHandler) -> Waits {
        self.reserve = None;
        let is_ours = |listener: &&Arc<Source>| listener.holders == Holders::Ours;
        for listener in self.listeners.iter().filter(is_ours) {
            for _ in 0..BACKLOG {
                match listener.accept().map_err(|error| sort(&error)) {
                    Ok((socket, _)) => {
                        let _ = socket.set_linger(Some(Duration::ZERO));
                        host.cut_off();
                    }
                    Err(Fault::Client) => {}
                    Err(Fault::Exhausted) if client_waits(std::slice::from_ref(listener)) => {
                        // At least one is there; closing the listener resets all.
                        host.cut_off();
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
        Waits::Nothing
    }

    /// Logs that accepting has not failed for a while.
    fn notice_recovery(&mut self) {
        if let Some(failures) = self.wants.look(Instant::now()) {
            info!(failures, "accepting again");
        }
    }
}

/// Any descriptor will do. Without a reserve, clients wait in the backlog.
fn open_reserve() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").ok().map(OwnedFd::from)
}

/// Whether a client is in the backlog of any listener.
fn client_waits(listeners: &[Arc<Source>]) -> bool {
    let mut asked: Vec<_> = listeners
        .iter()
        .map(|listener| PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN))
        .collect();
    poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// What the acceptor waits for next.
enum Waits {
    AnEvent,
    Resources,
    Time(Duration),
    Nothing,
}

#[cfg(test)]
mod tests;
