//! What went wrong with a server, and what to do about it.

use std::fmt;
use std::io;

use crate::escape::escape;

/// Longest part of a server's words that is repeated.
const QUOTED_MAX: usize = 200;

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No connection, or an end of it.
    Away,
    /// The server is there and is not ready yet.
    Loading,
    /// The server takes no messages now, and may again without a change of settings.
    Full,
    /// It can't be written to until the server's or poold's settings change.
    Unfit,
}

/// The first word of an error, its kind, and what to do. The rest of the table's errors are told as
/// the server says them.
const ERRORS: [(&str, Kind, &str); 15] = [
    ("LOADING", Kind::Loading, "the server still loads its data"),
    ("BUSY", Kind::Loading, "a script keeps the server busy"),
    ("TRYAGAIN", Kind::Loading, "the cluster moves the stream"),
    (
        "CLUSTERDOWN",
        Kind::Loading,
        "the cluster is down: some of its slots have no server",
    ),
    (
        "MASTERDOWN",
        Kind::Loading,
        "this replica has lost its primary",
    ),
    (
        "OOM",
        Kind::Full,
        "the server's memory is full: raise maxmemory, or trim the stream (XTRIM) and take keep=",
    ),
    (
        "MISCONF",
        Kind::Full,
        "the server can't save to its disk: make room there and look into its log",
    ),
    (
        "NOREPLICAS",
        Kind::Full,
        "too few replicas are connected: start them, or lower min-replicas-to-write",
    ),
    (
        "READONLY",
        Kind::Unfit,
        "this server is a replica: name the primary, or its sentinels (redis+sentinel://)",
    ),
    (
        "MOVED",
        Kind::Unfit,
        "another server of the cluster has this stream: name that one",
    ),
    (
        "NOAUTH",
        Kind::Unfit,
        "the server wants a password: put it into a file and give auth-file=PATH",
    ),
    (
        "WRONGPASS",
        Kind::Unfit,
        "the server does not know this user or password: look into the file of auth-file=",
    ),
    (
        "NOPERM",
        Kind::Unfit,
        "the server's user may not do this: allow it with ACL SETUSER",
    ),
    (
        "WRONGTYPE",
        Kind::Unfit,
        "the name holds something else there: choose another one",
    ),
    (
        "DENIED",
        Kind::Unfit,
        "the server takes clients of its own machine only (protected mode): set a password or bind",
    ),
];

impl Failure {
    pub(crate) fn unfit(text: impl Into<String>) -> Failure {
        Failure {
            kind: Kind::Unfit,
            text: text.into(),
        }
    }

    pub(crate) fn away(text: impl Into<String>) -> Failure {
        Failure {
            kind: Kind::Away,
            text: text.into(),
        }
    }

    /// It passes by itself.
    pub(super) fn passing(text: impl Into<String>) -> Failure {
        Failure {
            kind: Kind::Loading,
            text: text.into(),
        }
    }

    pub(crate) fn full(text: impl Into<String>) -> Failure {
        Failure {
            kind: Kind::Full,
            text: text.into(),
        }
    }

    /// An error reply.
    pub(crate) fn refused(reply: &[u8]) -> Failure {
        let word = reply.split(|byte| *byte == b' ').next().unwrap_or_default();
        let mut quoted = Vec::new();
        escape(&reply[..reply.len().min(QUOTED_MAX)], &mut quoted);
        let quoted = String::from_utf8_lossy(&quoted);
        let known = ERRORS.iter().find(|(code, ..)| code.as_bytes() == word);
        match known {
            Some((_, kind, advice)) => Failure {
                kind: *kind,
                text: format!("{advice} ({quoted})"),
            },
            None => Failure::unfit(format!("the server refuses it ({quoted})")),
        }
    }

    /// The same, with what it is about in front.
    pub(super) fn of(self, what: &str) -> Failure {
        Failure {
            text: format!("{what}: {}", self.text),
            ..self
        }
    }

    /// Whether it is an error reply that the server does not know the command.
    pub(crate) fn is_unknown_command(reply: &[u8]) -> bool {
        reply.starts_with(b"ERR unknown command")
    }

    /// Whether a start goes on and waits.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.kind, Kind::Loading | Kind::Full)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Of reading and writing: the connection is of no use any more.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::away("the server ended the connection"),
            _ => Failure::away(error.to_string()),
        }
    }
}

/// The kind tells whether the log has said it already.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        let kind = match failure.kind {
            // A server that comes back loads first: this is the same trouble.
            Kind::Away | Kind::Loading => io::ErrorKind::NotConnected,
            Kind::Full => io::ErrorKind::StorageFull,
            Kind::Unfit => io::ErrorKind::PermissionDenied,
        };
        io::Error::new(kind, failure.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_says_what_to_do() {
        for (code, kind, advice) in ERRORS {
            let failure = Failure::refused(format!("{code} the server's words").as_bytes());
            assert_eq!(failure.kind, kind);
            assert_eq!(
                failure.to_string(),
                format!("{advice} ({code} the server's words)")
            );
        }
        let other = Failure::refused(b"ERR no\x1b[2J");
        assert_eq!(
            other.to_string(),
            "the server refuses it (ERR no\\u{1b}[2J)"
        );
        assert!(!other.passes());
    }
}
