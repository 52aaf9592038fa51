//! A connection's state to and from the form in which another process gets it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::carried::Carried;
use super::{
    Bytes, CloseRequest, Connection, Kept, Look, Mailbox, Moment, Opening, Outbox, Owned, Standing,
};
use crate::limits::times::Bucket;
use crate::scheduler::state::StateWord;

/// How long a client may have been between the processes: it was given nothing meanwhile, so it
/// does not count as stalled for that.
const MOVED_WITHIN: Duration = Duration::from_secs(2);

/// What the one that moves a connection has of it.
pub(crate) struct Contents {
    pub(crate) owned: Box<Owned>,
    pub(crate) output: Outbox,
}

impl Connection {
    /// Takes the contents of a held connection. Requests to close it wait until it goes on.
    pub(crate) fn unpack(&self) -> Option<Contents> {
        let mut mailbox = self.mailbox.lock();
        mailbox.is_moving = true;
        let taken = Kept::Taken { in_hand: 0 };
        let kept = std::mem::replace(&mut mailbox.kept, taken);
        let owned = self.whole(kept, &mut None)?;
        let output = mailbox.take_in_hand();
        Some(Contents { owned, output })
    }

    /// Its state, except what the server and the service know.
    pub(crate) fn carried(&self, contents: &mut Contents, now: Instant) -> Carried {
        let Contents { owned, output } = contents;
        let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let tally = &self.tally;
        let ago = |since: Instant| now.saturating_duration_since(since);
        let rate = owned.lasting.bucket.as_mut().map(|bucket| bucket.left(now));
        Carried {
            announced: self.identity.announcement(),
            unread: owned.unread.clone(),
            place: owned.decoder.place(),
            owed: output.to_vec(),
            is_broken: owned.discards_output,
            id: self.id,
            counts: [
                count(&tally.messages_in),
                count(&tally.bytes_in),
                count(&tally.messages_out) + output.messages(),
                count(&tally.bytes_out),
            ],
            age: ago(self.since()),
            heard: Duration::from_millis(count(&tally.heard_ms)).min(ago(self.since())),
            stalled: owned.stalled.map(ago),
            paused: owned
                .paused
                .map(|until| until.saturating_duration_since(now)),
            message: owned
                .begun
                .as_deref()
                .map(|(begun, bytes)| (ago(*begun), *bytes)),
            rate,
            hint: tally.hint(),
            ..Carried::new(self.identity.origin)
        }
    }

    /// A held connection with this state; `None` if the state is wrong. Without a session.
    pub(crate) fn of_carried(
        opening: Opening,
        carried: Carried,
        now: Instant,
    ) -> Option<Connection> {
        let since = now.checked_sub(carried.age)?;
        let stage = opening.stage.clone();
        let mut connection = Connection::new(opening);
        connection.since = Moment::of(since);
        connection.state = StateWord::held();
        connection.identity.set_standing(Standing::Admitted);
        if let Some((client, local)) = carried.announced {
            connection.identity.announce(client, local);
        }
        let tally = &connection.tally;
        if let Some(hint) = carried.hint {
            tally.tell(hint);
        }
        let [messages_in, bytes_in, messages_out, bytes_out] = carried.counts;
        let heard = carried.heard.as_millis() as u64;
        for (count, value) in [
            (&tally.messages_in, messages_in),
            (&tally.bytes_in, bytes_in),
            (&tally.messages_out, messages_out),
            (&tally.bytes_out, bytes_out),
            (&tally.heard_ms, heard),
        ] {
            count.store(value, Ordering::Relaxed);
        }
        let mut mailbox = connection.mailbox.lock();
        let Mailbox { kept, outbox, .. } = &mut *mailbox;
        let mut owned = Owned::new(stage, connection.common.decoder());
        owned.decoder.resume(carried.place)?;
        owned.unread = carried.unread;
        owned.discards_output = carried.is_broken;
        owned.paused = carried.paused.map(|left| now + left);
        let stalled = carried.stalled.map(|ago| ago.saturating_sub(MOVED_WITHIN));
        owned.stalled = stalled.and_then(|ago| now.checked_sub(ago));
        let stalled = owned.stalled.map(|at| at.saturating_duration_since(since));
        let stalled = stalled.map_or(0, |after| after.as_millis() as u64 + 1);
        tally.stalled_ms.store(stalled, Ordering::Relaxed);
        let begun = |(ago, bytes)| Some(Box::new((now.checked_sub(ago)?, bytes)));
        owned.begun = carried.message.and_then(begun);
        if bytes_in > 0 {
            owned.look = Look::Done;
        }
        if let (Some(rate), Some(left)) = (connection.common.rate, carried.rate) {
            let mut bucket = Box::new(Bucket::new(rate, now));
            bucket.set_left(left);
            owned.lasting.bucket = Some(bucket);
        }
        *kept = Kept::Whole(owned);
        // The first chunk always fits.
        let _ = outbox.push(carried.owed.into(), usize::MAX);
        mailbox.is_moving = true;
        drop(mailbox);
        Some(connection)
    }

    /// It is served in this process: a request to close it acts in its next turn.
    pub(crate) fn has_come_to_stay(&self) {
        self.mailbox.lock().is_moving = false;
    }

    /// Takes what a close that was requested meanwhile gives as its reason: the other process has
    /// the connection. Its own limits see to the rest, and its own drain.
    pub(crate) fn take_request(&self) -> Option<String> {
        match *self.mailbox.lock().request.take()? {
            CloseRequest::Close(reason) => Some(reason),
            CloseRequest::Shed(_) | CloseRequest::Cut => None,
        }
    }

    /// Puts a part of what it is owed behind the rest, as it is.
    pub(crate) fn owe(&self, more: Bytes) {
        let _ = self.mailbox.lock().outbox.push(more, usize::MAX);
    }

    /// Takes pushes again, after [`shut_outbox`](Connection::shut_outbox) and with what that gave.
    pub(crate) fn reopen_outbox(&self, late: Outbox) {
        let mut mailbox = self.mailbox.lock();
        mailbox.shut = false;
        mailbox.outbox.put_back(late);
    }
}
