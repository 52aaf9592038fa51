//! The connection thread: sends typed lines, shows received ones, and reconnects after a loss.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use socket2::Socket;

use super::dial::dial;
use super::paste::PASTE_MAX;
use super::safe::SafeLines;
use super::screen::Screen;
use super::secure::Loss;
use super::shared::{QUEUE_MAX, Session, drain_wakes};
use super::unsent::{Unsent, is_for_later};
use crate::cli::exit::Ending;
use crate::net::ready::wait;
use crate::tls::ClientTls;

const BUFFER: usize = 64 << 10;
/// Maximum time for the server to close after the client has.
const FAREWELL: Duration = Duration::from_secs(3);
/// Maximum time for a greeting.
const GREETING: Duration = Duration::from_secs(10);
const DELAY_MIN: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(60);
/// Wait between the refusal of a name and the first repeated request.
const NAME_MIN: Duration = Duration::from_secs(3);
/// A connection that lasted this long resets the delay before a reconnect.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// The connection thread's state, across reconnects.
pub(crate) struct Link {
    pub(crate) address: String,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) session: Arc<Session>,
    pub(crate) wake: UnixStream,
    pub(crate) screen: Screen,
    pub(crate) unsent: Unsent,
    pub(crate) is_leaving: bool,
    pub(crate) name: Name,
}

/// When to ask again for the wanted name.
#[derive(Default)]
pub(crate) struct Name {
    next: Option<Instant>,
    delay: Duration,
}

/// How one connection ended.
enum Parting {
    /// Closed by one side.
    Over,
    /// Lost.
    Lost(&'static str),
}

impl Link {
    /// Runs until one side closes the connection; one that is lost is opened again. All that the
    /// server has said is shown.
    pub(crate) fn run(mut self, first: (Socket, Loss), greeting: String) -> Ending {
        let ending = self.keep_up(first, greeting);
        if !self.session.is_leaving() {
            self.screen.wait_shown();
        }
        ending
    }

    fn keep_up(&mut self, first: (Socket, Loss), mut greeting: String) -> Ending {
        let mut next = Some(first);
        let mut delay = DELAY_MIN;
        loop {
            if let Some((socket, loss)) = next.take() {
                let since = Instant::now();
                let why = match self.speak(&socket, &greeting) {
                    Ok(Parting::Over) => return Ok(()),
                    Ok(Parting::Lost(why)) => loss.why().unwrap_or(why).to_owned(),
                    Err(error) => error.to_string(),
                };
                if self.screen.was_sent_away() || self.wants_to_leave() {
                    return self.lost(&why);
                }
                if since.elapsed() > GOOD_AFTER {
                    delay = DELAY_MIN;
                }
                self.unsent.begin_line_again();
                self.pause(&format!("the connection was lost ({why})"), &mut delay);
            }
            if self.wants_to_leave() {
                return self.lost("not connected");
            }
            match dial(&self.address, self.tls.as_ref()) {
                Ok(connected) => {
                    self.screen.note("connected again");
                    self.name = Name::default();
                    greeting = self.session.known.lock().return_greeting();
                    next = Some(connected);
                }
                Err(why) => self.pause(&format!("cannot connect ({why})"), &mut delay),
            }
        }
    }

    /// Shows why the connection is lost and waits, longer each time; `/quit` ends the wait.
    fn pause(&mut self, what: &str, delay: &mut Duration) {
        let pause = jittered(*delay);
        *delay = (*delay * 2).min(DELAY_MAX);
        let seconds = pause.as_secs_f64().max(1.0);
        self.screen
            .note(&format!("{what}; trying again in {seconds:.0} s"));
        self.wait(Instant::now() + pause);
    }

    fn wants_to_leave(&self) -> bool {
        self.is_leaving || self.unsent.has_quit
    }

    fn lost(&self, why: &str) -> Ending {
        match self.unsent.is_said() && self.wants_to_leave() {
            true => Ok(()),
            false => Err(format!("the connection was lost: {why}").into()),
        }
    }

    /// Runs one connection until it ends.
    fn speak(&mut self, mut socket: &Socket, greeting: &str) -> io::Result<Parting> {
        socket.set_write_timeout(Some(GREETING))?;
        socket.write_all(greeting.as_bytes())?;
        socket.set_nonblocking(true)?;
        let (mut lines, mut buffer) = (SafeLines::default(), vec![0; BUFFER]);
        let mut until = None;
        loop {
            if self.is_leaving && until.is_none() && self.unsent.is_empty() {
                socket.shutdown(Shutdown::Write)?;
                until = Some(Instant::now() + FAREWELL);
            }
            let next = [until, self.name.next].into_iter().flatten().min();
            let readable = self.wait_socket(socket, next)?;
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(Parting::Over);
            }
            self.take_typed();
            if readable && let Some(parting) = self.read(socket, &mut lines, &mut buffer)? {
                return Ok(parting);
            }
            self.ask_for_name();
            self.unsent.write_to(socket)?;
        }
    }

