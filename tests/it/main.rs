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
mod recv_format;
mod recv_output;
mod refused;
mod registry;
mod scratch;
mod service;
mod spool;
mod stop;
mod streams;
mod tool;
mod unix;
