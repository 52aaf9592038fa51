//! The running process: serves the control socket, and hands over to a successor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::client::Inherited;
use super::mover::Moving;
use super::offers::Offers;
use super::protocol::{Answer, Ask, Wire};
use super::spawn::{Started, Successor};
use super::talk::{Door, Role, Talk};
use super::{CLIENTS_VERSION, READY_WITHIN, READY_WITHIN_MAX, VERSION};
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::listen::{Listener, Listeners, SocketFile};
use crate::server::{Export, Handle};

/// Maximum connections; more wait in the backlog.
const TALKS_MAX: usize = 8;
/// Maximum time until a connection sends its request.
const SPEAK_WITHIN: Duration = Duration::from_secs(5);
/// Between two checks of a child that was started or is about to end.
const CHILD_LOOK: Duration = Duration::from_millis(20);
const CHILD_ENDS: Duration = Duration::from_secs(2);
/// Maximum time until a ready successor has the clients; the move itself ends long before.
const MOVED_WITHIN: Duration = READY_WITHIN_MAX;

/// See the head of the file.
pub(crate) struct HandoverServer {
    door: Door,
    address: Vec<Address>,
    /// Whether its file is removed at the end.
    has_file: bool,
    file: Option<SocketFile>,
    offers: Offers,
    talks: Vec<Talk>,
    child: Option<Started>,
    /// Whether clients are handed over.
    keeps_clients: bool,
    moving: Option<Moving>,
    /// The clients have moved; as long as this is held, none is accepted.
    moved: Option<Export>,
}

/// An error is the answer to a request that is refused.
type Obeyed = std::result::Result<(), String>;

/// An event for the main thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A restart has begun.
    Begun,
    /// The restart has failed.
    Failed,
    /// A successor waits for [`HandoverServer::hand_over`].
    Ready {
        /// The successor's process id.
        pid: u32,
    },
}

impl HandoverServer {
    /// Opens the control socket, or takes the predecessor's.
    pub(crate) fn open(
        path: &Path,
        from: Option<&mut Inherited>,
        keeps_clients: bool,
    ) -> Result<HandoverServer> {
        let inherited = from.map(Inherited::take_control).transpose()?.flatten();
        let (listeners, has_file) = match inherited {
            Some((listeners, with_files)) => (listeners, !with_files.is_empty()),
            None => (Listeners::bind(path)?, true),
        };
        let (mut sockets, address, mut files) = listeners.into_parts();
        let Some(Listener::Unix(socket)) = sockets.pop().map(|one| one.listener) else {
            return Err(Error::Start {
                what: "the control socket",
                source: io::Error::other("the socket that was handed over is not a Unix socket"),
            });
        };
        Ok(HandoverServer {
            door: Door::new(socket),
            address,
            has_file,
            file: files.pop(),
            offers: Offers::default(),
            talks: Vec::new(),
            child: None,
            keeps_clients,
            moving: None,
            moved: None,
        })
    }

    /// The predecessor has finished with the socket: it is this process's, which now removes its
    /// file.
    pub(crate) fn own(&mut self) {
        self.door.own();
        if self.has_file {
            self.file = SocketFile::all_of(&self.address).pop();
        }
    }

    /// Adds a server's sockets, under a name that the successor knows.
    pub(crate) fn offer(&mut self, name: &'static str, server: Handle, with_files: Vec<Address>) {
        self.offers.add(name, server, with_files);
    }

    /// A successor gets this descriptor, and waits for its end before it takes what only one can
    /// have.
    pub(crate) fn offer_held(&mut self, held: OwnedFd) {
        self.offers.hold(held);
    }

