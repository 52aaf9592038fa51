//! The accept rate.

use std::time::{Duration, Instant};

/// This many clients a second, in bursts of a tenth of a second's amount.
pub(super) struct Pace {
    each: Duration,
    burst: Duration,
    /// When the clients so far would all have come if they came evenly.
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
        // A pause of any length saves up no more than the burst.
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
