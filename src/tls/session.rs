//! The session of one client, for a socket that never blocks.
//!
//! At rest it holds no buffer: records are decrypted in the buffers of the worker, and only an
//! incomplete record stays. What leaves is encrypted when the socket has room for it, one record
//! at a time; only what the socket does not take of a record stays.
//!
//! rustls keeps offsets into the bytes of an incomplete message, so what stays is given to it
//! again, unchanged and in front. After an error it is asked for its alert and never called again:
//! with other bytes than before it would panic.

use std::io::{self, ErrorKind, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustls::ProtocolVersion;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncryptError, UnbufferedStatus};

use super::buffers::{Buffers, CIPHER_MAX, RECORD_MAX};
use super::describe::describe;
use super::failure::{Failure, FailureKind};
use super::names::name_of;
use super::pieces::{DECODE_ERROR, encode, gather, is_whole, send_all};
use super::{Ending, Heard, Shaken, TlsVersion};

/// Least ciphertext of a read: a client whose rate leaves it a few bytes is not read byte by byte.
const READ_MIN: usize = 4096;
/// Most ciphertext of an incomplete message: a record, or a long chain of certificates.
const KEPT_MAX: usize = 48 * 1024;
/// Most ciphertext that waits for room in the socket, beyond a record.
const ANSWERS_MAX: usize = 32 * 1024;
const TOO_LONG: &str = "a message of the session is too long";

/// See the head of the file.
pub(crate) struct Session {
    inner: UnbufferedServerConnection,
    /// Ciphertext of an incomplete message.
    incoming: Vec<u8>,
    /// In a handshake: bytes have come since rustls was called.
    is_fresh: bool,
    /// Ciphertext that the socket has not taken: at most a record, and what answers it.
    outgoing: Vec<u8>,
    /// Bytes of plaintext that are in `outgoing` and that the caller still has.
    committed: usize,
    /// It has failed, for this reason. rustls is not called again.
    failure: Option<Box<Failure>>,
    /// The caller knows of the failure.
    is_told: bool,
    /// The client has ended its side of the session.
    is_ended: bool,
    /// The server has ended its side of the session.
    is_closed: bool,
}

impl Session {
    pub(super) fn new(inner: UnbufferedServerConnection) -> Session {
        Session {
            inner,
            incoming: Vec::new(),
            is_fresh: false,
            outgoing: Vec::new(),
            committed: 0,
            failure: None,
            is_told: false,
            is_ended: false,
            is_closed: false,
        }
    }

    /// Reads once, in a handshake; [`shake`](Session::shake) then goes on with it. Answers the
    /// bytes read; 0 is the end.
    pub(crate) fn receive(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        Buffers::lend(|buffers| {
            let most = KEPT_MAX.saturating_sub(self.incoming.len()).max(1);
            let length = read(&mut buffers.cipher[..most])?;
            self.incoming.extend_from_slice(&buffers.cipher[..length]);
            self.is_fresh = true;
            Ok(length)
        })
    }

    /// Whether a whole record has come. (It may hold a part of a message; then it stays until the
    /// rest has come.)
    pub(crate) fn has_record(&self) -> bool {
        self.is_fresh && is_whole(&self.incoming)
    }

    /// Goes on with the handshake. What it answers is to be [pushed out](Session::push_out), also
    /// after a failure.
    pub(crate) fn shake(&mut self, plain: &mut [u8]) -> Result<Shaken, Failure> {
        self.is_fresh = false;
        let mut incoming = std::mem::take(&mut self.incoming);
        let (used, length) = self.process(&mut incoming, plain);
        incoming.drain(..used);
        if !incoming.is_empty() {
            incoming.shrink_to_fit();
            self.incoming = incoming;
        }
        if !self.inner.is_handshaking() {
            // What came with its end is served first, even if more than that came.
            return Ok(Shaken::Done { length });
        }
        if self.failure.is_none() && self.incoming.len() >= KEPT_MAX {
            self.fail(FailureKind::Invalid, TOO_LONG);
        }
        let Some(failure) = &self.failure else {
            return Ok(Shaken::Begun);
        };
        let has_no_keys = self.inner.negotiated_cipher_suite().is_none();
        if !self.is_told && self.outgoing.is_empty() && has_no_keys {
            // For some errors rustls has no alert.
            self.outgoing.extend_from_slice(&DECODE_ERROR);
        }
        self.is_told = true;
        Err(Failure::clone(failure))
    }

