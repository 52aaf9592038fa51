//! Pieces of output: from rustls, from the caller's chunks, to the socket.

use std::io::{self, IoSlice};

use rustls::unbuffered::{EncodeError, EncodeTlsData};

use super::buffers::RECORD_MAX;

/// A fatal alert, before there are keys.
pub(super) const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];

/// The header of a record.
const HEADER: usize = 5;
/// Most bytes of a record behind its header: RFC 5246, 6.2.3.
const LENGTH_MAX: usize = RECORD_MAX + 2048;

/// Whether these bytes have a whole record, or one that rustls refuses by its header.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let [_, _, _, high, low, ..] = *bytes else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    length > LENGTH_MAX || bytes.len() >= HEADER + length
}

pub(super) fn encode<Data>(mut piece: EncodeTlsData<'_, Data>, out: &mut Vec<u8>) {
    let before = out.len();
    let mut size = 1024;
    loop {
        out.resize(before + size, 0);
        match piece.encode(&mut out[before..]) {
            Ok(length) => return out.truncate(before + length),
            Err(EncodeError::InsufficientSize(more)) => {
                size = more.required_size;
            }
            Err(_) => return out.truncate(before),
        }
    }
}

/// As many bytes of the slices as fit into a record, in one piece.
pub(super) fn gather<'a>(slices: &'a [IoSlice<'_>], plain: &'a mut Vec<u8>) -> &'a [u8] {
    if let [first, rest @ ..] = slices
        && (rest.is_empty() || first.len() >= RECORD_MAX)
    {
        return &first[..first.len().min(RECORD_MAX)];
    }
    plain.clear();
    for slice in slices {
        let room = RECORD_MAX - plain.len();
        plain.extend_from_slice(&slice[..slice.len().min(room)]);
        if plain.len() == RECORD_MAX {
            break;
        }
    }
    plain
}

/// On an error, also answers the bytes that were sent.
pub(super) fn send_all(
    bytes: &[u8],
    send: impl Fn(&[u8]) -> io::Result<usize>,
) -> Result<(), (usize, io::Error)> {
    let mut sent = 0;
    while sent < bytes.len() {
        match send(&bytes[sent..]) {
            Ok(length) => sent += length,
            Err(error) => return Err((sent, error)),
        }
    }
    Ok(())
}
