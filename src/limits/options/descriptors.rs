//! Descriptors, and how many clients they are enough for.

use std::io;

use super::bounds::within;
use crate::error::{Error, Result};

/// Descriptors kept back for the listener, the poller, output files and the like.
const SPARE_DESCRIPTORS: usize = 32;

/// For a service that opens no descriptors itself.
pub(super) fn default_clients_max() -> usize {
    clients_most(0, 0)
}

/// The maximum number of clients that the descriptors allow, if each worker opens `each` more for
/// its client.
pub(crate) fn clients_most(workers: usize, each: usize) -> usize {
    let all = descriptors().saturating_sub(SPARE_DESCRIPTORS);
    let most = match all.checked_sub(workers.saturating_mul(each)) {
        Some(left) if left >= workers => left,
        // At least as many clients as workers: further workers would be useless.
        _ => all / (1 + each),
    };
    most.max(1)
}

/// Descriptors that this process may have open (its soft limit).
fn descriptors() -> usize {
    rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(1024 * 1024)
}

/// Checks that there are descriptors for one client. Without, the server would accept none.
pub(super) fn check_descriptors(each: usize) -> Result<()> {
    let (all, least) = (descriptors(), SPARE_DESCRIPTORS + 1 + each);
    if all >= least {
        return Ok(());
    }
    let problem = format!(
        "this process may open {all}, and needs at least {least}; raise the limit (ulimit -n, \
         LimitNOFILE=)"
    );
    Err(Error::Start {
        what: "descriptors",
        source: io::Error::other(problem),
    })
}

pub(crate) fn check_clients_max(clients_max: usize, workers: usize, each: usize) -> Result<()> {
    within("clients_max", clients_max, 1, usize::MAX)?;
    let most = clients_most(workers, each);
    if clients_max <= most {
        return Ok(());
    }
    Err(Error::option(
        "clients_max",
        format!(
            "{clients_max} clients need more descriptors than this process may open; \
             at most {most}{}, or raise the limit (ulimit -n)",
            if each > 0 {
                " with so many workers"
            } else {
                ""
            },
        ),
    ))
}
