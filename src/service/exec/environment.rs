//! A program's environment: the common part, made once, and the variables about its client.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::connection::client::Client;
use crate::net::address::Peer;

/// The client's id, in the environment of a program and its descendants.
pub(super) const CLIENT: &str = "POOLD_CLIENT";

/// The balancer that the client came through, if there is one.
const VIA: &str = "POOLD_VIA";

/// Variables that a program does not inherit: those about a client, which would be another one, and
/// those for poold's own talk with the service manager.
const NOT_FOR_PROGRAMS: [&str; 14] = [
    "PROTO",
    "TCPLOCALIP",
    "TCPLOCALPORT",
    "TCPREMOTEIP",
    "TCPREMOTEPORT",
    "TCPCONNNUM",
    "TLS_VERSION",
    "TLS_CLIENT_NAME",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
];

/// The part of poold's environment that a program inherits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherits {
    /// All except poold's own variables.
    All,
    /// PATH alone.
    Path,
}

/// The inherited variables, with `others` added or in their place.
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

/// The variables about the client, which is the `of_address`th of its address now.
pub(super) fn of_client(client: &Client, of_address: usize) -> Vec<CString> {
    let mut all = Vec::with_capacity(9);
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        // Numbers and addresses have no zero byte.
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
    if let Some(balancer) = client.via() {
        add(VIA, &balancer);
    }
    if let Some(version) = client.tls() {
        add("TLS_VERSION", &version.number());
    }
    if let Some(name) = client.certified_name() {
        add("TLS_CLIENT_NAME", &name);
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
    // A variable of the system has no zero byte.
    CString::new(whole).ok()
}
