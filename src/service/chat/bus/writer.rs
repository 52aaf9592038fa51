//! The thread that writes what a worker can't: it opens the connection, sends what is long, reads
//! the replies, and sends an entry again that was refused or lost.
//!
//! A thread of its own, since it waits for the server, and a worker must not. Mostly it sleeps: who
//! has something to say [sends](Port::send) it, and the reader sends what has come meanwhile. An
//! entry that has no answer may or may not be in the stream; so it is sent again under the same
//! number, and readers drop the copy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::redis::failure::Failure;
use crate::redis::primary;
use crate::redis::resp::Reply;
use crate::redis::url::Target;
use crate::service::chat::port::line::{Lent, Wire};
use crate::service::chat::port::{Figures, Port};

/// A daemon that has nothing to say says so after this time.
pub(super) const ALIVE_EACH: Duration = Duration::from_secs(4);
/// Between two looks at the replies.
const LOOK: Duration = Duration::from_millis(500);
/// Within this time the server has answered.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// An entry that was not read back by then is sent again.
const LANDS_WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(100);

/// See the head of the file.
pub(super) struct Writer {
    pub(super) port: Arc<Port>,
    pub(super) target: Arc<Target>,
}

impl Writer {
    pub(super) fn run(self) {
        let mut is_told = false;
        while !self.port.is_ending() {
            self.port.queue.await_call(LOOK);
            match self.look() {
                Ok(true) if std::mem::take(&mut is_told) => {
                    info!(bus = self.port.name, "what people say is written again");
                }
                Ok(_) => {}
                Err(failure) => {
                    if !std::mem::replace(&mut is_told, true) {
                        warn!(bus = self.port.name, "what people say waits: {failure}");
                    }
                    self.port.pause(RETRY);
                    self.port.queue.call_writer();
                }
            }
        }
    }

    /// Sends what is left to this thread, and reads the replies; `true` if there were any.
    fn look(&self) -> Result<bool, Failure> {
        let Port { queue, line, .. } = &*self.port;
        queue.keep_alive(ALIVE_EACH);
        let mut wire = match line.take() {
            Lent::Wire(wire) => wire,
            Lent::Closed if queue.has_to_send() => self.open()?,
            Lent::Closed | Lent::Taken => return Ok(false),
        };
        let answered = self.send_all(&mut wire);
        match &answered {
            // One that has ended while nothing was said is opened again by what is said next.
            Ok(_) if !wire.link.has_ended() => line.put(wire),
            Ok(_) => line.close(),
            Err(_) => {
                line.close();
                queue.unsent();
            }
        }
        self.port.send();
        answered
    }

    fn open(&self) -> Result<Box<Wire>, Failure> {
        let link = primary::connect(&self.target.server)?;
        Figures::count(&self.port.figures.reconnects, 1);
        Ok(Box::new(Wire { link, owed: 0 }))
    }

    fn send_all(&self, wire: &mut Wire) -> Result<bool, Failure> {
        let mut answered = false;
        let mut deadline = Instant::now() + ANSWER_MAX;
        loop {
            while wire.owed > 0 {
                wire.link.reply(deadline, |reply| match reply {
                    Reply::Error(text) => Err(Failure::refused(text)),
                    _ => Ok(()),
                })??;
                wire.owed -= 1;
                answered = true;
            }
            // What has not come back is sent again, and so is what the server has lost.
            let Some(parcel) = self.port.queue.to_send(LANDS_WITHIN) else {
                return Ok(answered);
            };
            if parcel.is_again {
                Figures::count(&self.port.figures.resent, 1);
            }
            deadline = Instant::now() + ANSWER_MAX;
            wire.link.send(&self.port.command(&parcel), deadline)?;
            wire.owed += 1;
            self.port.queue.sent(&parcel);
        }
    }
}
