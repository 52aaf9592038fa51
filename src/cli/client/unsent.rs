//! Typed lines that the server has not taken.

use std::io::{self, Write};

use socket2::Socket;

/// The chat's commands to leave.
const QUITS: [&[u8]; 3] = [b"/quit", b"/exit", b"/bye"];

/// Lines to send. A line that is cut by a lost connection is sent again, whole.
#[derive(Default)]
pub(crate) struct Unsent {
    /// Begins with the line that is not sent whole yet.
    bytes: Vec<u8>,
    /// How much of it is sent.
    gone: usize,
    /// A `/quit` was typed: the end is expected, and no other connection wanted.
    pub(crate) has_quit: bool,
}

impl Unsent {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.gone
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a lost connection loses nothing: at most a `/quit`.
    pub(crate) fn is_said(&self) -> bool {
        let mut lines = self.bytes.split(|byte| *byte == b'\n');
        lines.all(|line| line.is_empty() || is_quit(line))
    }

    pub(crate) fn add(&mut self, lines: &[u8]) {
        self.has_quit |= lines.split(|byte| *byte == b'\n').any(is_quit);
        self.bytes.extend_from_slice(lines);
    }

    /// Writes as much as the server takes now.
    pub(crate) fn write_to(&mut self, mut socket: &Socket) -> io::Result<()> {
        while !self.is_empty() {
            match socket.write(&self.bytes[self.gone..]) {
                Ok(length) => self.gone += length,
                Err(error) if is_for_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        let whole = memchr::memrchr(b'\n', &self.bytes[..self.gone]);
        let whole = whole.map_or(0, |end| end + 1);
        self.bytes.drain(..whole);
        self.gone -= whole;
        Ok(())
    }

    /// Goes back to the begin of a line, for the next connection.
    pub(crate) fn begin_line_again(&mut self) {
        self.gone = 0;
    }
}

fn is_quit(line: &[u8]) -> bool {
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    QUITS.iter().any(|quit| word.eq_ignore_ascii_case(quit))
}

pub(crate) fn is_for_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn nothing_is_lost_with_a_quit_alone() {
        let mut unsent = Unsent::default();
        assert!(unsent.is_said() && !unsent.has_quit);
        unsent.add(b"/quit so long\n");
        assert!(unsent.is_said() && unsent.has_quit);
        unsent.add(b"one more\n");
        assert!(!unsent.is_said());
    }

    #[test]
    fn a_line_that_was_cut_is_sent_again_whole_and_no_other() {
        let pair = Socket::pair(Domain::UNIX, Type::STREAM, None);
        let (ours, _theirs) = pair.expect("a socket pair");
        ours.set_nonblocking(true).expect("a socket");
        let mut unsent = Unsent::default();
        unsent.add(b"first\n");
        let long = [vec![b'x'; 8 << 20], b"\n".to_vec()].concat();
        unsent.add(&long);
        unsent.write_to(&ours).expect("it is read");
        assert!(!unsent.is_empty() && unsent.len() < long.len(), "cut in it");
        unsent.begin_line_again();
        assert_eq!(unsent.len(), long.len());
    }
}
