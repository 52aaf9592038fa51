//! The watch: one thread that looks in about once a millisecond while there is work, and sleeps
//! while there is none.
//!
//! It calls in another worker when workers serve but no turn has ended since its last look (a
//! handler blocks), wakes connections whose deadline has come, and enforces the drain's deadline.

use std::time::{Duration, Instant};

use crate::connection::deadlines::Notify;

/// Between two looks while there is work.
const TICK: Duration = Duration::from_millis(1);
/// While all turns are quick and end: nothing is likely to need it, and each look takes a little of
/// the core that serves.
const SMOOTH_TICK: Duration = Duration::from_millis(3);
/// Looks without any work before it sleeps: waking it costs more than a few looks.
const QUIET_TICKS: u32 = 50;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is work: look again soon.
    Work,
    /// There is work, and it goes well.
    Smooth,
    /// There is none.
    Quiet,
    /// There never will be again.
    Over,
}

/// The watch's life. `look` does the work; `may_sleep` says whether work will ring the bell, and
/// the next time at which something is due.
pub(crate) fn keep(
    notify: &Notify,
    mut look: impl FnMut(Instant) -> Look,
    may_sleep: impl Fn() -> Option<Option<Instant>>,
) {
    let mut quiet = 0;
    loop {
        let found = look(Instant::now());
        match found {
            Look::Over => return,
            Look::Work | Look::Smooth => quiet = 0,
            Look::Quiet => quiet += 1,
        }
        if quiet >= QUIET_TICKS
            && let Some(due) = may_sleep()
        {
            notify.wait(due);
            quiet = 0;
            continue;
        }
        let pause = if found == Look::Smooth {
            SMOOTH_TICK
        } else {
            TICK
        };
        notify.wait(Some(Instant::now() + pause));
    }
}
