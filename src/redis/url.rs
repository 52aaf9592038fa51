//! What a URL says: `redis://host[:port][/db]?stream=NAME&…`.
//!
//! A password has no place in it, because arguments and environments are seen by others. So what is
//! printed of an accepted URL has none, and no error repeats the text of a URL.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The port of Redis and Valkey.
const PORT: u16 = 6379;

/// Schemes with a host, and whether they are over TLS.
const SCHEMES: [(&str, bool); 4] = [
    ("redis://", false),
    ("rediss://", true),
    ("valkey://", false),
    ("valkeys://", true),
];

/// A stream or a list on a server. See the head of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) key: Key,
    pub(crate) entry: Entry,
    pub(crate) keep: Option<Keep>,
    /// Replicas that must have a message before it counts as written.
    pub(crate) replicas: u32,
}

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
    /// The host may be a name; it is looked up at each connect.
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// What the messages go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Stream(String),
    List(String),
}

/// What an entry of a stream holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One message, in fields.
    #[default]
    Line,
    /// Many formatted lines, in one field.
    Batch,
}

/// How much of a stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// About this many entries.
    Entries(u64),
    /// Entries of about this time.
    Time(Duration),
}

/// Whether a text is such a URL, and not the name of a file.
pub(crate) fn is_url(text: &str) -> bool {
    let has_key = || text.contains("?stream=") || text.contains("?list=");
    text.starts_with("redis") && text.contains("://")
        || SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
        || text.starts_with("unix:") && (has_key() || text.contains("&stream="))
}

impl Target {
    /// Reads a URL; the error says what is wrong and what is valid.
    pub(crate) fn parse(text: &str) -> Result<Target, String> {
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let mut parameters = Parameters::read(query)?;
        let mut server = server(place)?;
        server.auth_file = parameters.take("auth-file").map(PathBuf::from);
        server.ca = parameters.take("ca").map(PathBuf::from);
        if server.ca.is_some() && !server.is_tls {
            return Err("ca= is for rediss://".to_owned());
        }
        if let Some(number) = parameters.take("db") {
            server.database = database(&number)?;
        }
        let key = match (parameters.take("stream"), parameters.take("list")) {
            (Some(name), None) if !name.is_empty() => Key::Stream(name),
            (None, Some(name)) if !name.is_empty() => Key::List(name),
            (Some(_), Some(_)) => return Err("stream= and list=: give one of them".to_owned()),
            _ => return Err("say where to: ?stream=NAME or ?list=NAME".to_owned()),
        };
        let target = Target {
            server,
            key,
            entry: parameters.entry()?,
            keep: parameters.keep()?,
            replicas: parameters.replicas()?,
        };
        parameters.nothing_left()?;
        match &target.key {
            Key::List(_) if target.keep.is_some() || target.entry == Entry::Batch => {
                Err("keep= and entry= are for streams, not for list=".to_owned())
            }
            _ => Ok(target),
        }
    }

    /// The stream or list.
    pub(crate) fn name(&self) -> &str {
        match &self.key {
            Key::Stream(name) | Key::List(name) => name,
        }
    }
}

fn server(text: &str) -> Result<Server, String> {
    let server = |place, is_tls, database| Server {
        place,
        is_tls,
        ca: None,
        database,
        auth_file: None,
    };
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err("no path after unix:".to_owned());
        }
        return Ok(server(Place::Unix(path.into()), false, 0));
    }
    let known =
        { SCHEMES.iter() }.find_map(|(scheme, tls)| Some((text.strip_prefix(scheme)?, tls)));
    let Some((rest, is_tls)) = known else {
        return Err("write redis://HOST, rediss://HOST, valkey://HOST or unix:PATH".to_owned());
    };
    if rest.contains('@') {
        return Err(no_password());
    }
    let (host, number) = rest.split_once('/').unwrap_or((rest, ""));
    let database = if number.is_empty() {
        0
    } else {
        database(number)?
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
            host,
            port.parse()
                .map_err(|_| "the port is a number from 1 to 65535")?,
        ),
        _ => (host, PORT),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = if bare.is_empty() { "127.0.0.1" } else { bare };
    let host = host.to_owned();
    Ok(server(Place::Tcp { host, port }, *is_tls, database))
}

fn no_password() -> String {
    "a user or password has no place in the URL, where others see it; put the password into a \
     file, or the user and the password as two lines, and give auth-file=PATH"
        .to_owned()
}

fn database(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "the database is a number, as in redis://host/0".to_owned())
}

