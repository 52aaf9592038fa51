//! All clients of a run, on one thread with one poll.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::super::interrupt::GRACE;
use super::super::plan::Pace;
use super::member::{Member, Signs, Stage, connect};
use super::plan::ChatPlan;
use super::room::Room;
use super::sender::Sender;
use super::tally::ChatTally;
use crate::service::chat::grammar::LOBBY;

const BUFFER: usize = 256 << 10;
const EVENTS_MAX: usize = 1024;
/// Between two readings of the clock.
const TICK: Duration = Duration::from_millis(50);
/// A sender's window is filled in this many parts, so that the server never waits for the last
/// reader.
const PARTS: u64 = 4;

/// The clients and what they have seen.
pub(crate) struct Crowd<'a> {
    plan: &'a ChatPlan,
    poll: Poll,
    buffer: Vec<u8>,
    signs: Signs,
    members: Vec<Member>,
    rooms: Vec<Room>,
    senders: Vec<Sender>,
    /// Clients in their rooms.
    inside: u64,
    /// Clients that have begun.
    begun: u64,
    tally: ChatTally,
    /// The last time that something moved.
    moved: Instant,
    /// When it was ended early.
    interrupted_at: Option<Instant>,
}

impl<'a> Crowd<'a> {
    /// Connects all clients, lets them enter their rooms, and begins.
    pub(crate) fn gather(plan: &'a ChatPlan) -> io::Result<Crowd<'a>> {
        let number = |at: u64| (at % plan.rooms) as usize;
        let mut crowd = Crowd {
            plan,
            poll: Poll::new()?,
            buffer: vec![0; BUFFER],
            signs: Signs {
                leaves_lobby: plan.rooms > 1,
                start: plan.start_line(),
            },
            members: Vec::new(),
            rooms: (0..plan.rooms).map(|_| Room::default()).collect(),
            senders: (0..plan.senders)
                .map(|at| Sender::new(at as usize, number(at)))
                .collect(),
            inside: 0,
            begun: 0,
            tally: ChatTally::default(),
            moved: Instant::now(),
            interrupted_at: None,
        };
        let mut events = Events::with_capacity(EVENTS_MAX);
        for client in 0..plan.run.clients {
            crowd.connect(client, number(client))?;
            crowd.pass(&mut events, Duration::ZERO)?;
        }
        crowd.wait(&mut events, "enter", |crowd| {
            crowd.inside == plan.run.clients
        })?;
        crowd.begin()?;
        let awaited = crowd.members.iter();
        let awaited = awaited
            .filter(|member| crowd.has_sender(member.room))
            .count() as u64;
        crowd.wait(&mut events, "begin", |crowd| crowd.begun == awaited)?;
        Ok(crowd)
    }

    /// Sends until all is sent and seen, or nothing makes progress.
    pub(crate) fn flood(mut self) -> io::Result<ChatTally> {
        let (start, mut events) = (Instant::now(), Events::with_capacity(EVENTS_MAX));
        self.moved = start;
        self.tally.readers = self.members.iter().filter(|member| member.counts()).count() as u64;
        // The last time that nothing was awaited: at a low rate, nothing is due for a while.
        let mut idle = start;
        loop {
            let is_sending = self.speak(start)?;
            if self.senders.iter().all(|sender| sender.outstanding() == 0) {
                if !is_sending {
                    break;
                }
                idle = Instant::now();
            }
            let is_late = self.interrupted_at.is_some_and(|at| at.elapsed() > GRACE);
            if is_late || self.moved.max(idle).elapsed() > self.plan.run.timeout {
                self.tally.timed_out = true;
                break;
            }
            let most = match self.plan.run.pace {
                Pace::Rate(_) if is_sending => Duration::from_millis(1),
                _ => TICK,
            };
            self.pass(&mut events, most)?;
        }
        self.tally.elapsed = self.moved - start;
        self.settle();
        Ok(self.tally)
    }

    fn connect(&mut self, client: u64, room: usize) -> io::Result<()> {
        let is_stalled = !self.plan.reads(client);
        let mut stream = connect(self.plan, is_stalled)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot connect: {error}")))?;
        if self.plan.rooms > 1 {
            let commands = format!("/join flood{room}\n/part {LOBBY}\n");
            // A fresh socket takes this much at once.
            stream.write_all(commands.as_bytes())?;
        }
        stream.watch(self.poll.registry(), Token(client as usize))?;
        self.members.push(Member::new(stream, room, is_stalled));
        Ok(())
    }

    /// One client in each room says that the run begins, for clients with a sender.
    fn begin(&mut self) -> io::Result<()> {
        let line = self.signs.start.clone() + "\n";
        for member in &self.members {
            let counts = self.has_sender(member.room) && !member.is_stalled;
            self.rooms[member.room].readers += u64::from(counts);
        }
        for room in 0..self.rooms.len() {
            if self.has_sender(room) {
                // The first client of each room has the room's number.
                self.members[room].stream.write_all(line.as_bytes())?;
            }
        }
        Ok(())
    }

    fn has_sender(&self, room: usize) -> bool {
        (room as u64) < self.plan.senders
    }

    fn wait(
        &mut self,
        events: &mut Events,
        what: &str,
        is_done: impl Fn(&Crowd<'a>) -> bool,
    ) -> io::Result<()> {
        while !is_done(self) {
            if self.moved.elapsed() > self.plan.run.timeout || self.tally.closed > 0 {
                let why = format!("not all clients could {what} (a chat server, --rate off?)");
                return Err(io::Error::new(ErrorKind::TimedOut, why));
            }
            self.pass(events, TICK)?;
        }
        Ok(())
    }

    /// Waits for events, and handles each.
    fn pass(&mut self, events: &mut Events, most: Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &*events {
            let Token(client) = event.token();
            if event.is_readable() {
                let ended = event.is_read_closed() || event.is_error();
                self.read(client, ended);
            }
            if event.is_writable() && self.members[client].stage == Stage::Begun {
                self.write(client);
            }
        }
        let now = Instant::now();
        for room in &mut self.rooms {
            while let Some(seen) = room.seen() {
                self.senders[seen.sender].seen += seen.lines;
                let took = now.saturating_duration_since(seen.due);
                self.tally.latency.record(took, 1);
                self.tally.seen += seen.lines;
                self.moved = now;
            }
        }
        Ok(())
    }

    /// Reads what has come. `ended` says that the end of the stream may have come as well.
    fn read(&mut self, client: usize, ended: bool) {
        loop {
            let member = &mut self.members[client];
            let is_deaf = member.is_stalled && member.stage == Stage::Begun;
            if member.stage == Stage::Gone || is_deaf {
                return;
            }
            match member.stream.read(&mut self.buffer) {
                Ok(0) => return self.lose(client),
                Ok(length) => {
                    // A short read: the socket is empty, and more bytes cause an event.
                    let is_all = length < self.buffer.len() && !ended && !member.stream.has_ended();
                    self.take(client, length);
                    if is_all {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.lose(client),
            }
        }
    }

    fn take(&mut self, client: usize, length: usize) {
        let member = &mut self.members[client];
        let mut bytes = &self.buffer[..length];
        if member.stage != Stage::Begun {
            let was = member.stage;
            bytes = member.enter(bytes, &self.signs);
            self.moved = Instant::now();
            self.inside += u64::from(was == Stage::Entering && member.stage != was);
            self.begun += u64::from(member.stage == Stage::Begun);
            if !member.counts() {
                return;
            }
        }
        let room = &mut self.rooms[member.room];
        if room
            .take(&mut member.place, bytes, &mut self.senders)
            .is_err()
        {
            self.tally.different += 1;
            member.stage = Stage::Gone;
            return room.leave(member.place);
        }
        self.tally.deliveries += room.pass(&mut member.place);
    }

    fn lose(&mut self, client: usize) {
        let member = &mut self.members[client];
        // A sender's writes go on failing.
        if member.stage == Stage::Gone {
            return;
        }
        if member.counts() {
            self.rooms[member.room].leave(member.place);
        }
        self.tally.closed += u64::from(!member.is_stalled);
        member.stage = Stage::Gone;
    }

    /// Queues and writes what is due; answers whether there will be more.
    fn speak(&mut self, start: Instant) -> io::Result<bool> {
        let now = Instant::now();
        let is_over = self
            .plan
            .run
            .duration
            .is_some_and(|most| now - start >= most);
        if self.interrupted_at.is_none() && self.plan.run.interrupt.is_pressed() {
            self.interrupted_at = Some(now);
            let size = self.plan.run.shape.size();
            self.senders
                .iter_mut()
                .for_each(|sender| sender.hold_back(size));
        }
        if is_over || self.interrupted_at.is_some() {
            return Ok(false);
        }
        match self.plan.run.pace {
            Pace::Replies(window) => self.fill(window, now),
            Pace::Rate(rate) => self.catch_up(rate, start, now),
        }
        Ok(self
            .senders
            .iter()
            .any(|sender| sender.queued < self.plan.run.messages))
    }

    /// Fills each sender's window.
    fn fill(&mut self, window: u64, now: Instant) {
        let part = window.div_ceil(PARTS);
        for at in 0..self.senders.len() {
            let sender = &mut self.senders[at];
            let before = sender.queued;
            while sender.outstanding() + part <= window.max(part)
                && sender.queued < self.plan.run.messages
            {
                let lines = part.min(self.plan.run.messages - sender.queued);
                sender.queue(&self.plan.run.shape, lines, now);
            }
            if sender.queued > before {
                self.write(at);
            }
        }
    }

    /// Queues what the clock asks for.
    fn catch_up(&mut self, rate: f64, start: Instant, now: Instant) {
        let count = self.senders.len() as u64;
        let due = ((now - start).as_secs_f64() * rate) as u64;
        let most = self.plan.outstanding_max();
        let mut queued: u64 = self.senders.iter().map(|sender| sender.queued).sum();
        while queued < due.min(self.plan.run.messages.saturating_mul(count)) {
            let at = (queued % count) as usize;
            if self.senders[at].outstanding() >= most {
                return;
            }
            let when = start + Duration::from_secs_f64(queued as f64 / rate);
            self.senders[at].queue(&self.plan.run.shape, 1, when);
            self.write(at);
            queued += 1;
        }
    }

    fn write(&mut self, client: usize) {
        let Some(sender) = self.senders.get_mut(client) else {
            return;
        };
        if sender.write(&mut self.members[client].stream).is_err() {
            self.lose(client);
        }
    }

    /// The sums, and the stalled clients' ends.
    fn settle(&mut self) {
        let tally = &mut self.tally;
        tally.interrupted = self.interrupted_at.is_some();
        for sender in &self.senders {
            tally.sent += sender.queued;
            let readers = self.members.iter();
            let readers = readers.filter(|member| member.room == sender.room && !member.is_stalled);
            tally.expected += sender.queued * readers.count() as u64;
        }
        for room in &self.rooms {
            tally.misplaced += room.faults.misplaced;
            tally.damaged += room.faults.damaged;
        }
        for member in self.members.iter_mut().filter(|member| member.is_stalled) {
            let left = self
                .interrupted_at
                .map(|at| GRACE.saturating_sub(at.elapsed()));
            let (closed, told) = member.last_words(&mut self.buffer, left);
            tally.stalled_closed += u64::from(closed);
            tally.stalled_told += u64::from(told);
        }
    }
}
