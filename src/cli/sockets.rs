//! Where the listening sockets come from: bound here, a service manager, a predecessor.
//!
//! The only file that names `listenfd`.

use std::io;
use std::os::fd::OwnedFd;

use listenfd::ListenFd;

use super::control::{Inherited, SERVICE};
use crate::error::{Error, Result};
use crate::listen::Listeners;
use crate::peer::Address;

/// Sockets for ADDRESS, and whether they have files that this process removes at its end.
pub(super) fn open(address: &str, from: Option<&mut Inherited>) -> Result<(Listeners, bool)> {
    if let Some(from) = from {
        return inherit(address, from);
    }
    if let Some(name) = manager(address) {
        return Ok((activated(name)?, false));
    }
    let listeners = Listeners::bind(address)?;
    let has_files = listeners.has_files();
    Ok((listeners, has_files))
}

/// For `systemd` all names, for `systemd:NAME` that one.
fn manager(address: &str) -> Option<Option<&str>> {
    match address.strip_prefix("systemd")? {
        "" => Some(None),
        rest => rest.strip_prefix(':').map(Some),
    }
}

fn inherit(address: &str, from: &mut Inherited) -> Result<(Listeners, bool)> {
    let wrong = |problem: String| Error::Address {
        address: address.to_owned(),
        problem,
    };
    let Some((listeners, has_files)) = from.take(SERVICE)? else {
        return Err(wrong("the running poold hands over no socket".into()));
    };
    let found = listeners.addresses();
    if manager(address).is_none() && !found.iter().any(|found| is_at(found, address)) {
        let first = &found[0];
        return Err(wrong(format!(
            "the running poold listens on {first}, and a take-over can't change that; stop it and \
             start this one"
        )));
    }
    Ok((listeners, has_files))
}

/// Where something listens, in words.
pub(super) fn all_of(addresses: &[Address]) -> String {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    all.join(" and ")
}

/// Whether those are the sockets that are asked for, one for each address.
pub(super) fn are_at(found: &[Address], addresses: &[String]) -> bool {
    let is_found = |address: &String| found.iter().any(|found| is_at(found, address));
    found.len() == addresses.len() && addresses.iter().all(is_found)
}

/// Whether a socket that listens on `found` is one that `address` asks for.
fn is_at(found: &Address, address: &str) -> bool {
    match (found, address.parse::<Address>()) {
        (Address::Unix(found), Ok(Address::Unix(path))) => *found == path,
        (Address::Tcp(found), Ok(Address::Tcp(candidates))) => candidates.iter().any(|candidate| {
            let is_port = candidate.port() == 0 || candidate.port() == found[0].port();
            is_port && candidate.ip() == found[0].ip()
        }),
        _ => false,
    }
}

/// What the service manager has handed over under this name, or all of it.
fn activated(name: Option<&str>) -> Result<Listeners> {
    let wrong = |source| Error::Start {
        what: "the sockets from the service manager",
        source,
    };
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut all = ListenFd::from_env();
    let mut found: Vec<OwnedFd> = Vec::new();
    for index in 0..all.len() {
        let is_wanted = names.next().is_some_and(|each| name == Some(each));
        if is_wanted || name.is_none() {
            let socket = match all.take_tcp_listener(index) {
                Ok(socket) => socket.map(OwnedFd::from),
                Err(_) => all
                    .take_unix_listener(index)
                    .map_err(wrong)?
                    .map(OwnedFd::from),
            };
            found.extend(socket);
        }
    }
    if found.is_empty() {
        let which = name.map_or(String::new(), |name| format!(" of the name '{name}'"));
        let problem = format!("it gave none{which}; start this through its .socket unit");
        return Err(wrong(io::Error::other(problem)));
    }
    Listeners::adopt(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_is_no_host() {
        assert_eq!(manager("systemd"), Some(None));
        assert_eq!(manager("systemd:lines"), Some(Some("lines")));
        assert_eq!(manager("systemd.example:80"), None);
        assert_eq!(manager("8080"), None);
    }

    #[test]
    fn a_take_over_keeps_the_address() {
        let found = "127.0.0.1:4711".parse().expect("an address");
        for same in ["4711", "127.0.0.1:4711", "127.0.0.1:0", "0"] {
            assert!(is_at(&found, same), "{same}");
        }
        for other in ["4712", ":4711", "[::1]:4711", "unix:/a", "nonsense"] {
            assert!(!is_at(&found, other), "{other}");
        }
    }
}
