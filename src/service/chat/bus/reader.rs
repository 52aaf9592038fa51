//! The thread that reads: it applies the entries of the stream, one after the other.
//!
//! A thread of its own, since it waits for the server. All that people see of each other goes
//! through it, so there is one order: that of the stream.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use super::context::{Context, Patience};
use super::house::{House, Lost};
use super::join::{Joined, Joining, name_of_run};
use super::link::{COUNT, after, before};
use super::orders::put_out_banned;
use crate::connection::here::{self, Here};
use crate::redis::failure::Failure;
use crate::redis::link::Link;
use crate::redis::primary;
use crate::redis::url::Target;
use crate::service::chat::grammar;
use crate::service::chat::port::act::{Act, Entries, Id};
use crate::service::chat::port::{CUT_OFF, Figures, Port};
use crate::service::chat::rooms::{Frontend, is_nameless};
use crate::service::chat::state::ChatState;

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(100);
/// Entries that are read again after a connect.
const AGAIN: usize = 1000;

const CUT_OFF_TOLD: &str = "cut off from the other machines; what you say waits";
const BACK_TOLD: &str = "the other machines are back; what waited was sent";
/// The reason that people are told after a panic.
const FAILED: &str = "this server has made an error; come again";
const REJOINED_TOLD: &str = "this machine was away for too long; you come in again";

/// See the head of the file.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) chat: Arc<ChatState>,
    pub(super) port: Arc<Port>,
    pub(super) target: Arc<Target>,
    pub(super) keep: u64,
    /// When the server's last bytes came.
    pub(super) heard: Instant,
    /// Why it is not, if the log was told.
    pub(super) is_told: bool,
}

/// Why a reading ends.
enum End {
    Server(Failure),
    Lost(Lost),
    Over,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Server(failure)
    }
}

impl From<Lost> for End {
    fn from(lost: Lost) -> End {
        End::Lost(lost)
    }
}

impl Reader {
    /// Runs until the end. A panic puts the people of this daemon out, whose state is not known any
    /// more, and then the daemon joins the others again.
    pub(super) fn run_on(self) {
        loop {
            let reader = self.clone();
            let ended = catch_unwind(AssertUnwindSafe(|| reader.run()));
            if ended.is_ok() || self.port.is_ending() {
                return;
            }
            self.port.queue.end_run();
            for person in self.port.locals() {
                person.put_out(&self.chat.directory.frontend, FAILED);
            }
        }
    }

    fn run(mut self) {
        let mut link = None;
        let mut before: Option<(Arc<str>, House)> = None;
        loop {
            let Some(Joined {
                run,
                mut house,
                mut last,
                was_last,
            }) = self.join(&mut link, before.as_ref().map(|(run, _)| &**run))
            else {
                return;
            };
            put_out_banned(&self.chat, &self.port);
            let come = before.map_or_else(Vec::new, |(run, house)| self.come_again(&run, &house));
            self.port.queue.begin_run(Arc::clone(&run), was_last, &come);
            self.port.joined(&run);
            self.port.send();
            let lost = match self.follow(&mut link, &run, &mut house, &mut last) {
                End::Lost(lost) => lost,
                _ => return,
            };
            self.port.queue.end_run();
            warn!(
                bus = self.port.name,
                "joins the others again: {}",
                describe(lost)
            );
            Figures::count(&self.port.figures.rejoined, 1);
            self.tell(REJOINED_TOLD);
            before = Some((run, house));
        }
    }

    /// Joins the others, as soon as the server can be reached; `None` at the end.
    fn join(&mut self, link: &mut Option<Link>, was: Option<&str>) -> Option<Joined> {
        let (chat, port) = (Arc::clone(&self.chat), Arc::clone(&self.port));
        let target = Arc::clone(&self.target);
        let joining = Joining {
            chat: &chat,
            port: &port,
            target: &target,
            keep: self.keep,
        };
        loop {
            if port.is_ending() {
                return None;
            }
            let joined = self
                .connected(link)
                .and_then(|link| joining.join(link, name_of_run().into(), was));
            match joined {
                Ok(joined) => {
                    self.hear();
                    return Some(joined);
                }
                Err(failure) => self.wait(link, &failure),
            }
        }
    }

    /// The people of this daemon, who come in again.
    fn come_again(&self, run: &str, house: &House) -> Vec<Act> {
        let people = house.runs.get(run).map(|run| &run.people);
        let people = people.into_iter().flatten();
        let come = people.filter_map(|(who, member)| {
            let person = self.port.local(*who).filter(|person| !person.is_out())?;
            Some(Act::Come {
                who: *who,
                name: Some(person.name())
                    .filter(|name| !is_nameless(name))
                    .map(|name| name.as_str().to_owned()),
                rooms: { member.rooms.iter() }
                    .map(|room| room.name.as_str().to_owned())
                    .collect(),
                away: person.away().map(|text| text.as_str().to_owned()),
                muted: member.muted_until.saturating_sub(house.clock),
            })
        });
        come.collect()
    }

