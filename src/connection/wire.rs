//! A connection's socket: reads, peeks, writes, and counts the bytes.

use std::io::{self, IoSlice};

use rustix::net::{self, RecvFlags, SendFlags};

use super::Connection;
use crate::scheduler::metrics::add;

impl Connection {
    /// With [`RecvFlags::DONTWAIT`] never blocks, whatever mode the socket is in: a program that
    /// shares it may have changed the mode.
    pub(crate) fn read(&self, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        // Not through libc: its wrappers are cancellation points and cost more in threads.
        let read = rustix::io::retry_on_intr(|| net::recv(&self.socket, &mut *buffer, flags));
        match read {
            Ok((length, _)) => {
                add(&self.tally.bytes_in, length as u64);
                Ok(length)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Copies what has arrived, and leaves it in the socket. Never blocks.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let (length, _) =
            rustix::io::retry_on_intr(|| net::recv(&self.socket, &mut *buffer, flags))?;
        Ok(length)
    }

    /// Takes the bytes that were peeked. They are not counted: they are not the client's.
    pub(crate) fn skip(&self, peeked: &mut [u8]) -> io::Result<()> {
        let flags = RecvFlags::DONTWAIT;
        let taken = rustix::io::retry_on_intr(|| net::recv(&self.socket, &mut *peeked, flags))?;
        debug_assert_eq!(taken.0, peeked.len(), "only the running worker reads");
        Ok(())
    }

    /// As [`read`](Connection::read). A peer that has left causes an error and no SIGPIPE, which
    /// would end a process that has its default.
    pub(crate) fn write(&self, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
        let flags = flags | SendFlags::NOSIGNAL;
        self.counted(net::send(&self.socket, bytes, flags).map_err(io::Error::from))
    }

    /// As [`write`](Connection::write), and never blocks.
    pub(crate) fn write_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let flags = flags.bits() as i32;
        self.counted(self.socket.send_vectored_with_flags(slices, flags))
    }

    fn counted(&self, written: io::Result<usize>) -> io::Result<usize> {
        if let Ok(length) = written {
            add(&self.tally.bytes_out, length as u64);
        }
        written
    }
}
