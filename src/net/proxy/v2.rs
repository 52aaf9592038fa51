//! Version 2: a signature, a command, a family, a length, addresses, and fields that have a type
//! and a length each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::crc32c;
use super::header::{Announced, HEADER_MAX, Seen, Wrong};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses.
const FIXED: usize = 16;
/// The type of the field with the checksum.
const CHECKSUM: u8 = 3;

pub(super) fn look(bytes: &[u8]) -> Result<Seen, Wrong> {
    let command = match bytes.get(12) {
        None => return Ok(Seen::Begun),
        Some(0x20) => Command::Local,
        Some(0x21) => Command::Proxy,
        Some(_) => return Err(Wrong::Binary("another version or command")),
    };
    let Some(fixed) = bytes.get(..FIXED) else {
        return Ok(Seen::Begun);
    };
    let length = FIXED + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let family = Family::of(fixed[13]);
    if command == Command::Proxy {
        let family = family.ok_or(Wrong::Binary("another family or transport"))?;
        if FIXED + family.length() > length {
            return Err(Wrong::Binary("shorter than its addresses"));
        }
    }
    if length > HEADER_MAX {
        return Err(Wrong::TooLong(length));
    }
    let Some(header) = bytes.get(..length) else {
        return Ok(Seen::Begun);
    };
    let announced = match (command, family) {
        (Command::Proxy, Some(family)) => family.read(&header[FIXED..]),
        _ => Announced::Unnamed,
    };
    let fields = FIXED + family.map_or(0, Family::length);
    let checked = check_fields(header, fields);
    // In an unknown family, bytes that look like fields may be addresses.
    let must_be_sound = announced != Announced::Unnamed;
    match checked {
        Err(Wrong::Binary(_)) if !must_be_sound => {}
        other => other?,
    }
    Ok(Seen::Header { length, announced })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    /// The balancer's own connection: ignore the rest.
    Local,
    Proxy,
}

#[derive(Clone, Copy)]
enum Family {
    /// A transport other than a stream, or none: the header names no client.
    Other {
        length: usize,
    },
    Ipv4,
    Ipv6,
    Unix,
}

impl Family {
    fn of(byte: u8) -> Option<Family> {
        let (family, transport) = (byte >> 4, byte & 0xf);
        let length = [0, 12, 36, 216].get(usize::from(family))?;
        match (family, transport) {
            (1, 1) => Some(Family::Ipv4),
            (2, 1) => Some(Family::Ipv6),
            (3, 1) => Some(Family::Unix),
            (_, 0..=2) => Some(Family::Other { length: *length }),
            _ => None,
        }
    }

    /// The length of both addresses with their ports.
    fn length(self) -> usize {
        match self {
            Family::Other { length } => length,
            Family::Ipv4 => 12,
            Family::Ipv6 => 36,
            Family::Unix => 216,
        }
    }

    /// Parses the addresses, which have the right length.
    fn read(self, mut bytes: &[u8]) -> Announced {
        let (from, to): (IpAddr, IpAddr) = match self {
            Family::Other { .. } => return Announced::Unnamed,
            Family::Unix => return Announced::Unix,
            Family::Ipv4 => {
                let mut next = || Ipv4Addr::from(take(&mut bytes));
                (next().into(), next().into())
            }
            Family::Ipv6 => {
                let mut next = || Ipv6Addr::from(take(&mut bytes));
                (next().into(), next().into())
            }
        };
        let mut port = || u16::from_be_bytes(take(&mut bytes));
        Announced::Tcp {
            from: (from, port()).into(),
            to: (to, port()).into(),
        }
    }
}

/// Takes the next bytes, which exist.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (first, rest) = bytes.split_first_chunk().expect("the length was checked");
    *bytes = rest;
    *first
}

/// Skips the fields from `at` on, and checks the checksum if there is one.
fn check_fields(header: &[u8], mut at: usize) -> Result<(), Wrong> {
    while at < header.len() {
        let broken = Wrong::Binary("a field is longer than the header");
        let [kind, high, low] = *header.get(at..at + 3).ok_or(broken)? else {
            return Err(broken);
        };
        let value = at + 3;
        at = value + usize::from(u16::from_be_bytes([high, low]));
        let field = header.get(value..at).ok_or(broken)?;
        if kind != CHECKSUM {
            continue;
        }
        let told: [u8; 4] = field
            .try_into()
            .map_err(|_| Wrong::Binary("a checksum that is not of four bytes"))?;
        let found = crc32c::of(&[&header[..value], &[0; 4], &header[at..]]);
        if found != u32::from_be_bytes(told) {
            return Err(Wrong::Checksum);
        }
    }
    Ok(())
}
