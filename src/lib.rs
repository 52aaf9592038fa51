//! A fixed number of threads behind a TCP port.
//!
//! A handful of workers serve thousands of clients. Handlers may block; nothing is async.
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
//! - [`answer`] makes a service of a function of a message. A [`Service`] has state for each
//!   connection, and sees it opened and closed. A [`StreamService`] gets the whole stream, and a
//!   worker for as long as it needs.
//! - [`Framing`] says how bytes are cut into messages. [`Options`] has every limit and its default.
//! - [`Client`] and [`Registry`] send to any client, from any thread.
//! - [`Handle`] drains the server, reads its figures, and changes the number of workers while it
//!   runs.
//! - [`Address`], [`Listeners`] and [`Binding`] are for TCP and Unix sockets, for several at once,
//!   and for sockets that listen already.
//!
//! The library runs on Linux. It logs to [`tracing`]; it installs no signal handler, never prints
//! and never exits. Several servers may run in one process; give each a [`name`](Options::name).
//!
//! The feature `tls` has [`Tls`]; without it [`Options::tls`] stays `None`.
//!
//! The feature `cli`, on by default, is the command `poold` and its dependencies. Programs that
//! use the library turn it off: `default-features = false`.
//!
//! # Draining on Ctrl-C
//!
//! The library installs no signal handler. The crate [`ctrlc`](https://docs.rs/ctrlc) does, for
//! SIGTERM as well with its feature `termination`; add it to your program.
//!
//! ```no_run
//! use poold::{Options, Server, service::Echo};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind("127.0.0.1:8080", Options::default(), Echo)?;
//! let handle = server.handle();
//! # #[cfg(feature = "cli")] // ctrlc comes with it.
//! ctrlc::set_handler(move || handle.drain())?;
//! println!("{}", server.wait()); // Returns when the drain is over.
//! # Ok(())
//! # }
//! ```
//!
//! # Testing a handler
//!
//! Port 0 picks a free port. A server accepts clients from the moment it is made.
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
//! drop(client); // The drain waits until clients have closed.
//! server.handle().drain();
//! assert_eq!(server.wait().delivered, 1);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
// What is `pub` is part of the interface, which tests/it/tidy/interface.txt lists.
#![cfg_attr(not(test), warn(unreachable_pub))]

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
#[cfg(feature = "cli")]
mod redis;
mod scheduler;
mod series;
mod server;
pub mod service;
mod system;
mod tls;
mod turn;

pub use bytes::Bytes;

pub use connection::Unsent;
pub use connection::client::Client;
pub use connection::handler::{End, Messages, Reply, Verdict};
pub use connection::handshakes::TlsStats;
pub use connection::held::Stays;
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
pub use server::{Arrival, Export, Handle, Parcel, Probe, Server, Stats};
pub use service::{InDrain, Outlet, Quote, Service, StreamService, Tail, answer};
#[cfg(feature = "tls")]
pub use tls::{ClientCertificates, TlsFiles};
pub use tls::{Tls, TlsVersion};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
