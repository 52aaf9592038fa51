//! Checks the output of a receiving server: all messages of each client, once, in order.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::file_checker::{Expected, FileChecker, Finding};
use super::message::WORD;

/// The text before a message in the format for people.
const LABEL: &[u8] = b"Message from ";
/// The shape of the time before it.
const TIME: &[u8] = b"0000-00-00T00:00:00.000Z ";
/// A message at its longest, and its envelope, escaped.
const LINE_MAX: u64 = 64 << 20;

/// Checks a file; `-` is standard input.
pub(crate) fn check(path: &Path, expected: &Expected) -> io::Result<Finding> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), expected);
    }
    read(
        BufReader::with_capacity(1 << 18, File::open(path)?),
        expected,
    )
}

fn read(mut lines: impl BufRead, expected: &Expected) -> io::Result<Finding> {
    let mut checker = FileChecker::new(expected);
    let mut line = Vec::new();
    while lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match message(text.strip_suffix(b"\r").unwrap_or(text)) {
            Some(message) => checker.enter(&message),
            None => checker.pass_over(),
        }
        line.clear();
    }
    Ok(checker.close())
}

/// The message in a line: after a label with the sender, in JSON, or bare.
fn message(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        message: String,
    }
    if line.starts_with(b"{") {
        // A line that can't be parsed may be a damaged message: then it counts as that.
        let whole: Cow<'_, [u8]> = match serde_json::from_slice::<Envelope>(line) {
            Ok(envelope) => envelope.message.into_bytes().into(),
            Err(_) => line.into(),
        };
        return memchr::memmem::find(&whole, WORD).map(|_| whole);
    }
    let line = untimed(line);
    let start = memchr::memmem::find(line, WORD)?;
    let labelled = line.starts_with(LABEL) && line[..start].ends_with(b": ");
    // Any other text before it is damage, and must stay visible as that.
    Some(line[if labelled { start } else { 0 }..].into())
}

/// A line of `recv --time` without its time.
fn untimed(line: &[u8]) -> &[u8] {
    let timed = line.split_at_checked(TIME.len());
    let timed = timed.filter(|(time, rest)| {
        let fits = |(have, want): (&u8, &u8)| match want {
            b'0' => have.is_ascii_digit(),
            mark => have == mark,
        };
        time.iter().zip(TIME).all(fits) && rest.starts_with(LABEL)
    });
    timed.map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::message::Shape;
    use super::*;

    fn line(client: u64, seq: u64) -> String {
        let shape = Shape::new("r1", 40, 99, 99).unwrap();
        let mut slot = shape.slots(1);
        shape.render(client, seq, &mut slot);
        String::from_utf8(slot).unwrap()
    }

    /// Messages, clients, faults.
    fn found(text: &str, expected: Expected) -> (u64, u64, [u64; 4]) {
        let finding = read(text.as_bytes(), &expected).unwrap();
        let account = finding.account;
        (account.received, finding.clients, account.faults())
    }

    fn of(clients: u64, messages: u64) -> Expected {
        Expected {
            clients: Some(clients),
            messages: Some(messages),
            ..Expected::default()
        }
    }

    #[test]
    fn all_three_formats_are_read() {
        let people = format!("Message from 127.0.0.1:51234: {}", line(0, 0));
        let json = json!({"from": "[::1]:9", "message": line(0, 1).trim_end()});
        let text = format!("listening\n{people}{json}\n{}", line(0, 2));
        assert_eq!(found(&text, of(1, 3)), (3, 1, [0, 0, 0, 0]));
        assert_eq!(read(text.as_bytes(), &of(1, 3)).unwrap().other, 1);
    }

    #[test]
    fn a_time_before_the_label_is_no_damage() {
        let time = "2026-11-29T15:09:27.123Z";
        let label = "Message from 127.0.0.1:51234: ";
        let text = format!("{time} {label}{}", line(0, 0));
        assert_eq!(found(&text, of(1, 1)), (1, 1, [0, 0, 0, 0]));
        for before in [format!("{time} "), format!("{time}{label}"), time.into()] {
            let text = format!("{before}{}", line(0, 0));
            assert_eq!(found(&text, of(1, 1)).2, [0, 0, 0, 1], "{before}");
        }
    }

    #[test]
    fn each_client_has_its_own_sequence() {
        let order = [(0, 0), (1, 0), (1, 1), (0, 2), (0, 1), (1, 1), (2, 0)];
        let text: String = order
            .into_iter()
            .map(|(client, seq)| line(client, seq))
            .collect();
        assert_eq!(found(&text, of(3, 3)), (6, 3, [3, 1, 1, 0]));
        assert_eq!(found(&text, of(5, 3)), (6, 3, [9, 1, 1, 0]));
        assert_eq!(found(&text, Expected::default()), (6, 3, [0, 1, 1, 0]));
    }

    #[test]
    fn a_damaged_line_is_not_lost_besides() {
        let text = format!(
            "{}{}{}",
            line(0, 0),
            line(0, 1).replace("xyz", "xz"),
            line(0, 2)
        );
        assert_eq!(found(&text, of(1, 3)), (2, 1, [0, 0, 0, 1]));
        let joined = format!("{}{}", line(0, 0).trim_end(), line(0, 1));
        assert_eq!(found(&joined, of(1, 2)), (0, 0, [1, 0, 0, 1]));
    }

    #[test]
    fn in_a_run_that_was_cut_only_holes_are_lost() {
        let cut = Expected {
            cut: true,
            ..of(3, 9)
        };
        let text = format!(
            "{}{}{}{}",
            line(0, 0),
            line(1, 0),
            line(1, 3),
            &line(0, 1)[..22]
        );
        assert_eq!(found(&text, cut), (3, 2, [2, 0, 0, 0]));
    }
}
