//! Errors of starting a server, each with what to do about it.

use std::convert::Infallible;
use std::io;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server could not start. Each prints as one line and keeps its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of its bounds.
    #[error("{name}: {problem}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// What is wrong, and what is valid.
        problem: String,
    },
    /// The text is not a valid address.
    #[error("address '{address}': {problem}")]
    Address {
        /// The text.
        address: String,
        /// What is wrong with it, and what is valid.
        problem: String,
    },
    /// The address has a host name that was not found. A later try may succeed.
    #[error("address '{address}': its host can't be found: {source}")]
    Lookup {
        /// The address.
        address: String,
        /// The error of the look-up.
        source: io::Error,
    },
    /// The server can't listen on the address.
    #[error("cannot listen on {address}: {}", bind_advice(source))]
    Bind {
        /// The address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// A certificate or a key is of no use.
    #[error("{file}: {problem}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `recv` can't open its output.
    #[cfg(feature = "cli")]
    #[error("cannot write to {name}: {source}; choose another file or directory")]
    Output {
        /// The file or directory.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The server that `recv` writes to can't take messages.
    #[cfg(feature = "cli")]
    #[error("cannot write to {name}: {problem}")]
    Remote {
        /// The server and the stream, without a password.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// `recv` prints to the standard output, which can't be written to.
    #[cfg(feature = "cli")]
    #[error("cannot write to the standard output: {problem}; redirect it, or take --output FILE")]
    Stdout {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The system did not provide a thread, a poller or a signal handler.
    #[error("cannot start: {what}: {}", start_advice(source))]
    Start {
        /// What the server asked for.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn option(name: &'static str, problem: impl Into<String>) -> Error {
        let problem = problem.into();
        Error::Option { name, problem }
    }

    /// For `map_err`: the system did not provide this.
    pub(crate) fn start(what: &'static str) -> impl Fn(io::Error) -> Error + Copy {
        move |source| Error::Start { what, source }
    }
}

/// An address that is one already can't be wrong.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Error {
        match never {}
    }
}

/// The system's text for a thread or a process that it refuses (EAGAIN: "Resource temporarily
/// unavailable") does not say what to do.
pub(crate) fn start_advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            "the system gives no more threads; raise the limit of processes (ulimit -u, TasksMax=, \
             the container's pids limit), or ask for fewer workers"
                .into()
        }
        _ => error.to_string(),
    }
}

fn bind_advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use; stop what listens there or choose another one".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; choose a port above 1023 or a path you may write to".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; for one that comes later set --freebind \
             (Binding::freebind)"
                .into()
        }
        io::ErrorKind::NotFound => {
            "there is no such directory; make it or choose another path".into()
        }
        _ => error.to_string(),
    }
}
