//! The accept rate.

use std::time::{Duration, Instant};

/// So many clients a second, a tenth of a second's worth at once.
pub(super) struct Pace {
    each: Duration,
    burst: Duration,
    /// When the clients let in so far would all have come, had they come evenly.
    even: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: u32) -> Pace {
        let each = Duration::from_secs(1) / rate.max(1);
        Pace {
            each,
            burst: Duration::from_millis(100).max(each),
            even: None,
        }
    }

    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let earliest = (self.even? + self.each).checked_sub(self.burst)?;
        (earliest > now).then(|| earliest - now)
    }

    pub(super) fn take(&mut self, now: Instant) {
        self.even = Some(self.even.map_or(now, |even| even.max(now)) + self.each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_lets_a_burst_through_and_then_the_rate() {
        let mut pace = Pace::new(100);
        let begin = Instant::now();
        // However long nobody came in between, that saves up nothing.
        for begin in [begin, begin + Duration::from_secs(60)] {
            let mut now = begin;
            let mut let_in = 0;
            while now < begin + Duration::from_secs(2) {
                match pace.pause(now) {
                    Some(pause) => now += pause,
                    None => {
                        pace.take(now);
                        let_in += 1;
                    }
                }
            }
            assert!((200..=211).contains(&let_in), "{let_in}");
        }
    }
}
