//! The chat.

pub(crate) mod background;
mod bus;
mod bus_order;
mod bus_servers;
pub(crate) mod crowd;
pub(crate) mod entry;
pub(crate) mod forgery;
pub(crate) mod ghost;
pub(crate) mod late;
pub(crate) mod log;
mod moved;
pub(crate) mod operators;
pub(crate) mod programs;
pub(crate) mod speaking;
