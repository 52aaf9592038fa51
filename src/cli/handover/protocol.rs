//! The protocol of the control socket: one JSON object on a line, with descriptors beside it.

use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, UCred, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Maximum length of a message, with its newline.
const MESSAGE_MAX: usize = 16 * 1024;
/// How long the other end may take nothing of a message.
const SAY_WITHIN: Duration = Duration::from_secs(2);
/// Bytes that are received at once.
const RECEIVED_MAX: usize = 16 * 1024;
/// Maximum sockets that are handed over; the system's own limit is 253.
pub(super) const SOCKETS_MAX: usize = 64;

/// A request to the running process.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Start a successor and hand over to it, if it is ready within this time.
    Restart { ready_within: Duration },
    /// Send the sockets.
    TakeOver {
        version: u32,
        pid: u32,
        /// The version in which it takes clients; 0 for none.
        #[serde(default)]
        clients: u32,
    },
    /// The successor accepts from them.
    Ready,
    /// The successor has the clients of this batch, and serves them when it gets `go`; those in
    /// the list stay, with the reason's name.
    Taken {
        batch: u64,
        stay: Vec<(usize, String)>,
    },
}

/// An answer of the running process.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The sockets; the descriptors come in the same order.
    Sockets(Vec<Given>),
    /// Clients: the length of each one's state. The states follow this line, the descriptors come
    /// in the same order.
    Clients { batch: u64, states: Vec<usize> },
    /// The clients that were taken are the successor's. For each of them the length of what it is
    /// owed since; the bytes follow this line.
    Go { batch: u64, late: Vec<usize> },
    /// Clients follow that move together; first the bytes of what they have in common. Answered as
    /// batch 0.
    Shared { length: usize },
    /// For each client of this batch that was taken, the length of what it is owed since; the bytes
    /// follow this line.
    Late { batch: u64, late: Vec<usize> },
    /// All clients that move together and were taken are the successor's.
    GoAll,
    /// Close this client, which is the successor's: that was asked for while it moved.
    Close { id: u64, reason: String },
    /// The clients of this batch go on in the running process: the successor was too slow, or the
    /// running process ends.
    Back { batch: u64 },
    /// The clients that stay, by the reasons' names, and how long the move took.
    Kept {
        stayed: Vec<(String, u64)>,
        took: Duration,
    },
    /// The running process accepts no more.
    Yours,
    /// The new process serves.
    Done { pid: u32 },
    /// The restart failed; the running process goes on.
    No { reason: String },
}

/// A socket that is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    /// The name of its owner.
    pub(super) name: String,
    /// Whether the last process removes its file.
    pub(super) has_file: bool,
    /// Clients of the successor are numbered from after this.
    #[serde(default)]
    pub(super) numbered_after: u64,
}

/// One end of a connection.
pub(super) struct Wire {
    stream: Arc<UnixStream>,
    heard: Vec<u8>,
    sockets: Vec<OwnedFd>,
    /// A message was sent in part: what follows would be taken for the rest of it.
    is_torn: Cell<bool>,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Wire {
        Wire {
            stream: Arc::new(stream),
            heard: Vec::new(),
            sockets: Vec::new(),
            is_torn: Cell::new(false),
        }
    }

    /// Sends a message. Each fits a fresh socket's buffer, so this does not block.
    pub(super) fn say(&self, message: &impl Serialize, sockets: &[BorrowedFd]) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        if self.send(&text, sockets)? < text.len() {
            self.is_torn.set(true);
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// Sends a message and bytes after it, as long as that takes.
    pub(super) fn say_with(
        &self,
        message: &impl Serialize,
        sockets: &[BorrowedFd],
        bytes: &[&[u8]],
    ) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        bytes.iter().for_each(|bytes| text.extend_from_slice(bytes));
        let mut at = self.send(&text, sockets)?;
        while at < text.len() {
            let more = self.send(&text[at..], &[]);
            self.is_torn.set(more.is_err());
            at += more?;
        }
        Ok(())
    }