    /// Reads once, about `most` bytes, and decrypts what is complete. The buffer must have room for
    /// the largest read. After a failure that it has told, what comes is discarded.
    ///
    /// # Errors
    /// Those of `read`; [`InvalidData`](ErrorKind::InvalidData) when the session has failed.
    pub(crate) fn take(
        &mut self,
        plain: &mut [u8],
        most: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Heard> {
        if self.is_ended {
            return self.await_end(plain, read);
        }
        if let Some(failure) = self.failure.as_ref().filter(|_| !self.is_told) {
            self.is_told = true;
            return Err(io::Error::new(ErrorKind::InvalidData, failure.why.clone()));
        }
        Buffers::lend(|buffers| {
            let kept = self.incoming.len();
            let most = most.max(READ_MIN).min(CIPHER_MAX - kept);
            let (before, room) = buffers.cipher.split_at_mut(kept);
            let drained = read(&mut room[..most])?;
            if drained == 0 {
                return Ok(Heard::End(Ending::Truncated));
            }
            before.copy_from_slice(&self.incoming);
            let come = &mut buffers.cipher[..kept + drained];
            self.incoming = Vec::new();
            let (used, length) = self.process(come, plain);
            if self.failure.is_none() && !self.is_ended {
                self.keep(&come[used..]);
            }
            Ok(Heard::Bytes {
                length,
                drained,
                more: drained == most || self.is_ended || self.failure.is_some(),
            })
        })
    }

    /// After the client's end. Once the server has ended the session as well, its connection still
    /// has to end: what comes until then is discarded.
    fn await_end(
        &self,
        room: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Heard> {
        if !self.is_closed {
            return Ok(Heard::End(Ending::Said));
        }
        Ok(match read(room)? {
            0 => Heard::End(Ending::Said),
            drained => Heard::Bytes {
                length: 0,
                drained,
                more: drained == room.len(),
            },
        })
    }

    /// Encrypts, and sends what has room. Answers the bytes that are sent. Bytes that it has
    /// encrypted and that are not sent come first in the next call.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the socket takes no more.
    pub(crate) fn give(
        &mut self,
        slices: &[IoSlice<'_>],
        send: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.push_out(&send)?;
        if self.committed > 0 {
            return Ok(std::mem::take(&mut self.committed));
        }
        Buffers::lend(|buffers| {
            let Buffers { plain, record, .. } = buffers;
            let bytes = gather(slices, plain);
            let length = self.encrypt(bytes, record)?;
            let record = &record[..length];
            if !self.outgoing.is_empty() {
                // What answers the client goes first.
                self.outgoing.extend_from_slice(record);
                self.committed = bytes.len();
                self.push_out(&send)?;
                return Ok(std::mem::take(&mut self.committed));
            }
            if let Err((sent, error)) = send_all(record, &send) {
                self.outgoing = record[sent..].to_vec();
                self.committed = bytes.len();
                return Err(error);
            }
            Ok(bytes.len())
        })
    }

    /// As [`give`](Session::give), but what is encrypted counts as sent: what the socket does not
    /// take of it [is pending](Session::pending). While anything is, it takes no more.
    pub(crate) fn give_over(
        &mut self,
        bytes: &[u8],
        send: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match self.give(&[IoSlice::new(bytes)], send) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.committed > 0 => {
                Ok(std::mem::take(&mut self.committed))
            }
            given => given,
        }
    }

    /// Sends what is encrypted already.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) when the socket takes no more.
    pub(crate) fn push_out(&mut self, send: impl Fn(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        if let Err((sent, error)) = send_all(&self.outgoing, send) {
            self.outgoing.drain(..sent);
            return Err(error);
        }
        self.outgoing = Vec::new();
        Ok(())
    }

    /// Ends the server's side of the session: adds that to what is to be
    /// [pushed out](Session::push_out).
    pub(crate) fn close(&mut self) {
        if self.is_closed || self.failure.is_some() || self.inner.is_handshaking() {
            return;
        }
        self.is_closed = true;
        let mut room = [0; 128];
        let status = self.inner.process_tls_records(&mut self.incoming);
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state
            && let Ok(length) = traffic.queue_close_notify(&mut room)
        {
            self.outgoing.extend_from_slice(&room[..length]);
        }
    }

    /// Whether the client has ended its side of the session.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_ended
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Bytes of an incomplete record.
    pub(crate) fn kept(&self) -> usize {
        self.incoming.len()
    }

    /// Bytes of ciphertext that wait for room in the socket.
    pub(crate) fn pending(&self) -> usize {
        self.outgoing.len()
    }

    /// Its version, once the handshake is done.
    pub(crate) fn version(&self) -> TlsVersion {
        match self.inner.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::V1_2,
            _ => TlsVersion::V1_3,
        }
    }

    /// The name in the client's certificate, if it has shown one.
    pub(crate) fn client_name(&self) -> Option<String> {
        name_of(self.inner.peer_certificates()?.first()?)
    }

    fn fail(&mut self, kind: FailureKind, why: &str) {
        self.failure = Some(Box::new(kind.because(why)));
    }

    fn keep(&mut self, rest: &[u8]) {
        if rest.len() > KEPT_MAX {
            self.fail(FailureKind::Invalid, TOO_LONG);
        } else if !rest.is_empty() {
            self.incoming = rest.to_vec();
        }
    }

    /// Decrypts what is complete; answers the bytes of `cipher` that are used and those in `plain`.
    /// A panic in rustls fails this session only.
    fn process(&mut self, cipher: &mut [u8], plain: &mut [u8]) -> (usize, usize) {
        if self.failure.is_some() {
            return (0, 0);
        }
        let run = catch_unwind(AssertUnwindSafe(|| self.process_records(cipher, plain)));
        run.unwrap_or_else(|_| {
            self.fail(FailureKind::Other, "the TLS library has failed");
            (0, 0)
        })
    }

    fn process_records(&mut self, cipher: &mut [u8], plain: &mut [u8]) -> (usize, usize) {
        let (mut used, mut length) = (0, 0);
        loop {
            let UnbufferedStatus { discard, state } =
                self.inner.process_tls_records(&mut cipher[used..]);
            let mut is_over = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        let bytes = record.payload;
                        plain[length..length + bytes.len()].copy_from_slice(bytes);
                        length += bytes.len();
                        used += record.discard;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(piece)) => {
                    encode(piece, &mut self.outgoing);
                    if self.outgoing.len() > RECORD_MAX + ANSWERS_MAX {
                        self.fail(FailureKind::Other, "the client does not read its answers");
                        is_over = true;
                    }
                }
                Ok(ConnectionState::TransmitTlsData(all)) => all.done(),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    self.is_ended = true;
                    is_over = true;
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => {
                    is_over = true;
                }
                Ok(_) => {
                    self.fail(FailureKind::Other, "the TLS library is in an unknown state");
                    is_over = true;
                }
                Err(error) => {
                    self.failure = Some(Box::new(describe(&error)));
                    self.take_alert(&mut cipher[used + discard..]);
                    is_over = true;
                }
            }
            used += discard;
            if is_over {
                return (used, length);
            }
        }
    }

