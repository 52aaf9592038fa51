//! Ctrl-C: the first one ends the sending and shows the result so far, the second one ends the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::exit::{self, Failure};
use crate::cli::signals;
use crate::error::start_advice;

/// How long the run waits for outstanding replies after the first one.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// Whether it was pressed; shared by all threads of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// The sending has begun, so there is a result.
    has_begun: AtomicBool,
    is_pressed: AtomicBool,
}

impl Interrupt {
    /// Makes SIGINT, SIGTERM and SIGHUP press it. Call before other threads are started.
    pub(crate) fn listen(&self) -> Result<(), Failure> {
        signals::respect_nohup();
        let interrupt = self.clone();
        let press = move || {
            if interrupt.press() {
                std::process::exit(exit::INTERRUPTED.into());
            }
        };
        signals::pass_on(press)
            .map_err(|error| Failure::Failed(format!("cannot start: {}", start_advice(&error))))
    }

    /// Notes that the sending begins.
    pub(crate) fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Relaxed);
    }

    /// Ends the sending; answers whether the run must end at once, because nothing was sent yet or
    /// this is the second time.
    pub(crate) fn press(&self) -> bool {
        let was_pressed = self.0.is_pressed.swap(true, Ordering::Relaxed);
        was_pressed || !self.0.has_begun.load(Ordering::Relaxed)
    }

    /// Whether the sending has ended.
    pub(crate) fn is_pressed(&self) -> bool {
        self.0.is_pressed.load(Ordering::Relaxed)
    }
}
