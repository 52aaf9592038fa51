//! What is to be written to the stream, in order and bounded, and what was not read back yet.
//!
//! A worker adds an act and goes on with other clients; the writer takes what waits as one entry,
//! and takes no more before the reader has read that entry back. So acts of a daemon can't change
//! their order, whatever is sent twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::act::{ACTS_BYTES_MAX, Act, append};
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
    /// When the last entry was made.
    spoke: Instant,
    /// The writer is needed.
    is_called: bool,
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
    /// It is of its person's own place, which comes back as this daemon knows it.
    is_own_place: bool,
    json: Vec<u8>,
    ticket: Option<Arc<Ticket>>,
}

/// An entry that was sent, or is to be.
#[derive(Clone)]
pub(crate) struct Parcel {
    pub(crate) run: Arc<str>,
    pub(crate) number: u64,
    pub(crate) acts: Arc<Vec<u8>>,
    /// It was sent before.
    pub(crate) is_again: bool,
}

struct Flying {
    parcel: Parcel,
    acts: Vec<Queued>,
    since: Instant,
    /// When it was sent; `None` if it is to be.
    sent: Option<Instant>,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                bytes: 0,
                flying: None,
                spoke: Instant::now(),
                is_called: false,
                run: None,
                next: 1,
                is_ending: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds an act of a person; `None` if there is no room for it now.
    pub(crate) fn add(&self, who: u64, act: &Act, ticket: Ticket) -> Option<Arc<Ticket>> {
        let ticket = Arc::new(ticket);
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

    /// Adds an act of the daemon itself, of any length that can be read back; answers whether it is
    /// none longer.
    pub(crate) fn add_own(&self, act: &Act) -> bool {
        let queued = Queued::of(act);
        // With the brackets.
        let can_be_read = queued.json.len() + 2 <= ACTS_BYTES_MAX;
        if can_be_read {
            self.push(self.state.lock(), queued);
        }
        can_be_read
    }

    /// Adds that a person has gone, who can't wait for room. One whose coming was not sent yet, and
    /// who has said nothing, was never here.
    pub(crate) fn add_gone(&self, who: u64) {
        let mut state = self.state.lock();
        let is_its_own = |queued: &Queued| queued.who == Some(who);
        let mut own = state.waiting.iter().filter(|one| is_its_own(one));
        let was_never_here = own.next().is_some_and(|one| one.is_come) && own.next().is_none();
        if was_never_here {
            state.waiting.retain(|queued| !is_its_own(queued));
            state.bytes = state.waiting.iter().map(|one| one.json.len()).sum();
        } else {
            self.push(state, Queued::of(&Act::Gone { who }));
        }
    }

    fn push(&self, mut state: MutexGuard<'_, State>, queued: Queued) {
        state.bytes += queued.json.len();
        state.waiting.push_back(queued);
    }

    /// Whether there is an entry to make: none is on its way.
    pub(crate) fn can_send(&self) -> bool {
        self.state.lock().can_send()
    }

    /// Whether there is an entry to make or to send.
    pub(crate) fn has_to_send(&self) -> bool {
        let state = self.state.lock();
        state.run.is_some() && (state.flying.is_some() || !state.waiting.is_empty())
    }

    /// Makes an entry of what waits, unless one is on its way. The caller sends it, or calls the
    /// writer.
    pub(crate) fn take_off(&self) -> Option<Parcel> {
        let mut state = self.state.lock();
        state.can_send().then(|| state.take_off())?
    }

    /// The entry that the writer is to send: one that was not sent, or not read back within `most`,
    /// or a new one.
    pub(crate) fn to_send(&self, most: Duration) -> Option<Parcel> {
        let mut state = self.state.lock();
        state.run.as_ref()?;
        let Some(flying) = &state.flying else {
            return state.can_send().then(|| state.take_off())?;
        };
        let is_due = flying.sent.is_none_or(|sent| sent.elapsed() >= most);
        is_due.then(|| flying.parcel.clone())
    }

    /// An entry was sent.
    pub(crate) fn sent(&self, parcel: &Parcel) {
        let mut state = self.state.lock();
        // It may have been read back already.
        let is_it = |flying: &&mut Flying| flying.parcel.is(&parcel.run, parcel.number);
        if let Some(flying) = state.flying.as_mut().filter(is_it) {
            flying.sent = Some(Instant::now());
            flying.parcel.is_again = true;
        }
    }

    /// The entry that is on its way is to be sent again.
    pub(crate) fn unsent(&self) {
        if let Some(flying) = &mut self.state.lock().flying {
            flying.sent = None;
        }
    }

    /// Says that the daemon is alive, if it has said nothing for so long.
    pub(crate) fn keep_alive(&self, most: Duration) {
        let mut state = self.state.lock();
        let is_silent = state.flying.is_none() && state.waiting.is_empty();
        if is_silent && state.run.is_some() && state.spoke.elapsed() >= most {
            state.waiting.push_back(Queued::of(&Act::Alive));
        }
    }

    /// Has the writer look.
    pub(crate) fn call_writer(&self) {
        self.state.lock().is_called = true;
        self.changed.notify_all();
    }

    /// The writer waits until it is called, or for so long.
    pub(crate) fn await_call(&self, most: Duration) {
        let until = Instant::now() + most;
        let mut state = self.state.lock();
        while !state.is_called && !self.changed.wait_until(&mut state, until).timed_out() {}
        state.is_called = false;
    }

    /// The reader has read an entry of this daemon. The tickets of its acts, if it is the one that
    /// flies; `None` for a copy.
    pub(crate) fn landed(&self, run: &str, number: u64) -> Option<Vec<Option<Arc<Ticket>>>> {
        let mut state = self.state.lock();
        let flying = state
            .flying
            .take_if(|flying| flying.parcel.is(run, number))?;
        if state.is_ending {
            self.changed.notify_all();
        }
        drop(state);
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
                    // Its person was put out with its run, and comes again as it was before.
                    _ if !has_landed || queued.is_own_place => state.put_first(queued),
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

    /// What people have said or ordered and was not read back.
    pub(crate) fn waiting(&self) -> u64 {
        let state = self.state.lock();
        let flying = state.flying.iter().flat_map(|flying| &flying.acts);
        let all = state.waiting.iter().chain(flying);
        let is_said = |queued: &&Queued| queued.ticket.is_some() && !queued.is_come;
        all.filter(is_said).count() as u64
    }

    /// Acts that are not read back, and for how long the oldest entry of them is on its way.
    pub(crate) fn unread(&self) -> (usize, Duration) {
        let state = self.state.lock();
        let flying = state.flying.as_ref();
        let since = flying.map_or(Duration::ZERO, |one| one.since.elapsed());
        (state.unread(), since)
    }
}

impl Parcel {
    fn is(&self, run: &str, number: u64) -> bool {
        self.number == number && *self.run == *run
    }
}

impl State {
    fn unread(&self) -> usize {
        self.waiting.len() + self.flying.as_ref().map_or(0, |one| one.acts.len())
    }

    fn can_send(&self) -> bool {
        self.run.is_some() && self.flying.is_none() && !self.waiting.is_empty()
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
            is_again: false,
        };
        self.next += 1;
        self.spoke = Instant::now();
        self.flying = Some(Flying {
            parcel: parcel.clone(),
            acts,
            since: self.spoke,
            sent: None,
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
            is_own_place: matches!(
                act,
                Act::Come { .. }
                    | Act::Join { .. }
                    | Act::Part { .. }
                    | Act::Name { .. }
                    | Act::Away { .. }
            ),
            // Without the bracket.
            json: list.split_off(1),
            ticket: None,
        }
    }
}
