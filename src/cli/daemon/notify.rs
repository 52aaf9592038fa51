//! Reports to the service manager (sd_notify(3)), if there is one.
//!
//! Feeds the watchdog only if the acceptor and, through the run queue, a worker have answered since
//! the last time. During a drain, the drain's own deadline is the watchdog.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tracing::{debug, warn};

use crate::drain::ServerPhase;
use crate::server::{Handle, Probe};

/// How often the figures are reported, if they have changed.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// The extra time that a drain with progress asks the manager for.
const MORE_TIME: Duration = Duration::from_secs(15);
/// Checks within a watchdog interval: a probe is sent at one and has answered by the next, which
/// leaves half of the interval to spare.
const LOOKS: u32 = 4;
/// Maximum wait for a manager that does not listen.
const TELL_MAX: Duration = Duration::from_millis(500);

/// See the head of the file.
pub(crate) struct Notifier {
    server: Handle,
    /// `None` without a service manager.
    manager: Option<UnixDatagram>,
    /// The manager accepts messages of a successor now.
    succeeded: bool,
    watchdog: Option<Duration>,
    next: Option<Instant>,
    probe: Option<Probe>,
    hungry: bool,
    status: String,
    /// Clients and messages when a drain last made progress.
    progress: (usize, u64),
}

impl Notifier {
    pub(crate) fn new(server: Handle) -> Notifier {
        let manager = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let manager = reach(&name);
            if let Err(error) = &manager {
                warn!(%error, ?name, "the service manager can't be reached");
            }
            manager.ok()
        });
        Notifier {
            server,
            watchdog: watchdog().filter(|_| manager.is_some()),
            manager,
            succeeded: false,
            next: None,
            probe: None,
            hungry: false,
            status: String::new(),
            progress: (0, 0),
        }
    }

    /// Whether there is a service manager.
    pub(crate) fn is_wanted(&self) -> bool {
        self.manager.is_some() && !self.succeeded
    }

    /// When [`tick`](Notifier::tick) has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Reports that the server serves.
    pub(crate) fn ready(&mut self) {
        self.status = self.figures();
        self.tell(&format!("READY=1\nSTATUS={}\nWATCHDOG=1", self.status));
        if self.is_wanted() {
            self.probe = Some(self.server.probe());
            self.next = Some(Instant::now() + self.pause());
        }
    }

    pub(crate) fn restarting(&self) {
        // systemd 253 and later need the time.
        let now = clock_gettime(ClockId::Monotonic);
        let now = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=restarting"
        ));
    }

    /// Reports that the server serves again, after a failed restart.
    pub(crate) fn goes_on(&self) {
        self.tell(&format!("READY=1\nSTATUS={}", self.status));
    }

    /// From now on the manager accepts messages of the successor, not of this process. If the main
    /// process stays, it is none of both.
    pub(crate) fn succeeded_by(&mut self, main: Option<u32>) {
        if let Some(pid) = main {
            self.tell(&format!("MAINPID={pid}"));
        }
        self.succeeded = true;
        self.next = None;
    }

    /// It has ended in the last moment.
    pub(crate) fn is_not_succeeded(&mut self, has_main: bool) {
        self.succeeded = false;
        if self.is_wanted() {
            self.next = Some(Instant::now() + self.pause());
            if has_main {
                self.tell(&format!("MAINPID={}", std::process::id()));
            }
        }
    }

    /// Feeds the watchdog if the probes have answered, and reports the figures.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        self.next = Some(now + self.pause());
        self.feed();
        let figures = self.figures();
        if figures != self.status {
            self.tell(&format!("STATUS={figures}"));
            self.status = figures;
        }
    }

    fn feed(&mut self) {
        let Some(probe) = self.probe.as_ref().filter(|_| self.watchdog.is_some()) else {
            return;
        };
        let (acceptor, worker) = (probe.acceptor_answered(), probe.worker_answered());
        if acceptor && worker {
            self.tell("WATCHDOG=1");
            self.hungry = false;
            self.probe = Some(self.server.probe());
        } else if !self.hungry {
            self.hungry = true;
            warn!(acceptor, worker, "no answer; the watchdog is not fed");
        }
    }

    /// Reports that the drain has begun.
    pub(crate) fn stopping(&mut self) {
        self.tell("STOPPING=1");
        self.progress = (usize::MAX, 0);
        self.draining();
    }

    /// Reports the drain; asks for more time if it makes progress.
    pub(crate) fn draining(&mut self) {
        let stats = self.server.stats();
        let progress = (stats.clients, stats.messages_in);
        let mut state = format!("WATCHDOG=1\nSTATUS={}", self.figures());
        if progress != self.progress {
            self.progress = progress;
            state += &format!("\nEXTEND_TIMEOUT_USEC={}", MORE_TIME.as_micros());
        }
        self.tell(&state);
    }

    fn figures(&self) -> String {
        let stats = self.server.stats();
        let (clients, messages) = (stats.clients, stats.messages_in);
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

    fn tell(&self, state: &str) {
        if let Some(manager) = self.manager.as_ref().filter(|_| !self.succeeded)
            && let Err(error) = manager.send(state.as_bytes())
        {
            debug!(%error, "the service manager can't be told");
        }
    }
}

/// `NOTIFY_SOCKET` is a path, or `@NAME` for an abstract socket.
fn reach(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TELL_MAX))?;
    if let Some(name) = name.as_bytes().strip_prefix(b"@") {
        socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        return Ok(socket);
    }
    socket.connect(name)?;
    Ok(socket)
}

/// The watchdog interval.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let interval = number("WATCHDOG_USEC").filter(|usec| *usec > 0 && is_ours)?;
    Some(Duration::from_micros(interval))
}
