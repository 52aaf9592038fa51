//! The servers whose sockets are handed over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::protocol::{Answer, Given, SOCKETS_MAX, Wire};
use super::{CONTROL, HELD, NUMBERS_KEPT, SERVICE};
use crate::net::address::Address;
use crate::net::listen::address_of;
use crate::server::Handle;

/// See the head of the file.
#[derive(Default)]
pub(super) struct Offers {
    all: Vec<Offer>,
    /// Of what a successor waits for.
    held: Option<OwnedFd>,
    /// How long clients that stay may take, if not as long as a drain.
    pub(super) drain: Option<Duration>,
}

/// A server whose sockets are handed over.
struct Offer {
    name: &'static str,
    server: Handle,
    /// The sockets whose files are removed at the end.
    with_files: Vec<Address>,
}

impl Offers {
    pub(super) fn add(&mut self, name: &'static str, server: Handle, with_files: Vec<Address>) {
        self.all.push(Offer {
            name,
            server,
            with_files,
        });
    }

    /// A successor gets this descriptor, and waits for its end.
    pub(super) fn hold(&mut self, held: OwnedFd) {
        self.held = Some(held);
    }

    /// The server whose clients move.
    pub(super) fn service(&self) -> Option<Handle> {
        let offer = self.all.iter().find(|offer| offer.name == SERVICE)?;
        Some(offer.server.clone())
    }

    /// Sends the control socket and all of theirs.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) fn give(
        &self,
        wire: &Wire,
        control: &impl AsFd,
        has_file: bool,
    ) -> Result<(), String> {
        wire.check_user()?;
        self.send(wire, control, has_file)
            .map_err(|error| error.to_string())
    }

    fn send(&self, wire: &Wire, control: &impl AsFd, has_file: bool) -> io::Result<()> {
        let mut given = vec![Given {
            name: CONTROL.into(),
            has_file,
            numbered_after: 0,
        }];
        let mut duplicates: Vec<OwnedFd> = Vec::new();
        for offer in &self.all {
            let numbered_after = offer.server.last_id() + NUMBERS_KEPT;
            for socket in offer.server.listeners()? {
                given.push(Given {
                    name: offer.name.into(),
                    has_file: offer.with_files.contains(&address_of(&socket)?),
                    numbered_after,
                });
                duplicates.push(socket);
            }
        }
        given.extend(self.held.iter().map(|_| Given {
            name: HELD.into(),
            has_file: false,
            numbered_after: 0,
        }));
        let mut sockets = vec![control.as_fd()];
        sockets.extend(duplicates.iter().map(AsFd::as_fd));
        sockets.extend(self.held.iter().map(AsFd::as_fd));
        if sockets.len() > SOCKETS_MAX {
            return Err(io::Error::other("too many listening sockets"));
        }
        wire.say(&Answer::Sockets(given), &sockets)
    }

    /// Ends them in favour of the successor.
    pub(super) fn hand_over(&self) {
        for offer in &self.all {
            match self.drain {
                Some(most) => offer.server.hand_over_within(most),
                None => offer.server.hand_over(),
            }
        }
    }
}
