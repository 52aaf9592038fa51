//! Classifies the errors of accept(2).

use std::io;

/// The cause of an error; accept(2) lists the errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The backlog is empty.
    NoClient,
    /// A pending network error of that one connection; the next accept may succeed.
    Client,
    /// The process or the system has no descriptor or memory left, or another reason not to accept.
    /// The next try may fail as well, so it comes after a pause.
    Exhausted,
    /// The socket does not listen, and never will again.
    Fatal,
}

/// Classifies an error of `accept`.
pub(super) fn sort(error: &io::Error) -> Fault {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::AGAIN) => Fault::NoClient,
        // Listeners are known to be streams, so "not supported" is an error of the network.
        Some(
            Errno::CONNABORTED
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::INTR
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::NONET
            | Errno::NOPROTOOPT
            | Errno::OPNOTSUPP
            | Errno::PROTO
            | Errno::TIMEDOUT,
        ) => Fault::Client,
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) => Fault::Fatal,
        _ => Fault::Exhausted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn every_error_of_accept_has_its_place() {
        let of = |errno: Errno| sort(&io::Error::from_raw_os_error(errno.raw_os_error()));
        for errno in [
            Errno::CONNABORTED,
            Errno::PROTO,
            Errno::NETDOWN,
            Errno::HOSTUNREACH,
            Errno::OPNOTSUPP,
        ] {
            assert_eq!(of(errno), Fault::Client);
        }
        for errno in [Errno::INTR, Errno::TIMEDOUT, Errno::NOPROTOOPT] {
            assert_eq!(of(errno), Fault::Client);
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(of(errno), Fault::Exhausted);
        }
        // What no manual names is tried again after a pause, not at once and for ever.
        // Nor what a filter of system calls (seccomp) says, to every try.
        for errno in [Errno::ACCESS, Errno::NOSYS, Errno::IO, Errno::PERM] {
            assert_eq!(of(errno), Fault::Exhausted);
        }
        for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
            assert_eq!(of(errno), Fault::Fatal);
        }
        assert_eq!(of(Errno::AGAIN), Fault::NoClient);
    }
}
