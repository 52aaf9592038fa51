//! A time in eight bytes, where [`Instant`] takes sixteen.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The first time that was asked for.
static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// See the head of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Nanoseconds after the base, or before it if they are negative: enough for 292 years.
    after: i64,
}

impl Moment {
    pub(super) fn of(instant: Instant) -> Moment {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let before = nanos(BASE.saturating_duration_since(instant));
        let after = nanos(instant.saturating_duration_since(*BASE));
        Moment {
            after: after - before,
        }
    }

    pub(super) fn instant(self) -> Instant {
        let distance = Duration::from_nanos(self.after.unsigned_abs());
        match self.after < 0 {
            true => *BASE - distance,
            false => *BASE + distance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_time() {
        let base = *BASE;
        for seconds in [0, 1, 1_000_000_000] {
            let distance = Duration::new(seconds, 1);
            let earlier = base.checked_sub(distance);
            for instant in earlier.into_iter().chain([base, base + distance]) {
                assert_eq!(Moment::of(instant).instant(), instant);
            }
        }
    }
}
