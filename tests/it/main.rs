//! Integration tests, in one binary: real sockets on port 0, real processes for signals.

mod admin;
mod chaos;
mod chat;
mod drain;
mod engine;
mod exec;
mod handover;
mod hub;
mod limits;
mod model;
mod process;
mod recv;
mod support;
mod tidy;
mod tls;
mod tools;

// Some of the server's own files, compiled a second time against the primitives of `model/sync.rs`.
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/scheduler"]
mod scheduler {
    pub(crate) mod baton;
    pub(crate) mod load;
    pub(crate) mod run_queue;
    pub(crate) mod spin;
    pub(crate) mod state;
    #[path = "../../tests/it/model/sync.rs"]
    pub(crate) mod sync;
}
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/connection"]
mod connection {
    #[path = "../../tests/it/model/fake_connection.rs"]
    mod fake;
    pub(crate) mod wait_queue;

    pub(crate) use fake::Connection;
}
