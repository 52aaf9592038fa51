//! The successor's side of the move: takes the running process's clients. See `mover.rs`.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tracing::warn;

use super::protocol::{Answer, Ask, SOCKETS_MAX, Wire};
use crate::connection::held::{MoveReport, Stays};
use crate::net::ready::is_readable;
use crate::server::{Arrival, Handle};

/// Bytes of one batch's states: far more than a batch has.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A process that ends closes its descriptors a moment before it has ended.
const DEAD_WITHIN: Duration = Duration::from_secs(1);
/// Maximum wait for the next batch, and for the last one.
const NEXT_WITHIN: Duration = Duration::from_secs(30);

/// What it needs to know of the running process.
pub(super) struct Arrivals {
    /// Tells when it has ended; `None` if the system does not say which it is.
    other: Option<OwnedFd>,
}

impl Arrivals {
    pub(super) fn of(wire: &Wire) -> Arrivals {
        let other = wire.other().ok().map(|other| other.pid);
        let other = other.filter(|pid| Pid::as_raw(Some(*pid)) > 0);
        Arrivals {
            other: other.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()),
        }
    }

    /// Takes clients until another answer comes.
    pub(super) fn take_all(&self, wire: &mut Wire, server: &Handle) -> io::Result<Option<Answer>> {
        wire.block(NEXT_WITHIN)?;
        let mut gathered = None;
        let end = self.take_until(wire, server, &mut gathered);
        if let (Some(all), Ok(None) | Err(_)) = (gathered, &end)
            && self.is_other_dead()
        {
            // No other process has their descriptors any more.
            let clients = all.count();
            warn!(clients, "the other poold ended during the move");
            all.serve();
        }
        end
    }

    fn take_until(
        &self,
        wire: &mut Wire,
        server: &Handle,
        gathered: &mut Option<Gathered>,
    ) -> io::Result<Option<Answer>> {
        loop {
            match wire.hear()? {
                Some(Answer::Shared { length }) => {
                    *gathered = take_shared(wire, server, length)?;
                }
                Some(Answer::Late { batch, late }) => {
                    let late = parts(wire, &late)?;
                    gathered.iter_mut().for_each(|all| all.owe(batch, &late));
                }
                Some(Answer::GoAll) => gathered.take().into_iter().for_each(Gathered::serve),
                Some(Answer::Back { .. }) => *gathered = None,
                Some(Answer::Clients { batch, states }) => {
                    if let Some(all) = gathered {
                        let states = parts(wire, &states)?;
                        let (taken, stay) = adopt(server, wire.take_sockets(), &states);
                        all.0.push((batch, taken, Vec::new()));
                        wire.say(&Ask::Taken { batch, stay }, &[])?;
                        continue;
                    }
                    if let Some(no) = self.take_batch(wire, server, batch, &states)? {
                        return Ok(Some(no));
                    }
                }
                Some(Answer::Kept { stayed, took }) => {
                    let named = stayed
                        .iter()
                        .filter_map(|(why, count)| Some((Stays::named(why)?, *count)));
                    let stayed = named.collect();
                    server.note_kept(MoveReport { stayed, took });
                }
                Some(Answer::Close { id, reason }) => {
                    server.registry().close(id, reason);
                }
                other => return Ok(other),
            }
        }
    }

    /// Takes a batch, and serves it when it may; answers what else the other process said.
    fn take_batch(
        &self,
        wire: &mut Wire,
        server: &Handle,
        batch: u64,
        lengths: &[usize],
    ) -> io::Result<Option<Answer>> {
        let states = parts(wire, lengths)?;
        let (taken, stay) = adopt(server, wire.take_sockets(), &states);
        // The other one may have ended since.
        let said = wire.say(&Ask::Taken { batch, stay }, &[]);
        let late = match said.and_then(|()| wire.hear()) {
            Ok(Some(Answer::Go { batch: go, late })) if go == batch => parts(wire, &late),
            Ok(Some(Answer::Back { batch: back })) if back == batch => return Ok(None),
            // The other one goes on with them.
            Ok(Some(other)) => return Ok(Some(other)),
            Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(error),
        };
        match late {
            Ok(late) => serve(taken, &late),
            // No other process has their descriptors any more.
            Err(error) if self.is_other_dead() => {
                warn!(%error, clients = taken.len(), "the other poold ended during the move");
                serve(taken, &[]);
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    fn is_other_dead(&self) -> bool {
        let other = self.other.as_ref();
        other.is_some_and(|other| is_readable(other, DEAD_WITHIN))
    }

    /// Whether it has closed the wire, and not by its end.
    pub(super) fn other_lives(&self) -> bool {
        self.other.is_some() && !self.is_other_dead()
    }
}

/// Clients that move together and are not served yet: batches, with what each client is owed since.
#[derive(Default)]
struct Gathered(Vec<(u64, Vec<Arrival>, Vec<Vec<u8>>)>);

impl Gathered {
    fn count(&self) -> usize {
        self.0.iter().map(|(_, taken, _)| taken.len()).sum()
    }

    fn owe(&mut self, batch: u64, more: &[Vec<u8>]) {
        let batch = self.0.iter_mut().find(|(number, ..)| *number == batch);
        batch
            .into_iter()
            .for_each(|(_, _, late)| *late = more.to_vec());
    }

    fn serve(self) {
        let batches = self.0.into_iter();
        batches.for_each(|(_, taken, late)| serve(taken, &late));
    }
}

/// `None`: the clients stay with the other process.
fn take_shared(wire: &mut Wire, server: &Handle, length: usize) -> io::Result<Option<Gathered>> {
    let written = parts(wire, &[length])?;
    let written = written.first().map_or(&[][..], Vec::as_slice);
    let adopted = server.adopt_shared(written);
    let stay = adopted.err().map(|why| (0, why.name().to_owned()));
    let gathered = stay.is_none().then(Gathered::default);
    let stay = stay.into_iter().collect();
    wire.say(&Ask::Taken { batch: 0, stay }, &[])?;
    Ok(gathered)
}

/// Clients that are not served yet, and those that stay: their place in the batch, and why.
type Judged = (Vec<Arrival>, Vec<(usize, String)>);

fn adopt(server: &Handle, sockets: Vec<OwnedFd>, states: &[Vec<u8>]) -> Judged {
    let mut sockets = sockets.into_iter();
    let (mut taken, mut stay) = (Vec::new(), Vec::new());
    for (at, state) in states.iter().enumerate() {
        let socket = sockets.next().ok_or(Stays::Descriptors);
        match socket.and_then(|socket| server.adopt(socket, state)) {
            Ok(arrival) => taken.push(arrival),
            Err(why) => stay.push((at, why.name().to_owned())),
        }
    }
    (taken, stay)
}

fn serve(taken: Vec<Arrival>, late: &[Vec<u8>]) {
    for (at, arrival) in taken.into_iter().enumerate() {
        arrival.serve(late.get(at).map_or(&[], Vec::as_slice));
    }
}

/// The bytes that follow a message, cut at these lengths.
fn parts(wire: &mut Wire, lengths: &[usize]) -> io::Result<Vec<Vec<u8>>> {
    let total = lengths
        .iter()
        .try_fold(0, |sum: usize, length| sum.checked_add(*length));
    let is_bounded = total.is_some_and(|total| total <= BATCH_BYTES_MAX);
    if !is_bounded || lengths.len() > SOCKETS_MAX {
        return Err(io::Error::other("more clients than a batch has"));
    }
    let one = |length: &usize| {
        let bytes = wire.hear_bytes(*length)?;
        bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    lengths.iter().map(one).collect()
}
