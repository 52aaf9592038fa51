//! Addresses, listening sockets, the acceptor and the wait for a descriptor.
//!
//! The acceptor hands each new socket to a closure; what happens to it is not known here.
//! May import: `error`, `escape`, `series`. Must not: connections, limits, services.

pub(crate) mod acceptor;
pub(crate) mod address;
#[cfg(feature = "cli")]
pub(crate) mod connect;
pub(crate) mod listen;
pub(crate) mod proxy;
pub(crate) mod ready;
