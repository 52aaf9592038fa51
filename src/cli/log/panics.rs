//! Panics in the log: one line for each place, however often it panics.

use std::panic::PanicHookInfo;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Without another panic there for this long, the next one is told again.
const QUIET: Duration = Duration::from_secs(5);
/// Places that are remembered; the one that was quiet for longest is forgotten first.
const PLACES_MAX: usize = 64;

struct Place {
    name: String,
    last: Instant,
    /// Not told since the last one that was.
    untold: u64,
}

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// The panic hook.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("no message");
    // Not in the match, which would keep the lock until the line is written.
    let untold = count(&mut PLACES.lock(), &place, Instant::now());
    match untold {
        None => {}
        Some(0) => tracing::error!(place, message, "panic"),
        Some(untold) => tracing::error!(place, message, untold, "panic again"),
    }
}

/// Whether this panic is told, and how many were not before it.
fn count(places: &mut Vec<Place>, name: &str, now: Instant) -> Option<u64> {
    if let Some(place) = places.iter_mut().find(|place| place.name == name) {
        let quiet = now.saturating_duration_since(place.last);
        place.last = now;
        if quiet < QUIET {
            place.untold += 1;
            return None;
        }
        return Some(std::mem::take(&mut place.untold));
    }
    if places.len() >= PLACES_MAX {
        let oldest = (0..places.len()).min_by_key(|index| places[*index].last);
        oldest.map(|index| places.swap_remove(index));
    }
    places.push(Place {
        name: name.to_owned(),
        last: now,
        untold: 0,
    });
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_once_until_it_was_quiet() {
        let mut places = Vec::new();
        let begin = Instant::now();
        let mut at =
            |name: &str, seconds| count(&mut places, name, begin + Duration::from_secs(seconds));
        assert_eq!(at("a.rs:1", 0), Some(0));
        assert_eq!(at("a.rs:1", 4), None);
        assert_eq!(at("a.rs:1", 8), None);
        assert_eq!(at("b.rs:1", 8), Some(0));
        assert_eq!(at("a.rs:1", 13), Some(2));
        assert_eq!(at("a.rs:1", 14), None);
        for other in 0..200 {
            assert_eq!(at(&format!("c.rs:{other}"), 20), Some(0));
        }
        assert_eq!(places.len(), PLACES_MAX);
    }
}
