//! The running process: serves the control socket, and hands over to a successor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::client::Inherited;
use super::protocol::{Answer, Ask, Given, SOCKETS_MAX, Wire};
use super::spawn::Successor;
use super::{CONTROL, HELD, READY_WITHIN, READY_WITHIN_MAX, VERSION};
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::listen::{Listener, Listeners, SocketFile, address_of};
use crate::server::Handle;

/// Maximum connections; more wait in the backlog.
const TALKS_MAX: usize = 8;
/// Maximum time until a connection sends its request.
const SPEAK_WITHIN: Duration = Duration::from_secs(5);
/// Between two checks of a child that was started or is about to end.
const CHILD_LOOK: Duration = Duration::from_millis(20);
const CHILD_ENDS: Duration = Duration::from_secs(2);

/// See the head of the file.
pub(crate) struct HandoverServer {
    socket: UnixListener,
    address: Vec<Address>,
    /// Whether its file is removed at the end.
    has_file: bool,
    file: Option<SocketFile>,
    offers: Vec<Offer>,
    /// Of what a successor waits for.
    held: Option<OwnedFd>,
    talks: Vec<Talk>,
    child: Option<Started>,
}

/// A server whose sockets are handed over.
struct Offer {
    name: &'static str,
    server: Handle,
    /// The sockets whose files are removed at the end.
    with_files: Vec<Address>,
}

struct Talk {
    wire: Wire,
    role: Role,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Has sent no request yet.
    Guest,
    /// Waits for the result of the restart.
    Waits,
    /// Has the sockets; its process id.
    Successor(u32),
    /// Accepts from the sockets.
    Ready(u32),
}

