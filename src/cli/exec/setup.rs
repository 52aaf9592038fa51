//! What has to be done in a child before its program begins: limits, umask, user. poold starts
//! itself for that, as a process with one thread, does it, and becomes the program. It costs a
//! second exec, so it is done only for who asks for one of these.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::unistd::{User, getgrouplist};
use rustix::fs::Mode;
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid, geteuid, setrlimit, umask};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::args::ExecArgs;
use crate::cli::groups::group;
use crate::service::exec::Program;

/// The first argument of a child that is to set itself up.
const WORD: &str = "exec-child";
/// What shells answer when a program can't be run.
const NOT_RUN: u8 = 126;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Setup {
    /// Seconds.
    cpu: Option<u64>,
    /// Bytes.
    memory: Option<u64>,
    umask: Option<u32>,
    user: Option<u32>,
    group: Option<u32>,
    groups: Vec<u32>,
}

impl Setup {
    /// What was typed, its names looked up.
    ///
    /// # Errors
    /// A line that says what is wrong with it.
    pub(super) fn new(args: &ExecArgs) -> Result<Setup, String> {
        let (program, limits) = (&args.program, &args.limits);
        let mut setup = Setup {
            cpu: limits.cpu.map(|cpu| cpu.as_secs().max(1)),
            memory: limits.memory.map(|bytes| bytes as u64),
            umask: program.umask,
            ..Setup::default()
        };
        if program.user.is_none() && program.group.is_none() {
            return Ok(setup);
        }
        if !geteuid().is_root() {
            return Err("only root can give --user and --group to a program".to_owned());
        }
        if let Some(name) = &program.user {
            setup.be_user(name)?;
        }
        if let Some(name) = &program.group {
            let group = group(name).map_err(|problem| format!("--group {name}: {problem}"))?;
            setup.group = Some(group);
            if program.user.is_none() {
                setup.groups = vec![group];
            }
        }
        match setup.group {
            Some(_) => Ok(setup),
            None => Err("--user is a number without a name: give --group as well".to_owned()),
        }
    }

    fn be_user(&mut self, name: &str) -> Result<(), String> {
        let failed = |error: nix::errno::Errno| format!("--user {name}: {error}");
        let found = match name.parse::<u32>() {
            Ok(number) => User::from_uid(number.into()),
            Err(_) => User::from_name(name),
        };
        let Some(user) = found.map_err(failed)? else {
            self.user = name.parse().ok();
            return match self.user {
                Some(_) => Ok(()),
                None => Err(format!("--user {name}: there is none of that name")),
            };
        };
        self.user = Some(user.uid.as_raw());
        self.group = Some(user.gid.as_raw());
        let name = std::ffi::CString::new(user.name).map_err(|error| error.to_string())?;
        let groups = getgrouplist(&name, user.gid).map_err(failed)?;
        self.groups = groups.into_iter().map(nix::unistd::Gid::as_raw).collect();
        Ok(())
    }

    /// The program, with all this before it.
    pub(super) fn before(&self, program: Program) -> Program {
        if *self == Setup::default() {
            return program;
        }
        let (file, words) = program.into_parts();
        let mut all = vec![
            OsString::from("poold"),
            WORD.into(),
            self.to_word().into(),
            file.into(),
        ];
        all.extend(words);
        Program::at(PathBuf::from("/proc/self/exe"), all)
    }

    fn to_word(&self) -> String {
        let mut parts = Vec::new();
        let mut add = |name: &str, value: Option<u64>| {
            parts.extend(value.map(|value| format!("{name}={value}")));
        };
        add("cpu", self.cpu);
        add("memory", self.memory);
        add("umask", self.umask.map(u64::from));
        add("user", self.user.map(u64::from));
        add("group", self.group.map(u64::from));
        for group in &self.groups {
            add("groups", Some((*group).into()));
        }
        parts.join(",")
    }

    fn from_word(word: &str) -> Option<Setup> {
        let mut setup = Setup::default();
        for part in word.split(',') {
            let (name, value) = part.split_once('=')?;
            let value: u64 = value.parse().ok()?;
            let number = u32::try_from(value).ok();
            match name {
                "cpu" => setup.cpu = Some(value),
                "memory" => setup.memory = Some(value),
                "umask" => setup.umask = number,
                "user" => setup.user = number,
                "group" => setup.group = number,
                "groups" => setup.groups.extend(number),
                _ => return None,
            }
        }
        Some(setup)
    }

    /// Does it all to this process, which has one thread.
    fn apply(&self) -> io::Result<()> {
        if let Some(seconds) = self.cpu {
            // At the first a signal that can be caught, a second later the end.
            limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
        }
        if let Some(bytes) = self.memory {
            limit(Resource::As, bytes, bytes)?;
        }
        if let Some(mask) = self.umask {
            umask(Mode::from_raw_mode(mask));
        }
        if let Some(group) = self.group.map(Gid::from_raw) {
            let groups: Vec<_> = self.groups.iter().copied().map(Gid::from_raw).collect();
            set_thread_groups(&groups)?;
            set_thread_res_gid(group, group, group)?;
        }
        if let Some(user) = self.user.map(Uid::from_raw) {
            set_thread_res_uid(user, user, user)?;
        }
        // After the change of user, which would undo it.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(())
    }
}

/// If this process was started to become a program: does that, and answers only if it fails.
pub(in crate::cli) fn become_program() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != OsStr::new(WORD) {
        return None;
    }
    let setup = words.next()?.to_str().and_then(Setup::from_word)?;
    let (file, name) = (words.next()?, words.next()?);
    let error = match setup.apply() {
        Ok(()) => Command::new(&file).arg0(name).args(words).exec(),
        Err(error) => error,
    };
    eprintln!("poold: cannot run {}: {error}", file.display());
    Some(NOT_RUN.into())
}

fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    };
    Ok(setrlimit(resource, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_survives_the_way_to_the_child() {
        let setup = Setup {
            cpu: Some(3),
            memory: Some(1 << 40),
            umask: Some(0o27),
            user: Some(1000),
            group: Some(100),
            groups: vec![100, 4, 27],
        };
        assert_eq!(Setup::from_word(&setup.to_word()), Some(setup));
        let none = Setup::default();
        assert_eq!(none.to_word(), "");
    }
}
