//! What is to be written to the stream, in order and bounded, and what was not read back yet.
//!
//! A worker adds an act and goes on with other clients; the writer takes what waits as one entry,
//! and takes no more before the reader has read that entry back. So acts of a daemon can't change
//! their order, whatever is sent twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::act::{Act, append};
use super::ticket::{Outcome, Ticket};

/// Bytes of acts that wait. Above that the clients wait with theirs.
const WAITING_MAX: usize = 1 << 20;
/// Bytes of an entry, unless its only act is longer.
const ENTRY: usize = 256 << 10;

/// See the head of the file.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<Queued>,
    bytes: usize,
    flying: Option<Flying>,
    /// `None` while the daemon has not joined the others.
    run: Option<Arc<str>>,
    /// The number of the next entry.
    next: u64,
    is_ending: bool,
}

struct Queued {
    /// Whose it is; `None` for the daemon's own.
    who: Option<u64>,
    is_come: bool,
    json: Vec<u8>,
    ticket: Option<Arc<Ticket>>,
}

/// An entry that was sent, or is to be.
#[derive(Clone)]
pub(crate) struct Parcel {
    pub(crate) run: Arc<str>,
    pub(crate) number: u64,
    pub(crate) acts: Arc<Vec<u8>>,
}

struct Flying {
    parcel: Parcel,
    acts: Vec<Queued>,
    since: Instant,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                bytes: 0,
                flying: None,
                run: None,
                next: 1,
                is_ending: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds an act of a person; `None` if there is no room for it now.
    pub(crate) fn add(&self, who: u64, act: &Act) -> Option<Arc<Ticket>> {
        let ticket = Arc::<Ticket>::default();
        let mut queued = Queued::of(act);
        queued.who = Some(who);
        queued.ticket = Some(Arc::clone(&ticket));
        let state = self.state.lock();
        if state.bytes > 0 && state.bytes + queued.json.len() > WAITING_MAX {
            return None;
        }
        self.push(state, queued);
        Some(ticket)
    }

    /// Adds an act of the daemon itself: each has a bound of its own.
    pub(crate) fn add_own(&self, act: &Act) {
        self.push(self.state.lock(), Queued::of(act));
    }

    /// Adds that a person has gone, who can't wait for room. One whose coming was not sent yet was
    /// never here.
    pub(crate) fn add_gone(&self, who: u64) {
        let mut state = self.state.lock();
        let is_its_own = |queued: &Queued| queued.who == Some(who);
        let comes = |queued: &Queued| is_its_own(queued) && queued.is_come;
        let was_here = !state.waiting.iter().any(comes);
        if !was_here || state.bytes >= WAITING_MAX {
            state.waiting.retain(|queued| !is_its_own(queued));
            state.bytes = state.waiting.iter().map(|one| one.json.len()).sum();
        }
        if was_here {
            self.push(state, Queued::of(&Act::Gone { who }));
        }
    }