/// The successor that this process started.
struct Started {
    child: Successor,
    until: Instant,
}

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
    pub(crate) fn open(path: &Path, from: Option<&mut Inherited>) -> Result<HandoverServer> {
        let inherited = from.map(Inherited::take_control).transpose()?.flatten();
        let (listeners, has_file) = match inherited {
            Some((listeners, with_files)) => (listeners, !with_files.is_empty()),
            None => (Listeners::bind(path)?, true),
        };
        let (mut sockets, address, mut files) = listeners.into_parts();
        let Some((Listener::Unix(socket), _)) = sockets.pop() else {
            return Err(Error::Start {
                what: "the control socket",
                source: io::Error::other("the socket that was handed over is not a Unix socket"),
            });
        };
        Ok(HandoverServer {
            socket,
            address,
            has_file,
            file: files.pop(),
            offers: Vec::new(),
            held: None,
            talks: Vec::new(),
            child: None,
        })
    }

    /// The predecessor has finished with the socket: this process now removes its file.
    pub(crate) fn own_file(&mut self) {
        if self.has_file {
            self.file = SocketFile::all_of(&self.address).pop();
        }
    }

    /// Adds a server's sockets, under a name that the successor knows.
    pub(crate) fn offer(&mut self, name: &'static str, server: Handle, with_files: Vec<Address>) {
        self.offers.push(Offer {
            name,
            server,
            with_files,
        });
    }

    /// A successor gets this descriptor, and waits for its end before it takes what only one can
    /// have.
    pub(crate) fn offer_held(&mut self, held: OwnedFd) {
        self.held = Some(held);
    }

    /// The descriptors to poll.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let talks = self.talks.iter().map(|talk| talk.wire.as_fd());
        let has_room = self.talks.len() < TALKS_MAX;
        has_room
            .then(|| self.socket.as_fd())
            .into_iter()
            .chain(talks)
    }

    /// The deadline of the poll.
    pub(crate) fn next(&self) -> Option<Instant> {
        let child = self.child.as_ref().map(|_| Instant::now() + CHILD_LOOK);
        let talks = self.talks.iter().map(|talk| talk.until);
        talks.chain(child).min()
    }

    /// Does all work that does not block.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Event> {
        self.let_in(now);
        let mut event = None;
        for mut talk in std::mem::take(&mut self.talks) {
            let stays = self.converse(&mut talk, now, &mut event);
            if stays {
                self.talks.push(talk);
            }
        }
        event.or_else(|| self.look_after_child(now))
    }

    fn let_in(&mut self, now: Instant) {
        while self.talks.len() < TALKS_MAX {
            // After any error there is no connection to accept.
            let Ok((stream, _)) = self.socket.accept() else {
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
    ) -> std::result::Result<(), String> {
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
                talk.until = until + CHILD_ENDS;
                *event = Some(Event::Begun);
                Ok(())
            }
            (Role::Guest, Ask::TakeOver { version, pid }) => {
                if *version != VERSION {
                    return Err("it is another version; stop it and start this one".into());
                }
                let is_successor = |talk: &Talk| !matches!(talk.role, Role::Guest | Role::Waits);
                if self.talks.iter().any(is_successor) {
                    return Err("another process takes over already".into());
                }
                self.give_sockets(&talk.wire)
                    .map_err(|error| error.to_string())?;
                talk.role = Role::Successor(*pid);
                let started = self.child.as_ref().map(|started| started.until);
                talk.until = started.unwrap_or(now + READY_WITHIN);
                Ok(())
            }
            (Role::Successor(pid), Ask::Ready) => {
                talk.role = Role::Ready(pid);
                *event = Some(Event::Ready { pid });
                Ok(())
            }
            _ => Err("this request is not valid now".into()),
        }
    }

    fn give_sockets(&self, wire: &Wire) -> io::Result<()> {
        let mut given = vec![Given {
            name: CONTROL.into(),
            has_file: self.has_file,
        }];
        let mut duplicates: Vec<OwnedFd> = Vec::new();
        for offer in &self.offers {
            for socket in offer.server.listeners()? {
                given.push(Given {
                    name: offer.name.into(),
                    has_file: offer.with_files.contains(&address_of(&socket)?),
                });
                duplicates.push(socket);
            }
        }
        if self.held.is_some() {
            given.push(Given {
                name: HELD.into(),
                has_file: false,
            });
        }
        let mut sockets = vec![self.socket.as_fd()];
        sockets.extend(duplicates.iter().map(AsFd::as_fd));
        sockets.extend(self.held.iter().map(AsFd::as_fd));
        if sockets.len() > SOCKETS_MAX {
            return Err(io::Error::other("too many listening sockets"));
        }
        wire.say(&Answer::Sockets(given), &sockets)
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
        let reason = match started.child.try_wait() {
            Ok(None) if now < started.until => return None,
            Ok(None) => {
                started.child.kill();
                "the new process was not ready in time".to_owned()
            }
            Ok(Some(status)) => format!("the new process ended ({status}), its log says why"),
            Err(error) => format!("the new process can't be watched: {error}"),
        };
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

    /// Makes the ready successor the service manager's child.
    pub(crate) fn let_go(&mut self) {
        if let Some(started) = &mut self.child {
            started.child.let_go();
        }
    }

    /// Hands over to the ready successor; `false` if it has gone.
    pub(crate) fn hand_over(&mut self) -> bool {
        let found = self.talks.iter().find_map(|talk| match talk.role {
            Role::Ready(pid) => Some((pid, talk)),
            _ => None,
        });
        let Some((pid, talk)) = found else {
            return false;
        };
        if talk.wire.say(&Answer::Yours, &[]).is_err() {
            return false;
        }
        for offer in &self.offers {
            offer.server.hand_over();
        }
        if let Some(file) = &mut self.file {
            file.keep();
        }
        self.child = None;
        self.tell_waiting(&Answer::Done { pid });
        true
    }
}

impl Drop for HandoverServer {
    /// Tells waiting processes that there will be no restart.
    fn drop(&mut self) {
        for talk in &self.talks {
            if !matches!(talk.role, Role::Ready(_)) {
                let reason = "the running one ends".to_owned();
                let _ = talk.wire.say(&Answer::No { reason }, &[]);
            }
        }
    }
}
