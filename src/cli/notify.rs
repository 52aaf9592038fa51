//! What the service manager is told (sd_notify(3)); nothing where there is none.
//!
//! The only file that names `sd_notify`. The watchdog is fed only when the acceptor and, by way of
//! the ready queue, a worker have answered since it was fed last; while the server drains, the
//! drain's own deadline is the watchdog.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tracing::{debug, warn};

use crate::drain::ServerPhase;
use crate::server::{Handle, Probe};

/// How often the figures are told, if they have changed.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// What a drain that makes progress asks for beyond the manager's own patience.
const MORE_TIME: Duration = Duration::from_secs(15);
/// Looks within one watchdog interval: a probe is sent at one and has answered by the next, so it
/// is fed with half of the interval to spare.
const LOOKS: u32 = 4;

/// See the head of the file.
pub(super) struct Notifier {
    server: Handle,
    manager: Manager,
    watchdog: Option<Duration>,
    next: Option<Instant>,
    probe: Option<Probe>,
    hungry: bool,
    status: String,
    /// Clients and messages when a drain last made progress.
    progress: (usize, u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    /// Nobody has asked to be told.
    Nobody,
    Listens,
    /// It listens to a successor now.
    Left,
}

impl Notifier {
    pub(super) fn new(server: Handle) -> Notifier {
        let is_there = std::env::var_os("NOTIFY_SOCKET").is_some();
        Notifier {
            server,
            manager: if is_there {
                Manager::Listens
            } else {
                Manager::Nobody
            },
            watchdog: sd_notify::watchdog_enabled().filter(|_| is_there),
            next: None,
            probe: None,
            hungry: false,
            status: String::new(),
            progress: (0, 0),
        }
    }

    /// Whether there is anybody to tell anything.
    pub(super) fn is_wanted(&self) -> bool {
        self.manager == Manager::Listens
    }

    /// When [`tick`](Notifier::tick) has something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// It serves.
    pub(super) fn ready(&mut self) {
        self.status = self.figures();
        self.tell(&[
            NotifyState::Ready,
            NotifyState::Status(&self.status),
            NotifyState::Watchdog,
        ]);
        if self.is_wanted() {
            self.probe = Some(self.server.probe());
            self.next = Some(Instant::now() + self.pause());
        }
    }

    pub(super) fn restarting(&self) {
        let mut states = vec![NotifyState::Reloading];
        // systemd 253 and later want it.
        states.extend(NotifyState::monotonic_usec_now());
        states.push(NotifyState::Status("restarting"));
        self.tell(&states);
    }

    /// After a restart that failed.
    pub(super) fn goes_on(&self) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&self.status)]);
    }

    /// From now on the manager believes the successor, not this process.
    pub(super) fn succeeded_by(&mut self, pid: u32) {
        self.tell(&[NotifyState::MainPid(pid)]);
        if self.is_wanted() {
            self.manager = Manager::Left;
            self.next = None;
        }
    }

    /// It has died in the last moment.
    pub(super) fn is_not_succeeded(&mut self) {
        if self.manager == Manager::Left {
            self.manager = Manager::Listens;
            self.next = Some(Instant::now() + self.pause());
            self.tell(&[NotifyState::MainPid(std::process::id())]);
        }
    }

    /// Feeds the watchdog if it may be fed, and tells the figures.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        self.next = Some(now + self.pause());
        self.feed();
        let figures = self.figures();
        if figures != self.status {
            self.status = figures;
            self.tell(&[NotifyState::Status(&self.status)]);
        }
    }

    fn feed(&mut self) {
        let Some(probe) = self.probe.as_ref().filter(|_| self.watchdog.is_some()) else {
            return;
        };
        let (acceptor, worker) = (probe.acceptor_answered(), probe.worker_answered());
        if acceptor && worker {
            self.tell(&[NotifyState::Watchdog]);
            self.hungry = false;
            self.probe = Some(self.server.probe());
        } else if !self.hungry {
            self.hungry = true;
            warn!(acceptor, worker, "no answer; the watchdog is not fed");
        }
    }

    /// The drain has begun.
    pub(super) fn stopping(&mut self) {
        self.tell(&[NotifyState::Stopping]);
        self.progress = (usize::MAX, 0);
        self.draining();
    }

    /// The drain goes on; if it gets anywhere, it wants more time.
    pub(super) fn draining(&mut self) {
        let stats = self.server.stats();
        let progress = (stats.clients, stats.messages);
        let mut states = vec![NotifyState::Watchdog];
        if progress != self.progress {
            self.progress = progress;
            let more = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
            states.push(NotifyState::ExtendTimeoutUsec(more));
        }
        let figures = self.figures();
        states.push(NotifyState::Status(&figures));
        self.tell(&states);
    }

    fn figures(&self) -> String {
        let stats = self.server.stats();
        let (clients, messages) = (stats.clients, stats.messages);
        if self.server.phase() != ServerPhase::Running {
            let left = self.server.drain_left().unwrap_or_default().as_secs();
            return format!("draining: {clients} clients left, at most {left} s");
        }
        let (busy, stuck) = (stats.workers_busy, stats.workers_stuck);
        format!("{clients} clients, {busy} workers busy, {stuck} stuck, {messages} messages")
    }

    fn pause(&self) -> Duration {
        let looks = self.watchdog.map(|watchdog| watchdog / LOOKS);
        looks.map_or(STATUS_EVERY, |looks| looks.min(STATUS_EVERY))
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        if self.is_wanted()
            && let Err(error) = sd_notify::notify(states)
        {
            debug!(%error, "the service manager can't be told");
        }
    }
}
