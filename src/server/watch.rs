//! The watch: one thread that checks the server about once a millisecond while there is work, and
//! sleeps while there is none.
//!
//! It calls in another worker when no turn has ended since its last check (a handler blocks), wakes
//! connections whose deadline has come, and enforces the drain's deadline.

use std::time::{Duration, Instant};

use crate::connection::deadlines::Notify;

/// Between two checks while there is work.
const TICK: Duration = Duration::from_millis(1);
/// The same while all turns are quick and end: the watch is hardly needed then, and each check
/// takes a little of the core that serves.
const SMOOTH_TICK: Duration = Duration::from_millis(3);
/// Checks without any work before it sleeps: waking it costs more than a few checks.
const QUIET_TICKS: u32 = 50;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is work: check again soon.
    Work,
    /// There is work, and turns are quick.
    Smooth,
    /// There is no work.
    Quiet,
    /// There will be no more work.
    Over,
}

/// Runs the watch. `look` makes a check; `may_sleep` says whether work will call `notify`, and when
/// the next deadline is due.
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
