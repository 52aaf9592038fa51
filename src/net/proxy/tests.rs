use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;

use super::*;

fn tcp(from: &str, to: &str) -> Announced {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    Announced::Tcp {
        from: address(from),
        to: address(to),
    }
}

/// A binary header: command, family, and what follows the fixed part.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short");
    let mut header = v2::SIGNATURE.to_vec();
    header.extend([command, family]);
    header.extend(length.to_be_bytes());
    header.extend(rest);
    header
}

const IPV4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 9, 200, 34, 20, 20];

/// With a correct checksum field between two others.
fn with_checksum(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let before = [rest, &[4, 0, 1, 7, 3, 0, 4]].concat();
    let after = [0x20, 0, 2, 1, 2];
    let at = 16 + before.len();
    let mut header = binary(command, family, &[&before, &[0; 4][..], &after].concat());
    let sum = crc32c::of(&[&header]);
    header[at..at + 4].copy_from_slice(&sum.to_be_bytes());
    header
}

fn good() -> Vec<(Vec<u8>, Announced)> {
    let line = |text: &str| text.as_bytes().to_vec();
    let client = tcp("192.0.2.1:51234", "192.0.2.9:5140");
    let ipv6 = [&[0x20; 16][..], &[0; 16], &[1, 2, 3, 4]].concat();
    let ipv6_named = tcp("[2020:2020:2020:2020:2020:2020:2020:2020]:258", "[::]:772");
    let unnamed = Announced::Unnamed;
    let all_f = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest = format!("PROXY UNKNOWN {all_f} {all_f} 65535 65535\r\n");
    assert_eq!(longest.len(), 107);
    vec![
        (
            line("PROXY TCP4 192.0.2.1 192.0.2.9 51234 5140\r\n"),
            client,
        ),
        (
            line("PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.9 0 65535\r\n"),
            tcp("[2001:db8::1]:0", "[::ffff:192.0.2.9]:65535"),
        ),
        (line("PROXY UNKNOWN\r\n"), unnamed),
        (line(&longest), unnamed),
        (line("PROXY UNKNOWN  \0 what ever\r\n"), unnamed),
        (binary(0x21, 0x11, &IPV4), client),
        (
            binary(0x21, 0x11, &[&IPV4[..], &[9, 0, 1, 0]].concat()),
            client,
        ),
        (binary(0x21, 0x21, &ipv6), ipv6_named),
        (binary(0x21, 0x31, &[0; 216]), Announced::Unix),
        (binary(0x20, 0, &[]), unnamed),
        // The addresses of a local header are ignored.
        (binary(0x20, 0x11, &IPV4), unnamed),
        (binary(0x20, 0xff, b"rubbish"), unnamed),
        (binary(0x21, 0, b"rubbish"), unnamed),
        // A datagram's header, and one without a family.
        (binary(0x21, 0x12, &IPV4), unnamed),
        (binary(0x21, 0x10, &IPV4), unnamed),
        (binary(0x21, 0x01, &[]), unnamed),
        (with_checksum(0x21, 0x11, &IPV4), client),
        (with_checksum(0x20, 0, &[]), unnamed),
    ]
}

#[test]
fn headers_are_understood_whatever_follows_and_however_they_come() {
    for (header, announced) in good() {
        let length = header.len();
        let whole = Ok(Seen::Header { length, announced });
        for follows in [&b""[..], b"\r\n", b"PROXY ", &[0; 300]] {
            assert_eq!(look(&[&header, follows].concat()), whole, "{header:?}");
        }
        for come in 0..length {
            assert_eq!(
                look(&header[..come]),
                Ok(Seen::Begun),
                "{:?}",
                &header[..come]
            );
        }
    }
}

