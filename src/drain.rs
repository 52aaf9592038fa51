//! The server's phases, the drain's one deadline, and its report.
//!
//! | step | what happens | where |
//! |------|--------------|-------|
//! | announced | `is_leaving`; clients are still accepted and served | [`Drain::announce`] |
//! | begun | the phase is `Draining`, the deadline runs, hooks run | [`Drain::begin`] |
//! | backlog | the acceptor lets in the last clients, or leaves them | [`Drain::backlog`] |
//! | closed | the listener is closed; every connection is woken | [`Drain::no_more_clients`] |
//! | emptying | each connection gets its last turns and ends | [`Drain::count_end`] |
//! | cut off | at the deadline the watch resets what is left | [`Drain::deadline`] |
//! | stopped | no connection is left; waiters wake | [`Drain::stop_if_empty`] |
//! | reported | clients that left, clients cut off, time taken | [`Drain::outcome`] |
//!
//! The phase only moves forward. Only `announced` and `cut off` may be left out.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::limits::options::TIME_MAX;

/// Where a server is in its life. It only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum ServerPhase {
    /// Clients are accepted and served.
    Running,
    /// The backlog is accepted, then no client more; clients are served what they already sent.
    Draining,
    /// Every connection is gone.
    Stopped,
}

/// How a drain went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// From the drain's begin to the end of its last connection.
    pub took: Duration,
    /// Clients whose connection ended during the drain: by itself, or because the client had
    /// received all its data and the end, and did not close.
    pub left: u64,
    /// Clients whose connection was reset at the deadline: unsent output, or data that the service
    /// would have stored, may be lost.
    pub cut_off: u64,
    /// Messages read since the start.
    pub received: u64,
    /// Of these, messages that the service has finished.
    pub delivered: u64,
    /// Clients whose stream a [`StreamService`](crate::StreamService) got since the start; 0 for a
    /// [`Service`](crate::Service), which has messages.
    pub served: u64,
    pub(crate) unit: Unit,
}

/// What a service gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Messages,
    /// What one read returned, [`Framing::Raw`](crate::Framing::Raw).
    Pieces,
    Streams,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, received, served) = (&self.left, &self.received, &self.served);
        let plural = |count: &u64| if *count == 1 { "" } else { "s" };
        let (ms, clients, cut_off) = (self.took.as_millis(), plural(left), self.cut_off);
        write!(
            out,
            "drained in {ms} ms: {left} client{clients} left, {cut_off} cut off, "
        )?;
        let unit = match self.unit {
            Unit::Messages => "message",
            Unit::Pieces => "piece",
            Unit::Streams => return write!(out, "{served} client{} served in all", plural(served)),
        };
        let units = plural(received);
        write!(
            out,
            "{received} {unit}{units} received, {} delivered",
            self.delivered
        )
    }
}

/// What a drain does with clients in the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backlog {
    /// It accepts them, as the last ones.
    Accept,
    /// It leaves them to the process that has the listeners now.
    Leave,
}

/// Called once, when a drain begins.
type Hook = Box<dyn FnOnce() + Send>;

/// The phase, which any thread may read or wait for.
pub(crate) struct Drain {
    grace: Duration,
    /// The phase as a number, to be read without the lock.
    now: AtomicU8,
    /// A drain was announced or has begun.
    leaving: AtomicBool,
    times: Mutex<Times>,
    changed: Condvar,
    hooks: Mutex<Vec<Hook>>,
    left: AtomicU64,
    cut_off: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    /// When an announced drain begins.
    begins: Option<Instant>,
    begun: Option<Instant>,
    deadline: Option<Instant>,
    stopped: Option<Instant>,
    listening: Listening,
    backlog: Backlog,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listening {
    Open,
    Closed,
}

impl Drain {
    pub(crate) fn new(grace: Duration) -> Drain {
        Drain {
            grace,
            now: AtomicU8::new(ServerPhase::Running as u8),
            leaving: AtomicBool::new(false),
            times: Mutex::new(Times {
                begins: None,
                begun: None,
                deadline: None,
                stopped: None,
                listening: Listening::Open,
                backlog: Backlog::Accept,
            }),
            changed: Condvar::new(),
            hooks: Mutex::default(),
            left: AtomicU64::new(0),
            cut_off: AtomicU64::new(0),
        }
    }

    pub(crate) fn phase(&self) -> ServerPhase {
        match self.now.load(Ordering::SeqCst) {
            0 => ServerPhase::Running,
            1 => ServerPhase::Draining,
            _ => ServerPhase::Stopped,
        }
    }

    /// Starts the drain, with its deadline. Later calls change nothing.
    pub(crate) fn begin(&self, backlog: Backlog) {
        self.begin_within(backlog, self.grace);
    }

    /// The same, with another time.
    pub(crate) fn begin_within(&self, backlog: Backlog, most: Duration) {
        let mut times = self.times.lock();
        if times.begun.is_none() {
            let now = Instant::now();
            self.leaving.store(true, Ordering::SeqCst);
            times.begun = Some(now);
            times.deadline = Some(now + most.min(TIME_MAX));
            times.backlog = backlog;
            self.now
                .store(ServerPhase::Draining as u8, Ordering::SeqCst);
            self.changed.notify_all();
            drop(times);
            self.run_hooks();
        }
    }