    fn push(&self, mut state: MutexGuard<'_, State>, queued: Queued) {
        state.bytes += queued.json.len();
        state.waiting.push_back(queued);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until there is an entry to send: the one that flies, or a new one. After `most` with
    /// nothing to say, it says that the daemon is alive. `None` after the end.
    pub(crate) fn next(&self, most: Duration) -> Option<Parcel> {
        let deadline = Instant::now() + most;
        let mut state = self.state.lock();
        loop {
            let has_joined = state.run.is_some();
            if let Some(flying) = state.flying.as_ref().filter(|_| has_joined) {
                return Some(flying.parcel.clone());
            }
            if state.is_ending && (state.waiting.is_empty() || !has_joined) {
                return None;
            }
            let is_due = Instant::now() >= deadline && has_joined;
            if is_due && state.waiting.is_empty() {
                state.waiting.push_back(Queued::of(&Act::Alive));
            }
            if has_joined && !state.waiting.is_empty() {
                return state.take_off();
            }
            let until = match has_joined {
                true => deadline,
                false => Instant::now() + most,
            };
            self.changed.wait_until(&mut state, until);
        }
    }

    /// Waits until this entry is not on its way any more; `false` if it still is.
    pub(crate) fn await_landing(&self, parcel: &Parcel, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        let mut state = self.state.lock();
        while state.flies(parcel) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return !state.flies(parcel);
            }
        }
        true
    }

    /// The reader has read an entry of this daemon. The tickets of its acts, if it is the one that
    /// flies; `None` for a copy.
    pub(crate) fn landed(&self, run: &str, number: u64) -> Option<Vec<Option<Arc<Ticket>>>> {
        let mut state = self.state.lock();
        let flying = state
            .flying
            .take_if(|flying| *flying.parcel.run == *run && flying.parcel.number == number)?;
        drop(state);
        self.changed.notify_all();
        Some(
            flying
                .acts
                .into_iter()
                .map(|queued| queued.ticket)
                .collect(),
        )
    }

    /// Goes on under another run, with these acts first. What flew under the old one is sent again,
    /// unless it had arrived: the old run came to `landed`.
    pub(crate) fn begin_run(&self, run: Arc<str>, landed: u64, first: &[Act]) {
        let mut state = self.state.lock();
        if let Some(flying) = state.flying.take() {
            let has_landed = flying.parcel.number <= landed;
            for queued in flying.acts.into_iter().rev() {
                match &queued.ticket {
                    // It was put out with its run, and comes again.
                    _ if !has_landed || queued.is_come => state.put_first(queued),
                    Some(ticket) => ticket.resolve(Outcome::Over),
                    None => {}
                }
            }
        }
        first
            .iter()
            .rev()
            .map(Queued::of)
            .for_each(|queued| state.put_first(queued));
        // The first one was the hello.
        (state.run, state.next) = (Some(run), 2);
        drop(state);
        self.changed.notify_all();
    }

    /// Nothing is sent any more before the next [`begin_run`](Queue::begin_run).
    pub(crate) fn end_run(&self) {
        self.state.lock().run = None;
        self.changed.notify_all();
    }

    /// Adds the last words; what is added later may be lost.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.is_ending = true;
        self.push(state, Queued::of(&Act::Bye));
    }

    /// Waits until all is read back, or until then; whether it is.
    pub(crate) fn await_all_read(&self, until: Instant) -> bool {
        let mut state = self.state.lock();
        while state.unread() > 0 {
            if self.changed.wait_until(&mut state, until).timed_out() {
                return state.unread() == 0;
            }
        }
        true
    }

    /// Acts of people that are not read back.
    pub(crate) fn waiting(&self) -> u64 {
        let state = self.state.lock();
        let flying = state.flying.iter().flat_map(|flying| &flying.acts);
        let all = state.waiting.iter().chain(flying);
        all.filter(|queued| queued.ticket.is_some()).count() as u64
    }

    /// Acts that are not read back, and for how long the oldest entry of them is on its way.
    pub(crate) fn unread(&self) -> (usize, Duration) {
        let state = self.state.lock();
        let flying = state.flying.as_ref();
        let since = flying.map_or(Duration::ZERO, |one| one.since.elapsed());
        (state.unread(), since)
    }
}

impl State {
    fn unread(&self) -> usize {
        self.waiting.len() + self.flying.as_ref().map_or(0, |one| one.acts.len())
    }

    fn flies(&self, parcel: &Parcel) -> bool {
        self.run.is_some()
            && self.flying.as_ref().is_some_and(|flying| {
                flying.parcel.number == parcel.number && flying.parcel.run == parcel.run
            })
    }

    fn put_first(&mut self, queued: Queued) {
        self.bytes += queued.json.len();
        self.waiting.push_front(queued);
    }

    /// Makes an entry of what waits.
    fn take_off(&mut self) -> Option<Parcel> {
        let run = Arc::clone(self.run.as_ref()?);
        let mut acts = Vec::new();
        let mut list = Vec::new();
        while let Some(queued) = self
            .waiting
            .pop_front_if(|next| list.is_empty() || list.len() + next.json.len() <= ENTRY)
        {
            self.bytes -= queued.json.len().min(self.bytes);
            list.push(if list.is_empty() { b'[' } else { b',' });
            list.extend_from_slice(&queued.json);
            acts.push(queued);
        }
        list.push(b']');
        let parcel = Parcel {
            run,
            number: self.next,
            acts: Arc::new(list),
        };
        self.next += 1;
        self.flying = Some(Flying {
            parcel: parcel.clone(),
            acts,
            since: Instant::now(),
        });
        Some(parcel)
    }
}

