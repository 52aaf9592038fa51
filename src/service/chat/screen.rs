//! The console's output, bounded, until it is printed.

use parking_lot::Mutex;

use crate::service::chat::grammar;

/// Maximum bytes that wait to be printed; further lines are counted and left out.
const WAITING_MAX: usize = 256 * 1024;

/// See the head of the file.
pub(super) struct Screen {
    waiting: Mutex<Waiting>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    left_out: u64,
}

impl Screen {
    /// `wake` is called when there is something to print; it must not block.
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Screen {
        Screen {
            waiting: Mutex::default(),
            wake: Box::new(wake),
        }
    }

    pub(super) fn show(&self, lines: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.bytes.len() + lines.len() > WAITING_MAX {
            waiting.left_out += 1;
            return;
        }
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(lines);
        drop(waiting);
        if first {
            (self.wake)();
        }
    }

    /// Takes what waits.
    pub(super) fn take(&self) -> Vec<u8> {
        let mut waiting = std::mem::take(&mut *self.waiting.lock());
        if waiting.left_out > 0 {
            let text = format!("{} turns were left out here", waiting.left_out);
            let line = grammar::notice(None, text);
            waiting.bytes.extend_from_slice(line.as_bytes());
        }
        waiting.bytes
    }
}
