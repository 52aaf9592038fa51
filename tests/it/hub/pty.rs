//! A serial line without a device: a pair of terminals.

use std::fs::File;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The side of a serial line that the device has.
pub(super) struct Pty {
    pub(super) main: File,
    pub(super) name: String,
}

impl Pty {
    pub(super) fn new() -> Pty {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let main = openpt(flags).expect("terminals");
        grantpt(&main).expect("ours");
        unlockpt(&main).expect("ours");
        let name = ptsname(&main, Vec::new()).expect("it has a name");
        Pty {
            main: main.into(),
            name: name.into_string().expect("UTF-8"),
        }
    }
}