#[test]
fn what_the_standard_forbids_is_refused() {
    let lines = [
        "GET / HTTP/1.1\r\n",
        "PROXY\r\n",
        "PROXY  TCP4 192.0.2.1 192.0.2.9 51234 5140\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.9 51234 5140\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 51234 5140\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 51234 5140\rx",
        "PROXY TCP4 192.0.2.1 192.0.2.9 51234 5140 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9  51234 5140\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 51234\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 +1234 5140\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 01234 5140\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.9 65536 5140\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.9 51234 5140\r\n",
        "PROXY TCP4 192.0.2 192.0.2.9 51234 5140\r\n",
        "PROXY TCP4 ::1 ::1 51234 5140\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.9 51234 5140\r\n",
        "PROXY TCP6 fe80::1%lo ::1 51234 5140\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.9 51234 5140\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN\n",
    ];
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
    let late = format!("PROXY UNKNOWN {}", "x".repeat(93));
    let mut wrong: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().into()).collect();
    wrong.extend([long.into_bytes(), late.into_bytes()]);
    wrong.push(binary(0x22, 0x11, &IPV4));
    wrong.push(binary(0x11, 0x11, &IPV4));
    wrong.push(binary(0x21, 0x13, &IPV4));
    wrong.push(binary(0x21, 0x41, &IPV4));
    wrong.push(binary(0x21, 0x11, &IPV4[..11]));
    wrong.push(binary(0x21, 0x21, &IPV4));
    wrong.push(binary(0x21, 0x11, &[&IPV4[..], &[4, 0]].concat()));
    wrong.push(binary(0x21, 0x11, &[&IPV4[..], &[4, 0, 2, 0]].concat()));
    wrong.push(binary(0x21, 0x11, &[&IPV4[..], &[3, 0, 2, 0, 0]].concat()));
    wrong.push(binary(0x20, 0, &[0; HEADER_MAX]));
    for header in wrong {
        let found = look(&header);
        assert!(found.is_err(), "{:?}: {found:?}", header.escape_ascii());
        // Rejects as soon as the error is certain, not earlier.
        let first = (0..=header.len()).find(|length| look(&header[..*length]).is_err());
        for length in first.expect("all of it is wrong")..header.len() {
            assert!(look(&header[..length]).is_err(), "{length} of {header:?}");
        }
    }
}

#[test]
fn every_bit_of_a_header_is_under_its_checksum() {
    for (command, family, rest) in [(0x21, 0x11, &IPV4[..]), (0x20, 0, &[])] {
        let sound = with_checksum(command, family, rest);
        for bit in 16 * 8..sound.len() * 8 {
            let mut broken = sound.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            // A broken type or length of a field may hide the checksum.
            if let Ok(Seen::Header { announced, .. }) = look(&broken) {
                let told = sound.windows(3).position(|field| field == [3, 0, 4]);
                let told = told.expect("it has a checksum");
                let fields = 16 + rest.len();
                assert!(
                    (fields..told + 3).contains(&(bit / 8)),
                    "bit {bit}: {announced:?}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn every_address_comes_back(
        from: SocketAddr, to: SocketAddr, follows: Vec<u8>, fields in 0..40_usize,
    ) {
        let (from, to) = match (from.ip(), to.ip()) {
            (IpAddr::V6(_), IpAddr::V4(_)) => (from, (Ipv6Addr::LOCALHOST, to.port()).into()),
            (IpAddr::V4(_), IpAddr::V6(_)) => (from, (Ipv4Addr::LOCALHOST, to.port()).into()),
            _ => (from, to),
        };
        let (word, family) = if from.is_ipv4() { ("TCP4", 0x11) } else { ("TCP6", 0x21) };
        let (source, target) = (from.ip(), to.ip());
        let line = format!("PROXY {word} {source} {target} {} {}\r\n", from.port(), to.port());
        let mut rest = Vec::new();
        for address in [source, target] {
            match address {
                IpAddr::V4(address) => rest.extend(address.octets()),
                IpAddr::V6(address) => rest.extend(address.octets()),
            }
        }
        rest.extend([from.port().to_be_bytes(), to.port().to_be_bytes()].concat());
        rest.extend([0xee, 0, u8::try_from(fields).expect("small")]);
        rest.extend(vec![7; fields]);
        for header in [line.into_bytes(), binary(0x21, family, &rest)] {
            let seen = look(&[&header[..], &follows].concat());
            let from = SocketAddr::new(source, from.port());
            let to = SocketAddr::new(target, to.port());
            let announced = Announced::Tcp { from, to };
            prop_assert_eq!(seen, Ok(Seen::Header { length: header.len(), announced }));
        }
    }

    /// Further bytes never change a verdict.
    #[test]
    fn a_verdict_stays(
        (mut header, _) in prop::sample::select(good()),
        at: prop::sample::Index, byte: u8, follows: Vec<u8>,
    ) {
        let at = at.index(header.len());
        header[at] = byte;
        header.extend(follows);
        let mut before = Ok(Seen::Begun);
        for come in 0..=header.len() {
            let now = look(&header[..come]);
            match (before, now) {
                (Ok(Seen::Begun), _) => {}
                (Err(_), Err(_)) => {}
                _ => prop_assert_eq!(before, now),
            }
            if let Ok(Seen::Header { length, .. }) = now {
                prop_assert!(length <= come.min(HEADER_MAX));
            }
            before = now;
        }
    }
}
