//! What the system still keeps of what was sent.
//!
//! This needs the one system call of the library that no crate has a safe form of: rustix has the
//! other direction (`FIONREAD`) and not this, and `TCP_INFO`, which would tell as well, is in none
//! of rustix, socket2, mio and nix. Without it an answer that is still on its way looks like one
//! that has arrived: the write side is shut in both, and poll(2) says the same.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// `SIOCOUTQ` of unix(7) and tcp(7).
const OUTQ: Opcode = libc::TIOCOUTQ as Opcode;

/// Bytes that the peer's host has not acknowledged, a shut write side counted as one more; over a
/// Unix socket, what the peer has not read and what its keeping takes.
pub(super) fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    // SAFETY: the descriptor is borrowed for the call, and the system writes one C int through the
    // pointer that it gets, which is what `Getter` has room for.
    let bytes = unsafe { ioctl(socket, Getter::<OUTQ, c_int>::new()) }?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