    /// Reads once; answers the end, if it came.
    fn read(
        &mut self,
        mut socket: &Socket,
        lines: &mut SafeLines,
        buffer: &mut [u8],
    ) -> io::Result<Option<Parting>> {
        let length = match socket.read(buffer) {
            Err(error) if is_for_later(&error) => return Ok(None),
            read => read?,
        };
        if length == 0 {
            if let Some(rest) = lines.rest() {
                self.screen.show([rest], &self.session);
            }
            return Ok(Some(match self.wants_to_leave() {
                true => Parting::Over,
                false => Parting::Lost("the server ended it"),
            }));
        }
        let mut found = Vec::new();
        lines.take(&buffer[..length], |line| found.push(line));
        self.screen.show(found, &self.session);
        Ok(None)
    }

    /// The member with the wanted name may leave, or have left unnoticed.
    fn ask_for_name(&mut self) {
        let mut known = self.session.known.lock();
        let Some(taken) = known.taken().filter(|_| !self.is_leaving) else {
            self.name.next = None;
            return;
        };
        match self.name.next {
            Some(next) if next <= Instant::now() => {
                self.name.next = None;
                self.unsent.add(known.ask_for_name().as_bytes());
            }
            Some(_) => {}
            None => {
                let is_first = self.name.delay.is_zero();
                let note = format!("{taken} is taken; asking for it again until it is free");
                drop(known);
                let delay = (self.name.delay * 2).clamp(NAME_MIN, DELAY_MAX);
                self.name = Name {
                    next: Some(Instant::now() + delay),
                    delay,
                };
                if is_first {
                    self.screen.note(&note);
                }
            }
        }
    }

    fn take_typed(&mut self) {
        drain_wakes(&self.wake);
        if self.unsent.len() > BUFFER && !self.session.is_leaving() {
            // The queue there is bounded as well, and refuses further lines.
            return;
        }
        let taken = self.session.take();
        self.is_leaving = taken.is_leaving;
        if taken.refused {
            let (paste, most) = (PASTE_MAX >> 20, QUEUE_MAX >> 20);
            self.screen.note(&format!(
                "not taken: a paste holds at most {paste} MiB, and {most} MiB may wait"
            ));
        }
        if taken.garbled {
            let what = "a key or a paste that is no UTF-8; Ctrl-C ends such a paste";
            self.screen.note(&format!("not taken: {what}"));
        }
        if !taken.bytes.is_empty() && !self.session.known.lock().is_chat() {
            // A chat sends the line back to this client as well; another server does not.
            self.screen.echo(&taken.bytes);
        }
        if taken.bytes.split(|byte| *byte == b'\n').any(is_nick) {
            self.session.known.lock().leave_name();
        }
        self.unsent.add(&taken.bytes);
    }

    /// Waits for the server or the keyboard; answers whether the server has sent something.
    fn wait_socket(&self, socket: &Socket, until: Option<Instant>) -> io::Result<bool> {
        let writable = match self.unsent.is_empty() {
            true => PollFlags::empty(),
            false => PollFlags::OUT,
        };
        let mut polled = [
            PollFd::new(socket, PollFlags::IN | writable),
            PollFd::new(&self.wake, PollFlags::IN),
        ];
        // While the queue is full, typed lines wait.
        let watched = if self.unsent.len() > BUFFER { 1 } else { 2 };
        poll_until(&mut polled[..watched], until)?;
        let events = polled[0].revents();
        Ok(events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR))
    }

    /// Waits without a connection; `/quit` ends the wait.
    fn wait(&mut self, until: Instant) {
        while !self.wants_to_leave() && Instant::now() < until {
            let mut polled = [PollFd::new(&self.wake, PollFlags::IN)];
            if poll_until(&mut polled, Some(until)).is_err() {
                return;
            }
            self.take_typed();
        }
    }
}

/// Whether the person asks for a name.
fn is_nick(line: &[u8]) -> bool {
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    [&b"/nick"[..], b"/name"]
        .iter()
        .any(|nick| word.eq_ignore_ascii_case(nick))
}

fn poll_until(polled: &mut [PollFd<'_>], until: Option<Instant>) -> io::Result<()> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    wait(polled, left).map(drop)
}

/// Half to one and a half times as long, so that clients do not come back all at once.
fn jittered(delay: Duration) -> Duration {
    // The standard library's hasher is seeded by the system.
    let random = RandomState::new().hash_one(0) % 1024;
    delay.mul_f64(0.5 + random as f64 / 1024.0)
}
