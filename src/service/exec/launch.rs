//! Starts a program and sets up its process.
//!
//! The child shares this process's memory until it becomes the program, and the thread that starts
//! it sleeps for as long: no page table is copied (see `system.rs`).

use std::ffi::{CStr, CString, c_int};
use std::fmt;
use std::fs::File;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::set_parent_process_death_signal;
use rustix::process::{
    Gid, Pid, Resource, Rlimit, Signal, Uid, WaitOptions, chdir, getpid, getsid, setpgid,
    setrlimit, setsid, umask, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::system::{self, Strings};

/// The settings of a program's process, applied in this order.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Limits that differ from poold's.
    pub limits: Vec<(Resource, Rlimit)>,
    /// Its umask.
    pub umask: Option<Mode>,
    /// Its directory.
    pub folder: Option<CString>,
    /// Its group.
    pub group: Option<Gid>,
    /// Its supplementary groups, if it has a group.
    pub groups: Vec<Gid>,
    /// Its user.
    pub user: Option<Uid>,
}

/// Starts programs with one setting.
#[derive(Debug)]
pub(super) struct Launcher {
    setting: Setting,
    /// Each program leads a session, so that it has no terminal. Not where this process leads one
    /// that has none: to make one takes a twentieth of the time of a short program (the system's
    /// scheduler has a group for each).
    own_session: bool,
    /// Signals that this process handles or ignores, or that it may come to.
    changed_signals: Vec<c_int>,
}

/// What to start, and its input and output.
pub(super) struct LaunchSpec<'a> {
    pub(super) file: &'a CStr,
    pub(super) words: &'a [CString],
    /// Each of these lists is a part of its environment.
    pub(super) variables: [&'a [CString]; 2],
    pub(super) input: BorrowedFd<'a>,
    pub(super) output: BorrowedFd<'a>,
    pub(super) errors: BorrowedFd<'a>,
}

/// A process that runs its program, or has ended already.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
}

/// Why a program could not be started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    what: &'static str,
    errno: Errno,
}

impl Launcher {
    pub(super) fn new(setting: Setting) -> Launcher {
        Launcher {
            setting,
            own_session: getsid(None) != Ok(getpid()) || File::open("/dev/tty").is_ok(),
            changed_signals: changed_signals(),
        }
    }

    /// Starts the program as the leader of its own process group, in a session without a terminal.
    pub(super) fn launch(&self, spec: &LaunchSpec<'_>) -> Result<Launched, Failure> {
        let words = Strings::new(spec.words.iter());
        let variables = Strings::new(spec.variables.into_iter().flatten());
        let mut failed = None;
        let started = system::start(&mut || {
            failed = Some(match self.prepare(spec) {
                Err(failure) => failure,
                Ok(()) => {
                    Failure::of("the program")(system::execute(spec.file, &words, &variables))
                }
            });
            126
        });
        let (pid, pidfd) = started.map_err(Failure::of("a process"))?;
        match failed {
            None => Ok(Launched { pid, pidfd }),
            Some(failure) => {
                // It ends at once.
                let _ = waitpid(Some(pid), WaitOptions::empty());
                Err(failure)
            }
        }
    }

    /// Runs in the child, where nothing may be allocated or locked.
    fn prepare(&self, spec: &LaunchSpec<'_>) -> Result<(), Failure> {
        let failed = Failure::of;
        self.changed_signals.iter().copied().for_each(system::reset);
        match self.own_session {
            true => setsid().map(drop).map_err(failed("a session"))?,
            false => setpgid(None, None).map_err(failed("a process group"))?,
        }
        dup2_stdin(spec.input).map_err(failed("its input"))?;
        dup2_stdout(spec.output).map_err(failed("its output"))?;
        dup2_stderr(spec.errors).map_err(failed("its standard error"))?;
        let Setting {
            limits,
            umask: mask,
            folder,
            group,
            groups,
            user,
        } = &self.setting;
        for (resource, limit) in limits {
            setrlimit(*resource, *limit).map_err(failed("its limits"))?;
        }
        if let Some(mask) = *mask {
            umask(mask);
        }
        if let Some(folder) = folder {
            chdir(folder.as_c_str()).map_err(failed("its directory"))?;
        }
        // These ask the system directly: libc would have all threads of this process change.
        if let Some(group) = *group {
            set_thread_groups(groups).map_err(failed("its groups"))?;
            set_thread_res_gid(group, group, group).map_err(failed("its group"))?;
        }
        if let Some(user) = *user {
            set_thread_res_uid(user, user, user).map_err(failed("its user"))?;
        }
        // After the change of user, which would undo it. The thread that waits for a program does
        // not end before it, unless all do.
        let death = set_parent_process_death_signal(Some(Signal::KILL));
        death.map_err(failed("its end with ours"))?;
        system::unblock_signals();
        Ok(())
    }
}

impl Failure {
    pub(super) fn of(what: &'static str) -> impl Fn(Errno) -> Failure {
        move |errno| Failure { what, errno }
    }

    /// Whether the failure may pass: no descriptor, process or memory is left at the moment.
    pub(super) fn is_want(&self) -> bool {
        let wants = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
        wants.contains(&self.errno)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.what, self.errno)
    }
}

/// The signals that a program must be given back: a handler ends with this program, but would run
/// until then in the child; what is ignored would stay ignored.
fn changed_signals() -> Vec<c_int> {
    // Handlers may be installed later for those.
    let handled = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGPIPE];
    let others = (1..=64).filter(|signal| !handled.contains(signal));
    others
        .filter(|signal| system::is_changed(*signal))
        .chain(handled)
        .collect()
}
