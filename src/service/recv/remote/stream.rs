//! Messages of another service, to a stream.

use std::io;
use std::sync::Arc;

use tracing::warn;

use super::super::record;
use super::super::sink::{Durability, try_write};
use super::{Remote, RemoteFigures, durability};
use crate::error::{Error, Result};
use crate::redis::failure::Kind;
use crate::redis::url::Target;

/// See the head of the file.
pub(crate) struct StreamWriter {
    remote: Remote,
    durability: Durability,
}

impl StreamWriter {
    /// A server that is away is waited for.
    pub(crate) fn open(target: &Target) -> Result<StreamWriter> {
        let mut remote = Remote::new(target.clone(), false);
        if let Err(failure) = remote.connect() {
            let name = target.to_string();
            if failure.kind == Kind::Unfit {
                let problem = failure.to_string();
                return Err(Error::Remote { name, problem });
            }
            warn!(to = name, "waiting: {failure}");
        }
        Ok(StreamWriter {
            durability: durability(target, false),
            remote,
        })
    }

    pub(crate) fn figures(&self) -> Arc<RemoteFigures> {
        Arc::clone(&self.remote.figures)
    }

    /// Appends a message to a piece.
    pub(crate) fn add(message: &[u8], piece: &mut Vec<u8>) {
        record::bare(message, piece);
    }

    /// Tries to write the rest of a piece; `written` is how much of it is out. After an error it is
    /// to be tried again.
    pub(crate) fn write(&mut self, piece: &[u8], written: &mut usize) -> io::Result<()> {
        try_write(&mut self.remote, piece, self.durability, written)
    }
}