    /// Sends what the socket takes, with the sockets.
    fn send(&self, text: &[u8], sockets: &[BorrowedFd]) -> io::Result<usize> {
        if self.is_torn.get() {
            return Err(io::Error::other("the message before was sent in part"));
        }
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut beside = SendAncillaryBuffer::new(&mut room);
        if !sockets.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(sockets)) {
            return Err(io::Error::other("too many sockets"));
        }
        // Only the error tells whether the other end has left.
        let flags = SendFlags::NOSIGNAL;
        let pieces = [IoSlice::new(text)];
        // With a time limit, a stop of this process interrupts it.
        let sent = retry_on_intr(|| sendmsg(&self.stream, &pieces, &mut beside, flags));
        Ok(sent?)
    }

    /// Reads so many bytes that follow a message; `None` if the end comes first.
    pub(super) fn hear_bytes(&mut self, count: usize) -> io::Result<Option<Vec<u8>>> {
        while self.heard.len() < count {
            if self.receive()? == 0 {
                return Ok(None);
            }
        }
        let rest = self.heard.split_off(count);
        Ok(Some(std::mem::replace(&mut self.heard, rest)))
    }

    /// Blocks from now on, for at most this time, or for the other end to take more of a message
    /// that is begun: after a part of one there is no going on.
    pub(super) fn block(&self, most: Duration) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_read_timeout(Some(most))?;
        self.stream.set_write_timeout(Some(most.max(SAY_WITHIN)))
    }

    /// Never blocks again.
    pub(super) fn unblock(&self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }

    /// Ends it, from any thread, if it is still there: the other end sees that this process ends.
    pub(super) fn ender(&self) -> impl FnOnce() + Send + use<> {
        let stream = Arc::downgrade(&self.stream);
        move || {
            if let Some(stream) = stream.upgrade() {
                // It may have ended.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// An error if the successor is neither this user's nor root's: it would serve their clients.
    pub(super) fn check_user(&self) -> Result<(), String> {
        let theirs = self.other().map_err(|error| error.to_string())?.uid;
        let ours = rustix::process::geteuid();
        if theirs == ours || theirs.is_root() {
            return Ok(());
        }
        Err(format!(
            "it runs as user {}, the running one as user {}; start it as that user",
            theirs.as_raw(),
            ours.as_raw()
        ))
    }

    /// The process at the other end, and its user.
    pub(super) fn other(&self) -> io::Result<UCred> {
        Ok(socket_peercred(&self.stream)?)
    }

    /// Reads the next message; `None` at the end.
    pub(super) fn hear<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            if self.heard.len() >= MESSAGE_MAX {
                return Err(io::Error::other("a message without end"));
            }
            if self.receive()? == 0 {
                return Ok(None);
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut text = [0; RECEIVED_MAX];
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut beside = RecvAncillaryBuffer::new(&mut room);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let pieces = &mut [IoSliceMut::new(&mut text)];
        // See `send`.
        let received = retry_on_intr(|| recvmsg(&self.stream, pieces, &mut beside, flags))?;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                self.sockets.extend(sockets);
            }
        }
        // Without a descriptor for all of them, the first ones have come.
        if self.sockets.len() > SOCKETS_MAX {
            return Err(io::Error::other("too many sockets"));
        }
        self.heard.extend_from_slice(&text[..received.bytes]);
        Ok(received.bytes)
    }

    /// Takes the sockets that came beside the messages.
    pub(super) fn take_sockets(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.sockets)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn sockets_come_with_their_message() {
        let (here, there) = UnixStream::pair().expect("sockets");
        let (here, mut there) = (Wire::new(here), Wire::new(there));
        let file = std::fs::File::open("/dev/null").expect("it is always there");
        let given = |name: &str| Given {
            name: name.into(),
            has_file: false,
            numbered_after: 0,
        };
        let sockets = Answer::Sockets(vec![given("a"), given("b")]);
        here.say(&sockets, &[file.as_fd(), file.as_fd()])
            .expect("room");
        here.say(&Answer::Yours, &[]).expect("room");
        assert_eq!(there.hear().expect("a message"), Some(sockets));
        assert_eq!(there.take_sockets().len(), 2);
        assert_eq!(there.hear().expect("a message"), Some(Answer::Yours));
        assert_eq!(there.take_sockets().len(), 0);
        drop(here);
        assert_eq!(there.hear::<Answer>().expect("the end"), None);
    }

    #[test]
    fn nothing_follows_a_message_that_was_sent_in_part() {
        let (here, mut there) = UnixStream::pair().expect("sockets");
        let here = Wire::new(here);
        here.block(Duration::from_millis(10)).expect("a socket");
        let late = vec![b'x'; 8 << 20];
        let go = Answer::Go {
            batch: 1,
            late: vec![late.len()],
        };
        let error = here
            .say_with(&go, &[], &[&late])
            .expect_err("it is not read");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        // There is room again, and the successor waits for the rest.
        there.set_nonblocking(true).expect("a socket");
        while there.read(&mut [0; 1 << 16]).is_ok() {}
        let reason = "too slow".to_owned();
        assert!(here.say(&Answer::No { reason }, &[]).is_err());
        let more = there.read(&mut [0; 100]).expect_err("nothing");
        assert_eq!(more.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        use std::io::Write;
        for nonsense in [&b"{}\n"[..], b"GET / HTTP/1.0\r\n", &[b'x'; MESSAGE_MAX]] {
            let (mut here, there) = UnixStream::pair().expect("sockets");
            here.write_all(nonsense).expect("room");
            assert!(Wire::new(there).hear::<Ask>().is_err());
        }
    }
}
