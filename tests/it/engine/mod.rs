//! The server through the library: services, workers, many clients.

pub(crate) mod attack;
pub(crate) mod busy;
pub(crate) mod churn;
pub(crate) mod clients;
pub(crate) mod crowd;
pub(crate) mod library;
pub(crate) mod neighbours;
pub(crate) mod panics;
pub(crate) mod registry;
pub(crate) mod relief;
pub(crate) mod resize;
pub(crate) mod resize_streams;
pub(crate) mod service;
pub(crate) mod streams;
pub(crate) mod stuck;
pub(crate) mod verdicts;
