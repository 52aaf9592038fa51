//! Other protocols, known by the first bytes of a connection, as their specifications have them.

use memchr::memmem;

use super::hint::Hint;

/// A hint, and whether these first bytes of a connection belong to its protocol.
type Signature = (Hint, fn(&[u8]) -> bool);

const SIGNATURES: [Signature; 17] = [
    (Hint::Tls, |first| matches!(first, [0x16, 3, 0..=4, ..])),
    (Hint::Http, is_http),
    (Hint::Ssh, |first| {
        first.starts_with(b"SSH-2.0-") || first.starts_with(b"SSH-1.")
    }),
    (Hint::Proxy, |first| {
        let headers: [&[u8]; 3] = [b"\r\n\r\n\0\r\nQUIT\n", b"PROXY TCP", b"PROXY UNKNOWN"];
        headers.iter().any(|header| first.starts_with(header))
    }),
    (Hint::Utf16, |first| {
        matches!(first, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
    }),
    // IAC WILL, WONT or DO, and an option. IAC DONT could be UTF-16.
    (Hint::Telnet, |first| {
        matches!(first, [0xff, 0xfb..=0xfd, _, ..])
    }),
    // Its flags: bit 0 is always set, and there are three.
    (Hint::Zabbix, |first| {
        matches!(first, [b'Z', b'B', b'X', b'D', 1 | 3 | 5 | 7, ..])
    }),
    (Hint::Fluentd, |first| is_forward(first).unwrap_or(false)),
    // A window of less than 65536 events.
    (Hint::Beats, |first| {
        matches!(first, [b'1' | b'2', b'W', 0, 0, _, _, ..])
    }),
    (Hint::Relp, |first| {
        let rest = first.strip_prefix(b"1 open ").unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let length = length.count();
        length > 0 && rest[length..].starts_with(b" relp_version=")
    }),
    (Hint::Splunk, |first| {
        first.starts_with(b"--splunk-cooked-mode-v")
    }),
    (Hint::Java, |first| first.starts_with(b"\xac\xed\0\x05")),
    (Hint::Gzip, |first| first.starts_with(b"\x1f\x8b\x08")),
    (Hint::Amqp, |first| {
        matches!(first, [b'A', b'M', b'Q', b'P', 0..=3, ..])
    }),
    (Hint::Mqtt, is_mqtt),
    (Hint::Redis, |first| is_redis(first).unwrap_or(false)),
    (Hint::Postgres, is_postgres),
];

/// The protocol that begins with these bytes.
pub(super) fn protocol(first: &[u8]) -> Option<Hint> {
    let found = SIGNATURES.iter().find(|(_, is_it)| is_it(first));
    found.map(|(hint, _)| *hint)
}

/// A method, and the version in the same line; HTTP/2 begins with a line of the method PRI.
fn is_http(first: &[u8]) -> bool {
    const METHODS: [&[u8]; 9] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"PATCH ",
        b"DELETE ",
        b"OPTIONS ",
        b"CONNECT ",
        b"PRI ",
    ];
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or(first);
    let is_request = METHODS.iter().any(|method| first.starts_with(method));
    is_request && memmem::find(line, b" HTTP/").is_some()
}

/// MessagePack: an array of two to four, the tag, and a time or the entries.
fn is_forward(first: &[u8]) -> Option<bool> {
    let (0x92..=0x94, rest) = first.split_first()? else {
        return None;
    };
    let (length, rest) = match rest {
        [short @ 0xa1..=0xbf, rest @ ..] => (short - 0xa0, rest),
        [0xd9, length, rest @ ..] => (*length, rest),
        _ => return None,
    };
    let (tag, rest) = rest.split_at_checked(length.into())?;
    // A number, an event time, an array, or a string or bytes that hold the entries.
    let is_second = matches!(
        rest.first()?,
        0xce | 0xcf | 0xd2 | 0xd3 | 0xd7 | 0xc7 | 0x90..=0x9f | 0xdc | 0xdd
            | 0xa0..=0xbf | 0xd9..=0xdb | 0xc4..=0xc6
    );
    Some(is_second && tag.iter().all(u8::is_ascii_graphic))
}

/// CONNECT, a length of one to four bytes, and the protocol's name.
fn is_mqtt(first: &[u8]) -> bool {
    let [0x10, rest @ ..] = first else {
        return false;
    };
    let more = rest.iter().take(3).take_while(|byte| **byte >= 0x80);
    let rest = rest.get(more.count() + 1..).unwrap_or_default();
    rest.starts_with(b"\0\x04MQTT") || rest.starts_with(b"\0\x06MQIsdp")
}

