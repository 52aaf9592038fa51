//! Addresses of clients, and of listening sockets.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, Result};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// A client over TCP: its address and port. A client over IPv4 has an IPv4 address, even if an
    /// IPv6 socket accepted it.
    Tcp(SocketAddr),
    /// A client over a Unix socket: its process id; 0 if the system doesn't tell.
    Unix(i32),
}

impl Peer {
    pub(crate) fn from_tcp(address: SocketAddr) -> Peer {
        Peer::Tcp(match address.ip().to_canonical() {
            IpAddr::V4(ip) => (ip, address.port()).into(),
            IpAddr::V6(_) => address,
        })
    }

    /// The address without the port; `None` for a client over a Unix socket.
    pub(crate) fn host(self) -> Option<IpAddr> {
        match self {
            Peer::Tcp(address) => Some(address.ip().to_canonical()),
            Peer::Unix(_) => None,
        }
    }

    /// Whether both are the same address and port. A zone (`fe80::1%2`) has a meaning on its own
    /// machine only: what comes from another machine has none.
    pub(crate) fn is_at(self, other: Peer) -> bool {
        let place = |address: SocketAddr| (address.ip(), address.port());
        match (self, other) {
            (Peer::Tcp(one), Peer::Tcp(other)) => place(one) == place(other),
            _ => self == other,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => address.fmt(out),
            Peer::Unix(process) => write!(out, "unix:{process}"),
        }
    }
}

/// Where to listen or connect: `8080` (loopback), `:8080` (all interfaces), `127.0.0.1:8080`,
/// `[::1]:8080`, `name:8080` or `unix:PATH`. It is made of such a text, of a socket address, of an
/// address or host name with a port, or of the path of a Unix socket.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
/// use std::path::Path;
///
/// use poold::Address;
///
/// let text: Address = "127.0.0.1:8080".parse()?;
/// assert_eq!(text, Address::from((Ipv4Addr::LOCALHOST, 8080)));
/// assert_eq!(text, Address::from(SocketAddr::from(([127, 0, 0, 1], 8080))));
/// assert_eq!(text, Address::try_from(("127.0.0.1", 8080))?);
/// assert_eq!(Address::from(Path::new("/run/lines")).to_string(), "unix:/run/lines");
/// # Ok::<(), poold::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A TCP address, or a name that stands for several.
    Tcp(Vec<SocketAddr>),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Address> {
        let wrong = |problem: String| Error::Address {
            address: text.to_owned(),
            problem,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(wrong("no path after unix:".into()));
            }
            return Ok(Address::Unix(path.into()));
        }
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Address::Tcp(vec![([127, 0, 0, 1], port).into()]));
        }
        if text.contains('/') {
            return Err(wrong(
                "a Unix socket is written unix:PATH, a port HOST:PORT".into(),
            ));
        }
        let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
            if text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains('.') {
                return Err(wrong(not_a_port(text)));
            }
            return Err(wrong(
                "no port; write HOST:PORT, a port alone or unix:PATH".into(),
            ));
        };
        let Ok(port) = port.parse::<u16>() else {
            return Err(wrong(not_a_port(port)));
        };
        if host == "*" {
            return Err(wrong(format!("all interfaces are written :{port}")));
        }
        if let Some(both) = both_families(host, port) {
            return Ok(both);
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if bare.is_none() && host.starts_with("tls:") {
            return Err(wrong(
                "tls: is for addresses that a service listens on; poold client has --tls".into(),
            ));
        }
        if bare.is_none() && host.contains(':') {
            return Err(wrong(
                "write an IPv6 address in brackets, as [::1]:8080".into(),
            ));
        }
        let found = (bare.unwrap_or(host), port).to_socket_addrs();
        match found.map(Iterator::collect::<Vec<_>>) {
            Ok(addresses) if !addresses.is_empty() => Ok(Address::Tcp(addresses)),
            Ok(_) => Err(wrong(format!("'{host}' has no address"))),
            Err(source) => Err(Error::Lookup {
                address: text.to_owned(),
                source,
            }),
        }
    }
}

impl TryFrom<&str> for Address {
    type Error = Error;

