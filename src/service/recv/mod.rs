//! Recv: prints every message with its sender, and answers with nothing but acknowledgements.
//!
//! A turn's messages are formatted into the worker's own buffer and passed to the [`Output`] in one
//! piece, so lines from many workers never interleave and a connection's lines keep their order.

mod format;
mod json;
mod named;
mod output;
mod printed;
mod record;
mod remote;
mod sink;
mod stamp;
mod standstill;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use format::Format;
pub use output::Output;
pub(crate) use printed::{Printed, print};
pub(crate) use remote::StreamWriter;
pub use remote::{RemoteFigures, RemoteOutput, is_remote};
pub use sink::{Durability, Holds};

use super::{Client, Message, Messages, Outlet, Reply, Service, Tail, Verdict};
use crate::framing::Framing;
use format::Label;
use stamp::Stamp;

/// Formatted bytes at which a piece is passed on before the turn's end.
const BATCH_MAX: usize = 256 * 1024;

/// How long a client that moves to another process waits for the output.
const MOVE_WITHIN: Duration = Duration::from_millis(500);

/// Whether clients get acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// No acknowledgements.
    Never,
    /// `ack N` when each turn's messages are out: N of this connection's messages are safe. With
    /// [`Overlong::Drop`](crate::Overlong::Drop), N leaves out those that are dropped.
    Safe,
}

/// Prints messages. See the head of the module.
pub struct Recv {
    output: Arc<Output>,
    format: Format,
    acknowledge: Acknowledge,
}

/// A client's session.
pub struct Sender {
    label: Label,
    safe: u64,
}

thread_local! {
    static BATCH: RefCell<Batch> = const { RefCell::new(Batch::EMPTY) };
}

/// A worker's own buffers, and the time of the lines in them.
struct Batch {
    lines: Vec<u8>,
    /// What stands before each message.
    before: Vec<u8>,
    now: Stamp,
}

impl Batch {
    const EMPTY: Batch = Batch {
        lines: Vec::new(),
        before: Vec::new(),
        now: Stamp::ZERO,
    };
}

impl Recv {
    /// Prints to `output` in the given format.
    pub fn new(output: Arc<Output>, format: Format, acknowledge: Acknowledge) -> Recv {
        Recv {
            output,
            format,
            acknowledge,
        }
    }

    /// Passes the formatted lines on; waits until they are safe if the client gets
    /// acknowledgements.
    fn hand_over(&self, safe: &mut u64, batch: &mut Vec<u8>, count: &mut u64) {
        if *count > 0 {
            let place = self.output.submit(batch, *count);
            if self.acknowledge == Acknowledge::Safe && self.output.wait_until_safe(place) {
                *safe += *count;
            }
        }
        batch.clear();
        *count = 0;
    }
}

/// Acknowledges `safe` messages: in the client's framing, or as a line if that framing has nothing
/// between messages.
fn acknowledge(safe: u64, reply: &mut Reply<'_>) {
    let text = acknowledgement(safe);
    match reply.framing() {
        Framing::Json | Framing::Pri | Framing::Raw => reply.send_raw(text + "\n"),
        _ => reply.send(text),
    }
}

/// The text of an acknowledgement.
pub(crate) fn acknowledgement(safe: u64) -> String {
    format!("ack {safe}")
}

impl Service for Recv {
    type Session = Sender;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Sender {
        Sender {
            label: Label::new(self.format, client),
            safe: 0,
        }
    }

    fn message(&self, sender: &mut Sender, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        let (mut before, mut lines) = (Vec::new(), Vec::new());
        let mut now = Stamp::ZERO;
        now.set(SystemTime::now());
        let before = sender.label.before(self.format, "id", &now, &mut before);
        format::line(self.format, before, message, &mut lines);
        self.hand_over(&mut sender.safe, &mut lines, &mut 1);
        Verdict::Go
    }

    fn batch(
        &self,
        sender: &mut Sender,
        messages: &mut Messages<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict {
        let Sender { label, safe } = sender;
        let safe_before = *safe;
        BATCH.with_borrow_mut(|Batch { lines, before, now }| {
            lines.clear();
            if self.format.has_time() {
                now.set(SystemTime::now());
            }
            let before = label.before(self.format, "id", now, before);
            let mut count = 0;
            while let Some(message) = messages.next_message() {
                format::line(self.format, before, message, lines);
                count += 1;
                if lines.len() >= BATCH_MAX {
                    self.hand_over(safe, lines, &mut count);
                }
            }
            self.hand_over(safe, lines, &mut count);
            // A single huge batch is not kept for the thread's life.
            lines.shrink_to(2 * BATCH_MAX);
        });
        if *safe > safe_before {
            acknowledge(*safe, reply);
        }
        Verdict::Go
    }

    fn session_form(&self) -> Option<&'static str> {
        Some("recv 1")
    }

    fn write_session(&self, sender: &mut Sender, written: &mut Vec<u8>) -> bool {
        written.extend_from_slice(&sender.safe.to_le_bytes());
        // The other process writes to the same output.
        self.output.wait_until_written(MOVE_WITHIN)
    }

    fn read_session(&self, client: &Client, written: &[u8]) -> Option<Sender> {
        let safe = u64::from_le_bytes(written.try_into().ok()?);
        let label = Label::new(self.format, client);
        Some(Sender { label, safe })
    }

    fn tail(&self) -> Tail {
        Tail::Deliver
    }

    fn tick(&self, now: Instant) -> Option<Instant> {
        self.output.look(now)
    }

    fn outlet(&self) -> Option<Outlet> {
        Some(self.output.outlet())
    }

    fn finish(&self, deadline: Instant) -> u64 {
        self.output.finish(deadline)
    }
}
