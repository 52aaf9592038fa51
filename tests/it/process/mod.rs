//! `poold` as a process: sockets, signals, logs, units, packages.

pub(crate) mod errors;
pub(crate) mod listening;
pub(crate) mod logs;
pub(crate) mod manual;
pub(crate) mod packaging;
pub(crate) mod pid_one;
pub(crate) mod pipes;
pub(crate) mod refused;
pub(crate) mod signals;
pub(crate) mod systemd;
pub(crate) mod unix;
pub(crate) mod variables;
