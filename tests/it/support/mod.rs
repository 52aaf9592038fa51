//! Helpers that tests share: clients, daemons, servers, gates, files. No test is here.

pub(crate) mod admin;
pub(crate) mod authority;
pub(crate) mod chat;
pub(crate) mod daemon;
pub(crate) mod flood;
pub(crate) mod gate;
pub(crate) mod net;
pub(crate) mod passed;
pub(crate) mod redis;
pub(crate) mod relay;
pub(crate) mod scratch;
pub(crate) mod server;
pub(crate) mod spool;
pub(crate) mod stopped;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod tunnel;
