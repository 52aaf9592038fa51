//! What no crate has a safe form of: the only file with `unsafe` code. Each function says what it
//! does; its `SAFETY` comment says why the call may be made.
//!
//! - What a socket still keeps of what was sent: rustix has the other direction (`FIONREAD`), and
//!   `TCP_INFO`, which would tell as well, is in none of rustix, socket2, mio and nix. Without it
//!   an answer that is still on its way looks like one that has arrived.
//! - A process that shares this one's memory until it is another program: posix_spawn(3) sets no
//!   limits, user or directory, and fork(2) copies the page tables.
//! - The standard output before `main`: see `cli/stdout.rs`.
//! - How many parts of the memory the C library has.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

#[cfg(feature = "cli")]
pub(crate) use programs::*;

/// `SIOCOUTQ` of unix(7) and tcp(7).
const OUTQ: Opcode = libc::TIOCOUTQ as Opcode;

/// Bytes that the peer's host has not acknowledged, a shut write side counted as one more; over a
/// Unix socket, what the peer has not read and what its keeping takes.
pub(crate) fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    // SAFETY: the descriptor is borrowed for the call, and the system writes one C int through the
    // pointer that it gets, which is what `Getter` has room for.
    let bytes = unsafe { ioctl(socket, Getter::<OUTQ, c_int>::new()) }?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}

#[cfg(feature = "cli")]
mod programs {
    use std::cell::RefCell;
    use std::ffi::{CStr, CString, c_char, c_int, c_void};
    use std::io;
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;
    use std::os::fd::{FromRawFd, OwnedFd};
    use std::path::Path;
    use std::ptr;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::io::{Errno, fcntl_getfd};
    use rustix::process::Pid;

    static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

    // SAFETY: it needs nothing that is there only in `main`: one system call, one atomic store.
    #[ctor::ctor(unsafe)]
    fn look_at_stdout() {
        let is_closed = fcntl_getfd(rustix::stdio::stdout()).is_err();
        STDOUT_WAS_CLOSED.store(is_closed, Ordering::Relaxed);
    }

    /// Whether the standard output was closed when this process was started.
    pub(crate) fn stdout_was_closed() -> bool {
        STDOUT_WAS_CLOSED.load(Ordering::Relaxed)
    }

    /// Bounds the parts of the memory, each of which keeps what was freed in it. The C library
    /// makes up to eight for each processor, so clients of another worker take new memory. Call it
    /// before any thread is started.
    #[cfg_attr(not(target_env = "gnu"), allow(unused_variables))]
    pub(crate) fn bound_arenas(most: usize) {
        #[cfg(target_env = "gnu")]
        {
            let most = c_int::try_from(most).unwrap_or(c_int::MAX);
            // SAFETY: it sets a number, under the allocator's own lock.
            unsafe { libc::mallopt(libc::M_ARENA_MAX, most) };
        }
    }

    /// Keeps what this process has open by now, but for the standard streams, from every program
    /// that it becomes or starts: what it was given without being asked, such as other services'
    /// sockets.
    ///
    /// # Errors
    /// When there is no /proc to see it in.
    pub(crate) fn hide_descriptors() -> io::Result<()> {
        for entry in Path::new("/proc/self/fd").read_dir()? {
            let name = entry?.file_name();
            let number: Option<c_int> = name.to_str().and_then(|name| name.parse().ok());
            if let Some(number) = number.filter(|number| *number > 2) {
                // SAFETY: it closes nothing, and no code of this process wants that a program
                // inherits.
                unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
        Ok(())
    }

    /// Strings as execve(2) wants them, made where there may be allocated.
    pub(crate) struct Strings<'a> {
        /// Ends with a null.
        pointers: Vec<*const c_char>,
        strings: PhantomData<&'a CStr>,
    }

    impl<'a> Strings<'a> {
        pub(crate) fn new(strings: impl Iterator<Item = &'a CString>) -> Strings<'a> {
            let pointers = strings.map(|string| string.as_ptr());
            Strings {
                pointers: pointers.chain([ptr::null()]).collect(),
                strings: PhantomData,
            }
        }
    }

    /// Makes this process the program in `file`; comes back only if that fails. Allocates nothing.
    pub(crate) fn execute(file: &CStr, words: &Strings<'_>, variables: &Strings<'_>) -> Errno {
        let (words, variables) = (words.pointers.as_ptr(), variables.pointers.as_ptr());
        // SAFETY: both lists end with a null, and what they point to outlives them.
        unsafe { libc::execve(file.as_ptr(), words, variables) };
        last_error()
    }

    /// The child's stack, in units of 16 bytes: 32 KiB, as posix_spawn(3) takes. Kept by its
    /// thread, since to unmap it costs an interrupt of every other processor.
    const STACK: usize = 2048;

    thread_local! {
        static CHILD_STACK: RefCell<Vec<u128>> = RefCell::new(vec![0; STACK]);
    }

    /// Starts a process that runs `child`, which shares this process's memory and ends with the
    /// status that `child` returns, unless [`execute`] makes it a program. The calling thread
    /// sleeps until either. All signals are blocked in the child, so that no handler of ours runs
    /// there; its descriptors, limits, session, user and dispositions of signals are its own
    /// (clone(2), `CLONE_VM` and `CLONE_VFORK`).
    ///
    /// `child` allocates nothing, takes no lock, does not panic, and calls no function that shares
    /// state with other threads of this process.
    pub(crate) fn start(child: &mut dyn FnMut() -> c_int) -> Result<(Pid, OwnedFd), Errno> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        let mut pidfd: c_int = -1;
        let mut child = child;
        let pid = CHILD_STACK.with_borrow_mut(|stack| {
            let top = stack.as_mut_ptr_range().end;
            let before = replace_mask(&all_signals());
            // SAFETY: the child runs on a stack that nothing else uses, since it is borrowed here
            // and this thread sleeps until the child has another memory or none. Until then `child`
            // lives, and this thread does not touch it. The stack grows down from `top`, which is
            // aligned as 16 bytes are. With CLONE_PIDFD the kernel writes a descriptor where the
            // argument after the closure points to (clone(2)).
            let pid = unsafe {
                libc::clone(
                    run,
                    top.cast::<c_void>(),
                    flags,
                    (&raw mut child).cast::<c_void>(),
                    &raw mut pidfd,
                )
            };
            let failure = last_error();
            replace_mask(&before);
            Pid::from_raw(pid).filter(|_| pid > 0).ok_or(failure)
        })?;
        // SAFETY: it was opened just now, for us, and nothing else has it.
        Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
    }

    extern "C" fn run(child: *mut c_void) -> c_int {
        // SAFETY: `start` passes a pointer to its closure, which lives and is not touched by others
        // until this is over.
        let child = unsafe { &mut *child.cast::<&mut dyn FnMut() -> c_int>() };
        child()
    }

    fn last_error() -> Errno {
        Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
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

    /// Blocks no signal for this thread.
    pub(crate) fn unblock_signals() {
        replace_mask(&no_signals());
    }

    /// A disposition as the system itself has it, which differs from libc's. Of all zeros it is the
    /// default.
    type Disposition = [u64; 4];

    /// Asks the system directly: libc keeps some signals to itself, which may be ignored all the
    /// same.
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

    /// Whether this process handles or ignores the signal.
    pub(crate) fn is_changed(signal: c_int) -> bool {
        disposition(signal, None).is_some_and(|now| now[0] != 0)
    }

    /// Gives the signal its default.
    pub(crate) fn reset(signal: c_int) {
        disposition(signal, Some(&Disposition::default()));
    }
}