    /// Calls `hook` when a drain begins, at once if one has.
    pub(crate) fn when_begun(&self, hook: Hook) {
        self.hooks.lock().push(hook);
        // The drain may have begun before the push; only the caller that takes the hook runs it.
        if self.phase() != ServerPhase::Running {
            self.run_hooks();
        }
    }

    fn run_hooks(&self) {
        let hooks = std::mem::take(&mut *self.hooks.lock());
        for hook in hooks {
            // A hook may run on the watch: its panic must not stop the others. It is logged.
            let _ = catch_unwind(AssertUnwindSafe(hook));
        }
    }

    /// What the drain does with clients not yet accepted.
    pub(crate) fn backlog(&self) -> Backlog {
        self.times.lock().backlog
    }

    /// Announces that a drain begins after `delay`; the watch begins it then.
    pub(crate) fn announce(&self, delay: Duration) {
        let mut times = self.times.lock();
        if times.begun.is_none() && times.begins.is_none() {
            times.begins = Some(Instant::now() + delay.min(TIME_MAX));
            self.leaving.store(true, Ordering::SeqCst);
        }
    }

    /// When the announced drain begins; `None` if it has begun.
    pub(crate) fn begins(&self) -> Option<Instant> {
        let times = self.times.lock();
        times.begins.filter(|_| times.begun.is_none())
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Brings the deadline forward to now; begins the drain if it has not begun.
    pub(crate) fn hurry(&self) {
        self.begin(Backlog::Accept);
        let mut times = self.times.lock();
        // A deadline that has passed stays: repeated calls must not put the end off.
        times.deadline = times.deadline.min(Some(Instant::now()));
    }

    /// From now on it takes no longer than one that begins now.
    pub(crate) fn shorten(&self) {
        let mut times = self.times.lock();
        times.deadline = times.deadline.min(Some(Instant::now() + self.grace));
    }

    /// When the connections that are left are reset; `None` before a drain.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.times.lock().deadline
    }

    /// The listener is closed and every client of its backlog is connected.
    pub(crate) fn no_more_clients(&self) {
        self.times.lock().listening = Listening::Closed;
    }

    /// Counts a connection that ends during the drain. Call while it is removed from the registry.
    pub(crate) fn count_end(&self, cut_off: bool) {
        let counter = if cut_off { &self.cut_off } else { &self.left };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has ended. The last one stops the server.
    pub(crate) fn one_gone(&self, count: impl FnOnce() -> usize) {
        if self.phase() != ServerPhase::Running {
            self.stop_if_empty(count);
        }
    }

    /// Stops the server if no client is connected and none can come. Counts only after the listener
    /// closed: before, a client may come after the count.
    pub(crate) fn stop_if_empty(&self, count: impl FnOnce() -> usize) {
        let mut times = self.times.lock();
        let may_stop = times.listening == Listening::Closed && times.stopped.is_none();
        if may_stop && count() == 0 {
            times.stopped = Some(Instant::now());
            self.now.store(ServerPhase::Stopped as u8, Ordering::SeqCst);
            self.changed.notify_all();
        }
    }

    /// Waits until the phase is reached; `false` when `until` came first.
    pub(crate) fn wait(&self, phase: ServerPhase, until: Option<Instant>) -> bool {
        let mut times = self.times.lock();
        while self.phase() < phase {
            match until {
                Some(until) if self.changed.wait_until(&mut times, until).timed_out() => {
                    return self.phase() >= phase;
                }
                Some(_) => {}
                None => self.changed.wait(&mut times),
            }
        }
        true
    }

    /// Clients that left by themselves, clients that were cut off, and how long it took.
    pub(crate) fn outcome(&self) -> (u64, u64, Duration) {
        let times = *self.times.lock();
        let begun = times.begun.unwrap_or_else(Instant::now);
        let took = times
            .stopped
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(begun);
        (
            self.left.load(Ordering::Relaxed),
            self.cut_off.load(Ordering::Relaxed),
            took,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_that_was_given_more_time_can_be_shortened() {
        let hour = Duration::from_secs(3600);
        let drain = Drain::new(Duration::from_secs(1));
        drain.begin_within(Backlog::Leave, hour);
        drain.begin(Backlog::Accept);
        let deadline = drain.deadline();
        assert!(deadline > Some(Instant::now() + hour / 2));
        drain.shorten();
        let shortened = drain.deadline();
        assert!(shortened < deadline);
        drain.shorten();
        assert_eq!(
            (drain.deadline(), drain.backlog()),
            (shortened, Backlog::Leave)
        );
    }

    #[test]
    fn no_count_before_the_last_client_has_come() {
        let drain = Drain::new(Duration::ZERO);
        drain.begin(Backlog::Accept);
        drain.one_gone(|| panic!("another may come after this"));
        drain.no_more_clients();
        drain.one_gone(|| 1);
        assert_eq!(drain.phase(), ServerPhase::Draining);
        drain.one_gone(|| 0);
        assert_eq!(drain.phase(), ServerPhase::Stopped);
    }
}
