//! TLS: clients as they are installed, the ends of sessions, bad input.

pub(crate) mod addresses;
pub(crate) mod admin;
pub(crate) mod again;
pub(crate) mod bad;
pub(crate) mod certificates;
pub(crate) mod ends;
pub(crate) mod expiry;
pub(crate) mod flood;
pub(crate) mod languages;
pub(crate) mod optional;
pub(crate) mod programs;
pub(crate) mod relays;
pub(crate) mod services;
pub(crate) mod streams;
pub(crate) mod tools;
pub(crate) mod twin;
