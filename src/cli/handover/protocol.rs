//! The protocol of the control socket: one JSON object on a line, with descriptors beside it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Maximum length of a message, with its newline.
const MESSAGE_MAX: usize = 16 * 1024;
/// Maximum sockets that are handed over; the system's own limit is 253.
pub(super) const SOCKETS_MAX: usize = 64;

/// A request to the running process.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Start a successor and hand over to it, if it is ready within this time.
    Restart { ready_within: Duration },
    /// Send the sockets.
    TakeOver { version: u32, pid: u32 },
    /// The successor accepts from them.
    Ready,
}

/// An answer of the running process.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The sockets; the descriptors come in the same order.
    Sockets(Vec<Given>),
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
}

/// One end of a connection.
pub(super) struct Wire {
    stream: UnixStream,
    heard: Vec<u8>,
    sockets: Vec<OwnedFd>,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Wire {
        Wire {
            stream,
            heard: Vec::new(),
            sockets: Vec::new(),
        }
    }

    /// Sends a message. Each fits a fresh socket's buffer, so this does not block.
    pub(super) fn say(&self, message: &impl Serialize, sockets: &[BorrowedFd]) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut beside = SendAncillaryBuffer::new(&mut room);
        if !sockets.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(sockets)) {
            return Err(io::Error::other("too many sockets"));
        }
        // Only the error tells whether the other end has left.
        let flags = SendFlags::NOSIGNAL;
        let sent = sendmsg(&self.stream, &[IoSlice::new(&text)], &mut beside, flags)?;
        if sent < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
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
        let mut text = [0; 4096];
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut beside = RecvAncillaryBuffer::new(&mut room);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let pieces = &mut [IoSliceMut::new(&mut text)];
        let received = recvmsg(&self.stream, pieces, &mut beside, flags)?;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                self.sockets.extend(sockets);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) || self.sockets.len() > SOCKETS_MAX {
            return Err(io::Error::other(
                "too many sockets, or no descriptor for them",
            ));
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
    use super::*;

    #[test]
    fn sockets_come_with_their_message() {
        let (here, there) = UnixStream::pair().expect("sockets");
        let (here, mut there) = (Wire::new(here), Wire::new(there));
        let file = std::fs::File::open("/dev/null").expect("it is always there");
        let given = |name: &str| Given {
            name: name.into(),
            has_file: false,
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
    fn what_makes_no_sense_is_an_error() {
        use std::io::Write;
        for nonsense in [&b"{}\n"[..], b"GET / HTTP/1.0\r\n", &[b'x'; MESSAGE_MAX]] {
            let (mut here, there) = UnixStream::pair().expect("sockets");
            here.write_all(nonsense).expect("room");
            assert!(Wire::new(there).hear::<Ask>().is_err());
        }
    }
}
