//! The setup of a program from the arguments: its limits, umask, directory and user, looked up
//! before clients connect.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{User, getgrouplist};
use rustix::fs::Mode;
use rustix::process::{Gid, Resource, Rlimit, Uid, geteuid, getrlimit};

use super::args::ExecArgs;
use crate::cli::groups::group;
use crate::service::exec::Setting;

/// The result.
#[derive(Debug, Default)]
pub(super) struct Setup {
    pub(super) setting: Setting,
    /// Variables about its user.
    pub(super) variables: Vec<(&'static str, OsString)>,
}

impl Setup {
    /// Looks up the names in the arguments.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn new(args: &ExecArgs) -> Result<Setup, String> {
        let (program, limits) = (&args.program, &args.limits);
        let mut setup = Setup::default();
        let setting = &mut setup.setting;
        // The limit that poold was started with: the server raises its own.
        setting
            .limits
            .push((Resource::Nofile, getrlimit(Resource::Nofile)));
        if let Some(cpu) = limits.cpu {
            let seconds = cpu.as_secs().max(1);
            // At the soft limit a signal that can be caught, a second later KILL.
            let limit = (Resource::Cpu, limit(seconds, seconds.saturating_add(1)));
            setting.limits.push(limit);
        }
        if let Some(bytes) = limits.memory {
            setting
                .limits
                .push((Resource::As, limit(bytes as u64, bytes as u64)));
        }
        setting.umask = program.umask.map(Mode::from_raw_mode);
        setting.folder = program.chdir.as_deref().map(folder).transpose()?;
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
            let group = Gid::from_raw(group);
            setup.setting.group = Some(group);
            if program.user.is_none() {
                setup.setting.groups = vec![group];
            }
        }
        match setup.setting.group {
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
            self.setting.user = name.parse().ok().map(Uid::from_raw);
            return match self.setting.user {
                Some(_) => Ok(()),
                None => Err(format!("--user {name}: there is no such user")),
            };
        };
        self.setting.user = Some(Uid::from_raw(user.uid.as_raw()));
        self.setting.group = Some(Gid::from_raw(user.gid.as_raw()));
        let name = CString::new(user.name.as_str()).map_err(|error| error.to_string())?;
        let groups = getgrouplist(&name, user.gid).map_err(failed)?;
        let groups = groups
            .into_iter()
            .map(|group| Gid::from_raw(group.as_raw()));
        self.setting.groups = groups.collect();
        self.variables = vec![
            ("HOME", user.dir.into()),
            ("USER", user.name.clone().into()),
            ("LOGNAME", user.name.into()),
            ("SHELL", shell(user.shell).into()),
        ];
        Ok(())
    }
}

/// The default of passwd(5) for an empty shell.
fn shell(named: PathBuf) -> PathBuf {
    if named.as_os_str().is_empty() {
        return "/bin/sh".into();
    }
    named
}

fn folder(folder: &Path) -> Result<CString, String> {
    if !folder.is_dir() {
        return Err(format!("--chdir {}: no such directory", folder.display()));
    }
    CString::new(folder.as_os_str().as_bytes()).map_err(|error| error.to_string())
}

fn limit(soft: u64, hard: u64) -> Rlimit {
    Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    }
}