/// An array of strings, the first of them with its length.
fn is_redis(first: &[u8]) -> Option<bool> {
    let number_line = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        (digits > 0 && bytes[digits..].starts_with(b"\r\n")).then_some(digits + 2)
    };
    let rest = first.strip_prefix(b"*")?;
    let rest = rest[number_line(rest)?..].strip_prefix(b"$")?;
    Some(number_line(rest).is_some())
}

/// The request for TLS or GSSAPI, or the startup message of version 3, which names a user.
fn is_postgres(first: &[u8]) -> bool {
    match first {
        [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f | 0x30, ..] => true,
        [0, 0, _, _, 0, 3, 0, _, name, ..] => name.is_ascii_lowercase(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples for each row of the table.
    const ROWS: [(Hint, &[&[u8]]); SIGNATURES.len()] = [
        (Hint::Tls, &[b"\x16\x03\x01\x02\0\x01"]),
        (
            Hint::Http,
            &[b"GET /metrics HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM"],
        ),
        (Hint::Ssh, &[b"SSH-2.0-OpenSSH_9.2\r\n"]),
        (
            Hint::Proxy,
            &[
                b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
            ],
        ),
        (Hint::Utf16, &[b"\xff\xfeh\0", b"\xfe\xff\0h"]),
        // PuTTY, as a telnet client.
        (Hint::Telnet, &[b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18"]),
        (
            Hint::Zabbix,
            &[b"ZBXD\x01\x4a\0\0\0\0\0\0\0{", b"ZBXD\x03\x20\0\0\0"],
        ),
        (
            Hint::Fluentd,
            &[
                b"\x93\xa3app\xce\x65\x00\x0a\x0a\x81\xa1a\x01",
                b"\x94\xa8app.test\xd7\0\x65\0\0\0\0\0\0\0\x80\xc0",
                b"\x92\xa3app\x91\x92\xce\0\0\0\0\x80",
                b"\x92\xd9\x21tag.of.more.than.thirty.one.bytes\xdc\0\x10",
            ],
        ),
        (Hint::Beats, &[b"2W\0\0\x08\0", b"1W\0\0\0\x0a1D"]),
        (
            Hint::Relp,
            &[b"1 open 85 relp_version=0\nrelp_software=librelp"],
        ),
        (Hint::Splunk, &[b"--splunk-cooked-mode-v3--\0\0\0"]),
        (Hint::Java, &[b"\xac\xed\0\x05sr\0\x21org"]),
        (Hint::Gzip, &[b"\x1f\x8b\x08\0\0\0\0\0\0\x03"]),
        (
            Hint::Amqp,
            &[b"AMQP\0\0\x09\x01", b"AMQP\0\x01\0\0", b"AMQP\x03\x01\0\0"],
        ),
        (
            Hint::Mqtt,
            &[
                b"\x10\x0c\0\x04MQTT\x04\x02",
                b"\x10\x93\x02\0\x04MQTT\x05",
                b"\x10\x0e\0\x06MQIsdp\x03",
            ],
        ),
        (Hint::Redis, &[b"*1\r\n$4\r\nPING\r\n"]),
        (
            Hint::Postgres,
            &[
                b"\0\0\0\x08\x04\xd2\x16\x2f",
                b"\0\0\0\x29\0\x03\0\0user\0me\0",
            ],
        ),
    ];

    #[test]
    fn each_protocol_shows_in_its_first_bytes() {
        for ((hint, examples), (expected, _)) in ROWS.iter().zip(SIGNATURES) {
            assert_eq!(*hint, expected);
            for first in *examples {
                assert_eq!(protocol(first), Some(*hint), "{}", first.escape_ascii());
                // What has not come yet is no mismatch.
                for length in 0..first.len() {
                    let seen = protocol(&first[..length]);
                    assert!(seen.is_none_or(|seen| seen == *hint), "{seen:?}");
                }
            }
        }
    }

    #[test]
    fn text_and_other_protocols_are_none_of_them() {
        for first in [
            &b"GET well soon\n"[..],
            b"2026-11-28 alpha\n",
            b"2Work\n",
            b"2W\n\n\n\n",
            b"1 open door\n",
            b"1 open 85\n",
            b"--splunk\n",
            b"AMQP is a protocol\n",
            b"*1\r\nalpha\r\n",
            b"*** alpha\n",
            b"ZBXD\n",
            b"\x10alpha\n",
            b"\x92\xa4 price\n",
            b"\x93quoted\x94\n",
            b"\x94\xa3a b\xce\n",
            b"\xff\n",
            b"\xc3\xbfa\n",
            b"\x1f\n",
            b"\0\0\0\x10\0\x03\0\0\0\0\0\x01",
            b"\0\0\x01\xf6\x80\x04\x95",
            b"\0\x0c\x12\x34\x01\0\0\x01",
        ] {
            assert_eq!(protocol(first), None, "{}", first.escape_ascii());
        }
    }
}
