//! Every way to fail, each with what a person can do about it.

use std::io;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server could not be started. One line each, with its cause kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is outside of its bounds.
    #[error("{name}: {problem}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// An address could not be understood.
    #[error("address '{address}': {problem}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address has a name that could not be looked up: it may be another time.
    #[error("address '{address}': its host can't be found: {source}")]
    Lookup {
        /// What was given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {}", bind_advice(source))]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The output of `recv` could not be opened.
    #[error("cannot write to {name}: {source}; choose another file or directory")]
    Output {
        /// The file or directory.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The standard output, which `recv` prints to, can't be written to.
    #[error("cannot write to the standard output: {problem}; redirect it, or take --output FILE")]
    Stdout {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A thread, a poller or a signal handler could not be had.
    #[error("cannot start: {what}: {}", start_advice(source))]
    Start {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A thread or a process that the system does not give is an error without words of its own
/// (EAGAIN: "Resource temporarily unavailable").
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
            "the address is in use; stop what listens there or choose another port".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; choose a port above 1023 or a path you may write to".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; for one that comes later there is freebind"
                .into()
        }
        io::ErrorKind::NotFound => {
            "there is no such directory; make it or choose another path".into()
        }
        _ => error.to_string(),
    }
}
