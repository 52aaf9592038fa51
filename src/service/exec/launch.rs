//! Starts a program and sets up its process. The only file with `unsafe` code.
//!
//! The child shares this process's memory until it becomes the program, and the thread that starts
//! it sleeps for as long (clone(2), `CLONE_VM` and `CLONE_VFORK`): no page table is copied. Its
//! descriptors, limits, session, user and dispositions of signals are its own from the start.
//! All signals are blocked meanwhile, so that no handler of ours runs in the child.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::set_parent_process_death_signal;
use rustix::process::{
    Gid, Pid, Resource, Rlimit, Signal, Uid, WaitOptions, chdir, getpid, getsid, setpgid,
    setrlimit, setsid, umask, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// The child's stack, in units of 16 bytes: 32 KiB, as posix_spawn(3) takes. Kept by its thread,
/// since to unmap it costs an interrupt of every other processor.
const STACK: usize = 2048;

thread_local! {
    static CHILD_STACK: RefCell<Vec<u128>> = RefCell::new(vec![0; STACK]);
}

/// The settings of a program's process, applied in this order.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Limits that differ from poold's.
    pub limits: Vec<(Resource, Rlimit)>,
    /// Its umask.
    pub umask: Option<u32>,
    /// Its directory.
    pub folder: Option<CString>,
    /// Its group.
    pub group: Option<u32>,
    /// Its supplementary groups, if it has a group.
    pub groups: Vec<u32>,
    /// Its user.
    pub user: Option<u32>,
}

/// Starts programs with one setting.
#[derive(Debug)]
pub(super) struct Launcher {
    limits: Vec<(Resource, Rlimit)>,
    umask: Option<Mode>,
    folder: Option<CString>,
    group: Option<Gid>,
    groups: Vec<Gid>,
    user: Option<Uid>,
    /// This process does not lead a session, so each program leads one: it has no terminal then.
    /// In ours it has none either, and to make one takes a twentieth of the time of a short program
    /// (the system's scheduler has a group for each).
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

/// State that a child and the thread that starts it share.
struct Step<'a> {
    launcher: &'a Launcher,
    spec: &'a LaunchSpec<'a>,
    /// Both end with a null.
    words: Vec<*const c_char>,
    variables: Vec<*const c_char>,
    failed: Option<Failure>,
}

impl Launcher {
    pub(super) fn new(setting: Setting) -> Launcher {
        let Setting {
            limits,
            umask,
            folder,
            group,
            groups,
            user,
        } = setting;
        Launcher {
            limits,
            umask: umask.map(Mode::from_raw_mode),
            folder,
            group: group.map(Gid::from_raw),
            groups: groups.into_iter().map(Gid::from_raw).collect(),
            user: user.map(Uid::from_raw),
            own_session: getsid(None) != Ok(getpid()),
            changed_signals: changed_signals(),
        }
    }

    /// Starts the program as the leader of its own process group, in a session without a terminal.
    pub(super) fn launch(&self, spec: &LaunchSpec<'_>) -> Result<Launched, Failure> {
        let pointers = |strings: &mut dyn Iterator<Item = &CString>| {
            let all = strings.map(|string| string.as_ptr());
            all.chain([ptr::null()]).collect::<Vec<_>>()
        };
        let mut step = Step {
            launcher: self,
            spec,
            words: pointers(&mut spec.words.iter()),
            variables: pointers(&mut spec.variables.into_iter().flatten()),
            failed: None,
        };
        let launched = clone(&mut step)?;
        match step.failed {
            None => Ok(launched),
            Some(failure) => {
                // It ends at once.
                let _ = waitpid(Some(launched.pid), WaitOptions::empty());
                Err(failure)
            }
        }
    }
}

/// Starts a process that runs [`begin`], and waits until that is over.
fn clone(step: &mut Step<'_>) -> Result<Launched, Failure> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    let pid = CHILD_STACK.with_borrow_mut(|stack| {
        let top = stack.as_mut_ptr_range().end;
        let before = replace_mask(&all_signals());
        // SAFETY: the child runs on a stack that nothing else uses, since it is borrowed here and
        // this thread sleeps until the child has another memory or none. Until then `step` lives,
        // and this thread does not touch it. The stack grows down from `top`, which is aligned as
        // 16 bytes are. With CLONE_PIDFD the kernel writes a descriptor where the argument after
        // `step` points to (clone(2)).
        let pid = unsafe {
            libc::clone(
                begin,
                top.cast::<c_void>(),
                flags,
                ptr::from_mut(step).cast::<c_void>(),
                &raw mut pidfd,
            )
        };
        let failure = Failure::last("a process");
        replace_mask(&before);
        Pid::from_raw(pid).filter(|_| pid > 0).ok_or(failure)
    })?;
    // SAFETY: it was opened just now, for us, and nothing else has it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Launched { pid, pidfd })
}

