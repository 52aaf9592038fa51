//! Balancers, which announce the clients of their connections.

use super::list::AddressList;
use crate::error::{Error, Result};

/// Balancers, whose connections must begin with a PROXY header.
///
/// ```
/// let mut balancers = poold::ProxyFrom::default();
/// balancers.add("192.0.2.0/28")?;
/// let options = poold::Options { proxy_from: balancers, ..Default::default() };
/// # poold::Result::Ok(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyFrom {
    pub(super) addresses: AddressList,
    pub(super) unix: bool,
}

impl ProxyFrom {
    /// Adds an address, a network or a file, as [`AddressList::add`] takes them, or `unix`: all
    /// clients of Unix sockets.
    ///
    /// # Errors
    /// [`Error::Option`] when the text is none of these, or the file can't be read.
    pub fn add(&mut self, text: &str) -> Result<()> {
        if text == "unix" {
            self.unix = true;
            return Ok(());
        }
        self.addresses.add(text).map_err(|error| match error {
            Error::Option { problem, .. } => Error::option("proxy_from", problem),
            other => other,
        })
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        !self.unix && self.addresses.is_empty()
    }
}
