//! Version 1: `PROXY TCP4 192.0.2.1 192.0.2.9 51234 5140\r\n`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::header::{Announced, Seen, Wrong, begins};

pub(super) const WORD: &[u8] = b"PROXY ";
/// Maximum length of a line with its end.
const LINE_MAX: usize = 107;

pub(super) fn look(bytes: &[u8]) -> Result<Seen, Wrong> {
    let head = &bytes[..bytes.len().min(LINE_MAX)];
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let Some(end) = head.iter().position(is_end) else {
        return match bytes.len() >= LINE_MAX {
            true => Err(Wrong::Line("no end of the line in 107 bytes")),
            false => begun(head),
        };
    };
    match head[end..] {
        [b'\r', b'\n', ..] => {}
        [b'\r'] if end + 1 < LINE_MAX => return begun(&head[..end]),
        _ => return Err(Wrong::Line("the line does not end in CR LF")),
    }
    let announced = parse(&head[WORD.len()..end])?;
    Ok(Seen::Header {
        length: end + 2,
        announced,
    })
}

/// Fails at once if the bytes can't become a header.
fn begun(line: &[u8]) -> Result<Seen, Wrong> {
    let rest = line.get(WORD.len()..).unwrap_or_default();
    let may_be = |family: &&[u8]| begins(rest, family);
    let families: [&[u8]; 3] = [b"TCP4 ", b"TCP6 ", b"UNKNOWN"];
    match families.iter().any(may_be) {
        true => Ok(Seen::Begun),
        false => Err(Wrong::Line("neither TCP4 nor TCP6 nor UNKNOWN")),
    }
}

/// Parses the text between `PROXY ` and the line's end.
fn parse(line: &[u8]) -> Result<Announced, Wrong> {
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(Announced::Unnamed);
    }
    let line = str::from_utf8(line).map_err(|_| Wrong::Line("not ASCII"))?;
    let words: Vec<_> = line.split(' ').collect();
    let [family, from, to, from_port, to_port] = words[..] else {
        return Err(Wrong::Line("not two addresses and two ports"));
    };
    let (from, to) = match family {
        "TCP4" => (address::<Ipv4Addr>(from)?, address::<Ipv4Addr>(to)?),
        "TCP6" => (address::<Ipv6Addr>(from)?, address::<Ipv6Addr>(to)?),
        _ => return Err(Wrong::Line("neither TCP4 nor TCP6 nor UNKNOWN")),
    };
    Ok(Announced::Tcp {
        from: (from, port(from_port)?).into(),
        to: (to, port(to_port)?).into(),
    })
}

fn address<A: FromStr + Into<IpAddr>>(text: &str) -> Result<IpAddr, Wrong> {
    let address = text.parse::<A>().map(Into::into);
    address.map_err(|_| Wrong::Line("not an address of its family"))
}

/// Digits alone, without zeros before them.
fn port(text: &str) -> Result<u16, Wrong> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok();
    let port = port.filter(|_| is_plain && (text == "0" || !text.starts_with('0')));
    port.ok_or(Wrong::Line("not a port"))
}