    /// The descriptors to poll.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let talks = self.talks.iter().map(|talk| talk.wire.as_fd());
        let door = self.door.awaited().filter(|_| self.has_room());
        door.into_iter()
            .chain(talks)
            .chain(self.moving.iter().map(AsFd::as_fd))
    }

    /// The deadline of the poll.
    pub(crate) fn next(&self) -> Option<Instant> {
        let child = self.child.as_ref().map(|_| Instant::now() + CHILD_LOOK);
        let talks = self.talks.iter().map(|talk| talk.until);
        let door = self.door.next().filter(|_| self.has_room());
        talks.chain(child).chain(door).min()
    }

    fn has_room(&self) -> bool {
        self.talks.len() < TALKS_MAX
    }

    /// Does all work that does not block.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Event> {
        self.let_in(now);
        let mut event = None;
        for _ in 0..self.talks.len() {
            // One by one: each sees the others, of which only one may be a successor.
            let mut talk = self.talks.remove(0);
            let stays = self.converse(&mut talk, now, &mut event);
            match talk.role {
                Role::Moves(pid) if stays => self.begin_to_move(talk, pid, now),
                _ => self.talks.extend(stays.then_some(talk)),
            }
        }
        event
            .or_else(|| self.look_at_move(now))
            .or_else(|| self.look_after_child(now))
    }

    /// Moves the clients, on a thread that has the connection to the successor meanwhile.
    fn begin_to_move(&mut self, talk: Talk, pid: u32, now: Instant) {
        let Some(server) = self.offers.service() else {
            return;
        };
        let until = now + MOVED_WITHIN;
        self.child.iter_mut().for_each(|child| child.until = until);
        match Moving::begin(talk.wire, pid, server) {
            Ok(moving) => self.moving = Some(moving),
            Err(error) => {
                warn!(%error, "the clients can't be moved; this one goes on");
                self.gone(Role::Moves(pid), now);
            }
        }
    }

    /// The move has ended: the successor is ready for the rest, or gone.
    fn look_at_move(&mut self, now: Instant) -> Option<Event> {
        let moving = self.moving.take_if(|moving| moving.is_over())?;
        let pid = moving.pid;
        let (wire, error) = match moving.end() {
            Ok((wire, moved)) => {
                self.moved = Some(moved);
                let role = Role::Ready(pid);
                let until = now + READY_WITHIN;
                self.talks.push(Talk { wire, role, until });
                return Some(Event::Ready { pid });
            }
            Err(failed) => failed,
        };
        warn!(%error, "the clients could not be moved; those that were not go on here");
        if let Some(wire) = wire {
            let reason = format!("the clients could not be moved: {error}");
            let _ = wire.say(&Answer::No { reason }, &[]);
        }
        self.gone(Role::Moves(pid), now);
        None
    }

    fn let_in(&mut self, now: Instant) {
        while self.has_room() {
            let Some(stream) = self.door.accept(now) else {
                return;
            };
            if stream.set_nonblocking(true).is_ok() {
                self.talks.push(Talk {
                    wire: Wire::new(stream),
                    role: Role::Guest,
                    until: now + SPEAK_WITHIN,
                });
            }
        }
    }

    /// Handles a connection's messages; answers whether it stays.
    fn converse(&mut self, talk: &mut Talk, now: Instant, event: &mut Option<Event>) -> bool {
        loop {
            match talk.wire.hear() {
                Ok(Some(ask)) => {
                    if let Err(reason) = self.obey(talk, &ask, now, event) {
                        let _ = talk.wire.say(&Answer::No { reason }, &[]);
                        return false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && now < talk.until => {
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let reason = "that took too long".to_owned();
                    let _ = talk.wire.say(&Answer::No { reason }, &[]);
                    self.gone(talk.role, now);
                    return false;
                }
                Ok(None) | Err(_) => {
                    self.gone(talk.role, now);
                    return false;
                }
            }
        }
    }

    fn obey(
        &mut self,
        talk: &mut Talk,
        ask: &Ask,
        now: Instant,
        event: &mut Option<Event>,
    ) -> Obeyed {
        match (talk.role, ask) {
            (Role::Guest, Ask::Restart { .. }) if self.child.is_some() => {
                Err("another restart is under way".into())
            }
            (Role::Guest, Ask::Restart { ready_within }) => {
                let child = Successor::start().map_err(|error| {
                    let program = std::env::args_os().next().unwrap_or_default();
                    format!("cannot start {}: {error}", program.display())
                })?;
                info!("restarting: a new process has been started");
                let until = now + READY_WITHIN_MAX.min(*ready_within);
                self.child = Some(Started { child, until });
                talk.role = Role::Waits;
                // The child's end is reported first.
                talk.until = until + MOVED_WITHIN + CHILD_ENDS;
                *event = Some(Event::Begun);
                Ok(())
            }
            (Role::Guest, Ask::TakeOver { .. }) => self.give_all(talk, ask, now),
            (Role::Successor(pid, true), Ask::Ready) => {
                talk.role = Role::Moves(pid);
                Ok(())
            }
            (Role::Successor(pid, false), Ask::Ready) => {
                talk.role = Role::Ready(pid);
                *event = Some(Event::Ready { pid });
                Ok(())
            }
            _ => Err("this request is not valid now".into()),
        }
    }

    /// Gives the sockets to a successor.
    fn give_all(&self, talk: &mut Talk, ask: &Ask, now: Instant) -> Obeyed {
        let Ask::TakeOver {
            version,
            pid,
            clients,
        } = ask
        else {
            return Ok(());
        };
        if *version != VERSION {
            return Err("it is another version; stop it and start this one".into());
        }
        if self.has_successor() {
            return Err("another process takes over already".into());
        }
        self.offers.give(&talk.wire, &self.door, self.has_file)?;
        let takes_clients = *clients == CLIENTS_VERSION && self.keeps_clients;
        talk.role = Role::Successor(*pid, takes_clients);
        let started = self.child.as_ref();
        talk.until = started.map_or(now + READY_WITHIN, |started| started.until);
        Ok(())
    }

    /// Whether a process has the sockets.
    fn has_successor(&self) -> bool {
        let is_successor = |talk: &Talk| !matches!(talk.role, Role::Guest | Role::Waits);
        self.moving.is_some() || self.talks.iter().any(is_successor)
    }

    /// A process has left. If it is the child, its exit status says more.
    fn gone(&mut self, role: Role, now: Instant) {
        match (&mut self.child, role) {
            (_, Role::Guest | Role::Waits) => {}
            (Some(started), _) => started.until = started.until.min(now + CHILD_ENDS),
            (None, _) => warn!("a successor ended before it was ready; this one goes on"),
        }
    }

    fn look_after_child(&mut self, now: Instant) -> Option<Event> {
        let started = self.child.as_mut()?;
        let reason = started.has_failed(now)?;
        self.child = None;
        warn!(reason, "not restarted; this one goes on");
        self.tell_waiting(&Answer::No { reason });
        Some(Event::Failed)
    }

    fn tell_waiting(&mut self, answer: &Answer) {
        self.talks.retain(|talk| {
            let waits = talk.role == Role::Waits;
            if waits {
                // The other end may have left.
                let _ = talk.wire.say(answer, &[]);
            }
            !waits
        });
    }

    /// Makes the ready successor the service manager's child; `false` if what the manager watches
    /// stays.
    pub(crate) fn let_go(&mut self) -> bool {
        let started = self.child.as_mut();
        started.is_none_or(|started| started.child.let_go())
    }

    /// After the hand-over the clients that stay have this time in place of the drain's.
    pub(crate) fn drain_within(&mut self, most: Option<Duration>) {
        self.offers.drain = most;
    }

    /// Hands over to the ready successor; `false` if it has gone.
    pub(crate) fn hand_over(&mut self) -> bool {
        let _until_the_end = self.moved.take();
        let mut talks = self.talks.iter().enumerate();
        let found = talks.find_map(|(at, talk)| match talk.role {
            Role::Ready(pid) => Some((at, pid)),
            _ => None,
        });
        let Some((at, pid)) = found else {
            return false;
        };
        if self.talks[at].wire.say(&Answer::Yours, &[]).is_err() {
            return false;
        }
        // It has heard all.
        self.talks.remove(at);
        self.offers.hand_over();
        if let Some(file) = &mut self.file {
            file.keep();
        }
        self.child = None;
        self.tell_waiting(&Answer::Done { pid });
        true
    }
}

impl Drop for HandoverServer {
    /// Tells waiting processes that there will be no restart. One that was started, and has not
    /// asked yet, would find none to take over from, and start as usual.
    fn drop(&mut self) {
        if !self.has_successor() {
            self.child
                .iter_mut()
                .for_each(|started| started.child.kill());
        }
        for talk in &self.talks {
            let reason = "the running one ends".to_owned();
            let _ = talk.wire.say(&Answer::No { reason }, &[]);
        }
    }
}