    fn try_from(text: &str) -> Result<Address> {
        text.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = Error;

    fn try_from(text: &String) -> Result<Address> {
        text.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Address> {
        text.parse()
    }
}

/// A host name or address, and a port.
impl TryFrom<(&str, u16)> for Address {
    type Error = Error;

    fn try_from((host, port): (&str, u16)) -> Result<Address> {
        match host.parse::<IpAddr>() {
            Ok(ip) => Ok((ip, port).into()),
            // An IPv6 address with its zone: no name has a percent sign.
            Err(_) if host.contains('%') && !host.starts_with('[') => {
                format!("[{host}]:{port}").parse()
            }
            Err(_) => format!("{host}:{port}").parse(),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Tcp(vec![address])
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from(address: (IpAddr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

impl From<(Ipv4Addr, u16)> for Address {
    fn from(address: (Ipv4Addr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

impl From<(Ipv6Addr, u16)> for Address {
    fn from(address: (Ipv6Addr, u16)) -> Address {
        SocketAddr::from(address).into()
    }
}

/// The path of a Unix socket.
impl From<&Path> for Address {
    fn from(path: &Path) -> Address {
        Address::Unix(path.into())
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Address {
        address.clone()
    }
}

/// Hosts that stand for both families without a look-up.
fn both_families(host: &str, port: u16) -> Option<Address> {
    let candidates = if host.is_empty() {
        // Dual-stack: an IPv6 socket on [::] takes IPv4 too; 0.0.0.0 where IPv6 is off.
        [
            (Ipv6Addr::UNSPECIFIED, port).into(),
            (Ipv4Addr::UNSPECIFIED, port).into(),
        ]
    } else if host.eq_ignore_ascii_case("localhost") {
        // Also if /etc/hosts has only one of them: clients try either (RFC 6761, 6.3).
        [
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]
    } else {
        return None;
    };
    Some(Address::Tcp(candidates.into()))
}

fn not_a_port(text: &str) -> String {
    format!("'{text}' is not a port (0 to 65535)")
}

/// So that `TcpStream::connect(server.address())` reaches a server.
impl ToSocketAddrs for Address {
    type Iter = std::vec::IntoIter<SocketAddr>;

    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) for a Unix socket's path.
    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self {
            Address::Tcp(addresses) => Ok(addresses.clone().into_iter()),
            Address::Unix(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{self} is no TCP address; connect to it with a UnixStream"),
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(addresses) => match addresses.first() {
                Some(address) => address.fmt(out),
                None => out.write_str("nowhere"),
            },
            Address::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_address() {
        let tcp = |text: &str| match text.parse::<Address>() {
            Ok(Address::Tcp(found)) => found[0].to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(tcp("8080"), "127.0.0.1:8080");
        assert_eq!(tcp(":8080"), "[::]:8080");
        assert_eq!(tcp("127.0.0.1:0"), "127.0.0.1:0");
        assert_eq!(tcp("[::1]:8080"), "[::1]:8080");
        let both = "localhost:80"
            .parse::<Address>()
            .expect("no name is asked for");
        let both = both
            .to_socket_addrs()
            .expect("TCP")
            .map(|one| one.to_string());
        assert_eq!(both.collect::<Vec<_>>(), ["127.0.0.1:80", "[::1]:80"]);
        assert_eq!(
            "unix:/a/b".parse::<Address>().expect("valid").to_string(),
            "unix:/a/b"
        );
    }

    #[test]
    fn a_client_over_ipv4_has_an_ipv4_address() {
        let shown = |text: &str| Peer::from_tcp(text.parse().expect("valid")).to_string();
        assert_eq!(shown("[::ffff:192.0.2.1]:7"), "192.0.2.1:7");
        for same in ["192.0.2.1:7", "[2001:db8::1]:7", "[fe80::1%2]:7"] {
            assert_eq!(shown(same), same);
        }
    }

    #[test]
    fn a_zone_is_part_of_an_address_of_this_machine_alone() {
        let link_local: Address = ("fe80::1%1", 80).try_into().expect("no name is asked for");
        assert_eq!(link_local.to_string(), "[fe80::1%1]:80");
        let peer = |text: &str| Peer::from_tcp(text.parse().expect("valid"));
        assert!(peer("[fe80::1%2]:7").is_at(peer("[fe80::1]:7")));
        assert!(peer("192.0.2.1:7").is_at(peer("[::ffff:192.0.2.1]:7")));
        for other in ["[fe80::1]:8", "[fe80::2]:7", "192.0.2.1:7"] {
            assert!(!peer("[fe80::1%2]:7").is_at(peer(other)), "{other}");
        }
        assert!(Peer::Unix(7).is_at(Peer::Unix(7)) && !Peer::Unix(7).is_at(Peer::Unix(0)));
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("", "no port"),
            ("unix:", "no path"),
            ("localhost", "no port"),
            ("localhost:http", "'http' is not a port"),
            ("localhost:70000", "'70000' is not a port"),
            ("::1:80", "in brackets"),
            ("[::1]", "no port"),
            ("80800", "'80800' is not a port"),
            ("22x", "'22x' is not a port"),
            ("127.0.0.1", "no port"),
            ("/run/a", "unix:PATH"),
            ("http://localhost:80", "HOST:PORT"),
            ("*:80", "are written :80"),
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    /// Whether parsing a text makes the system look up a name, which a test must not.
    fn asks_for_a_name(text: &str) -> bool {
        !text.starts_with("unix:")
            && text
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in r"(unix:)?[\[\]:.%\PC\x00]{0,12}(:[0-9]{0,6})?") {
            if !asks_for_a_name(&text)
                && let Err(error) = text.parse::<Address>()
            {
                prop_assert!(error.to_string().contains(&text));
            }
        }

        #[test]
        fn what_is_shown_is_read(ip: IpAddr, port: u16, path in "[^\\x00]{1,20}") {
            let address = SocketAddr::new(ip, port);
            let parsed = address.to_string().parse::<Address>().expect("an address");
            prop_assert_eq!(parsed.to_string(), address.to_string());
            prop_assert_eq!(parsed, Address::Tcp(vec![address]));
            let path = Address::Unix(path.into());
            prop_assert_eq!(path.to_string().parse::<Address>().expect("a path"), path);
        }
    }
}
