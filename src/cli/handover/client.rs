//! The new process's side: it asks for the sockets, and says when it accepts from them.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use super::protocol::{Answer, Ask, Given, Wire};
use super::{CONTROL, VERSION};
use crate::cli::connect;
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::listen::Listeners;

/// Longest wait for the running one, to listen and for each answer: it needs a moment, or is stuck.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What was got from the running one, and the line to it.
pub(in crate::cli) struct Inherited {
    wire: Wire,
    sockets: Vec<(Given, OwnedFd)>,
}

impl Inherited {
    /// Asks the poold that is reached over `path`; `None` if there is none.
    ///
    /// # Errors
    /// When there is one and it does not hand over.
    pub(in crate::cli) fn ask(path: &Path) -> Result<Option<Inherited>> {
        let stream = match connect::connect(path, ANSWER_MAX) {
            Ok(stream) => stream,
            Err(error) => {
                use io::ErrorKind::{ConnectionRefused, NotFound};
                return if matches!(error.kind(), NotFound | ConnectionRefused) {
                    info!(control = ?path, "nobody to take over from; starting as ever");
                    Ok(None)
                } else {
                    Err(failed(in_words(error)))
                };
            }
        };
        stream.set_read_timeout(Some(ANSWER_MAX)).map_err(failed)?;
        let mut wire = Wire::new(stream);
        let pid = std::process::id();
        let version = VERSION;
        wire.say(&Ask::TakeOver { version, pid }, &[])
            .map_err(failed)?;
        match wire.hear().map_err(|error| failed(in_words(error)))? {
            Some(Answer::Sockets(given)) => {
                let sockets = given.into_iter().zip(wire.take_sockets()).collect();
                Ok(Some(Inherited { wire, sockets }))
            }
            other => Err(unexpected(other)),
        }
    }

    /// The sockets of that name, if there are any, and those of them whose files are removed at
    /// the end.
    pub(in crate::cli) fn take(&mut self, name: &str) -> Result<Option<(Listeners, Vec<Address>)>> {
        let all = std::mem::take(&mut self.sockets);
        let (ours, others): (Vec<_>, _) =
            all.into_iter().partition(|(given, _)| given.name == name);
        self.sockets = others;
        if ours.is_empty() {
            return Ok(None);
        }
        let (given, ours): (Vec<_>, Vec<_>) = ours.into_iter().unzip();
        let listeners = Listeners::adopt(ours)?;
        let all = listeners.addresses().iter().zip(&given);
        let with_files = all.filter(|(_, given)| given.has_file);
        let with_files = with_files.map(|(address, _)| address.clone()).collect();
        Ok(Some((listeners, with_files)))
    }

    /// The one for the next restart.
    pub(super) fn take_control(&mut self) -> Result<Option<(Listeners, Vec<Address>)>> {
        self.take(CONTROL)
    }

    /// Says that this process accepts, and waits until the other has stopped doing so.
    ///
    /// # Errors
    /// When the other one has thought better of it: then this process must end.
    pub(in crate::cli) fn confirm(mut self) -> Result<()> {
        let answer = match self.wire.say(&Ask::Ready, &[]) {
            Ok(()) => self.wire.hear(),
            Err(error) => Err(error),
        };
        match answer {
            Ok(Some(Answer::Yours)) => Ok(()),
            Ok(other @ Some(_)) => Err(unexpected(other)),
            // The old process has died with its clients; new clients are ours.
            Ok(None) => {
                warn!("the other poold is gone; this one goes on alone");
                Ok(())
            }
            Err(error) => {
                let error = in_words(error);
                warn!(%error, "the other poold does not answer; this one goes on");
                Ok(())
            }
        }
    }
}

fn failed(source: io::Error) -> Error {
    Error::Start {
        what: "the take-over from the poold that --control reaches",
        source,
    }
}

/// That an answer did not come in time has no words of its own.
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
