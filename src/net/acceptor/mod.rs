//! The acceptor: accepts clients, classifies errors, and hands each client to its host.
//!
//! It never writes to a client and never waits: not for one to come, which its caller learns from a
//! poller, nor for a pause that the host or a lack of descriptors asks for. While the server is
//! full it does not accept: new clients wait in the backlog.

mod backlog;
mod fault;
mod gate;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::{SocketFlags, acceptfrom_with, sockopt::socket_peercred};
use socket2::Socket;
use tracing::{info, warn};

use backlog::BacklogCounter;
use fault::{Fault, sort};
pub(crate) use gate::{AcceptGate, AcceptHandler};

use crate::net::address::Peer;
use crate::net::listen::{BACKLOG, Holders, Listener, Listening};
use crate::net::ready::wait;
use crate::series::Series;

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

/// The listeners of an acceptor, for other threads: they are open as long as the acceptor keeps
/// them, and no longer.
pub(crate) struct OpenListeners(Vec<Weak<Source>>);

impl OpenListeners {
    /// Duplicates of those that are still open.
    pub(crate) fn duplicate(&self) -> io::Result<Vec<OwnedFd>> {
        let open = self.0.iter().filter_map(Weak::upgrade);
        open.map(|listener| listener.as_fd().try_clone_to_owned())
            .collect()
    }
}

/// See the head of the file.
pub(crate) struct Acceptor {
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
}

impl Acceptor {
    /// Prepares to accept from the listeners.
    pub(crate) fn new(listeners: Vec<Listening>, errors: Arc<AcceptErrors>) -> Acceptor {
        let sources = listeners.into_iter().map(Source::new);
        Acceptor {
            listeners: sources.map(Arc::new).collect(),
            errors,
            reserve: open_reserve(),
            pause: PAUSE_MIN,
            wants: Series::new(),
            outside: BacklogCounter::default(),
            held_up: BacklogCounter::default(),
        }
    }

    /// Its listeners, to be watched.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.listeners.iter().map(|listener| listener.as_fd())
    }

    /// The same, for other threads.
    pub(crate) fn open_listeners(&self) -> OpenListeners {
        OpenListeners(self.listeners.iter().map(Arc::downgrade).collect())
    }

    /// Closes the listeners; `forget` is called for each before.
    pub(crate) fn close(&mut self, forget: impl Fn(BorrowedFd<'_>)) {
        self.listeners().for_each(forget);
        self.listeners.clear();
    }

    /// Tells the host of clients that wait while the gate is not open.
    fn tell_waiting(&mut self, gate: AcceptGate, host: &impl AcceptHandler) {
        let has_event = host.takes_event();
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

    /// The next pause is a short one: there may be a descriptor.
    pub(crate) fn try_soon(&mut self) {
        self.pause = PAUSE_MIN;
    }

    /// Accepts clients while the gate is open, at most so many, from each listener in turn.
    pub(crate) fn accept(&mut self, host: &impl AcceptHandler, most: usize) -> Waits {
        let mut left = most;
        // The gate is asked before the last look at the backlog, so that clients that came earlier
        // are accepted. If it closes meanwhile, the waker causes another look.
        let closing = host.gate() == AcceptGate::Closing;
        let mut empty = 0;
        let mut index = 0;
        while empty < self.listeners.len() {
            for accepted in 0..BURST {
                if left == 0 {
                    return Waits::More;
                }
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
                        left -= 1;
                        self.pause = PAUSE_MIN;
                        self.outside.move_up();
                        self.held_up.move_up();
                        host.admit(socket, peer, self.listeners[index].is_plain);
                        // Most clients come alone. An accept that finds none costs several times
                        // as much as this look.
                        if accepted == 0 && !client_waits(&self.listeners[index..=index]) {
                            empty = 1;
                            break;
                        }
                    }
                    // A pause follows, and is for a caller that may wait.
                    Err(error) if most < usize::MAX && sort(&error) == Fault::Exhausted => {
                        return Waits::More;
                    }
                    Err(error) => match self.judge(index, &error) {
                        Fault::Client => {}
                        Fault::Exhausted => return self.starve(index, host),
                        Fault::NoClient => {
                            empty += 1;
                            break;
                        }
                        Fault::Fatal => {
                            empty = 0;
                            break;
                        }
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
                // The others move up: those that were found empty are looked at again.
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
                return Waits::Time(self.next_pause());
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
        Waits::Time(self.next_pause())
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

    /// When to [notice](Acceptor::notice_recovery) that accepting works again, if it has failed.
    pub(crate) fn recovers_at(&self) -> Option<Instant> {
        self.wants.next()
    }

    /// Logs that accepting has not failed for a while.
    pub(crate) fn notice_recovery(&mut self) {
        if let Some(failures) = self.wants.look(Instant::now()) {
            info!(failures, "accepting again");
        }
    }
}

/// A listener of either kind, asked without blocking.
struct Source {
    socket: OwnedFd,
    holders: Holders,
    /// Its clients speak plainly, also where others speak TLS.
    is_plain: bool,
}

impl Source {
    fn new(listening: Listening) -> Source {
        let socket = match listening.listener {
            Listener::Tcp(listener) => listener.into(),
            Listener::Unix(listener) => listener.into(),
        };
        Source {
            socket,
            holders: listening.holders,
            is_plain: listening.is_plain,
        }
    }

    fn accept(&self) -> io::Result<(Socket, Peer)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, address) = acceptfrom_with(&self.socket, flags)?;
        let address = address.and_then(|address| SocketAddr::try_from(address).ok());
        let peer = match address {
            Some(address) => Peer::from_tcp(address),
            None => {
                let credentials = socket_peercred(&socket);
                Peer::Unix(credentials.map_or(0, |peer| peer.pid.as_raw_nonzero().get()))
            }
        };
        Ok((socket.into(), peer))
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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
    wait(&mut asked, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}

/// What the acceptor waits for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// Nothing: more clients may wait.
    More,
    /// A client, or a change of the gate.
    AnEvent,
    /// The end of a pause.
    Time(Duration),
    /// No client will be accepted any more.
    Nothing,
}

#[cfg(test)]
mod tests;
