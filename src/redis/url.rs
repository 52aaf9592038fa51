//! What a URL says: `redis://host[:port][/db]?stream=NAME&…`.
//!
//! A password has no place in it, because arguments and environments are seen by others. So what is
//! printed of an accepted URL has none, and no error repeats the text of a URL.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::place::{self, Place, Server};

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
    let has_key = || {
        let mut keys = ["?stream=", "&stream=", "?list=", "&list="].iter();
        keys.any(|key| text.contains(key))
    };
    let has_scheme = ["redis", "valkey"]
        .iter()
        .any(|name| text.starts_with(name));
    has_scheme && text.contains("://") || text.starts_with("unix:") && has_key()
}

impl Target {
    /// Reads a URL; the error says what is wrong and what is valid.
    pub(crate) fn parse(text: &str) -> Result<Target, String> {
        Target::read(text, "say where to: ?stream=NAME or ?list=NAME")
    }

    /// The same, of a stream; `why` says why a list is refused.
    pub(crate) fn parse_stream(text: &str, why: &str) -> Result<Target, String> {
        let target = Target::read(text, "say which stream: ?stream=NAME")?;
        match target.key {
            Key::Stream(_) => Ok(target),
            Key::List(_) => Err(why.to_owned()),
        }
    }

    fn read(text: &str, no_key: &str) -> Result<Target, String> {
        let (server, query) = text.split_once('?').unwrap_or((text, ""));
        let mut parameters = Parameters::read(query)?;
        let mut server = Server::parse(server)?;
        let path = |text: Option<String>| text.map(PathBuf::from);
        server.auth_file = path(parameters.take("auth-file"));
        server.ca = path(parameters.take("ca"));
        if server.ca.is_some() && !server.is_tls {
            return Err("ca= is for rediss://".to_owned());
        }
        if let Some(number) = parameters.take("db") {
            server.database = place::database(&number)?;
        }
        let of_sentinels = path(parameters.take("sentinel-auth-file"));
        match &mut server.place {
            Place::Sentinels(sentinels) => sentinels.auth_file = of_sentinels,
            _ if of_sentinels.is_some() => {
                return Err("sentinel-auth-file= is for redis+sentinel://".to_owned());
            }
            _ => {}
        }
        let key = match (parameters.take("stream"), parameters.take("list")) {
            (Some(name), None) if !name.is_empty() => Key::Stream(name),
            (None, Some(name)) if !name.is_empty() => Key::List(name),
            (Some(_), Some(_)) => return Err("stream= and list=: give one of them".to_owned()),
            _ => return Err(no_key.to_owned()),
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
            return Err(place::no_password());
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
                 auth-file, sentinel-auth-file, ca and db"
            )),
            None => Ok(()),
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
            ("unix:/run/r?db=2&list=s", "unix:/run/r?list=s"),
            (
                "redis+sentinel://a,b:1;[::1]/main?stream=s",
                "redis+sentinel://a:26379,b:1,[::1]:26379/main/0?stream=s",
            ),
            (
                "valkeys+sentinel://a/main/2?stream=s",
                "rediss+sentinel://a:26379/main/2?stream=s",
            ),
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
            ("redis+sentinel://h?stream=a", "call the primary"),
            ("redis+sentinel://h//1?stream=a", "call the primary"),
            ("redis+sentinel://h:x/m?stream=a", "port"),
            ("redis+sentinel://u:secret@h/m?stream=a", "auth-file=PATH"),
            (
                "redis://h?stream=a&sentinel-auth-file=x",
                "redis+sentinel://",
            ),
            ("redis+cluster://h?stream=a", "write redis://HOST"),
            ("redis://h?stream=a&ca=x", "rediss://"),
        ] {
            let problem = Target::parse(text).expect_err(text);
            assert!(problem.contains(told), "{text}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        let stream = |text| Target::parse_stream(text, "no lists").expect_err("no stream");
        assert_eq!(stream("redis://h"), "say which stream: ?stream=NAME");
        assert_eq!(stream("redis://h?list=l"), "no lists");
    }
}
