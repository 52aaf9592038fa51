//! Guesses at the protocol of a client whose bytes don't fit the framing.
//!
//! A guess never changes what poold does. The first bytes of each connection are compared with
//! the beginnings of other protocols; all other checks are for clients that have sent no message.

use memchr::memmem;

use super::hint::Hint;
use super::signature::protocol;
use super::{Framing, begins_with_count, begins_with_priority};

/// A guess from the first bytes of a connection, even if messages follow.
pub(crate) fn of_signature(framing: &Framing, first: &[u8]) -> Option<Hint> {
    match framing {
        // Messages of these framings may begin with any bytes.
        Framing::Raw | Framing::Length(_) => None,
        _ => protocol(first)
            .filter(|hint| !framing.accepts(*hint))
            .or_else(|| text(framing, first)),
    }
}

/// A guess for bytes that made no message, or only a part of one.
pub(crate) fn of_bytes(framing: &Framing, bytes: &[u8]) -> Option<Hint> {
    let found = match framing {
        Framing::Raw => None,
        // People type slowly, and a server for people has no other framing.
        Framing::Typed => protocol(bytes),
        // The bytes may be a length, and any bytes may follow.
        Framing::Length(_) if !bytes.first().is_some_and(is_letter) => protocol(bytes),
        _ => protocol(bytes)
            .or_else(|| text(framing, bytes))
            .or_else(|| control(bytes))
            .or_else(|| delimiter(bytes)),
    };
    found.filter(|hint| !framing.accepts(*hint))
}

/// Printable, and no digit.
fn is_letter(byte: &u8) -> bool {
    (byte.is_ascii_graphic() || *byte == b' ') && !byte.is_ascii_digit()
}

/// Bytes with which no sender of such text begins.
fn text(framing: &Framing, bytes: &[u8]) -> Option<Hint> {
    let is_count = !matches!(framing, Framing::Typed) && begins_with_count(bytes);
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some(Hint::ByteOrderMark),
        [0, 0, ..] if *framing == Framing::Lines => control(bytes),
        _ if is_count => Some(Hint::Octet).filter(|hint| !framing.accepts(*hint)),
        _ => None,
    }
}

/// Protocols that begin with a byte that is not text.
fn control(bytes: &[u8]) -> Option<Hint> {
    match bytes {
        [0x0b, ..] => Some(Hint::Mllp),
        [2, ..] => Some(Hint::StxEtx),
        [0, 0, _, _, _, ..] if bytes[2..4] != [0, 0] => Some(Hint::Len32),
        [0, length, rest @ ..] if *length > 0 => {
            let next = rest.get(usize::from(*length)).copied();
            (rest.len() >= usize::from(*length) && matches!(next, None | Some(0)))
                .then_some(Hint::Len16)
        }
        [a, 0, b, 0, c, 0, ..] | [0, a, 0, b, 0, c, ..] if ![a, b, c].contains(&&0) => {
            Some(Hint::Utf16)
        }
        _ => None,
    }
}