    /// Reads and applies, and connects again as long as needed.
    fn follow(
        &mut self,
        link: &mut Option<Link>,
        run: &Arc<str>,
        house: &mut House,
        last: &mut Id,
    ) -> End {
        let (chat, port) = (Arc::clone(&self.chat), Arc::clone(&self.port));
        let mut cx = Context {
            chat: &chat,
            port: &port,
            run: Arc::clone(run),
            patience: Patience::default(),
        };
        loop {
            if port.is_ending() {
                return End::Over;
            }
            let is_new = link.is_none();
            let round = self
                .connected(link)
                .map_err(End::from)
                .and_then(|link| self.round(link, is_new, &mut cx, house, last));
            match round {
                Ok(()) => self.hear(),
                Err(End::Server(failure)) => self.wait(link, &failure),
                Err(end) => return end,
            }
        }
    }

    /// One reply of the server.
    fn round(
        &self,
        link: &mut Link,
        is_new: bool,
        cx: &mut Context<'_>,
        house: &mut House,
        last: &mut Id,
    ) -> Result<(), End> {
        let stream = self.target.name();
        let position = *last;
        let entries = if is_new {
            self.again(link, last)?
        } else {
            after(link, stream, *last)?
        };
        let is_behind = !entries.is_empty();
        let _here = Here::begin();
        for (id, entry) in entries {
            *last = id.max(*last);
            Figures::count(&self.port.figures.read, 1);
            house.take(cx, id, entry, id <= position)?;
        }
        here::serve();
        self.note(house, last.ms, is_behind);
        cx.chat.directory.tick(Instant::now());
        Ok(())
    }

    /// The last entries. A server whose clock is behind may have taken over, and adds entries below
    /// those that were read: then the position goes back to its last one.
    fn again(&self, link: &mut Link, last: &mut Id) -> Result<Entries, Failure> {
        let mut all = Entries::new();
        let mut end = "+".to_owned();
        while all.len() < AGAIN {
            let piece = before(link, self.target.name(), &end, COUNT)?;
            let Some((first, _)) = piece.last() else {
                break;
            };
            end = format!("({first}");
            all.extend(piece);
        }
        all.reverse();
        match all.last() {
            Some((top, _)) if top < last => *last = *top,
            // The stream was deleted, or lost: whatever comes is new.
            None => *last = Id::default(),
            // More has come than was read: it follows from the old position on.
            Some(_) if all.len() >= AGAIN && all.first().is_some_and(|(id, _)| id > last) => {
                all.clear();
            }
            _ => {}
        }
        Ok(all)
    }

    fn connected<'a>(&self, link: &'a mut Option<Link>) -> Result<&'a mut Link, Failure> {
        match link {
            Some(link) => Ok(link),
            None => {
                let open = primary::connect(&self.target.server)?;
                Figures::count(&self.port.figures.reconnects, 1);
                Ok(link.insert(open))
            }
        }
    }

    /// The connection is of no use any more.
    fn wait(&mut self, link: &mut Option<Link>, failure: &Failure) {
        *link = None;
        if !std::mem::replace(&mut self.is_told, true) {
            warn!(
                bus = self.port.name,
                "cut off from the other machines: {failure}"
            );
        }
        if self.port.away(self.heard) {
            self.tell(CUT_OFF_TOLD);
        }
        self.port.pause(RETRY);
    }

    /// The server has answered.
    fn hear(&mut self) {
        self.heard = Instant::now();
        // It may be read from, and take nothing.
        let (_, unread_for) = self.port.queue.unread();
        if unread_for >= CUT_OFF {
            let since = self.heard.checked_sub(unread_for);
            if self.port.away(since.unwrap_or(self.heard)) {
                self.tell(CUT_OFF_TOLD);
            }
            return;
        }
        if self.port.back() {
            self.tell(BACK_TOLD);
        }
        if std::mem::take(&mut self.is_told) {
            info!(bus = self.port.name, "the other machines are back");
        }
    }

    /// Tells all people of this daemon.
    fn tell(&self, what: &str) {
        for person in self.port.locals() {
            let line = grammar::notice(None, what);
            let frontend = &self.chat.directory.frontend;
            frontend.give(&person.outlet, line.into());
        }
    }

    fn note(&self, house: &House, ms: u64, is_behind: bool) {
        use std::sync::atomic::Ordering::Relaxed;
        let figures = &self.port.figures;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis() as u64;
        let lag = if is_behind { now.saturating_sub(ms) } else { 0 };
        figures.lag_ms.store(lag, Relaxed);
        figures.daemons.store(house.runs.len() as u64, Relaxed);
        figures.people.store(house.people() as u64, Relaxed);
    }
}

fn describe(lost: Lost) -> &'static str {
    match lost {
        Lost::TakenForGone => "they have taken this daemon for gone",
        Lost::Missing => "entries are missing; were they trimmed, or has the server lost them?",
        Lost::NotAlone => "there are others, who did not answer before",
    }
}
