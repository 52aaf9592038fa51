//! Watches the sockets of resting connections. Knows no pool: it gives a closure the token and
//! reason of each event.
//!
//! Each socket is registered once, edge-triggered, for reading and writing together, and never
//! again: a connection costs one `epoll_ctl` in its life. Edge-triggered means that a
//! worker must read until the socket is empty (a short read shows it, see epoll(7), question 9)
//! or queue the connection again without an event. Closing a descriptor removes it.
//!
//! A listener is watched in the same way, so that the leader notices a new client as well. This is
//! the only file that names `mio`'s poll.

use std::hint;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;

use crate::scheduler::run_queue::Wait;
use crate::scheduler::state::Reasons;

/// Events taken from the system at once.
const EVENTS_MAX: usize = 256;
/// How long a leader spins before it blocks: about the processor time that blocking and waking
/// cost both sides, so a spin that finds nothing at most doubles it.
const SPIN_MAX: Duration = Duration::from_micros(50);
const WAKER: Token = Token(usize::MAX);
/// The token of every listener.
pub(crate) const LISTENER: u64 = (usize::MAX - 1) as u64;

/// See the head of the file.
pub(crate) struct Poller {
    /// The leader holds it while it waits. There is one leader, so the lock is not contended.
    poll: Mutex<(Poll, Events)>,
    registry: Registry,
    waker: Waker,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKER)?;
        Ok(Poller {
            poll: Mutex::new((poll, Events::with_capacity(EVENTS_MAX))),
            registry,
            waker,
        })
    }

    /// Watches a socket until it is closed.
    pub(crate) fn watch(&self, socket: &impl AsRawFd, token: u64) -> io::Result<()> {
        let token = Token(usize::try_from(token).unwrap_or(usize::MAX - 2));
        let all = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        self.registry
            .register(&mut SourceFd(&socket.as_raw_fd()), token, all)
    }

    /// Watches a socket no longer, though another process may hold it open.
    pub(crate) fn unwatch(&self, socket: &impl AsRawFd) -> io::Result<()> {
        self.registry.deregister(&mut SourceFd(&socket.as_raw_fd()))
    }

    /// Waits for events or [`wake`](Poller::wake), and gives them to `found`.
    pub(crate) fn wait(&self, wait: Wait, mut found: impl FnMut(u64, Reasons)) -> io::Result<()> {
        let (poll, events) = &mut *self.poll.lock();
        let mut look = |timeout| match poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            other => other.map(|()| !events.is_empty()),
        };
        let now = Some(Duration::ZERO);
        match wait {
            Wait::Never => look(now)?,
            Wait::SpinThenBlock => {
                let begun = Instant::now();
                let mut found = look(now)?;
                while !found && begun.elapsed() < SPIN_MAX {
                    hint::spin_loop();
                    found = look(now)?;
                }
                found || look(None)?
            }
            Wait::Event => look(None)?,
        };
        for event in events.iter().filter(|event| event.token() != WAKER) {
            let mut reasons = Reasons::WRITABLE;
            if event.is_readable() {
                reasons = reasons.and(Reasons::READABLE);
            }
            if event.is_read_closed() || event.is_error() {
                reasons = reasons.and(Reasons::ENDING);
            }
            if event.is_priority() {
                reasons = reasons.and(Reasons::URGENT);
            }
            found(event.token().0 as u64, reasons);
        }
        Ok(())
    }

    /// Makes the leader return at once, or the next `wait` if no leader waits.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // An eventfd's write fails only when the descriptor is gone: nothing can be polled.
            tracing::error!(%error, "the poller can't be woken");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::load::{Pace, Policy};
    use crate::scheduler::run_queue::{RunQueue, Step, Wakeup};

    const TURN: Duration = Duration::from_micros(5);

    #[test]
    fn every_wait_ends_with_a_wake() {
        let poller = Poller::new().expect("an epoll");
        for wait in [Wait::Never, Wait::SpinThenBlock, Wait::Event] {
            poller.wake();
            poller
                .wait(wait, |_, _| panic!("no client"))
                .expect("a wait");
        }
    }

    #[test]
    fn a_leader_that_spun_in_vain_blocks_until_it_is_woken() {
        let poller = Poller::new().expect("an epoll");
        let late = SPIN_MAX * 100;
        std::thread::scope(|scope| {
            let begun = Instant::now();
            scope.spawn(|| {
                std::thread::sleep(late);
                poller.wake();
            });
            poller
                .wait(Wait::SpinThenBlock, |_, _| panic!("no client"))
                .expect("a wait");
            assert!(begun.elapsed() >= late);
        });
    }

    // Tests the run queue's choice to spin here: its own file is compiled for the models as well
    // and has no tests.
    fn ready(cores: usize) -> RunQueue<()> {
        let ready = RunQueue::new(Policy {
            workers: 8,
            slow_turn: Duration::from_micros(50),
            long_turn: Duration::from_micros(15),
            quick_workers: cores,
            clear_within: Duration::from_millis(1),
            pace: Pace::Measured,
        });
        assert_eq!(ready.open(), Wakeup::Worker);
        assert!(matches!(ready.arrive(0), Step::Lead(_)));
        ready
    }

    /// One client asks and waits, and spinning pays. Answers how many of the waits spun.
    fn dialogue(ready: &RunQueue<()>) -> usize {
        let mut waited = Duration::from_micros(50);
        let mut spun = 0;
        for _ in 0..1_000 {
            let _ = ready.led(&mut vec![()]);
            let Step::Serve((), Wakeup::NotNeeded, epoch) = ready.next(0, waited) else {
                panic!("one is ready")
            };
            let Step::Lead(wait) = ready.ended(0, epoch, TURN, None) else {
                panic!("no other worker leads")
            };
            waited = Duration::from_micros(if wait == Wait::SpinThenBlock { 20 } else { 50 });
            spun += usize::from(wait == Wait::SpinThenBlock);
        }
        spun
    }

    #[test]
    fn with_one_core_no_leader_spins() {
        assert_eq!(dialogue(&ready(1)), 0);
        assert!(dialogue(&ready(2)) > 500);
    }

    #[test]
    fn a_client_that_is_not_accepted_does_not_keep_the_watch_awake() {
        let ready = ready(2);
        let _ = ready.tick();
        for _ in 0..100 {
            assert!(!ready.led(&mut Vec::new()));
            assert!(matches!(ready.next(0, TURN), Step::Lead(_)));
            assert!(ready.tick().quiet);
        }
    }

    #[test]
    fn beside_a_blocked_worker_no_leader_spins() {
        let ready = ready(2);
        assert!(dialogue(&ready) > 500);
        let _ = ready.led(&mut vec![()]);
        let Step::Serve((), _, _) = ready.next(0, TURN) else {
            panic!("one is ready")
        };
        let calls = [ready.tick().call, ready.tick().call];
        assert!(calls.contains(&Wakeup::Worker), "{calls:?}");
        assert!(matches!(ready.arrive(0), Step::Lead(Wait::Event)));
        assert_eq!(dialogue(&ready), 0);
    }
}