/// Bytes that may separate messages.
fn delimiter(bytes: &[u8]) -> Option<Hint> {
    let has = |byte: u8| bytes.contains(&byte);
    let is_json = matches!(bytes, [b'{' | b'[', ..]);
    if memmem::find(bytes, b"__LOG4JS__").is_some() {
        return Some(Hint::Log4js);
    }
    match () {
        () if has(0) && is_json => Some(Hint::Gelf),
        () if has(0) => Some(Hint::Nul),
        () if has(b'\n') => Some(Hint::Lines),
        () if begins_with_priority(bytes) => Some(Hint::Pri),
        () if is_json => Some(Hint::Json),
        () if has(b'\r') => Some(Hint::Cr),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(form: &str) -> Framing {
        form.parse().expect(form)
    }

    #[test]
    fn signatures_show_at_once() {
        for (first, hint) in [
            (&b"\x16\x03\x01\x02\0\x01"[..], Some(Hint::Tls)),
            (b"GET /metrics HTTP/1.1\r\n", Some(Hint::Http)),
            (b"GET well soon\n", None),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Some(Hint::Ssh)),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Some(Hint::Proxy)),
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", Some(Hint::Proxy)),
            (b"\xff\xfeh\0", Some(Hint::Utf16)),
            (b"\xef\xbb\xbfhello\n", Some(Hint::ByteOrderMark)),
            (b"95 <13>1 2026", Some(Hint::Octet)),
            (b"2026-11-28 alpha\n", None),
            (b"<13>alpha\n", None),
            (b"\0\0\x01\xf6}q\0(X\n", Some(Hint::Len32)),
            (b"\x02data\x03\r\n", None),
            (
                b"\x93\xa3app\xce\x65\0\x0a\x0a\x81\xa1a\x01",
                Some(Hint::Fluentd),
            ),
            (b"\xff\xfb\x1f\xff\xfb\x20alpha\r\n", Some(Hint::Telnet)),
            (b"{\"a\":1}\n", None),
            (b"plain\n", None),
        ] {
            assert_eq!(
                of_signature(&Framing::Lines, first),
                hint,
                "{}",
                first.escape_ascii()
            );
            for form in ["raw", "len16", "length:u32le"] {
                assert_eq!(of_signature(&framing(form), first), None);
            }
        }
        for form in ["octet", "auto", "typed"] {
            assert_eq!(
                of_signature(&framing(form), b"95 <13>1 2026"),
                None,
                "{form}"
            );
        }
        assert_eq!(of_signature(&framing("typed"), b"\xff\xfb\x1fa\r"), None);
    }

    #[test]
    fn what_does_not_end_shows_how_it_would() {
        for (form, bytes, hint) in [
            ("lines", &b"<14>alpha\0<14>beta\0"[..], Some(Hint::Nul)),
            ("lines", b"{\"a\":1}\0", Some(Hint::Gelf)),
            ("lines", b"\x0bMSH|^~\\&|\r\x1c\r", Some(Hint::Mllp)),
            ("lines", b"\x02data\x03", Some(Hint::StxEtx)),
            ("lines", b"alpha\rbeta\r", Some(Hint::Cr)),
            ("lines", b"<134>Nov 28 a<134>Nov 28 b", Some(Hint::Pri)),
            ("lines", b"{\"a\":1}{\"b\":2}", Some(Hint::Json)),
            ("lines", b"{}__LOG4JS__{}__LOG4JS__", Some(Hint::Log4js)),
            ("lines", b"\0\0\0\x05hello", Some(Hint::Len32)),
            ("lines", b"\0\x05hello\0\x02ok", Some(Hint::Len16)),
            ("lines", b"h\0e\0l\0l\0o\0", Some(Hint::Utf16)),
            ("lines", b"95 <13>1", Some(Hint::Octet)),
            ("lines", b"hello", None),
            ("typed", b"hello\0", None),
            ("typed", b"\x16\x03\x01", Some(Hint::Tls)),
            ("octet", b"<13>alpha\n", Some(Hint::Lines)),
            ("octet", b"<13>alpha\0", Some(Hint::Nul)),
            ("nul", b"alpha\nbeta\n", Some(Hint::Lines)),
            ("mllp", b"alpha\nbeta\n", Some(Hint::Lines)),
            ("len32", b"alpha\nbeta\n", Some(Hint::Lines)),
            ("len32", b"GET / HTTP/1.1\r\n", Some(Hint::Http)),
            ("len16", b"\0\x05hel", None),
            ("nul", b"ZBXD\x01\x4a\0\0\0\0\0\0\0{}", Some(Hint::Zabbix)),
            ("typed", b"\xff\xfd\x01", None),
            ("auto", b"alpha", None),
            ("raw", b"\x16\x03\x01", None),
        ] {
            assert_eq!(
                of_bytes(&framing(form), bytes),
                hint,
                "{form} {}",
                bytes.escape_ascii()
            );
        }
    }
}
