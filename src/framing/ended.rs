//! Messages that end with one byte: lines, `nul`, `cr`.

use memchr::memchr;

use super::store::{Cutter, Ending, Found, Store, carriage_return};

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Ended {
    end: u8,
    /// One carriage return before the end is not part of the message.
    takes_return: bool,
}

impl Ended {
    pub(super) const LINES: Ended = Ended {
        end: b'\n',
        takes_return: true,
    };

    pub(super) fn by(end: u8) -> Ended {
        let takes_return = false;
        Ended { end, takes_return }
    }

    pub(super) fn is_lines(&self) -> bool {
        self.takes_return
    }

    fn returned(&self, gathered: &[u8], piece: &[u8]) -> usize {
        if self.takes_return {
            carriage_return(gathered, piece)
        } else {
            0
        }
    }
}

impl Cutter for Ended {
    fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
        let ending = memchr(self.end, piece).map(|end| Ending {
            used: end + 1,
            strip: 1 + self.returned(&store.gathered, &piece[..end]),
        });
        let tail = self.returned(&store.gathered, piece);
        store.cut(piece, ending, tail)
    }

    fn tail(&self, gathered: &[u8]) -> usize {
        self.returned(gathered, &[])
    }
}
