//! Each client needs a descriptor, and the usual limit is 1024.

use crate::cli::exit::Failure;

/// Descriptors that are neither connections nor polls: standard streams, files.
const BESIDE: u64 = 64;

/// Raises the soft limit to what this many connections need, and threads with a poll each.
pub(crate) fn allow(connections: u64, threads: u64) -> Result<(), Failure> {
    let needed = connections + threads + BESIDE;
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(needed);
    if allowed >= needed {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{needed} open files are needed and {allowed} are allowed; raise the hard limit \
         (ulimit -Hn) or use fewer --clients"
    )))
}
