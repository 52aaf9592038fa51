//! Tells a client that its lines are delayed: how many wait, and for how long.

use std::time::{Duration, Instant};

use super::lines::Recipient;
use super::session::Session;
use super::state::ChatState;
use crate::framing::Message;
use crate::limits::times::Rate;

/// Minimum wait that is told.
const TOLD_FROM: Duration = Duration::from_secs(2);
/// Between two such lines.
const TOLD_EVERY: Duration = Duration::from_secs(15);

/// What a turn has taken from a client.
#[derive(Default)]
pub(super) struct Taken {
    lines: usize,
    bytes: usize,
}

impl Taken {
    pub(super) fn add(&mut self, message: &Message<'_>) {
        self.lines += 1;
        self.bytes += message.bytes.len() + 1;
    }
}

impl Session {
    /// Tells the client that its rate delays `rest` and what else it has sent.
    pub(super) fn tell_delay(&mut self, chat: &ChatState, taken: &Taken, rest: &[u8]) {
        let (Some(rate), Recipient::Client(client)) = (chat.rate, &self.person.outlet) else {
            return;
        };
        let is_soon = |at: Instant| at.elapsed() < TOLD_EVERY;
        if self.told_delay.is_some_and(is_soon) {
            return;
        }
        let waiting = Waiting::of(taken, rest, client.unread());
        let time = waiting.time(rate);
        if time >= TOLD_FROM {
            self.told_delay = Some(Instant::now());
            self.answer(chat, waiting.describe(rate, time));
        }
    }
}

/// The lines of a client that wait to be posted.
struct Waiting {
    lines: usize,
    bytes: usize,
}

impl Waiting {
    /// Estimates the lines in `unread` bytes from the length of the others.
    fn of(taken: &Taken, rest: &[u8], unread: usize) -> Waiting {
        let lines = memchr::memchr_iter(b'\n', rest).count();
        let seen = Taken {
            lines: taken.lines + lines,
            bytes: taken.bytes + rest.len(),
        };
        let unseen = unread * seen.lines / seen.bytes.max(1);
        Waiting {
            lines: lines + unseen,
            bytes: rest.len() + unread,
        }
    }

    /// The time until the last line is posted.
    fn time(&self, rate: Rate) -> Duration {
        let lines = self.lines as u64 / u64::from(rate.messages.max(1));
        let bytes = self.bytes as u64 / u64::from(rate.bytes.max(1));
        Duration::from_secs(lines.max(bytes))
    }

    fn describe(&self, rate: Rate, time: Duration) -> String {
        let Rate { messages, .. } = rate;
        let (lines, time) = (self.lines, humantime::format_duration(time));
        if lines == 0 {
            return format!("your line is long, and delayed: the rest of it waits for {time}");
        }
        format!(
            "your lines are delayed to {messages} a second: about {lines} wait so far, the last \
             for {time}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        messages: 10,
        messages_burst: 100,
        bytes: 4096,
        bytes_burst: 32768,
    };

    #[test]
    fn what_waits_is_counted_by_lines_or_by_bytes() {
        let taken = Taken {
            lines: 100,
            bytes: 5000,
        };
        let rest = [&[b'x'; 49][..], b"\n"].concat().repeat(20);
        let waiting = Waiting::of(&taken, &rest, 94_000);
        assert_eq!((waiting.lines, waiting.bytes), (1900, 95_000));
        let time = waiting.time(RATE);
        assert_eq!(time, Duration::from_secs(190));
        let line = waiting.describe(RATE, time);
        assert!(
            line.ends_with("about 1900 wait so far, the last for 3m 10s"),
            "{line}"
        );
        // Long lines are held back by their bytes.
        let taken = Taken {
            lines: 4,
            bytes: 32_768,
        };
        let waiting = Waiting::of(&taken, b"", 81_920);
        assert_eq!(waiting.lines, 10);
        assert_eq!(waiting.time(RATE), Duration::from_secs(20));
        // A single line gives no average.
        let waiting = Waiting::of(&Taken::default(), b"xx", 40_960);
        let line = waiting.describe(RATE, waiting.time(RATE));
        assert!(line.ends_with("the rest of it waits for 10s"), "{line}");
    }
}
