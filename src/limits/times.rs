//! Time limits of a connection, and the rate at which a client may send.

use std::time::{Duration, Instant};

/// Time limits of one connection. All are off unless set: a device that is quiet for a week is
/// still a client. TCP itself finds dead peers (keepalive).
///
/// Each is at most 100 years. Later versions may have more fields. None of them acts while a
/// [`StreamService`](crate::StreamService) has the stream: it sets its own, see
/// [`Stream`](crate::Stream).
///
/// ```
/// use std::time::Duration;
///
/// use poold::{Options, Times};
///
/// let idle = Some(Duration::from_secs(60));
/// let times = Times { idle, ..Default::default() };
/// let options = Options { times, ..Default::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// From connecting to the first byte; with TLS from the end of the handshake, behind a balancer
    /// from its header.
    pub first_byte: Option<Duration>,
    /// Since the last byte, or since the service finished with the last bytes.
    pub idle: Option<Duration>,
    /// From the first byte of a message to its end, plus the time of its bytes at `min_rate`.
    pub message: Option<Duration>,
    /// Bytes a second that a message must keep up until its end, with `message`. Default: 500.
    pub min_rate: Option<u32>,
    /// How long unsent bytes may wait while the client takes none of them; also how long a client
    /// may take to close after it got all bytes and the end. Where this is not set, a client that
    /// is being closed has 30 seconds for each.
    pub write_stall: Option<Duration>,
    /// How long the whole connection may last.
    pub lifetime: Option<Duration>,
}

/// The default of httpd's `RequestReadTimeout`.
const MIN_RATE: u32 = 500;

impl Times {
    /// Lowers the required rate to at most this.
    pub(crate) fn min_rate_most(&mut self, most: u32) {
        let rate = self.min_rate.unwrap_or(MIN_RATE);
        self.min_rate = Some(rate.min(most).max(1));
    }

    /// The deadline of a message that began at `begun` and has this many bytes so far.
    pub(crate) fn message_due(&self, begun: Instant, bytes: u64) -> Option<Instant> {
        let rate = self.min_rate.unwrap_or(MIN_RATE).max(1);
        let earned = Duration::from_secs_f64(bytes as f64 / f64::from(rate));
        Some(begun + self.message? + earned)
    }
}

/// How much a client may send: a rate a second, and a burst. A client above it is read from later;
/// nothing is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages a second, at least 1.
    pub messages: u32,
    /// Messages at once, at least 1.
    pub messages_burst: u32,
    /// Bytes a second, at least 1.
    pub bytes: u32,
    /// Bytes at once, at least 1.
    pub bytes_burst: u32,
}

/// A token bucket of messages and one of bytes.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    messages: f64,
    bytes: f64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Bucket {
        let (messages, bytes) = (f64::from(rate.messages_burst), f64::from(rate.bytes_burst));
        Bucket {
            rate,
            messages,
            bytes,
            filled: now,
        }
    }

    /// Refills the bucket. Returns the messages and bytes that may be taken now.
    pub(crate) fn fill(&mut self, now: Instant) -> (u64, usize) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        let filled = |left: f64, each: u32, burst: u32| {
            (left + passed * f64::from(each)).min(f64::from(burst))
        };
        let rate = self.rate;
        self.messages = filled(self.messages, rate.messages, rate.messages_burst);
        self.bytes = filled(self.bytes, rate.bytes, rate.bytes_burst);
        (self.messages.max(0.0) as u64, self.bytes.max(0.0) as usize)
    }

    /// Messages and bytes that are left, in thousandths.
    pub(crate) fn left(&mut self, now: Instant) -> (i64, i64) {
        let _ = self.fill(now);
        ((self.messages * 1e3) as i64, (self.bytes * 1e3) as i64)
    }

    /// Goes on with what another process has left, at most a burst. Less than nothing is bounded,
    /// so no client waits for days.
    pub(crate) fn set_left(&mut self, (messages, bytes): (i64, i64)) {
        let bounded = |left: i64, burst: u32| {
            let burst = f64::from(burst);
            (left as f64 / 1e3).clamp(-burst, burst)
        };
        self.messages = bounded(messages, self.rate.messages_burst);
        self.bytes = bounded(bytes, self.rate.bytes_burst);
    }

    /// Whether it has no bytes left.
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes < 1.0
    }

    pub(crate) fn take(&mut self, messages: u64, bytes: usize) {
        self.messages -= messages as f64;
        self.bytes -= bytes as f64;
    }

    /// When the bucket has enough again; `None` if it is not empty. Enough is the amount of a
    /// twentieth of a second, so a delayed client does not cost a turn for each byte.
    pub(crate) fn next(&self) -> Option<Instant> {
        if self.messages >= 1.0 && self.bytes >= 1.0 {
            return None;
        }
        let wait = |left: f64, each: u32, burst: u32| {
            let enough = f64::from((each / 20).clamp(1, burst));
            (enough - left).max(0.0) / f64::from(each)
        };
        let rate = self.rate;
        let messages = wait(self.messages, rate.messages, rate.messages_burst);
        let wait = messages.max(wait(self.bytes, rate.bytes, rate.bytes_burst));
        // A little longer, so that rounding does not cause retries that come too early.
        Some(self.filled + Duration::from_secs_f64(wait) + Duration::from_micros(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let begin = Instant::now();
        let rate = Rate {
            messages: 10,
            messages_burst: 100,
            bytes: 1000,
            bytes_burst: 5000,
        };
        let mut bucket = Bucket::new(rate, begin);
        assert_eq!(bucket.fill(begin), (100, 5000));
        bucket.take(100, 500);
        assert_eq!(bucket.fill(begin).0, 0);
        let next = bucket.next().expect("nothing is left");
        assert!(
            next > begin + Duration::from_millis(99),
            "a tenth of a second for one message"
        );
        assert_eq!(bucket.fill(next).0, 1);
        assert_eq!(
            bucket.next(),
            None,
            "there is something left: nothing to wait for"
        );
        assert_eq!(bucket.fill(begin + Duration::from_secs(60)), (100, 5000));
    }

    #[test]
    fn a_message_earns_time_with_its_bytes() {
        let begun = Instant::now();
        let message = Some(Duration::from_secs(10));
        let times = Times {
            message,
            min_rate: Some(100),
            ..Times::default()
        };
        assert_eq!(
            times.message_due(begun, 0),
            Some(begun + Duration::from_secs(10))
        );
        assert_eq!(
            times.message_due(begun, 1000),
            Some(begun + Duration::from_secs(20))
        );
        assert_eq!(Times::default().message_due(begun, 0), None);
    }
}
