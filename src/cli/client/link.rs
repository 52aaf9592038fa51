//! The thread that speaks to the server: sends what is typed, shows what comes, and connects
//! again when the connection is lost.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use super::dial::dial;
use super::ending::Ending;
use super::paste::PASTE_MAX;
use super::safe::Lines;
use super::screen::Screen;
use super::shared::{QUEUE_MAX, Session, hush};
use super::unsent::{Unsent, is_for_later};

const BUFFER: usize = 64 << 10;
/// Longest that the server may take to end when we have ended.
const FAREWELL: Duration = Duration::from_secs(3);
/// Longest that a greeting may take.
const GREETING: Duration = Duration::from_secs(10);
const DELAY_MIN: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(60);
/// Between a name's refusal and the first time that it is asked for again.
const NAME_MIN: Duration = Duration::from_secs(3);
/// A connection that held for so long was a good one: the delay begins anew.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// The connection, through all its lives.
pub struct Link {
    pub address: String,
    pub desk: Arc<Session>,
    pub ear: UnixStream,
    pub screen: Screen,
    pub unsent: Unsent,
    pub is_leaving: bool,
    pub name: Name,
}

/// When the name that we want and that is taken is asked for again.
#[derive(Default)]
pub struct Name {
    next: Option<Instant>,
    delay: Duration,
}

/// How one connection ended.
enum Parting {
    /// As it should.
    Over,
    /// Neither side had left.
    Lost(&'static str),
}

impl Link {
    /// Speaks until we or the server have left for good.
    pub fn run(mut self, first: Socket, mut greeting: String) -> Ending {
        let mut next = Some(first);
        let mut delay = DELAY_MIN;
        loop {
            if let Some(socket) = next.take() {
                let since = Instant::now();
                let why = match self.speak(&socket, &greeting) {
                    Ok(Parting::Over) => return Ending::Well,
                    Ok(Parting::Lost(why)) => why.to_owned(),
                    Err(error) => error.to_string(),
                };
                if self.screen.was_sent_away() {
                    return self.lost(&why);
                }
                if since.elapsed() > GOOD_AFTER {
                    delay = DELAY_MIN;
                }
                self.unsent.begin_line_again();
                self.pause(&format!("the connection was lost ({why})"), &mut delay);
            }
            if self.is_leaving {
                return self.lost("not connected");
            }
            match dial(&self.address) {
                Ok(socket) => {
                    self.screen.note("connected again");
                    self.name = Name::default();
                    greeting = self.desk.known.lock().return_greeting();
                    next = Some(socket);
                }
                Err(why) => self.pause(&format!("cannot connect ({why})"), &mut delay),
            }
        }
    }

    /// Says what has happened and waits, longer the next time; leaving ends the wait.
    fn pause(&mut self, what: &str, delay: &mut Duration) {
        if self.is_leaving {
            return;
        }
        let pause = jittered(*delay);
        *delay = (*delay * 2).min(DELAY_MAX);
        let seconds = pause.as_secs_f64().max(1.0);
        self.screen
            .note(&format!("{what}; trying again in {seconds:.0} s"));
        self.wait(Instant::now() + pause);
    }

    fn lost(&self, why: &str) -> Ending {
        match self.unsent.is_empty() && self.is_leaving {
            true => Ending::Well,
            false => Ending::Failed(format!("the connection was lost: {why}")),
        }
    }

    /// Speaks over one connection until it ends.
    fn speak(&mut self, mut socket: &Socket, greeting: &str) -> io::Result<Parting> {
        socket.set_write_timeout(Some(GREETING))?;
        socket.write_all(greeting.as_bytes())?;
        socket.set_nonblocking(true)?;
        let (mut lines, mut buffer) = (Lines::default(), vec![0; BUFFER]);
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

    /// Reads once; answers how it ended, if it did.
    fn read(
        &mut self,
        mut socket: &Socket,
        lines: &mut Lines,
        buffer: &mut [u8],
    ) -> io::Result<Option<Parting>> {
        let length = match socket.read(buffer) {
            Err(error) if is_for_later(&error) => return Ok(None),
            read => read?,
        };
        if length == 0 {
            if let Some(rest) = lines.rest() {
                self.screen.show([rest], &self.desk);
            }
            let over = self.is_leaving || self.unsent.has_quit;
            return Ok(Some(match over {
                true => Parting::Over,
                false => Parting::Lost("the server ended it"),
            }));
        }
        let mut found = Vec::new();
        lines.take(&buffer[..length], |line| found.push(line));
        self.screen.show(found, &self.desk);
        Ok(None)
    }

    /// The member with our name may leave, or have left unnoticed.
    fn ask_for_name(&mut self) {
        let mut known = self.desk.known.lock();
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
        hush(&self.ear);
        if self.unsent.len() > BUFFER && !self.desk.is_leaving() {
            // What waits there is bounded too, and refused beyond it.
            return;
        }
        let taken = self.desk.take();
        self.is_leaving = taken.is_leaving;
        if taken.refused {
            let (paste, most) = (PASTE_MAX >> 20, QUEUE_MAX >> 20);
            self.screen.note(&format!(
                "not taken: a paste holds at most {paste} MiB, and {most} MiB may wait"
            ));
        }
        if !taken.bytes.is_empty() && !self.desk.known.lock().is_chat() {
            // A chat says it to everybody, us too; here nobody else would.
            self.screen.echo(&taken.bytes);
        }
        if taken.bytes.split(|byte| *byte == b'\n').any(is_nick) {
            self.desk.known.lock().leave_name();
        }
        self.unsent.add(&taken.bytes);
    }

    /// Waits for the server or the keyboard; whether the server has something.
    fn wait_socket(&self, socket: &Socket, until: Option<Instant>) -> io::Result<bool> {
        let writable = match self.unsent.is_empty() {
            true => PollFlags::empty(),
            false => PollFlags::OUT,
        };
        let mut polled = [
            PollFd::new(socket, PollFlags::IN | writable),
            PollFd::new(&self.ear, PollFlags::IN),
        ];
        // While much waits, what is typed is left lying.
        let watched = if self.unsent.len() > BUFFER { 1 } else { 2 };
        poll_until(&mut polled[..watched], until)?;
        let events = polled[0].revents();
        Ok(events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR))
    }

    /// Waits without a connection; leaving ends it.
    fn wait(&mut self, until: Instant) {
        while !self.is_leaving && Instant::now() < until {
            let mut polled = [PollFd::new(&self.ear, PollFlags::IN)];
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
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(polled, left.as_ref()) {
        Err(rustix::io::Errno::INTR) => Ok(()),
        polled => Ok(polled.map(drop)?),
    }
}

/// Half to one and a half times as long, so that not everybody comes back at once.
fn jittered(delay: Duration) -> Duration {
    // The standard library's hasher is seeded by the system.
    let random = RandomState::new().hash_one(0) % 1024;
    delay.mul_f64(0.5 + random as f64 / 1024.0)
}
