//! The operators' password, and the bans.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use subtle::{ConstantTimeEq, ConstantTimeLess};

use crate::net::address::Peer;
use crate::series::Series;
use crate::service::chat::rooms::Name;

/// Maximum bytes of a password.
const PASSWORD_MAX: usize = 256;
/// Wait after a failed try; it doubles with each further failure.
const FIRST_PENALTY: Duration = Duration::from_secs(1);
const DOUBLINGS_MAX: u32 = 6;
/// A failure is forgotten after this.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Maximum addresses with remembered failures, and maximum bans.
const FAILED_MAX: usize = 10_000;
const BANS_MAX: usize = 10_000;

/// The password that makes an operator. It is neither printed nor logged.
#[derive(Clone)]
pub struct Password {
    bytes: [u8; PASSWORD_MAX],
    length: u32,
}

impl Password {
    /// A password of 1 to 256 bytes.
    pub fn new(text: &str) -> Option<Password> {
        let mut bytes = [0; PASSWORD_MAX];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let length = u32::try_from(text.len())
            .ok()
            .filter(|length| *length > 0)?;
        Some(Password { bytes, length })
    }

    /// Compares in constant time.
    fn is(&self, tried: &str) -> bool {
        let mut bytes = [0; PASSWORD_MAX];
        let fits = tried.len().min(PASSWORD_MAX);
        bytes[..fits].copy_from_slice(&tried.as_bytes()[..fits]);
        let length = u32::try_from(tried.len()).unwrap_or(u32::MAX);
        let short = length.ct_lt(&(PASSWORD_MAX as u32 + 1));
        (short & self.length.ct_eq(&length) & self.bytes.ct_eq(&bytes)).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(…)")
    }
}

/// See the head of the file.
#[derive(Default)]
pub(super) struct Operators {
    password: Option<Password>,
    failed: Mutex<FxHashMap<Option<IpAddr>, Failed>>,
    bans: Mutex<Bans>,
    /// Clients from banned addresses, which may come again and again.
    turned_away: Mutex<Series<Option<IpAddr>>>,
}

struct Failed {
    times: u32,
    last: Instant,
}

#[derive(Default)]
struct Bans {
    names: FxHashSet<Box<str>>,
    addresses: FxHashSet<IpAddr>,
}

/// The result of a try to become an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    Right,
    Wrong,
    /// No password was given; this does not count as a failure.
    Nothing,
    /// Too early after a failure: the password was not checked.
    Wait(Duration),
    /// The server has no password.
    Never,
}

/// A banned name or address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Banned {
    Name(Name),
    Address(IpAddr),
}

impl Operators {
    pub(super) fn new(password: Option<Password>) -> Operators {
        Operators {
            password,
            ..Operators::default()
        }
    }

    /// Checks a password.
    pub(super) fn try_password(&self, tried: &str, from: Peer, now: Instant) -> Tried {
        let Some(password) = &self.password else {
            return Tried::Never;
        };
        if tried.is_empty() {
            return Tried::Nothing;
        }
        let mut failed = self.failed.lock();
        failed.retain(|_, failed| now.saturating_duration_since(failed.last) < MEMORY);
        let address = from.host();
        if let Some(failed) = failed.get(&address) {
            let penalty = FIRST_PENALTY * 2_u32.pow((failed.times - 1).min(DOUBLINGS_MAX));
            let wait = (failed.last + penalty).saturating_duration_since(now);
            if wait > Duration::ZERO {
                return Tried::Wait(wait);
            }
        }
        if password.is(tried) {
            failed.remove(&address);
            return Tried::Right;
        }
        if failed.len() >= FAILED_MAX && !failed.contains_key(&address) {
            // So many failing addresses are an attack: refuse the try instead of forgetting an
            // address.
            return Tried::Wait(MEMORY);
        }
        let entry = failed.entry(address).or_insert(Failed {
            times: 0,
            last: now,
        });
        entry.times += 1;
        entry.last = now;
        Tried::Wrong
    }

    /// `false` if there is no room for another ban.
    pub(super) fn ban(&self, whom: &Banned) -> bool {
        let mut bans = self.bans.lock();
        if bans.names.len() + bans.addresses.len() >= BANS_MAX {
            return false;
        }
        match whom {
            Banned::Name(name) => bans.names.insert(name.look().into()),
            Banned::Address(address) => bans.addresses.insert(*address),
        };
        true
    }

