//! Integration tests, in one binary: real sockets on port 0, real processes for signals.

mod blocked;
mod churn;
mod clients;
mod crowd;
mod daemon;
mod drain;
mod gate;
mod house;
mod net;
mod pipes;
mod refused;
mod registry;
mod service;
mod spool;
mod stop;
mod streams;
mod tool;
