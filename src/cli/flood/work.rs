//! State that the clients of a thread share: the plan, buffers, the clock, the counts.

use std::time::Instant;

use super::ledger::Account;
use super::plan::{GREED, Pace, Plan};
use super::replies::Judge;
use super::schedule::Schedule;
use super::tally::Tally;

/// One write is at most about this long, so that a long pipeline does not need as much again.
const WRITE_MAX: usize = 256 << 10;
/// One read is at most this long.
const READ_MAX: usize = 64 << 10;

/// The stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Clients connect; nothing is sent.
    Connecting,
    /// Messages are sent.
    Sending,
    /// Nothing new is sent; replies still come.
    Stopping,
}

/// The state of one thread that is not a client's.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stage: Stage,
    pub(crate) tally: Tally,
    /// Compares replies.
    pub(crate) judge: Judge<'a>,
    /// Room to render what is written.
    pub(crate) slots: Vec<u8>,
    /// Room for what is read.
    pub(crate) inbox: Vec<u8>,
    /// The time at the last reading of the clock: once for each wake-up and each read.
    pub(crate) now: Instant,
    /// The last progress.
    pub(crate) moved_at: Instant,
    /// When sending began.
    pub(crate) start: Instant,
    /// When measuring begins.
    pub(crate) measure_from: Instant,
    /// When the run was interrupted.
    pub(crate) interrupted_at: Option<Instant>,
    /// Messages sent or answered so far, for the progress bar.
    pub(crate) done: u64,
    /// Due times, when time sets the pace.
    pub(crate) schedule: Option<Schedule>,
    random: Option<XorShift>,
}

impl<'a> Work<'a> {
    /// For thread `thread` of the plan's threads.
    pub(crate) fn new(plan: &'a Plan, thread: u64) -> Work<'a> {
        let size = plan.shape.size();
        let greed = if plan.greedy > 0 { GREED } else { 0 };
        let batch = match plan.pace {
            Pace::Replies(pipeline) => usize::try_from(pipeline.max(greed)).unwrap_or(usize::MAX),
            Pace::Rate(_) => 1,
        };
        // One more, because a short write continues in the middle of a message.
        let slots = batch.min(WRITE_MAX / size).max(1) + 1;
        let now = Instant::now();
        Work {
            plan,
            stage: Stage::Connecting,
            tally: Tally::new(),
            judge: Judge::new(&plan.shape),
            slots: plan.shape.slots(slots),
            inbox: vec![0; READ_MAX],
            now,
            moved_at: now,
            start: now,
            measure_from: now,
            interrupted_at: None,
            done: 0,
            schedule: match plan.pace {
                Pace::Replies(_) => None,
                Pace::Rate(rate) => {
                    let (clients, stride) = (plan.clients, plan.threads);
                    Some(Schedule::new(rate, clients, thread, stride, plan.messages))
                }
            },
            random: plan
                .pieces
                .map(|seed| XorShift::new(seed.wrapping_add(thread))),
        }
    }

    /// Sending begins.
    pub(crate) fn begin(&mut self, start: Instant) {
        self.stage = Stage::Sending;
        self.start = start;
        self.measure_from = start + self.plan.warmup;
        self.now = Instant::now();
        self.moved_at = self.now;
    }

    /// How many of the `left` bytes the next write takes.
    pub(crate) fn piece(&mut self, left: u64) -> usize {
        let size = self.plan.shape.size();
        let most = left.min((self.slots.len() - size) as u64);
        match &mut self.random {
            None => most as usize,
            // Short ones, so that most messages are cut somewhere.
            Some(random) => (1 + random.next() % most.min(2 * size as u64)) as usize,
        }
    }

    /// Whether the run was interrupted.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted_at.is_some()
    }

    /// Whether what happens now counts for rates and latencies.
    pub(crate) fn is_measured(&self) -> bool {
        self.stage != Stage::Connecting && self.now >= self.measure_from
    }

    /// A client has written messages, whole.
    pub(crate) fn note_sent(&mut self, client: u64, messages: u64) {
        self.moved_at = self.now;
        if !self.plan.has_replies() {
            self.done += messages;
            if self.is_measured() && !self.plan.is_greedy(client) {
                self.tally.measured += messages;
                self.tally.last = Some(self.now);
            }
        }
    }

    /// The replies came to a client's messages from `before` to below `after`, which it sent
    /// at `asked_at`.
    pub(crate) fn note_replies(&mut self, client: u64, before: u64, after: u64, asked_at: Instant) {
        let replies = after - before;
        self.done += replies;
        if replies == 0 || !self.is_measured() || self.plan.is_greedy(client) {
            return;
        }
        self.tally.measured += replies;
        self.tally.last = Some(self.now);
        let latency = &mut self.tally.latency;
        match &self.schedule {
            None => {
                let waited = self.now.saturating_duration_since(asked_at);
                latency.record(waited, replies);
            }
            Some(schedule) => {
                let elapsed = self.now.saturating_duration_since(self.start);
                for seq in before..after {
                    let waited = elapsed.saturating_sub(schedule.due(client, seq));
                    latency.record(waited, 1);
                }
            }
        }
    }

    /// A connection is over, in good order or not.
    pub(crate) fn note_connection(&mut self, sent: u64, account: &Account, clean: bool) {
        self.tally.sent += sent;
        self.tally.account.add(account);
        if clean && self.is_measured() {
            self.tally.connections += 1;
            if !self.plan.has_replies() {
                // Only the close shows that all was read.
                self.tally.last = Some(self.now);
            }
        }
    }
}

/// Marsaglia's xorshift: enough to cut messages, and the same for the same seed.
#[derive(Debug)]
struct XorShift(u64);

impl XorShift {
    fn new(seed: u64) -> XorShift {
        // Spread, because neighbouring seeds start alike; and never 0, where it would stay.
        XorShift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
