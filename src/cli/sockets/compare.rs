//! Whether sockets that listen are those that are asked for.

use std::net::SocketAddr;

use crate::net::address::Address;
use crate::net::listen::{covers, has_family};

/// Whether those that are found are all that these addresses stand for, and, unless a service
/// manager may have chosen others, no more.
pub(crate) fn are_at(found: &[Address], asked: &[Address], may_be_more: bool) -> bool {
    let mut asked: Vec<&Address> = asked.iter().collect();
    // Port 0 is any that the others leave.
    asked.sort_by_key(|address| match address {
        Address::Tcp(candidates) => candidates.iter().any(|one| one.port() == 0),
        Address::Unix(_) => false,
    });
    let mut left: Vec<&Address> = found.iter().collect();
    let mut is_there = |address: &Address| match address {
        Address::Unix(_) => {
            left.retain(|other| *other != address);
            found.contains(address)
        }
        Address::Tcp(candidates) => takes(&mut left, found, candidates),
    };
    asked.into_iter().all(&mut is_there) && (may_be_more || left.is_empty())
}

/// Takes what one name stands for out of what is left of those that are found.
fn takes(left: &mut Vec<&Address>, found: &[Address], candidates: &[SocketAddr]) -> bool {
    let mut port = None;
    let mut missing = Vec::new();
    for candidate in candidates {
        let mut wanted = *candidate;
        if let (0, Some(port)) = (wanted.port(), port) {
            wanted.set_port(port);
        }
        let is_it = |other: &&Address| {
            tcp(other).is_some_and(|other| {
                other.ip() == wanted.ip() && [0, other.port()].contains(&wanted.port())
            })
        };
        if let Some(at) = left.iter().position(is_it) {
            port = tcp(left.remove(at)).map(|own| own.port());
        } else if found
            .iter()
            .filter_map(tcp)
            .any(|other| covers(other, wanted))
        {
            port = port.or(Some(wanted.port()));
        } else {
            missing.push(wanted);
        }
    }
    port.is_some() && missing.into_iter().all(|one| !has_family(one))
}

fn tcp(address: &Address) -> Option<SocketAddr> {
    match address {
        Address::Tcp(all) => all.first().copied(),
        Address::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(found: &str, asked: &str) -> bool {
        let parse = |text: &str| {
            let all = text.split(' ').map(|one| one.parse().expect("an address"));
            all.collect::<Vec<Address>>()
        };
        are_at(&parse(found), &parse(asked), false)
    }

    #[test]
    fn a_take_over_keeps_the_addresses() {
        for (found, asked, same) in [
            ("127.0.0.1:4711", "4711", true),
            ("127.0.0.1:4711", "127.0.0.1:4711", true),
            ("127.0.0.1:4711", "127.0.0.1:0", true),
            ("127.0.0.1:4711", "0", true),
            ("127.0.0.1:4711", "4711 4711", true),
            ("127.0.0.1:4711", "4712", false),
            ("127.0.0.1:4711", ":4711", false),
            ("127.0.0.1:4711", "[::1]:4711", false),
            ("127.0.0.1:4711", "unix:/a", false),
            ("127.0.0.1:4711", "4711 unix:/a", false),
            ("127.0.0.1:4711 unix:/a", "4711", false),
            ("127.0.0.1:4711 unix:/a", "unix:/a 4711", true),
            ("unix:/a", "unix:/a unix:/a", true),
            ("127.0.0.1:1 127.0.0.1:2", "0 2", true),
            ("127.0.0.1:2 127.0.0.1:1", "0 2", true),
            ("127.0.0.1:2 127.0.0.1:1", "0 0", true),
            ("127.0.0.1:2", "0 2", false),
            ("127.0.0.1:1 127.0.0.1:2", "0", false),
            ("[::]:80", ":80", true),
            ("[::]:80", ":80 127.0.0.1:80", true),
            ("[::]:80", "[::]:80 0.0.0.0:80", true),
            ("[::]:80", "0.0.0.0:80", false),
            ("[::]:4711", ":0", true),
            ("127.0.0.1:80 [::1]:80", "localhost:80", true),
            ("127.0.0.1:80 [::1]:80", "localhost:0", true),
            ("127.0.0.1:80 [::1]:81", "localhost:0", false),
            ("127.0.0.1:80 [::1]:80", "80", false),
        ] {
            assert_eq!(compare(found, asked), same, "{found} for {asked}");
        }
        // As far as this system has both families.
        let both = "[::1]:1".parse().is_ok_and(has_family);
        assert_eq!(compare("0.0.0.0:80", ":80"), !both);
        assert_eq!(compare("127.0.0.1:80", "localhost:80"), !both);
    }

    #[test]
    fn a_service_manager_may_have_chosen_more() {
        let found = ["127.0.0.1:1", "unix:/a"].map(|one| one.parse().expect("an address"));
        assert!(are_at(&found, &[], true));
        assert!(are_at(&found, &found[1..], true));
        let other = ["127.0.0.1:2".parse().expect("an address")];
        assert!(!are_at(&found, &other, true));
    }
}
