//! What the clients of one port get of the feed: its framing and its filter.

use super::settings::{HubPort, HubSettings};
use crate::framing::Framing;
use crate::net::address::Address;

/// See the head of the file. The first view is that of all other ports.
pub(super) struct View {
    at: Option<Address>,
    pub(super) settings: HubSettings,
}

impl View {
    /// One view of all ports.
    pub(super) fn common(settings: &HubSettings) -> View {
        View {
            at: None,
            settings: settings.clone(),
        }
    }

    pub(super) fn of_port(settings: &HubSettings, port: HubPort) -> View {
        let mut settings = settings.clone();
        // The mark is a line.
        settings.mark_drops &= port.framing == Framing::Lines;
        (settings.framing, settings.filter) = (port.framing, port.filter);
        View {
            at: Some(port.at),
            settings,
        }
    }

    /// Whether a client that came in there gets this view. A socket of all interfaces has the port
    /// alone.
    pub(super) fn is_of(&self, came_to: &Address) -> bool {
        match (&self.at, came_to) {
            (Some(Address::Tcp(own)), Address::Tcp(theirs)) => own.iter().any(|own| {
                theirs.iter().any(|theirs| {
                    let is_open = own.ip().is_unspecified();
                    own.port() == theirs.port() && (is_open || own.ip() == theirs.ip())
                })
            }),
            (Some(own), theirs) => own == theirs,
            (None, _) => false,
        }
    }
}