impl Queued {
    fn of(act: &Act) -> Queued {
        let mut list = Vec::new();
        append(act, &mut list);
        Queued {
            who: None,
            is_come: matches!(act, Act::Come { .. }),
            // Without the bracket.
            json: list.split_off(1),
            ticket: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::ZERO;

    fn come(who: u64) -> Act {
        Act::Come {
            who,
            name: None,
            rooms: Vec::new(),
            away: None,
            muted: 0,
        }
    }

    fn text(parcel: &Parcel) -> String {
        format!(
            "{} {}",
            parcel.number,
            String::from_utf8_lossy(&parcel.acts)
        )
    }

    #[test]
    fn an_entry_is_sent_until_it_is_read_back_and_the_next_one_waits_for_that() {
        let queue = Queue::new();
        let ticket = queue
            .add(
                1,
                &Act::Part {
                    who: 1,
                    room: "a".into(),
                },
            )
            .expect("room");
        queue.begin_run("r".into(), 0, &[]);
        let first = queue.next(SOON).expect("an entry");
        assert_eq!(text(&first), r#"2 [{"part":{"who":1,"room":"a"}}]"#);
        queue.add_gone(1);
        assert_eq!(text(&queue.next(SOON).expect("again")), text(&first));
        assert!(!queue.await_landing(&first, SOON));
        assert!(queue.landed("r", 1).is_none() && queue.landed("q", 2).is_none());
        let tickets = queue.landed("r", 2).expect("it flew");
        tickets[0]
            .as_ref()
            .expect("a ticket")
            .resolve(Outcome::Over);
        assert!(ticket.outcome().is_some());
        assert!(queue.await_landing(&first, SOON));
        assert_eq!(
            text(&queue.next(SOON).expect("more")),
            r#"3 [{"gone":{"who":1}}]"#
        );
        queue.landed("r", 3);
        assert_eq!(text(&queue.next(SOON).expect("alive")), r#"4 ["alive"]"#);
        queue.landed("r", 4);
        queue.end();
        assert_eq!(text(&queue.next(SOON).expect("the end")), r#"5 ["bye"]"#);
        queue.landed("r", 5);
        assert!(queue.next(SOON).is_none());
    }

    #[test]
    fn one_that_was_never_sent_does_not_go() {
        let queue = Queue::new();
        for who in [1, 2] {
            queue.add(who, &come(who)).expect("room");
        }
        queue.add_gone(1);
        assert_eq!(queue.unread().0, 1);
    }

    #[test]
    fn another_run_sends_again_what_had_not_arrived() {
        for (landed, expected) in [(1, true), (2, false)] {
            let queue = Queue::new();
            queue.begin_run("r".into(), 0, &[]);
            let ticket = queue
                .add(
                    1,
                    &Act::Part {
                        who: 1,
                        room: "a".into(),
                    },
                )
                .expect("room");
            queue.next(SOON).expect("an entry");
            queue.begin_run("s".into(), landed, &[come(1)]);
            let sent = text(&queue.next(SOON).expect("an entry"));
            assert!(sent.starts_with(r#"2 [{"come""#), "{sent}");
            assert_eq!(sent.contains("part"), expected);
            assert_eq!(ticket.outcome().is_some(), !expected);
        }
    }

    #[test]
    fn it_is_bounded() {
        let queue = Queue::new();
        let text = "x".repeat(100_000);
        let say = Act::Wall { who: 1, text };
        let taken = (0..100).filter(|_| queue.add(1, &say).is_some()).count();
        assert_eq!(taken, 10);
        // There is always room for the end of one.
        queue.add_gone(1);
        assert_eq!(queue.unread().0, 11);
    }
}
