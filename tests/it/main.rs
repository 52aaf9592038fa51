//! Integration tests, in one binary: real sockets on port 0, real processes for signals.

mod admin;
mod admin_change;
mod admin_crowd;
mod admin_hosts;
mod admin_http;
mod admin_page;
mod ask;
mod attack;
mod background;
mod backlog;
mod balancers;
mod blocked;
mod busy;
mod chaos;
mod chat;
mod chat_crowd;
mod chat_entry;
mod chat_forgery;
mod chat_ghost;
mod chat_late;
mod chat_log;
mod chat_operators;
mod chat_programs;
mod churn;
mod client_pipe;
mod client_terminal;
mod clients;
mod closing;
mod connection;
mod crowd;
mod daemon;
mod drain;
mod drain_owed;
mod entry;
mod every_byte;
mod exec;
mod first;
mod flood_chat;
mod flood_interrupt;
mod framings;
mod gate;
mod ghosts;
mod hints;
mod house;
mod library;
mod listening;
mod logs;
mod manual;
mod misled;
mod model;
mod neighbours;
mod net;
mod notices;
mod outputs;
mod outputs_wait;
mod overload;
mod packaging;
mod panics;
mod passed;
mod pause;
mod pipes;
mod places;
mod proxy;
mod recv_format;
mod recv_output;
mod refused;
mod registry;
mod relief;
mod reports;
mod resize;
mod resize_streams;
mod restart;
mod scratch;
mod senders;
mod service;
mod signals;
mod spool;
mod starved;
mod stop;
mod stopped;
mod streams;
mod stuck;
mod sync;
mod systemd;
mod takeover;
mod takeover_fails;
mod talk;
mod terminal;
mod throttle;
mod tidy;
mod timing;
mod tool;
mod turned_away;
mod unix;
mod verdicts;
mod whole_answers;

// Some of the server's own files, compiled a second time against the primitives of `sync.rs`.
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/lobby.rs"]
mod lobby;
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/pace.rs"]
mod pace;
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/ready.rs"]
mod ready;
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/spin.rs"]
mod spin;
#[allow(dead_code, reason = "the models need a part of it")]
#[path = "../../src/state.rs"]
mod state;
