//! Admission: the accept rate, the address lists, the share of each address. (The server checks
//! the number of clients, the queue and the load.)
//!
//! The acceptor calls it; workers that end connections give the shares back.

mod balancers;
mod list;
mod pace;
mod shares;

use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub use balancers::ProxyFrom;
pub use list::AddressList;
use list::LiveList;
#[cfg(feature = "cli")]
pub(crate) use list::parse_network;
use pace::Pace;
pub(crate) use shares::Placed;
use shares::Shares;
pub use shares::WhenAddressFull;

use crate::limits::limit::Limit;
use crate::net::address::Peer;

/// What to do with a client when the server is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum WhenFull {
    /// Leave it in the kernel's backlog until another client leaves.
    #[default]
    Wait,
    /// Close it, after a line that says why if the service has one.
    Refuse,
    /// Close the client idle longest, if for [`shed_after`](crate::Options::shed_after); else
    /// refuse.
    #[cfg_attr(
        feature = "cli",
        value(help = "Close the client idle longest, if for --shed-after; else refuse")
    )]
    Shed,
}

/// The options of admission.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) per_address_max: Option<usize>,
    pub(crate) when_address_full: WhenAddressFull,
    pub(crate) allow: AddressList,
    pub(crate) deny: AddressList,
    pub(crate) proxy_from: ProxyFrom,
    /// Clients a second.
    pub(crate) accept_rate: Option<u32>,
}

/// See the head of the file.
pub(crate) struct Admission {
    shares: Option<Mutex<Shares>>,
    allow: LiveList,
    deny: LiveList,
    balancers: LiveList,
    has_unix_balancers: bool,
    pace: Option<Mutex<Pace>>,
}

impl Admission {
    pub(crate) fn new(rules: Rules) -> Admission {
        let shares = |most| Mutex::new(Shares::new(most, rules.when_address_full));
        Admission {
            shares: rules.per_address_max.map(shares),
            allow: LiveList::new(rules.allow),
            deny: LiveList::new(rules.deny),
            balancers: LiveList::new(rules.proxy_from.addresses),
            has_unix_balancers: rules.proxy_from.unix,
            pace: rules.accept_rate.map(|rate| Mutex::new(Pace::new(rate))),
        }
    }