    /// Takes the alert about an error. `wants_write` says that no more than that happens.
    fn take_alert(&mut self, rest: &mut [u8]) {
        while self.inner.wants_write() {
            let status = self.inner.process_tls_records(rest);
            let Ok(ConnectionState::EncodeTlsData(piece)) = status.state else {
                return;
            };
            encode(piece, &mut self.outgoing);
        }
    }

    /// Encrypts at most a record; answers its length.
    fn encrypt(&mut self, bytes: &[u8], record: &mut Vec<u8>) -> io::Result<usize> {
        if self.failure.is_some() || self.is_closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        loop {
            let status = self.inner.process_tls_records(&mut self.incoming);
            match status.state {
                Ok(ConnectionState::EncodeTlsData(piece)) => encode(piece, &mut self.outgoing),
                Ok(ConnectionState::TransmitTlsData(all)) => all.done(),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let mut written = traffic.encrypt(bytes, record);
                    if let Err(EncryptError::InsufficientSize(more)) = &written {
                        record.resize(more.required_size, 0);
                        written = traffic.encrypt(bytes, record);
                    }
                    return written.map_err(io::Error::other);
                }
                _ => {
                    self.fail(FailureKind::Other, "the session can't send");
                    return Err(ErrorKind::BrokenPipe.into());
                }
            }
        }
    }
}
