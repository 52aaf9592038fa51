//! Connects to the server.

use std::io;
use std::time::Duration;

use socket2::{Socket, TcpKeepalive};

use super::secure::{Loss, secure};
use crate::error::Error;
use crate::net::address::Address;
use crate::net::connect;
use crate::tls::ClientTls;

/// Maximum wait for a Unix socket, and for each address of a name.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Silence after which TCP's keepalive asks the server.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotConnected {
    /// The address is not valid.
    #[error("{0}")]
    Address(Error),
    /// The name was not found.
    #[error("{0}")]
    Name(Error),
    /// No server answered.
    #[error("{0}")]
    Server(io::Error),
}

/// Connects to the first address that answers. Looks up names anew each time.
pub(crate) fn dial(text: &str, tls: Option<&ClientTls>) -> Result<(Socket, Loss), NotConnected> {
    let address: Address = text.parse().map_err(|error| match error {
        Error::Lookup { .. } => NotConnected::Name(error),
        _ => NotConnected::Address(error),
    })?;
    let socket = connect::connect(&address, CONNECT_MAX).map_err(NotConnected::Server)?;
    if matches!(address, Address::Tcp(_)) {
        let probes = TcpKeepalive::new()
            .with_time(PROBE_AFTER)
            .with_interval(PROBE_AFTER / 4);
        let set = socket.set_tcp_keepalive(&probes);
        set.map_err(NotConnected::Server)?;
    }
    match tls {
        Some(tls) => secure(socket, tls, connect::name(text)).map_err(NotConnected::Server),
        None => Ok((socket, Loss::default())),
    }
}
