//! The clients of each address: how many there are, and which came first.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// What to do with a client whose address has all its clients already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum WhenAddressFull {
    /// Close it, after a line that says why if the service has one.
    #[default]
    Refuse,
    /// Close the oldest client of the address: the dead connection of a device that lost its power
    /// and connects again.
    Newest,
}

/// The shares of all addresses.
#[derive(Debug)]
pub(super) struct Shares {
    most: usize,
    when_full: WhenAddressFull,
    of: HashMap<IpAddr, Share>,
}

/// The clients of one address.
#[derive(Debug, Default)]
struct Share {
    /// Their ids in order of arrival: at most twice the share.
    clients: Vec<u64>,
    /// The number of oldest ones that are being closed in favour of later ones. They are not
    /// counted, but at most as many as the share are closed at once.
    leaving: usize,
}

/// A client was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The client to close for it.
    pub(crate) replaces: Option<u64>,
}

impl Shares {
    pub(super) fn new(most: usize, when_full: WhenAddressFull) -> Shares {
        let of = HashMap::new();
        Shares {
            most,
            when_full,
            of,
        }
    }

    /// Counts a client among those of its address, if there is room.
    pub(super) fn take(&mut self, address: IpAddr, id: u64) -> Option<Placed> {
        let share = self.of.entry(key(address)).or_default();
        let is_full = share.clients.len() - share.leaving >= self.most;
        let may_replace = self.when_full == WhenAddressFull::Newest && share.leaving < self.most;
        if is_full && !may_replace {
            return None;
        }
        let replaces = is_full.then(|| share.clients[share.leaving]);
        share.leaving += usize::from(is_full);
        share.clients.push(id);
        Some(Placed { replaces })
    }

    /// Removes a counted client.
    pub(super) fn give_back(&mut self, address: IpAddr, id: u64) {
        let key = key(address);
        let Some(share) = self.of.get_mut(&key) else {
            return;
        };
        if let Some(at) = share.clients.iter().position(|one| *one == id) {
            share.clients.remove(at);
            share.leaving -= usize::from(at < share.leaving);
        }
        if share.clients.is_empty() {
            self.of.remove(&key);
        }
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, as one customer or host gets.
fn key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_newest_takes_the_place_of_the_oldest() {
        let mut shares = Shares::new(2, WhenAddressFull::Newest);
        let mut take = |id| shares.take(ADDRESS, id).map(|placed| placed.replaces);
        assert_eq!((take(1), take(2)), (Some(None), Some(None)));
        assert_eq!((take(3), take(4)), (Some(Some(1)), Some(Some(2))));
        assert_eq!(take(5), None, "as many are being closed as may be here");
        shares.give_back(ADDRESS, 2);
        let placed = shares.take(ADDRESS, 6).expect("one has gone");
        assert_eq!(placed.replaces, Some(3));
        for gone in [6, 1, 3, 4] {
            shares.give_back(ADDRESS, gone);
            shares.give_back(ADDRESS, gone);
        }
        assert!(shares.of.is_empty());
    }

    #[test]
    fn a_client_that_leaves_makes_room() {
        let mut shares = Shares::new(1, WhenAddressFull::Refuse);
        assert!(shares.take(ADDRESS, 1).is_some());
        assert!(shares.take(ADDRESS, 2).is_none());
        shares.give_back(ADDRESS, 2);
        assert!(shares.take(ADDRESS, 3).is_none(), "2 had no place");
        shares.give_back(ADDRESS, 1);
        assert!(shares.take(ADDRESS, 3).is_some());
    }
}