    /// How long the acceptor has to wait before it may accept another client.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        self.pace.as_ref()?.lock().pause(now)
    }

    /// Counts an accepted client for the rate, even if it is refused.
    pub(crate) fn accepted(&self, now: Instant) {
        if let Some(pace) = &self.pace {
            pace.lock().take(now);
        }
    }

    /// Whether the peer is a balancer, whose connections begin with a header.
    pub(crate) fn awaits_header(&self, peer: Peer, now: Instant) -> bool {
        match peer.host() {
            Some(address) => self.balancers.contains(address, now),
            None => self.has_unix_balancers,
        }
    }

    /// Whether the lists refuse a client.
    pub(crate) fn check_lists(&self, peer: Peer, now: Instant) -> Result<(), Limit> {
        let Some(address) = peer.host() else {
            return Ok(());
        };
        let is_allowed = self.allow.is_empty() || self.allow.contains(address, now);
        if !is_allowed || self.deny.contains(address, now) {
            return Err(Limit::AddressList);
        }
        Ok(())
    }

    /// Counts a client in the share of its address. The caller closes the client that it replaces.
    pub(crate) fn take_share(&self, peer: Peer, id: u64) -> Result<Placed, Limit> {
        let (Some(shares), Some(address)) = (&self.shares, peer.host()) else {
            return Ok(Placed { replaces: None });
        };
        let placed = shares.lock().take(address, id);
        placed.ok_or(Limit::AddressShare)
    }

    /// Gives back the share of a client, if it has one.
    pub(crate) fn release(&self, peer: Peer, id: u64) {
        if let (Some(shares), Some(address)) = (&self.shares, peer.host()) {
            shares.lock().give_back(address, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::SystemTime;

    use super::list::REREAD;
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::Tcp((address.parse::<IpAddr>().expect("an address"), 1).into())
    }

    fn admit(admission: &Admission, address: &str, id: u64) -> Result<(), Limit> {
        admission.check_lists(peer(address), Instant::now())?;
        admission.take_share(peer(address), id).map(drop)
    }

    fn list(entries: &[&str]) -> AddressList {
        let mut list = AddressList::default();
        entries
            .iter()
            .for_each(|entry| list.add(entry).expect("a network"));
        list
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let rules = Rules {
            per_address_max: Some(2),
            ..Rules::default()
        };
        let admission = Admission::new(rules);
        let full = Err(Limit::AddressShare);
        // IPv6's mapped form is the same host.
        assert_eq!(admit(&admission, "192.0.2.1", 1), Ok(()));
        assert_eq!(admit(&admission, "::ffff:192.0.2.1", 2), Ok(()));
        assert_eq!(admit(&admission, "192.0.2.1", 3), full);
        assert_eq!(admit(&admission, "192.0.2.2", 4), Ok(()));
        admission.release(peer("192.0.2.1"), 1);
        assert_eq!(admit(&admission, "192.0.2.1", 5), Ok(()));
        // One IPv6 /64 is one address.
        assert_eq!(admit(&admission, "2001:db8::1", 6), Ok(()));
        assert_eq!(admit(&admission, "2001:db8::2", 7), Ok(()));
        assert_eq!(admit(&admission, "2001:db8::3", 8), full);
        assert_eq!(admit(&admission, "2001:db8:0:1::3", 9), Ok(()));
    }

    #[test]
    fn lists_allow_and_deny() {
        let allow = list(&["192.0.2.0/24", "2001:db8::/32"]);
        let deny = list(&["192.0.2.7"]);
        let admission = Admission::new(Rules {
            allow,
            deny,
            ..Rules::default()
        });
        let now = Instant::now();
        assert_eq!(admission.check_lists(peer("192.0.2.1"), now), Ok(()));
        assert_eq!(
            admission.check_lists(peer("192.0.2.7"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(
            admission.check_lists(peer("198.51.100.1"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(admission.check_lists(peer("2001:db8::9"), now), Ok(()));
        assert_eq!(admission.check_lists(Peer::Unix(1), now), Ok(()));
        for wrong in ["nonsense", "192.0.2.0/99"] {
            let error = AddressList::default().add(wrong).expect_err(wrong);
            assert!(error.to_string().contains("no network"), "{error}");
        }
    }

    #[test]
    fn ipv4_in_the_form_of_ipv6_is_ipv4() {
        let now = Instant::now();
        for (entry, inside, outside) in [
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("::ffff:c000:201/128", "192.0.2.1", "192.0.2.2"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.1"),
            ("::ffff:127.0.0.0/104", "127.1.2.3", "128.0.0.1"),
            ("::ffff:0:0/96", "198.51.100.1", "2001:db8::1"),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::1", "::1", "127.0.0.1"),
        ] {
            let listed = |allow: AddressList, deny: AddressList| {
                let admission = Admission::new(Rules {
                    allow,
                    deny,
                    ..Rules::default()
                });
                [inside, outside].map(|client| admission.check_lists(peer(client), now).is_ok())
            };
            let (nothing, list) = (AddressList::default(), list(&[entry]));
            assert_eq!(
                listed(nothing.clone(), list.clone()),
                [false, true],
                "deny {entry}"
            );
            assert_eq!(listed(list, nothing), [true, false], "allow {entry}");
        }
        for entry in ["::ffff:10.0.0.0/8", "::ffff:10.0.0.0/95", "::ffff:0:0/0"] {
            let error = AddressList::default().add(entry).expect_err(entry);
            assert!(error.to_string().contains("write it as IPv4"), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let path = std::env::temp_dir().join(format!("poold-list-{}", std::process::id()));
        std::fs::write(&path, "# the lab\n::ffff:192.0.2.1\n").expect("a writable directory");
        let deny = list(&[path.to_str().expect("UTF-8")]);
        let admission = Admission::new(Rules {
            deny,
            ..Rules::default()
        });
        let now = Instant::now();
        assert_eq!(
            admission.check_lists(peer("192.0.2.1"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(admission.check_lists(peer("192.0.2.2"), now), Ok(()));
        std::fs::write(&path, "192.0.2.2 # moved\n").expect("a writable directory");
        let touched = SystemTime::now() + Duration::from_secs(2);
        let file = std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("it was just written");
        file.set_modified(touched).expect("our own file");
        let later = now + REREAD;
        assert_eq!(admission.check_lists(peer("192.0.2.1"), later), Ok(()));
        assert_eq!(
            admission.check_lists(peer("192.0.2.2"), later),
            Err(Limit::AddressList)
        );
        std::fs::write(&path, "rubbish").expect("a writable directory");
        file.set_modified(touched + Duration::from_secs(2))
            .expect("our own file");
        let last = later + REREAD;
        assert_eq!(
            admission.check_lists(peer("192.0.2.2"), last),
            Err(Limit::AddressList)
        );
        std::fs::remove_file(&path).expect("our own file");
    }

    #[test]
    fn a_file_that_takes_the_place_of_another_is_read_however_old_it_is() {
        let name = format!("poold-list-replaced-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let next = path.with_extension("next");
        let write = |path: &std::path::Path, line: &str| {
            std::fs::write(path, line).expect("a writable directory");
            let file = std::fs::File::options().write(true).open(path);
            let file = file.expect("it was just written");
            file.set_modified(SystemTime::UNIX_EPOCH)
                .expect("our own file");
        };
        write(&path, "192.0.2.1\n");
        let deny = list(&[path.to_str().expect("UTF-8")]);
        let admission = Admission::new(Rules {
            deny,
            ..Rules::default()
        });
        write(&next, "192.0.2.2\n");
        std::fs::rename(&next, &path).expect("our own files");
        let denied = admission.check_lists(peer("192.0.2.2"), Instant::now());
        assert_eq!(denied, Err(Limit::AddressList));
        std::fs::remove_file(&path).expect("our own file");
    }
}
