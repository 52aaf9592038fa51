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
//!
//! - A function of a message: [`answer`]. State for each connection, and to see it opened and
//!   closed: [`Service`]. The whole stream, with a worker as long as it takes: [`StreamService`].
//! - How bytes are cut into messages: [`Framing`]. Every limit and its default: [`Options`].
//! - Sending to others, from anywhere: [`Client`], [`Registry`].
//! - Draining, figures, another number of workers while it runs: [`Handle`].
//! - TCP and Unix sockets, several at once, or sockets that listen already: [`Address`],
//!   [`Listeners`], [`Binding`].
//!
//! It runs on Linux. What it has to tell goes to [`tracing`]; it installs no signal handler, never
//! prints and never exits. Several servers may run in one process; give each a
//! [`name`](Options::name).
//!
//! The feature `cli`, on by default, is the command `poold` and what only that needs. Programs that
//! use the library leave it out: `default-features = false`.
//!
//! # Testing a handler
//!
//! Port 0 picks a free one, and a server serves from the moment it is made: nothing to wait for.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! use poold::{Options, Server, answer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shout = answer(|line: &[u8]| line.to_ascii_uppercase());
//! let server = Server::bind("127.0.0.1:0", Options::default(), shout)?;
//!
//! let mut client = BufReader::new(TcpStream::connect(server.address())?);
//! client.get_mut().write_all(b"hello\n")?;
//! let mut line = String::new();
//! client.read_line(&mut line)?;
//! assert_eq!(line, "HELLO\n");
//!
//! drop(client); // Before the server: its drain waits until clients have closed.
//! server.handle().drain();
//! assert_eq!(server.wait().delivered, 1);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_os = "linux"))]
compile_error!("poold runs on Linux only");

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod connection;
mod drain;
mod error;
mod escape;
mod framing;
mod limits;
pub mod manual;
mod net;
mod scheduler;
mod series;
mod server;
pub mod service;
mod turn;

pub use bytes::Bytes;

pub use connection::Unsent;
pub use connection::client::Client;
pub use connection::handler::{End, Messages, Reply, Verdict};
pub use connection::registry::{ClientInfo, Registry};
pub use connection::stream::Stream;
pub use drain::{Report, ServerPhase};
pub use error::{Error, Result};
pub use framing::hint::Hint;
pub use framing::{Delimiter, Extent, Framing, FramingError, Length, Message, Overlong};
pub use limits::admission::{AddressList, ProxyFrom, WhenAddressFull, WhenFull};
pub use limits::limit::Limit;
pub use limits::options::{Hints, Options};
pub use limits::times::{Rate, Times};
pub use net::address::{Address, Peer};
pub use net::listen::{Binding, Listeners};
pub use scheduler::metrics::Histogram;
pub use scheduler::state::Phase;
pub use scheduler::worker_status::WorkerInfo;
pub use server::{Handle, Probe, Server, Stats};
pub use service::{InDrain, Outlet, Quote, Service, StreamService, Tail, answer};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
