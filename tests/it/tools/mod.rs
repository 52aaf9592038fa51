//! `poold client` and `poold flood`.

pub(crate) mod client_pipe;
pub(crate) mod client_terminal;
pub(crate) mod client_trouble;
pub(crate) mod flood_chat;
pub(crate) mod flood_interrupt;
pub(crate) mod flood_many;
