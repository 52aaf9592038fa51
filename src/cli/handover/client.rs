//! The new process's side: asks for the sockets, and says when it accepts from them.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use super::arrivals::Arrivals;
use super::protocol::{Answer, Ask, Given, Wire};
use super::{CLIENTS_VERSION, CONTROL, HELD, SERVICE, VERSION};
use crate::drain::ServerPhase;
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::connect;
use crate::net::listen::Listeners;
use crate::server::Handle;

/// Maximum wait for the running process to listen and for each answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The sockets of the running process, and the connection to it.
pub(crate) struct Inherited {
    wire: Wire,
    sockets: Vec<(Given, OwnedFd)>,
    clients: Arrivals,
}

impl Inherited {
    /// Asks the poold behind `path`; `None` if there is none.
    ///
    /// # Errors
    /// When there is one and it does not hand over its sockets.
    pub(crate) fn ask(path: &Path) -> Result<Option<Inherited>> {
        let stream = match connect::unix(path, ANSWER_MAX) {
            Ok(stream) => stream,
            Err(error) => {
                use io::ErrorKind::{ConnectionRefused, NotFound};
                return if matches!(error.kind(), NotFound | ConnectionRefused) {
                    info!(control = ?path, "no process to take over from; starting as usual");
                    Ok(None)
                } else {
                    Err(failed(in_words(error)))
                };
            }
        };
        stream.set_read_timeout(Some(ANSWER_MAX)).map_err(failed)?;
        let mut wire = Wire::new(stream);
        let pid = std::process::id();
        let ask = Ask::TakeOver {
            version: VERSION,
            pid,
            clients: CLIENTS_VERSION,
        };
        wire.say(&ask, &[]).map_err(failed)?;
        match wire.hear().map_err(|error| failed(in_words(error)))? {
            Some(Answer::Sockets(given)) => {
                let sockets = wire.take_sockets();
                if sockets.len() < given.len() {
                    return Err(failed(io::Error::other(
                        "no descriptor is left for its sockets",
                    )));
                }
                let sockets = given.into_iter().zip(sockets).collect();
                let clients = Arrivals::of(&wire);
                Ok(Some(Inherited {
                    wire,
                    sockets,
                    clients,
                }))
            }
            other => Err(unexpected(other)),
        }
    }

    /// The sockets of that name, and those of them whose files are removed at the end.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<(Listeners, Vec<Address>)>> {
        let all = std::mem::take(&mut self.sockets);
        let (ours, others): (Vec<_>, _) =
            all.into_iter().partition(|(given, _)| given.name == name);
        self.sockets = others;
        if ours.is_empty() {
            return Ok(None);
        }
        let (given, ours): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
        let last = given.iter().map(|given| given.numbered_after).max();
        let mut listeners = Listeners::adopt(ours)?.numbered_after(last.unwrap_or(0));
        if name == SERVICE {
            listeners = listeners.awaiting_clients();
        }
        let all = listeners.addresses().iter().zip(&given);
        let with_files = all.filter(|(_, given)| given.has_file);
        let with_files = with_files.map(|(address, _)| address.clone()).collect();
        Ok(Some((listeners, with_files)))
    }

    /// What ends when the running process has let go of what only one can have.
    pub(crate) fn take_held(&mut self) -> Option<OwnedFd> {
        let at = self
            .sockets
            .iter()
            .position(|(given, _)| given.name == HELD)?;
        Some(self.sockets.swap_remove(at).1)
    }

    /// The control socket, for the next restart.
    pub(super) fn take_control(&mut self) -> Result<Option<(Listeners, Vec<Address>)>> {
        self.take(CONTROL)
    }

    /// Says that this process accepts, takes the other one's clients, and waits until that has
    /// stopped accepting.
    ///
    /// # Errors
    /// When the other process has given the restart up, or this one was told to end meanwhile: then
    /// this process must end, and the other one goes on.
    pub(crate) fn confirm(mut self, server: &Handle) -> Result<()> {
        server.when_draining(self.wire.ender());
        let said = self.wire.say(&Ask::Ready, &[]);
        let answer = said.and_then(|()| self.clients.take_all(&mut self.wire, server));
        match answer {
            Ok(Some(Answer::Yours)) => {}
            Ok(other @ Some(_)) => return Err(unexpected(other)),
            _ if server.phase() != ServerPhase::Running => {
                return Err(failed(io::Error::other("this process was told to end")));
            }
            // It has not ended, and goes on.
            Ok(None) if self.clients.other_lives() => {
                return Err(failed(io::Error::other(
                    "it has given it up; its log says why",
                )));
            }
            // The old process has ended with its clients; new clients come here.
            Ok(None) => warn!("the other poold is gone; this one goes on alone"),
            Err(error) => {
                let error = in_words(error);
                warn!(%error, "the other poold does not answer; this one goes on");
            }
        }
        server.awaits_no_clients();
        Ok(())
    }
}

fn failed(source: io::Error) -> Error {
    Error::Start {
        what: "the take-over from the poold that --control reaches",
        source,
    }
}

/// The system's text for a timeout does not say so.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => io::Error::other(format!(
            "no answer within {} s; it is stopped (kill -CONT lets it go on) or stuck: end it, and \
             start this one",
            ANSWER_MAX.as_secs()
        )),
        _ => error,
    }
}

fn unexpected(answer: Option<Answer>) -> Error {
    failed(io::Error::other(match answer {
        Some(Answer::No { reason }) => reason,
        Some(_) => "it speaks another language; stop it and start this one".into(),
        None => "it ended, or is no poold".into(),
    }))
}
