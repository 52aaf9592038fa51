//! Parses a message, without knowledge of what was sent.

use super::message::{RUN_MAX, WORD, padding};

/// The result for a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// A whole message, undamaged; `size` counts the newline.
    Whole {
        run: &'a [u8],
        client: u64,
        seq: u64,
        size: usize,
    },
    /// The beginning of a message, undamaged as far as it goes.
    Cut,
    /// Nothing that was ever sent.
    Damaged,
}

/// Parses a line, without its newline.
pub(crate) fn parse(line: &[u8]) -> Parsed<'_> {
    read(line).unwrap_or_else(|fault| fault)
}

fn read(line: &[u8]) -> Result<Parsed<'_>, Parsed<'_>> {
    if !line.starts_with(WORD) {
        return Err(if WORD.starts_with(line) {
            Parsed::Cut
        } else {
            Parsed::Damaged
        });
    }
    let (run, at) = field(line, WORD.len(), RUN_MAX, u8::is_ascii_alphanumeric)?;
    let (client, at) = field(line, at, 20, u8::is_ascii_digit)?;
    let (seq, at) = field(line, at, 20, u8::is_ascii_digit)?;
    let ended = line.len() > at && line.ends_with(b".");
    let end = line.len() - usize::from(ended);
    if (at..end).any(|i| line[i] != padding(i)) {
        return Err(Parsed::Damaged);
    }
    if !ended {
        return Err(Parsed::Cut);
    }
    let (client, seq) = (number(client)?, number(seq)?);
    Ok(Parsed::Whole {
        run,
        client,
        seq,
        size: line.len() + 1,
    })
}

/// The field that begins at `at` and ends with a space, and where the next begins.
fn field(
    line: &[u8],
    at: usize,
    max: usize,
    fits: fn(&u8) -> bool,
) -> Result<(&[u8], usize), Parsed<'_>> {
    let rest = &line[at..];
    let len = rest.iter().take_while(|byte| fits(byte)).count();
    match rest.get(len) {
        _ if len > max => Err(Parsed::Damaged),
        Some(b' ') if len > 0 => Ok((&rest[..len], at + len + 1)),
        Some(_) => Err(Parsed::Damaged),
        None => Err(Parsed::Cut),
    }
}

fn number(digits: &[u8]) -> Result<u64, Parsed<'static>> {
    str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Parsed::Damaged)
}

#[cfg(test)]
mod tests {
    use super::super::message::Shape;
    use super::*;

    #[test]
    fn a_message_is_read_back() {
        let shape = Shape::new("c0ffee", 64, 99, 100_000).unwrap();
        let mut slot = shape.slots(1);
        shape.render(17, 4711, &mut slot);
        assert_eq!(slot.len(), 64);
        assert!(slot.starts_with(b"flood c0ffee 17 4711 vwxyz"));
        let line = slot.strip_suffix(b"\n").unwrap();
        let whole = Parsed::Whole {
            run: b"c0ffee",
            client: 17,
            seq: 4711,
            size: 64,
        };
        assert_eq!(parse(line), whole);
        for end in 0..line.len() {
            assert_eq!(parse(&line[..end]), Parsed::Cut, "{end}");
        }
        for at in 0..line.len() {
            let mut hurt = line.to_vec();
            hurt.remove(at);
            assert_ne!(parse(&hurt), whole, "{at}");
        }
    }

    #[test]
    fn the_least_size_is_enough() {
        let least = Shape::new("ab", 1, 100, 1000).unwrap_err();
        let shape = Shape::new("ab", least, 100, 1000).unwrap();
        let mut slot = shape.slots(1);
        shape.render(100, 1000, &mut slot);
        assert!(matches!(
            parse(&slot[..least - 1]),
            Parsed::Whole {
                client: 100,
                seq: 1000,
                ..
            }
        ));
    }
}
