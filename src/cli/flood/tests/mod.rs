//! Whole runs against small servers.

mod bad;
mod good;
mod server;
