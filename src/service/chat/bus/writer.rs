//! The thread that writes: it takes what waits as one entry, and sends it until it is read back.
//!
//! A thread of its own, since it waits for the server, and a worker must not. An entry that has no
//! answer may or may not be in the stream; so it is sent again under the same number, and readers
//! drop the copy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::redis::failure::Failure;
use crate::redis::link::Link;
use crate::redis::primary;
use crate::redis::resp::Reply;
use crate::redis::url::Target;
use crate::service::chat::port::act;
use crate::service::chat::port::queue::Parcel;
use crate::service::chat::port::{Figures, Port};

/// A daemon that has nothing to say says so after this time.
pub(super) const ALIVE_EACH: Duration = Duration::from_secs(4);
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
    pub(super) keep: u64,
    pub(super) link: Option<Link>,
    /// The last entry that was sent.
    pub(super) sent: Option<(Arc<str>, u64)>,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut is_told = false;
        while let Some(parcel) = self.port.queue.next(ALIVE_EACH) {
            if let Err(failure) = self.deliver(&parcel) {
                self.link = None;
                if !std::mem::replace(&mut is_told, true) {
                    warn!(bus = self.port.name, "what people say waits: {failure}");
                }
                self.port.pause(RETRY);
            } else if std::mem::take(&mut is_told) {
                info!(bus = self.port.name, "what people say is written again");
            }
            if self.port.is_ending() {
                return;
            }
        }
    }

    /// Sends an entry, and waits until it is read back.
    fn deliver(&mut self, parcel: &Parcel) -> Result<(), Failure> {
        let link = match &mut self.link {
            Some(link) => link,
            None => {
                let link = primary::connect(&self.target.server)?;
                Figures::count(&self.port.figures.reconnects, 1);
                self.link.insert(link)
            }
        };
        let Parcel { run, number, acts } = parcel;
        let this = (Arc::clone(run), *number);
        if self.sent.replace(this.clone()) == Some(this) {
            Figures::count(&self.port.figures.resent, 1);
        }
        let command = act::add(self.target.name(), self.keep, run, *number, acts);
        let deadline = Instant::now() + ANSWER_MAX;
        link.send(&command, deadline)?;
        link.reply(deadline, |reply| match reply {
            Reply::Error(text) => Err(Failure::refused(text)),
            _ => Ok(()),
        })??;
        // If it has not come by then, it is sent again, and so is what the server has lost.
        self.port.queue.await_landing(parcel, LANDS_WITHIN);
        Ok(())
    }
}
