//! A fixed number of threads behind a TCP port.
//!
//! Thousands of clients may be connected; a handful of workers serve them; handlers may block;
//! nothing is async.
//!
//! ```no_run
//! use poold::{Options, Server, answer};
//!
//! fn main() -> poold::Result<()> {
//!     let shout = answer(|line: &[u8]| line.to_ascii_uppercase());
//!     let server = Server::bind("127.0.0.1:8080", Options::default(), shout)?;
//!     println!("listening on {}", server.address());
//!     println!("{}", server.wait());
//!     Ok(())
//! }
//! ```

mod acceptor;
mod admission;
#[cfg(feature = "cli")]
mod chat;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod client;
mod connection;
mod deadlines;
mod drain;
mod error;
#[cfg(feature = "cli")]
mod escape;
mod framing;
mod handler;
mod house;
mod limits;
mod listen;
mod lobby;
pub mod manual;
mod meter;
mod notices;
mod outbox;
mod overload;
mod peer;
mod poller;
mod pool;
mod posts;
mod ready;
mod registry;
mod server;
pub mod service;
mod state;
mod stream;
mod sync;
mod times;
mod turn;
mod watch;

pub use bytes::Bytes;

pub use admission::{AddressList, WhenFull};
pub use client::Client;
pub use connection::Unsent;
pub use drain::{Report, ServerPhase};
pub use error::{Error, Result};
pub use framing::{Extent, Framing, Message, Overlong};
pub use handler::{End, Messages, Reply, Verdict};
pub use limits::Options;
pub use listen::Listeners;
pub use meter::Histogram;
pub use notices::Limit;
pub use peer::{Address, Peer};
pub use posts::WorkerInfo;
pub use registry::{ClientInfo, Registry};
pub use server::{Handle, Probe, Server, Stats};
pub use service::{InDrain, Service, StreamService, Tail, answer};
pub use state::Phase;
pub use stream::Stream;
pub use times::{Rate, Times};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
