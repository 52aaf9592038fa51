//! Whether sockets that listen are those that are asked for.

use std::net::SocketAddr;

use crate::net::address::Address;
use crate::net::listen::{covers, has_family};

/// Whether those that are found are all that these addresses stand for, and, unless a service
/// manager may have chosen others, no more.
pub(crate) fn are_at(found: &[Address], asked: &[Address], may_be_more: bool) -> bool {
    let asked: Vec<_> = asked.iter().map(|one| (one.clone(), false)).collect();
    matched(found, &asked, may_be_more.then_some(false)).is_some()
}

/// As [`are_at`]; answers for each that is found what is said of its address, and of what a service
/// manager may have chosen the `rest`. No address covers one of which something else is said.
pub(crate) fn matched(
    found: &[Address],
    asked: &[(Address, bool)],
    rest: Option<bool>,
) -> Option<Vec<bool>> {
    let mut asked: Vec<_> = asked.iter().collect();
    // Port 0 is any that the others leave.
    asked.sort_by_key(|(address, _)| match address {
        Address::Tcp(candidates) => candidates.iter().any(|one| one.port() == 0),
        Address::Unix(_) => false,
    });
    let mut matched = Matched {
        found,
        said: vec![None; found.len()],
    };
    let mut asked = asked.into_iter();
    let are_there = asked.all(|(address, says)| matched.is_there(address, *says));
    let said = matched.said.into_iter().map(|said| said.or(rest));
    said.collect::<Option<_>>().filter(|_| are_there)
}

/// Those that are found, and what is said of those that were asked for.
struct Matched<'a> {
    found: &'a [Address],
    said: Vec<Option<bool>>,
}

impl Matched<'_> {
    fn is_there(&mut self, address: &Address, says: bool) -> bool {
        match address {
            Address::Unix(_) => match self.found.iter().position(|other| other == address) {
                Some(at) => *self.said[at].get_or_insert(says) == says,
                None => false,
            },
            Address::Tcp(candidates) => self.takes(candidates, says),
        }
    }

    /// Takes what one name stands for out of what is left of those that are found.
    fn takes(&mut self, candidates: &[SocketAddr], says: bool) -> bool {
        let mut port = None;
        let mut missing = Vec::new();
        for candidate in candidates {
            let mut wanted = *candidate;
            if let (0, Some(port)) = (wanted.port(), port) {
                wanted.set_port(port);
            }
            let is_it = |(other, said): (&Address, &Option<bool>)| {
                said.is_none()
                    && tcp(other).is_some_and(|other| {
                        other.ip() == wanted.ip() && [0, other.port()].contains(&wanted.port())
                    })
            };
            let covers_it = |(other, said): (&Address, &Option<bool>)| {
                said.is_none_or(|said| said == says)
                    && tcp(other).is_some_and(|other| covers(other, wanted))
            };
            if let Some(at) = self.found.iter().zip(&self.said).position(is_it) {
                self.said[at] = Some(says);
                port = tcp(&self.found[at]).map(|own| own.port());
            } else if self.found.iter().zip(&self.said).any(covers_it) {
                port = port.or(Some(wanted.port()));
            } else {
                missing.push(wanted);
            }
        }
        port.is_some() && missing.into_iter().all(|one| !has_family(one))
    }
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
    fn each_has_what_is_said_of_its_address() {
        let parse = |text: &str| text.parse::<Address>().expect("an address");
        let found = ["127.0.0.1:1", "127.0.0.1:2", "unix:/a"].map(parse);
        let asked = |all: &[(&str, bool)]| {
            let all = all.iter().map(|(text, says)| (parse(text), *says));
            matched(&found, &all.collect::<Vec<_>>(), None)
        };
        let (yes, no) = (true, false);
        let all = [("unix:/a", yes), ("0", no), ("1", yes)];
        assert_eq!(asked(&all), Some(vec![yes, no, yes]));
        let all = [("unix:/a", yes), ("0", no), ("0", yes)];
        assert_eq!(asked(&all), Some(vec![no, yes, yes]));
        let all = [("unix:/a", yes), ("unix:/a", no), ("1", no), ("2", no)];
        assert_eq!(asked(&all), None);
        assert_eq!(
            asked(&[("1", no), ("2", no), ("1", yes), ("unix:/a", no)]),
            None
        );
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
