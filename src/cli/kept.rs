//! Whether this process has a keeper, and whether the keeper has gone: see `daemon/exec/keeper.rs`.

use std::env;

use rustix::process::{Pid, getpid, getppid, set_child_subreaper};

/// The variable that names the keeper to the server.
pub(super) const KEPT_BY: &str = "POOLD_KEPT_BY";

/// In the server: whether its keeper has gone. Then the server adopts its programs' orphans, and
/// ends them with `end_the_rest`.
pub(super) fn is_gone() -> bool {
    let is_gone = env::var_os(KEPT_BY).is_some() && keeper().is_none();
    if is_gone {
        // This can't fail: the keeper did it before.
        let _ = set_child_subreaper(Some(getpid()));
    }
    is_gone
}

/// The keeper of this process.
pub(super) fn keeper() -> Option<Pid> {
    let kept_by = env::var(KEPT_BY).ok()?.parse().ok();
    getppid().filter(|parent| Some(parent.as_raw_pid()) == kept_by)
}
