//! Panics in the log: a line for each place, at most ten places, for any number of panics.

use std::panic::PanicHookInfo;
use std::time::Instant;

use parking_lot::Mutex;

use crate::scheduler::pool;
use crate::series::{Series, Told};

static PLACES: Mutex<Series<String>> = Mutex::new(Series::new());

/// The panic hook.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    if pool::is_starting() {
        return;
    }
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let says = panic.payload_as_str().unwrap_or("no message");
    // By itself, so that the lock is not kept until the line is written.
    let told = PLACES.lock().happened(place.clone(), Instant::now());
    if let Some(told) = told {
        write(&place, says, told);
    }
}

/// `message` would be the name of the line's own text.
pub(super) fn write(place: &str, says: &str, told: Told) {
    let (earlier, again) = (told.earlier(), if told.is_new { "" } else { " again" });
    tracing::error!(place, says, earlier, "panic{again}");
}