/// Runs in the child until it becomes the program. Allocates nothing, takes no lock, and calls no
/// function that shares state with other threads of this process.
extern "C" fn begin(step: *mut c_void) -> c_int {
    // SAFETY: `clone` passes its step, which lives and is not touched by others until this is over.
    let step = unsafe { &mut *step.cast::<Step<'_>>() };
    let failure = match step.prepare() {
        Err(failure) => failure,
        Ok(()) => step.become_program(),
    };
    step.failed = Some(failure);
    126
}

impl Step<'_> {
    fn prepare(&self) -> Result<(), Failure> {
        let failed = |what| move |errno| Failure { what, errno };
        let Step { launcher, spec, .. } = self;
        for signal in &launcher.changed_signals {
            let _ = disposition(*signal, Some(&Disposition::default()));
        }
        match launcher.own_session {
            true => setsid().map(drop).map_err(failed("a session"))?,
            false => setpgid(None, None).map_err(failed("a process group"))?,
        }
        dup2_stdin(spec.input).map_err(failed("its input"))?;
        dup2_stdout(spec.output).map_err(failed("its output"))?;
        dup2_stderr(spec.errors).map_err(failed("its standard error"))?;
        for (resource, limit) in &launcher.limits {
            setrlimit(*resource, *limit).map_err(failed("its limits"))?;
        }
        if let Some(mask) = launcher.umask {
            umask(mask);
        }
        if let Some(folder) = &launcher.folder {
            chdir(folder.as_c_str()).map_err(failed("its directory"))?;
        }
        // These ask the system directly: libc would have all threads of this process change.
        if let Some(group) = launcher.group {
            set_thread_groups(&launcher.groups).map_err(failed("its groups"))?;
            set_thread_res_gid(group, group, group).map_err(failed("its group"))?;
        }
        if let Some(user) = launcher.user {
            set_thread_res_uid(user, user, user).map_err(failed("its user"))?;
        }
        // After the change of user, which would undo it. The thread that waits for a program does
        // not end before it, unless all do.
        let death = set_parent_process_death_signal(Some(Signal::KILL));
        death.map_err(failed("its end with ours"))?;
        replace_mask(&no_signals());
        Ok(())
    }

    /// Comes back only if it fails.
    fn become_program(&self) -> Failure {
        let (words, variables) = (self.words.as_ptr(), self.variables.as_ptr());
        // SAFETY: both lists end with a null, and what they point to outlives them: `order` has it.
        unsafe { libc::execve(self.spec.file.as_ptr(), words, variables) };
        Failure::last("the program")
    }
}

impl Failure {
    pub(super) fn of(what: &'static str) -> impl Fn(Errno) -> Failure {
        move |errno| Failure { what, errno }
    }

    /// What the last call of libc says.
    fn last(what: &'static str) -> Failure {
        let error = io::Error::last_os_error();
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        Failure { what, errno }
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

/// A set of signals as the system has it.
type Signals = libc::sigset_t;

fn all_signals() -> Signals {
    let mut signals = MaybeUninit::uninit();
    // SAFETY: it writes the whole of what it is given.
    unsafe {
        libc::sigfillset(signals.as_mut_ptr());
        signals.assume_init()
    }
}

fn no_signals() -> Signals {
    let mut signals = MaybeUninit::uninit();
    // SAFETY: it writes the whole of what it is given.
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        signals.assume_init()
    }
}

/// Blocks these signals for this thread, and no others; answers which were blocked before.
fn replace_mask(signals: &Signals) -> Signals {
    let mut before = no_signals();
    // SAFETY: both are sets of signals. It can't fail: the first argument is a valid one.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, signals, &raw mut before) };
    before
}

/// A disposition as the system itself has it, which differs from libc's. Of all zeros it is the
/// default.
type Disposition = [u64; 4];

/// Asks the system directly: libc keeps some signals to itself, which may be ignored all the same.
fn disposition(signal: c_int, new: Option<&Disposition>) -> Option<Disposition> {
    let mut before = Disposition::default();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: rt_sigaction(2) reads and writes an action of 32 bytes at most: a handler, flags,
    // perhaps a restorer, and a set of signals, whose 8 bytes are the last argument.
    let done = unsafe {
        let call = libc::SYS_rt_sigaction;
        libc::syscall(call, signal, new, &raw mut before, size_of::<u64>())
    };
    (done == 0).then_some(before)
}

/// The signals that a program must be given back: a handler ends with this program, but would run
/// until then in the child; what is ignored would stay ignored.
fn changed_signals() -> Vec<c_int> {
    // Handlers may be installed later for those.
    let handled = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGPIPE];
    let is_changed = |signal: &c_int| disposition(*signal, None).is_some_and(|now| now[0] != 0);
    let others = (1..=64).filter(|signal| !handled.contains(signal));
    others.filter(is_changed).chain(handled).collect()
}

/// Makes all open descriptors except the standard streams close on exec, so no program inherits
/// what this process was given, such as other services' sockets.
///
/// # Errors
/// When there is no /proc to see it in.
pub fn hide_descriptors() -> io::Result<()> {
    for entry in Path::new("/proc/self/fd").read_dir()? {
        let name = entry?.file_name();
        let number: Option<c_int> = name.to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number.filter(|number| *number > 2) {
            // SAFETY: it closes nothing, and no code of this process wants that a program inherits.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}