/// What stands after the question mark.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Result<Parameters, String> {
        // Names may have a plus; only forms write a space so.
        let query = query.replace('+', "%2B");
        let all = form_urlencoded::parse(query.as_bytes()).into_owned();
        let all: Vec<(String, String)> = all.collect();
        let is_secret = |name: &str| ["user", "pass", "password", "username"].contains(&name);
        if all.iter().any(|(name, _)| is_secret(name)) {
            return Err(no_password());
        }
        for (at, (name, _)) in all.iter().enumerate() {
            if all[..at].iter().any(|(before, _)| before == name) {
                return Err(format!("{name}= is given twice"));
            }
        }
        Ok(Parameters(all))
    }

    fn take(&mut self, wanted: &str) -> Option<String> {
        let at = self.0.iter().position(|(name, _)| name == wanted)?;
        Some(self.0.swap_remove(at).1)
    }

    fn entry(&mut self) -> Result<Entry, String> {
        match self.take("entry").as_deref() {
            None | Some("line") => Ok(Entry::Line),
            Some("batch") => Ok(Entry::Batch),
            Some(_) => Err("entry= is line or batch".to_owned()),
        }
    }

    fn keep(&mut self) -> Result<Option<Keep>, String> {
        let Some(text) = self.take("keep") else {
            return Ok(None);
        };
        let keep = match text.parse() {
            Ok(count) => Keep::Entries(count),
            Err(_) => Keep::Time(
                humantime::parse_duration(&text)
                    .map_err(|_| "keep= is a number of entries, or a time as 24h")?,
            ),
        };
        match keep {
            Keep::Entries(0) | Keep::Time(Duration::ZERO) => {
                Err("keep=0 would keep nothing".to_owned())
            }
            keep => Ok(Some(keep)),
        }
    }

    fn replicas(&mut self) -> Result<u32, String> {
        let Some(text) = self.take("wait") else {
            return Ok(0);
        };
        { text.parse() }.map_err(|_| "wait= is a number of replicas".to_owned())
    }

    fn nothing_left(&self) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!(
                "{name}= says nothing to poold; there are stream, list, entry, keep, wait, \
                 auth-file, ca and db"
            )),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unix(path) => write!(out, "unix:{}", path.display()),
            Place::Tcp { host, port } => {
                let scheme = if self.is_tls { "rediss" } else { "redis" };
                match host.contains(':') {
                    true => write!(out, "{scheme}://[{host}]:{port}/{}", self.database),
                    false => write!(out, "{scheme}://{host}:{port}/{}", self.database),
                }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Key::Stream(name) => write!(out, "{}?stream={name}", self.server),
            Key::List(name) => write!(out, "{}?list={name}", self.server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_printed() {
        for (text, printed) in [
            ("redis://h?stream=s", "redis://h:6379/0?stream=s"),
            ("redis://?stream=s", "redis://127.0.0.1:6379/0?stream=s"),
            ("valkey://h:1/3?list=l", "redis://h:1/3?list=l"),
            (
                "rediss://[::1]:7?stream=a%26b",
                "rediss://[::1]:7/0?stream=a&b",
            ),
            (
                "redis://[::1]?stream=s+t",
                "redis://[::1]:6379/0?stream=s+t",
            ),
            ("unix:/run/r?stream=s&db=2", "unix:/run/r?stream=s"),
            ("unix:///run/r?list=s", "unix:/run/r?list=s"),
        ] {
            assert!(is_url(text), "{text}");
            let target = Target::parse(text).expect(text);
            assert_eq!(target.to_string(), printed);
        }
        let whole = "redis://h?stream=s&entry=batch&keep=24h&wait=2&auth-file=/run/a";
        let target = Target::parse(whole).expect(whole);
        assert_eq!(target.entry, Entry::Batch);
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!((target.keep, target.replicas), (Some(Keep::Time(day)), 2));
        assert_eq!(target.server.auth_file, Some("/run/a".into()));
        let some = Target::parse("redis://h?stream=s&keep=1000").expect("valid");
        assert_eq!(some.keep, Some(Keep::Entries(1000)));
    }

    #[test]
    fn a_file_is_none() {
        for name in ["-", "lines.log", "/var/log/x", "unix:/run/r", "redis.log"] {
            assert!(!is_url(name), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_no_password_is_repeated() {
        for (text, told) in [
            ("redis://u:secret@h?stream=s", "auth-file=PATH"),
            ("redis://:secret@h?stream=s", "auth-file=PATH"),
            ("redis://h?stream=s&password=secret", "auth-file=PATH"),
            ("redis://h", "?stream=NAME"),
            ("redis://h?stream=", "?stream=NAME"),
            ("redis://h?stream=a&list=b", "one of them"),
            ("redis://h?stream=a&stream=b", "twice"),
            ("redis://h?stream=a&entry=lump", "line or batch"),
            ("redis://h?stream=a&keep=much", "keep="),
            ("redis://h?stream=a&keep=0", "keep=0"),
            ("redis://h?stream=a&wait=-1", "wait="),
            ("redis://h?stream=a&kepp=1", "kepp= says nothing"),
            ("redis://h?list=a&keep=1", "for streams"),
            ("redis://h:x?stream=a", "port"),
            ("redis://h/x?stream=a", "database"),
            ("redis+sentinel://h?stream=a", "write redis://HOST"),
            ("redis://h?stream=a&ca=x", "rediss://"),
        ] {
            let problem = Target::parse(text).expect_err(text);
            assert!(problem.contains(told), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
