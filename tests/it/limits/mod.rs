//! Limits: which clients they act on, and what the log and the counters say.

pub(crate) mod admission;
pub(crate) mod balancers;
pub(crate) mod descriptors;
pub(crate) mod newest_of_address;
pub(crate) mod notices;
pub(crate) mod overload;
pub(crate) mod pause;
pub(crate) mod places;
pub(crate) mod proxy;
pub(crate) mod rates;
pub(crate) mod times;
pub(crate) mod turned_away;
