//! A program's environment: what all have, put together once, and what tells of its client.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::connection::client::Client;
use crate::net::address::Peer;

/// Names a program's client in its environment, and in that of its descendants.
pub(super) const CLIENT: &str = "POOLD_CLIENT";

/// Not for a program: what tells of a client, and here of another one, and what lets us talk to
/// the service manager, in whose name no client may speak.
const NOT_FOR_PROGRAMS: [&str; 12] = [
    "PROTO",
    "TCPLOCALIP",
    "TCPLOCALPORT",
    "TCPREMOTEIP",
    "TCPREMOTEPORT",
    "TCPCONNNUM",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
];

/// What a program gets of our own environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherits {
    /// All that is not about us.
    All,
    /// PATH alone.
    Path,
}

/// Of our environment what a program gets, with these variables instead of ours or beside them.
pub(super) fn common(inherits: Inherits, others: Vec<(&'static str, OsString)>) -> Vec<CString> {
    let is_passed_on = |name: &OsStr| match inherits {
        Inherits::Path => name == "PATH",
        Inherits::All => {
            let is_ours = name.as_bytes().starts_with(b"POOLD_");
            !is_ours && NOT_FOR_PROGRAMS.iter().all(|other| name != *other)
        }
    };
    let is_other = |name: &OsStr| others.iter().any(|(other, _)| name == *other);
    let ours = env::vars_os().filter(|(name, _)| is_passed_on(name) && !is_other(name));
    let ours = ours.filter_map(|(name, value)| variable(&name, value));
    let mut all: Vec<_> = ours.collect();
    all.extend(
        others
            .into_iter()
            .filter_map(|(name, value)| variable(OsStr::new(name), value)),
    );
    all
}

/// What tells a program of its client, the `of_address`th for its address now.
pub(super) fn of_client(client: &Client, of_address: usize) -> Vec<CString> {
    let mut all = Vec::with_capacity(8);
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        // Neither a number nor an address has a zero byte.
        all.extend(CString::new(format!("{name}={value}")));
    };
    add(CLIENT, &client.id());
    match client.peer() {
        Peer::Unix(_) => add("PROTO", &"UNIX"),
        Peer::Tcp(remote) => {
            add("PROTO", &"TCP");
            add("TCPREMOTEIP", &remote.ip().to_canonical());
            add("TCPREMOTEPORT", &remote.port());
            add("TCPCONNNUM", &of_address);
        }
    }
    if let Some(local) = client.local_address() {
        add("TCPLOCALIP", &local.ip().to_canonical());
        add("TCPLOCALPORT", &local.port());
    }
    all
}

fn variable(name: &OsStr, value: OsString) -> Option<CString> {
    let mut whole = name.to_owned().into_vec();
    whole.push(b'=');
    whole.extend(value.into_vec());
    // None of the system's has a zero byte.
    CString::new(whole).ok()
}
