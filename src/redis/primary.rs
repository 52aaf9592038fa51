//! Connects to the server of a URL: to that very one, or to the primary that sentinels know.
//!
//! Sentinels are asked at each connect, so whatever ends a connection leads to the server that is
//! the primary by then. What a sentinel says may be old: it may have been cut off from the others.
//! So a server is asked for its role, and each attempt begins with another sentinel.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::failure::{Failure, Kind};
use super::link::{CONNECT_MAX, Link};
use super::place::{Host, Place, Sentinels, Server};
use super::resp::Reply;

/// Within this time a sentinel has answered; then the next one is asked.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Counts the attempts.
static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);

/// See the head of the file.
pub(crate) fn connect(server: &Server) -> Result<Link, Failure> {
    match &server.place {
        Place::Sentinels(sentinels) => by_sentinels(server, sentinels),
        _ => Link::open(server, CONNECT_MAX),
    }
}

/// Whether a new connection would lead to another server than this one.
pub(crate) fn has_moved(server: &Server, link: &Link) -> bool {
    match &server.place {
        // If they can't be asked, it has not.
        Place::Sentinels(sentinels) => {
            found(server, sentinels).is_ok_and(|host| !link.is_at(&host))
        }
        Place::Tcp(host) => !link.is_at(host),
        Place::Unix(_) => false,
    }
}

/// The primary, as its sentinels know it.
fn found(server: &Server, sentinels: &Sentinels) -> Result<Host, Failure> {
    primary(&sentinels.hosts, |sentinel| {
        let sentinel = Server {
            database: 0,
            auth_file: sentinels.auth_file.clone(),
            ..at(server, sentinel.clone())
        };
        ask(&sentinel, &sentinels.primary)
    })
}

fn at(server: &Server, host: Host) -> Server {
    Server {
        place: Place::Tcp(host),
        ..server.clone()
    }
}

fn by_sentinels(server: &Server, sentinels: &Sentinels) -> Result<Link, Failure> {
    let host = found(server, sentinels)?;
    let name = host.to_string();
    let of_primary = |failure: Failure| match failure.kind {
        // Another one takes its place.
        Kind::Away => Failure::passing(format!("the primary {name}: {failure}")),
        _ => failure,
    };
    let server = at(server, host);
    let mut link = Link::open(&server, CONNECT_MAX).map_err(of_primary)?;
    match is_primary(&mut link).map_err(of_primary)? {
        true => Ok(link),
        false => Err(Failure::passing(format!(
            "{name} is a replica still, or again: its sentinels make one of them the primary"
        ))),
    }
}

/// What the first of the sentinels says that knows it. If none does, the last one's trouble.
fn primary(
    hosts: &[Host],
    ask: impl Fn(&Host) -> Result<Option<Host>, Failure>,
) -> Result<Host, Failure> {
    let first = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let mut why = Failure::away("no sentinel is named");
    for at in 0..hosts.len() {
        let sentinel = &hosts[first.wrapping_add(at) % hosts.len()];
        why = match ask(sentinel) {
            Ok(Some(host)) => return Ok(host),
            Ok(None) => Failure::unfit(format!(
                "the sentinel {sentinel} knows no primary of that name (sentinel monitor)"
            )),
            Err(failure) => failure.of(&format!("the sentinel {sentinel}")),
        };
    }
    Err(why)
}

fn ask(sentinel: &Server, name: &str) -> Result<Option<Host>, Failure> {
    let mut link = Link::open(sentinel, ANSWER_MAX)?;
    let words = [
        b"SENTINEL",
        b"GET-MASTER-ADDR-BY-NAME".as_slice(),
        name.as_bytes(),
    ];
    link.ask(&words, Instant::now() + ANSWER_MAX, |reply| {
        if let Reply::Error(text) = reply {
            return Err(match Failure::is_unknown_command(text) {
                true => Failure::unfit("it is no sentinel, but a server: write redis://"),
                false => Failure::refused(text),
            });
        }
        Ok(reply.array().and_then(|words| {
            let [name, port] = words.as_slice() else {
                return None;
            };
            Some(Host {
                name: str::from_utf8(name.text()?).ok()?.to_owned(),
                port: str::from_utf8(port.text()?).ok()?.parse().ok()?,
            })
        }))
    })?
}

/// Whether the server says so. One that may not be asked counts as one: it refuses what a replica
/// refuses.
fn is_primary(link: &mut Link) -> Result<bool, Failure> {
    link.ask(
        &[b"ROLE"],
        Instant::now() + ANSWER_MAX,
        |reply| match reply {
            Reply::Error(text) if text.starts_with(b"NOPERM") => Ok(true),
            Reply::Error(text) => Err(Failure::refused(text)),
            reply => {
                let words = reply.array().unwrap_or_default();
                Ok(words.first().and_then(Reply::text) == Some(b"master"))
            }
        },
    )?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentinel_is_asked_until_one_knows_it_and_none_is_the_first_for_ever() {
        let host = |port| Host {
            name: "h".to_owned(),
            port,
        };
        let hosts = [host(1), host(2), host(3)];
        let mut firsts = std::collections::BTreeSet::new();
        // Other tests make attempts, too.
        for _ in 0..100 {
            let asked = std::cell::RefCell::new(Vec::new());
            let found = primary(&hosts, |sentinel| {
                asked.borrow_mut().push(sentinel.port);
                match sentinel.port {
                    1 => Err(Failure::away("no connection")),
                    2 => Ok(None),
                    _ => Ok(Some(host(9))),
                }
            });
            assert_eq!(found.expect("one knows it"), host(9));
            firsts.insert(asked.borrow()[0]);
        }
        assert_eq!(firsts.len(), 3);
        let none = primary(&hosts[..1], |_| Err(Failure::away("no connection")));
        let told = none.expect_err("it is away").to_string();
        assert_eq!(told, "the sentinel h:1: no connection");
    }
}
