//! Recognizes clients of another protocol by their first line.
//!
//! A web page can make a browser send lines of its choice to any address that the browser reaches.
//! They follow a request line, so a client that begins with one is refused.

use std::fmt::Display;
use std::time::Instant;

use parking_lot::Mutex;
use tracing::warn;

use crate::series::Series;

/// A client that does not speak lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    Http,
    Tls,
}

const HTTP_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 75\r\n\
    Connection: close\r\n\
    \r\n\
    This is a chat, not a web server: join it with nc, telnet or poold client.\n";
/// A fatal alert, `handshake_failure`, in TLS 1.0's record, which every client reads (RFC 8446).
const TLS_ANSWER: &[u8] = &[21, 3, 1, 0, 2, 2, 40];
/// What a TLS client's first record begins with: a handshake, version 3.x.
const TLS_BEGINNING: &[u8] = &[22, 3];

impl Stranger {
    /// The protocol of the first line; `None` for a person's line.
    pub(super) fn of(line: &[u8]) -> Option<Stranger> {
        if line.starts_with(TLS_BEGINNING) {
            return Some(Stranger::Tls);
        }
        is_request(line).then_some(Stranger::Http)
    }

    /// A refusal in that protocol.
    pub(super) fn answer(self) -> &'static [u8] {
        match self {
            Stranger::Http => HTTP_ANSWER,
            Stranger::Tls => TLS_ANSWER,
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Stranger::Http => "an HTTP request",
            Stranger::Tls => "a TLS handshake",
        }
    }
}

/// Logs such clients: a page can cause any number of them.
#[derive(Default)]
pub(super) struct Strangers(Mutex<Series<Stranger>>);

impl Strangers {
    pub(super) fn note(&self, stranger: Stranger, peer: impl Display) {
        let told = self.0.lock().happened(stranger, Instant::now());
        if let Some(told) = told {
            let (what, earlier) = (stranger.describe(), told.earlier());
            let why = format_args!("it began with {what}, and this is a chat");
            warn!(%peer, earlier, "a client is turned away: {why}");
        }
    }
}

/// `METHOD TARGET HTTP/1.1`, with any method and version (RFC 9112). A person's sentence may end in
/// a version, but has no target.
fn is_request(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let version = words.next_back().unwrap_or_default();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_target = target.starts_with(b"/")
        || target == b"*"
        || method == b"CONNECT"
        || memchr::memmem::find(target, b"://").is_some();
    !method.is_empty() && method.iter().all(is_token) && is_target && version.starts_with(b"HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells() {
        for (line, expected) in [
            (&b"GET / HTTP/1.1"[..], Some(Stranger::Http)),
            (b"POST /nick?x= HTTP/1.0", Some(Stranger::Http)),
            (b"PRI * HTTP/2.0", Some(Stranger::Http)),
            (b"x-y /a b c HTTP/1.1", Some(Stranger::Http)),
            (b"CONNECT example.org:443 HTTP/1.1", Some(Stranger::Http)),
            (b"GET http://example.org/ HTTP/1.1", Some(Stranger::Http)),
            (b"\x16\x03\x01\x02\x00\x01", Some(Stranger::Tls)),
            (b"", None),
            (b"HTTP/1.1", None),
            (b"GET /", None),
            (b"/me reads HTTP/1.1 is old", None),
            (b"I use HTTP/1.1", None),
            (b"who knows what is new in HTTP/2?", None),
            (b"/nick GET", None),
        ] {
            let shown = String::from_utf8_lossy(line);
            assert_eq!(Stranger::of(line), expected, "{shown}");
        }
    }

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(HTTP_ANSWER).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
