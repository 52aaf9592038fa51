//! The manual: how to run poold and what to expect of it.
//!
//! - [`operating`]: start, stop, restart, watch; load balancers
//! - [`service`]: systemd, the Debian package, upgrades
//! - [`container`]: the image, signals, health
//! - [`sizing`]: how many workers, how many clients, how much memory
//! - [`reference`](mod@reference): signals, exit codes, log events
//! - [`metrics`]: what `/metrics` tells
//! - [`kernel`]: limits of the system that come first
//! - [`promises`]: what is promised, and what is not

pub mod container;
pub mod kernel;
pub mod metrics;
pub mod operating;
pub mod promises;
pub mod reference;
pub mod service;
pub mod sizing;