    /// The names and the addresses, for another process; sorted, so that the same bans are the
    /// same text.
    pub(super) fn bans(&self) -> (Vec<String>, Vec<IpAddr>) {
        let bans = self.bans.lock();
        let mut names: Vec<_> = bans.names.iter().map(ToString::to_string).collect();
        let mut addresses: Vec<_> = bans.addresses.iter().copied().collect();
        names.sort_unstable();
        addresses.sort_unstable();
        (names, addresses)
    }

    /// Addresses with failures: how many, and milliseconds since the last.
    pub(super) fn failed(&self) -> Vec<(Option<IpAddr>, u32, u64)> {
        let failed = self.failed.lock();
        let all = failed.iter();
        all.map(|(address, Failed { times, last })| {
            (*address, *times, last.elapsed().as_millis() as u64)
        })
        .collect()
    }

    /// Has the bans and the failures of another process.
    pub(super) fn restore(
        &self,
        names: Vec<String>,
        addresses: Vec<IpAddr>,
        failed: Vec<(Option<IpAddr>, u32, u64)>,
    ) {
        *self.bans.lock() = Bans {
            names: names.into_iter().map(Into::into).collect(),
            addresses: addresses.into_iter().collect(),
        };
        let now = Instant::now();
        let entry = |(address, times, ms): (Option<IpAddr>, u32, u64)| {
            let last = now.checked_sub(Duration::from_millis(ms))?;
            let times = times.max(1);
            Some((address, Failed { times, last }))
        };
        *self.failed.lock() = failed.into_iter().filter_map(entry).collect();
    }

    /// Has these bans, and no others.
    pub(super) fn replace_bans(&self, names: Vec<String>, addresses: Vec<IpAddr>) {
        *self.bans.lock() = Bans {
            names: names.into_iter().take(BANS_MAX).map(Into::into).collect(),
            addresses: addresses.into_iter().take(BANS_MAX).collect(),
        };
    }

    /// `false` if it was not banned.
    pub(super) fn unban(&self, whom: &Banned) -> bool {
        let mut bans = self.bans.lock();
        match whom {
            Banned::Name(name) => bans.names.remove(name.look()),
            Banned::Address(address) => bans.addresses.remove(address),
        }
    }

    pub(super) fn is_name_banned(&self, name: &Name) -> bool {
        self.bans.lock().names.contains(name.look())
    }

    /// A client from a banned address has come: whether it gets a line in the log; if so, with the
    /// count of those before it that had none.
    pub(super) fn turn_away(&self, peer: Peer) -> Option<Option<u64>> {
        let mut series = self.turned_away.lock();
        let told = series.happened(peer.host(), Instant::now());
        told.map(|told| told.earlier())
    }

    pub(super) fn is_banned(&self, peer: Peer) -> bool {
        peer.host()
            .is_some_and(|address| self.bans.lock().addresses.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::Tcp(([10, 0, 0, last], 1234).into())
    }

    #[test]
    fn only_the_password_is_right() {
        let password = Password::new("sesame").expect("short enough");
        for wrong in [
            "",
            "sesam",
            "sesame ",
            "Sesame",
            "sesame\0",
            &"x".repeat(9999),
        ] {
            assert!(!password.is(wrong), "{wrong}");
        }
        assert!(password.is("sesame"));
        assert!(Password::new("").is_none());
        assert!(Password::new(&"x".repeat(257)).is_none());
        assert!(!format!("{password:?}").contains("sesame"));
    }

    #[test]
    fn failures_slow_only_their_own_address() {
        let operators = Operators::new(Password::new("sesame"));
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        assert_eq!(operators.try_password("a", peer(1), at(0)), Tried::Wrong);
        let wait = Tried::Wait(Duration::from_millis(900));
        assert_eq!(operators.try_password("sesame", peer(1), at(100)), wait);
        assert_eq!(
            operators.try_password("sesame", peer(2), at(100)),
            Tried::Right
        );
        assert_eq!(operators.try_password("b", peer(1), at(1000)), Tried::Wrong);
        let wait = Tried::Wait(Duration::from_secs(1));
        assert_eq!(operators.try_password("b", peer(1), at(2000)), wait);
        assert_eq!(
            operators.try_password("sesame", peer(1), at(3000)),
            Tried::Right
        );
        assert_eq!(operators.try_password("c", peer(1), at(3001)), Tried::Wrong);
    }
}
