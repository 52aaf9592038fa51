//! Ctrl-C: the first one ends the sending and shows what was measured until then, the second one
//! ends it all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::exit::{self, Failure};
use crate::cli::signals;

/// How long what is on its way when the first one comes is waited for.
pub const GRACE: Duration = Duration::from_secs(3);

/// Whether it was pressed. It is one for all threads of a run.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Something is sent, so there is something to show.
    has_begun: AtomicBool,
    is_pressed: AtomicBool,
}

impl Interrupt {
    /// From now on SIGINT, SIGTERM and SIGHUP press it. Before other threads are started.
    pub fn listen(&self) -> Result<(), Failure> {
        signals::respect_nohup();
        let interrupt = self.clone();
        let press = move || {
            if interrupt.press() {
                std::process::exit(exit::INTERRUPTED.into());
            }
        };
        signals::pass_on(press).map_err(|error| Failure::Failed(error.to_string()))
    }

    /// The sending begins.
    pub fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
    }

    /// Ends the sending; whether all is to end at once, because nothing is sent yet or it is the
    /// second time.
    pub fn press(&self) -> bool {
        let was_pressed = self.0.is_pressed.swap(true, Ordering::Relaxed);
        was_pressed || !self.0.has_begun.load(Ordering::Relaxed)
    }

    /// Whether nothing more is to be sent.
    pub fn is_pressed(&self) -> bool {
        self.0.is_pressed.load(Ordering::Relaxed)
    }
}
