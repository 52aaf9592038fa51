//! Where the listening sockets come from: bound here, a service manager, a predecessor.
//!
//! The only file that names `listenfd`.

mod args;
mod compare;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use listenfd::ListenFd;

use crate::cli::handover::{Inherited, SERVICE};
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::listen::Listeners;

pub(crate) use args::{ListenArgs, bare};
pub(crate) use compare::are_at;
use compare::matched;

/// Sockets for every ADDRESS, and those of them whose files this process removes at its end.
pub(crate) fn open(
    args: &ListenArgs,
    from: Option<&mut Inherited>,
) -> Result<(Listeners, Vec<Address>)> {
    let (managed, own) = sort(args.asked());
    let is_unix = |(address, _): &(&str, bool)| address.starts_with("unix:");
    if let Some(name) = args.for_files().filter(|_| !own.iter().any(is_unix)) {
        return Err(Error::option(
            name,
            "no ADDRESS is unix:PATH; a .socket unit has SocketMode= and SocketGroup=",
        ));
    }
    if let Some(from) = from {
        return inherit(args, from);
    }
    let own = parse(own)?;
    if managed.is_empty() {
        let bound = Listeners::bind_each(&own, &args.binding())?;
        let with_files = bound.with_files();
        return Ok((bound, with_files));
    }
    let activated = activated(&managed)?;
    if own.is_empty() {
        return Ok((activated, Vec::new()));
    }
    let bound = Listeners::bind_each(&own, &args.binding())?;
    let with_files = bound.with_files();
    Ok((activated.and(bound), with_files))
}

/// What a service manager is asked for, or what is bound here, and whether its clients speak
/// plainly.
type Marked<T> = Vec<(T, bool)>;

fn sort(addresses: Marked<&str>) -> (Marked<Option<&str>>, Marked<&str>) {
    let (mut managed, mut own) = (Vec::new(), Vec::new());
    for (address, is_plain) in addresses {
        match manager(address) {
            Some(name) => managed.push((name, is_plain)),
            None => own.push((address, is_plain)),
        }
    }
    (managed, own)
}

fn parse(addresses: Marked<&str>) -> Result<Marked<Address>> {
    let all = addresses.into_iter();
    all.map(|(address, is_plain)| Ok((address.parse()?, is_plain)))
        .collect()
}

/// For `systemd` all names, for `systemd:NAME` that one.
fn manager(address: &str) -> Option<Option<&str>> {
    match address.strip_prefix("systemd")? {
        "" => Some(None),
        rest => rest.strip_prefix(':').map(Some),
    }
}

fn inherit(args: &ListenArgs, from: &mut Inherited) -> Result<(Listeners, Vec<Address>)> {
    let wrong = |problem: String| Error::Address {
        address: args.address.join(" "),
        problem,
    };
    let Some((mut listeners, with_files)) = from.take(SERVICE)? else {
        return Err(wrong("the running poold hands over no socket".into()));
    };
    let (managed, own) = sort(args.asked());
    let rest = managed.first().map(|(_, is_plain)| *is_plain);
    // Which of a manager's sockets is which is not known any more.
    let rest = rest.filter(|rest| managed.iter().all(|(_, is_plain)| is_plain == rest));
    let found = matched(listeners.addresses(), &parse(own)?, rest);
    let Some(are_plain) = found else {
        return Err(wrong(format!(
            "the running poold listens on {}, and a take-over can't change that; stop it and start \
             this one",
            all_of(listeners.addresses())
        )));
    };
    listeners.set_plain(&are_plain);
    for address in &with_files {
        check_file(address, args)?;
    }
    Ok((listeners, with_files))
}

/// An error if an inherited socket's file is not as it is asked for.
fn check_file(address: &Address, args: &ListenArgs) -> Result<()> {
    let (Some(name), Address::Unix(path)) = (args.for_files(), address) else {
        return Ok(());
    };
    let Ok(found) = fs::metadata(path) else {
        return Ok(());
    };
    let (mode, asked) = (found.mode() & 0o777, args.binding());
    if mode == asked.socket_mode && asked.socket_group.is_none_or(|group| group == found.gid()) {
        return Ok(());
    }
    Err(Error::option(
        name,
        format!(
            "the running poold's {address} has the mode {mode:o} and the group {}, and a take-over \
             can't change that; chmod or chgrp it, or stop that one and start this one",
            found.gid()
        ),
    ))
}

/// Each address of a service, in words; `tls:` is in front if it is for some ADDRESS.
pub(crate) fn each_of(args: &ListenArgs, listeners: &Listeners) -> Vec<String> {
    let all = listeners.addresses().iter().zip(listeners.are_plain());
    let all = all.map(
        |(address, is_plain)| match args.chooses_tls() && !is_plain {
            true => format!("tls:{address}"),
            false => address.to_string(),
        },
    );
    all.collect()
}

/// Where something listens, in words.
pub(crate) fn all_of(addresses: &[Address]) -> String {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    all.join(" and ")
}

/// What the service manager has handed over under these names, or all of it.
fn activated(names: &[(Option<&str>, bool)]) -> Result<Listeners> {
    let wrong = Error::start("the sockets from the service manager");
    let given = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut given = given.split(':');
    let mut all = ListenFd::from_env();
    let mut missing = names.to_vec();
    let mut found: Vec<OwnedFd> = Vec::new();
    let mut are_plain = Vec::new();
    for index in 0..all.len() {
        let own = given.next();
        let is_asked_for = |(name, _): &(Option<&str>, bool)| name.is_none() || *name == own;
        // By its name, if it has one of those that are asked for.
        let named = names
            .iter()
            .find(|(name, _)| name.is_some() && *name == own);
        if let Some((_, is_plain)) = named.or(names.iter().find(|one| is_asked_for(one))) {
            if let Some(socket) = take(&mut all, index).map_err(wrong)? {
                found.push(socket);
                are_plain.push(*is_plain);
            }
            missing.retain(|name| !is_asked_for(name));
        }
    }
    if let Some((name, _)) = missing.first() {
        let which = name.map_or(String::new(), |name| format!(" of the name '{name}'"));
        let problem = format!("it gave none{which}; start this through its .socket unit");
        return Err(wrong(io::Error::other(problem)));
    }
    let mut adopted = Listeners::adopt(found)?;
    adopted.set_plain(&are_plain);
    Ok(adopted)
}

/// One of the sockets, if it was not taken before.
fn take(all: &mut ListenFd, index: usize) -> io::Result<Option<OwnedFd>> {
    if let Ok(socket) = all.take_tcp_listener(index) {
        return Ok(socket.map(OwnedFd::from));
    }
    if let Ok(socket) = all.take_unix_listener(index) {
        return Ok(socket.map(OwnedFd::from));
    }
    let is_datagram = all.take_udp_socket(index).is_ok() || all.take_unix_datagram(index).is_ok();
    let kind = match is_datagram {
        true => "is for datagrams (UDP)",
        false => "is no stream socket",
    };
    Err(io::Error::other(format!(
        "number {} of what it hands over {kind}, and clients connect; the .socket unit needs \
         ListenStream=",
        index + 1
    )))
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
        assert_eq!(manager(bare("tls:systemd:lines")), Some(Some("lines")));
    }
}
