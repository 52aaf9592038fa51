//! The main thread: waits for the drain, and meanwhile serves the control socket, the service
//! manager, the admin's history and SIGUSR1.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use tracing::{info, warn};

use super::notify::Notifier;
use crate::cli::admin::Admin;
use crate::cli::exit;
use crate::cli::handover::{Event, HandoverServer};
use crate::cli::signals::{self, Awaited, Signal};
use crate::drain::ServerPhase;
use crate::net::ready;
use crate::scheduler::state::Phase;
use crate::server::{Handle, Server};

/// Between two checks of a drain, for the service manager and SIGUSR1.
const DRAIN_LOOK: Duration = Duration::from_millis(500);

/// A drain that lasts longer says what it waits for.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Clients that it names.
const PEERS_TOLD: usize = 3;

/// A running daemon.
pub(crate) struct MainLoop {
    server: Server,
    handover: Option<HandoverServer>,
    notifier: Notifier,
    admin: Admin,
    /// Ends when the predecessor has let go of its sources.
    predecessor: Option<OwnedFd>,
    /// `None` if the system gave no descriptor.
    asked: Option<Awaited>,
    /// At its end of file when a drain begins.
    drain: io::Result<PipeReader>,
}

impl MainLoop {
    pub(crate) fn new(server: Server, handover: Option<HandoverServer>, admin: Admin) -> MainLoop {
        let notifier = Notifier::new(server.handle());
        let drain = io::pipe().map(|(drain, held)| {
            server.handle().when_draining(move || drop(held));
            drain
        });
        MainLoop {
            server,
            handover,
            notifier,
            admin,
            predecessor: None,
            asked: Awaited::new(&[Signal::SIGUSR1]).ok(),
            drain,
        }
    }

    /// After a take-over: see [`take_predecessor`](MainLoop::take_predecessor).
    pub(crate) fn follows(mut self, predecessor: Option<OwnedFd>) -> MainLoop {
        self.predecessor = predecessor;
        self
    }

    /// What ends when the predecessor has let go of what only one process can have; `None` if there
    /// is none.
    pub(crate) fn take_predecessor(&mut self) -> Option<OwnedFd> {
        self.predecessor.take()
    }

    /// A successor waits for the end of this before it takes what only one process can have.
    pub(crate) fn offer_held(&mut self, held: OwnedFd) {
        if let Some(handover) = &mut self.handover {
            handover.offer_held(held);
        }
    }

    /// Clients that stay when a successor takes over have this time in place of `--drain`.
    pub(crate) fn drain_within(mut self, most: Option<Duration>) -> MainLoop {
        if let Some(handover) = &mut self.handover {
            handover.drain_within(most);
        }
        self
    }

    /// Announces readiness: where it listens, and what it is.
    pub(crate) fn tell(&self, addresses: &[String], what: &str) {
        for address in addresses {
            info!("listening on {address}");
        }
        self.admin.tell();
        info!("{what}");
        info!("Press Ctrl-C to stop");
    }

    pub(crate) fn handle(&self) -> Handle {
        self.server.handle()
    }

    /// Runs until the drain is over, and logs the report. The exit code says whether all clients
    /// left and all messages were delivered.
    pub(crate) fn run(mut self) -> ExitCode {
        self.notifier.ready();
        if let Err(error) = self.run_until_drain() {
            warn!(%error, "no restart, no watchdog and no history from now on");
        }
        // Answer the processes that wait for the result.
        self.handover = None;
        // After an error it serves on.
        let handle = self.server.handle();
        handle.wait_for(ServerPhase::Draining, Duration::MAX);
        self.see_drained();
        let report = self.server.wait();
        self.admin.stop();
        info!("{report}");
        if report.cut_off > 0 || report.delivered < report.received {
            return exit::CUT_OFF.into();
        }
        exit::DONE.into()
    }

    /// Runs until the drain begins.
    fn run_until_drain(&mut self) -> io::Result<()> {
        let handle = self.server.handle();
        while handle.phase() == ServerPhase::Running {
            self.wait()?;
            let now = Instant::now();
            let event = self
                .handover
                .as_mut()
                .and_then(|handover| handover.look(now));
            match event {
                Some(Event::Begun) => self.notifier.restarting(),
                Some(Event::Failed) => self.notifier.goes_on(),
                Some(Event::Ready { pid }) if handle.phase() == ServerPhase::Running => {
                    self.hand_over(pid);
                }
                Some(Event::Ready { .. }) | None => {}
            }
            self.notifier.tick(now);
            self.admin.tick(now);
            self.tell_if_asked();
        }
        Ok(())
    }

    /// Logs the state if SIGUSR1 has come.
    fn tell_if_asked(&self) {
        if self.asked.as_ref().and_then(Awaited::take).is_some() {
            self.admin.dump();
        }
    }

    fn wait(&self) -> io::Result<()> {
        let drain = self.drain.as_ref();
        let drain = drain.map_err(|error| io::Error::from(error.kind()))?;
        let handover = self.handover.iter().flat_map(HandoverServer::descriptors);
        let asked = self.asked.iter().map(AsFd::as_fd);
        let mut awaited: Vec<_> = std::iter::once(drain.as_fd())
            .chain(asked)
            .chain(handover)
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        let due = [
            self.notifier.next(),
            self.admin.next(),
            self.handover.as_ref().and_then(HandoverServer::next),
        ];
        let due = due.into_iter().flatten().min();
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        // Rounded up, so that the deadline has passed when the wait returns.
        let left = left.map(|left| left + Duration::from_micros(100));
        ready::wait(&mut awaited, left).map(drop)
    }

    fn hand_over(&mut self, pid: u32) {
        let changes_main = self.handover.as_mut().is_some_and(HandoverServer::let_go);
        let is_managed = self.notifier.is_wanted();
        // The service manager is told before the successor is, so that it accepts the
        // successor's messages.
        self.notifier.succeeded_by(changes_main.then_some(pid));
        let done = self
            .handover
            .as_mut()
            .is_some_and(HandoverServer::hand_over);
        if done {
            if is_managed {
                signals::leave_alone();
            }
            info!(pid, "handed over; draining the connected clients");
        } else {
            self.notifier.is_not_succeeded(changes_main);
        }
    }

    /// Waits until all clients have left or the deadline has come.
    fn see_drained(&mut self) {
        if self.notifier.is_wanted() {
            self.notifier.stopping();
        }
        let handle = self.server.handle();
        let mut waits_since = Some(Instant::now());
        while !handle.wait_for(ServerPhase::Stopped, DRAIN_LOOK)
            && handle.drain_left().is_some_and(|left| !left.is_zero())
        {
            if self.notifier.is_wanted() {
                self.notifier.draining();
            }
            if waits_since.is_some_and(|since| since.elapsed() >= TOLD_AFTER) {
                waits_since = None;
                tell_unclosed(&handle);
            }
            self.tell_if_asked();
        }
    }
}

/// Logs which clients the drain waits for: those that are served and have been sent all.
fn tell_unclosed(handle: &Handle) {
    let mut unclosed = handle.registry().list();
    unclosed.retain(|client| client.phase == Phase::Resting && client.owed == 0);
    if unclosed.is_empty() {
        return;
    }
    let peers = unclosed.iter().take(PEERS_TOLD);
    let peers: Vec<_> = peers.map(|client| client.peer.to_string()).collect();
    info!(
        clients = unclosed.len(),
        peers = peers.join(", "),
        "waiting for these clients to close; nc does so with -N"
    );
}
