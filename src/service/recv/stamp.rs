//! A time as text, made once a millisecond for all lines of a worker.

use std::fmt;
use std::io::Write;
use std::time::{Duration, SystemTime};

/// `2026-11-29T15:09:27.123Z`
pub(super) type Text = [u8; 24];

/// See the head of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Whole milliseconds after 1970.
    at: Duration,
    text: Text,
}

impl Stamp {
    /// The begin of 1970.
    pub(super) const ZERO: Stamp = Stamp {
        at: Duration::ZERO,
        text: *b"1970-01-01T00:00:00.000Z",
    };

    pub(super) fn set(&mut self, now: SystemTime) {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let milliseconds = since.subsec_millis();
        let at = Duration::new(since.as_secs(), milliseconds * 1_000_000);
        if at != self.at {
            self.at = at;
            let time = humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + at);
            // It has no room for a year of five digits, and then stays.
            let _ = write!(&mut self.text[..], "{time}");
        }
    }

    /// The time as text.
    pub(super) fn text(&self) -> &Text {
        &self.text
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(str::from_utf8(&self.text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_to_the_millisecond() {
        let mut stamp = Stamp::ZERO;
        let mut check = |micros: u64, expected: &str| {
            stamp.set(SystemTime::UNIX_EPOCH + Duration::from_micros(micros));
            assert_eq!(str::from_utf8(stamp.text()), Ok(expected));
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(1_764_428_967_123_999, "2025-11-29T15:09:27.123Z");
        check(1_764_428_967_124_000, "2025-11-29T15:09:27.124Z");
        check(1_764_428_968_124_000, "2025-11-29T15:09:28.124Z");
    }

    #[test]
    fn a_clock_before_1970_shows_its_begin() {
        let mut stamp = Stamp::ZERO;
        stamp.set(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(stamp, Stamp::ZERO);
    }
}
