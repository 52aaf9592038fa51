//! Which server a URL names: one, or the primary that sentinels know.

use std::fmt;
use std::path::PathBuf;

/// The port of Redis and Valkey.
const PORT: u16 = 6379;
/// The port of their sentinels.
const SENTINEL_PORT: u16 = 26379;

/// Schemes with a host, whether they are over TLS, and whether the hosts are sentinels.
const SCHEMES: [(&str, bool, bool); 8] = [
    ("redis://", false, false),
    ("rediss://", true, false),
    ("valkey://", false, false),
    ("valkeys://", true, false),
    ("redis+sentinel://", false, true),
    ("rediss+sentinel://", true, true),
    ("valkey+sentinel://", false, true),
    ("valkeys+sentinel://", true, true),
];

/// Which server, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) place: Place,
    pub(crate) is_tls: bool,
    /// The roots of the server's certificate, if they are not the system's.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) database: u32,
    pub(crate) auth_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(Host),
    Unix(PathBuf),
    Sentinels(Sentinels),
}

/// The name may be a host's; it is looked up at each connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// Sentinels, and what they call their primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentinels {
    pub(crate) hosts: Vec<Host>,
    pub(crate) primary: String,
    /// For the sentinels; the server has one of its own.
    pub(crate) auth_file: Option<PathBuf>,
}

impl Server {
    /// Reads what stands before the question mark.
    pub(super) fn parse(text: &str) -> Result<Server, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("no path after unix:".to_owned());
            }
            return Ok(Server::at(Place::Unix(path.into()), false, 0));
        }
        let mut known = SCHEMES.iter();
        let known = known.find_map(|(scheme, tls, sentinels)| {
            Some((text.strip_prefix(scheme)?, *tls, *sentinels))
        });
        let Some((rest, is_tls, has_sentinels)) = known else {
            return Err(
                "write redis://HOST, rediss://HOST, redis+sentinel://HOST,HOST/NAME or unix:PATH; \
                 valkey means the same as redis"
                    .to_owned(),
            );
        };
        if rest.contains('@') {
            return Err(no_password());
        }
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !has_sentinels {
            let host = Host::parse(hosts, PORT)?;
            return Ok(Server::at(Place::Tcp(host), is_tls, number(path)?));
        }
        let (primary, path) = path.split_once('/').unwrap_or((path, ""));
        if primary.is_empty() {
            return Err(
                "say what the sentinels call the primary: redis+sentinel://HOST,HOST/NAME"
                    .to_owned(),
            );
        }
        // Where a comma separates URLs, a semicolon separates hosts.
        let hosts = hosts
            .split([',', ';'])
            .map(|host| Host::parse(host, SENTINEL_PORT));
        let sentinels = Sentinels {
            hosts: hosts.collect::<Result<_, _>>()?,
            primary: primary.to_owned(),
            auth_file: None,
        };
        let place = Place::Sentinels(sentinels);
        Ok(Server::at(place, is_tls, number(path)?))
    }

    fn at(place: Place, is_tls: bool, database: u32) -> Server {
        Server {
            place,
            is_tls,
            ca: None,
            database,
            auth_file: None,
        }
    }
}

impl Host {
    fn parse(text: &str, port: u16) -> Result<Host, String> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (
                name,
                port.parse()
                    .map_err(|_| "the port is a number from 1 to 65535")?,
            ),
            _ => (text, port),
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let name = if bare.is_empty() { "127.0.0.1" } else { bare };
        let name = name.to_owned();
        Ok(Host { name, port })
    }
}

pub(super) fn no_password() -> String {
    "a user or password has no place in the URL, where others see it; put the password into a \
     file, or the user and the password as two lines, and give auth-file=PATH"
        .to_owned()
}

fn number(text: &str) -> Result<u32, String> {
    if text.is_empty() {
        Ok(0)
    } else {
        database(text)
    }
}

pub(super) fn database(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "the database is a number, as in redis://host/0".to_owned())
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(out, "[{}]:{}", self.name, self.port),
            false => write!(out, "{}:{}", self.name, self.port),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        match &self.place {
            Place::Unix(path) => write!(out, "unix:{}", path.display()),
            Place::Tcp(host) => write!(out, "{scheme}://{host}/{}", self.database),
            Place::Sentinels(Sentinels { hosts, primary, .. }) => {
                let hosts: Vec<String> = hosts.iter().map(Host::to_string).collect();
                let hosts = hosts.join(",");
                write!(
                    out,
                    "{scheme}+sentinel://{hosts}/{primary}/{}",
                    self.database
                )
            }
        }
    }
}
