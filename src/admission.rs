//! Who is let in: the number of clients, each address's share, lists, pace and load, in this order.
//! Every refusal is counted with its reason.
//!
//! Runs in the acceptor; the shares are given back by the workers that end connections.

mod list;
mod pace;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub use list::AddressList;
use list::LiveList;
use pace::Pace;

use crate::notices::Limit;
use crate::peer::Peer;

/// What to do with a client for whom there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum WhenFull {
    /// Leave it in the kernel's backlog until somebody leaves.
    #[default]
    Wait,
    /// Tell it so, if the service has a line for that, and close.
    Refuse,
    /// Close the client that has rested longest, if for [`shed_after`](crate::Options::shed_after);
    /// else refuse.
    #[cfg_attr(
        feature = "cli",
        value(help = "Close the client that has rested longest, if for a \
        minute; else refuse")
    )]
    Shed,
}

/// What decides who is let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) per_address_max: Option<usize>,
    pub(crate) allow: AddressList,
    pub(crate) deny: AddressList,
    /// Clients a second.
    pub(crate) accept_rate: Option<u32>,
}

/// See the head of the file.
pub(crate) struct Admission {
    per_address_max: Option<usize>,
    shares: Mutex<HashMap<IpAddr, usize>>,
    allow: Mutex<LiveList>,
    deny: Mutex<LiveList>,
    pace: Option<Mutex<Pace>>,
}

impl Admission {
    pub(crate) fn new(rules: Rules) -> Admission {
        Admission {
            per_address_max: rules.per_address_max,
            shares: Mutex::default(),
            allow: Mutex::new(LiveList::new(rules.allow)),
            deny: Mutex::new(LiveList::new(rules.deny)),
            pace: rules.accept_rate.map(|rate| Mutex::new(Pace::new(rate))),
        }
    }

    /// How long the acceptor has to wait before it may accept another client.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        self.pace.as_ref()?.lock().pause(now)
    }

    /// Lets a client in, counted with its address's share, or says which limit keeps it out.
    pub(crate) fn admit(&self, peer: Peer, now: Instant) -> Result<(), Limit> {
        if let Some(pace) = &self.pace {
            pace.lock().take(now);
        }
        let Peer::Tcp(address) = peer else {
            return Ok(());
        };
        let address = address.ip().to_canonical();
        let mut allow = self.allow.lock();
        let is_allowed = allow.is_empty() || allow.contains(address, now);
        drop(allow);
        if !is_allowed || self.deny.lock().contains(address, now) {
            return Err(Limit::AddressList);
        }
        let Some(most) = self.per_address_max else {
            return Ok(());
        };
        let mut shares = self.shares.lock();
        let share = shares.entry(share_of(address)).or_default();
        if *share >= most {
            return Err(Limit::AddressShare);
        }
        *share += 1;
        Ok(())
    }

    /// A client that was let in has gone.
    pub(crate) fn release(&self, peer: Peer) {
        let (Some(_), Peer::Tcp(address)) = (self.per_address_max, peer) else {
            return;
        };
        let key = share_of(address.ip().to_canonical());
        let mut shares = self.shares.lock();
        if let Some(share) = shares.get_mut(&key) {
            *share -= 1;
            if *share == 0 {
                shares.remove(&key);
            }
        }
    }
}

/// Who shares: an IPv4 address, or an IPv6 /64, which is what one customer or host gets.
fn share_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::list::REREAD;
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::Tcp((address.parse::<IpAddr>().expect("an address"), 1).into())
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
        let now = Instant::now();
        assert_eq!(admission.admit(peer("192.0.2.1"), now), Ok(()));
        // The same host over IPv6's mapped form is the same host.
        assert_eq!(admission.admit(peer("::ffff:192.0.2.1"), now), Ok(()));
        assert_eq!(
            admission.admit(peer("192.0.2.1"), now),
            Err(Limit::AddressShare)
        );
        assert_eq!(admission.admit(peer("192.0.2.2"), now), Ok(()));
        admission.release(peer("192.0.2.1"));
        assert_eq!(admission.admit(peer("192.0.2.1"), now), Ok(()));
        // One IPv6 /64 is one address.
        assert_eq!(admission.admit(peer("2001:db8::1"), now), Ok(()));
        assert_eq!(admission.admit(peer("2001:db8::2"), now), Ok(()));
        assert_eq!(
            admission.admit(peer("2001:db8::3"), now),
            Err(Limit::AddressShare)
        );
        assert_eq!(admission.admit(peer("2001:db8:0:1::3"), now), Ok(()));
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
        assert_eq!(admission.admit(peer("192.0.2.1"), now), Ok(()));
        assert_eq!(
            admission.admit(peer("192.0.2.7"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(
            admission.admit(peer("198.51.100.1"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(admission.admit(peer("2001:db8::9"), now), Ok(()));
        assert_eq!(admission.admit(Peer::Unix(1), now), Ok(()));
        for wrong in ["nonsense", "192.0.2.0/99"] {
            let error = AddressList::default().add(wrong).expect_err(wrong);
            assert!(error.to_string().contains("no network"), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let path = std::env::temp_dir().join(format!("poold-list-{}", std::process::id()));
        std::fs::write(&path, "# the lab\n192.0.2.1\n").expect("a writable directory");
        let deny = list(&[path.to_str().expect("UTF-8")]);
        let admission = Admission::new(Rules {
            deny,
            ..Rules::default()
        });
        let now = Instant::now();
        assert_eq!(
            admission.admit(peer("192.0.2.1"), now),
            Err(Limit::AddressList)
        );
        assert_eq!(admission.admit(peer("192.0.2.2"), now), Ok(()));
        std::fs::write(&path, "192.0.2.2 # moved\n").expect("a writable directory");
        let touched = SystemTime::now() + Duration::from_secs(2);
        let file = std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("it was just written");
        file.set_modified(touched).expect("our own file");
        let later = now + REREAD;
        assert_eq!(admission.admit(peer("192.0.2.1"), later), Ok(()));
        assert_eq!(
            admission.admit(peer("192.0.2.2"), later),
            Err(Limit::AddressList)
        );
        std::fs::write(&path, "rubbish").expect("a writable directory");
        file.set_modified(touched + Duration::from_secs(2))
            .expect("our own file");
        let last = later + REREAD;
        assert_eq!(
            admission.admit(peer("192.0.2.2"), last),
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
        let denied = admission.admit(peer("192.0.2.2"), Instant::now());
        assert_eq!(denied, Err(Limit::AddressList));
        std::fs::remove_file(&path).expect("our own file");
    }
}
