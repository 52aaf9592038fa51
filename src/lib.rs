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

mod acceptor;
mod admission;
#[cfg(feature = "cli")]
mod chat;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod client;
mod connection;
mod contention;
mod deadlines;
mod drain;
mod error;
mod escape;
mod framing;
mod handler;
mod hint;
mod house;
mod limits;
mod listen;
mod lobby;
pub mod manual;
mod meter;
mod notices;
mod outbox;
mod overload;
mod pace;
mod peer;
mod poller;
mod pool;
mod posts;
mod proxy;
mod ready;
mod registry;
mod series;
mod server;
pub mod service;
mod spare;
mod spin;
mod state;
mod stream;
mod sync;
mod times;
mod turn;
mod watch;

pub use bytes::Bytes;

pub use admission::{AddressList, ProxyFrom, WhenAddressFull, WhenFull};
pub use client::Client;
pub use connection::Unsent;
pub use drain::{Report, ServerPhase};
pub use error::{Error, Result};
pub use framing::{Delimiter, Extent, Framing, FramingError, Length, Message, Overlong};
pub use handler::{End, Messages, Reply, Verdict};
pub use hint::Hint;
pub use limits::{Hints, Options};
pub use listen::{Binding, Listeners};
pub use meter::Histogram;
pub use notices::Limit;
pub use peer::{Address, Peer};
pub use posts::WorkerInfo;
pub use registry::{ClientInfo, Registry};
pub use server::{Handle, Probe, Server, Stats};
pub use service::{InDrain, Outlet, Quote, Service, StreamService, Tail, answer};
pub use state::Phase;
pub use stream::Stream;
pub use times::{Rate, Times};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
