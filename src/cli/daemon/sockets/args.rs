//! What is typed about where to listen.

use clap::Args;

use crate::cli::groups::group;
use crate::net::listen::Binding;

/// Where to listen, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListenArgs {
    /// Where to listen: 8080 (this machine only), :8080 (all interfaces), HOST:8080, [::1]:8080,
    /// unix:PATH, or systemd[:NAME] for sockets that a service manager hands over; several at once
    /// are served alike, all or none
    #[arg(
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        env = "POOLD_ADDRESS",
        value_delimiter = ','
    )]
    pub(in crate::cli) address: Vec<String>,

    /// Listen also on an address that this machine does not have yet (IP_FREEBIND)
    #[arg(long, value_parser = crate::cli::values::yes_or_no(), env = "POOLD_FREEBIND")]
    pub(in crate::cli) freebind: bool,

    /// Mode of the files of unix:PATH, in octal; who may write may connect [default: 600]
    #[arg(long, value_name = "MODE", value_parser = mode, env = "POOLD_SOCKET_MODE")]
    socket_mode: Option<u32>,

    /// Group of the files of unix:PATH, by name or number [default: the process's own]
    #[arg(long, value_name = "GROUP", value_parser = group, env = "POOLD_SOCKET_GROUP")]
    socket_group: Option<u32>,
}

impl ListenArgs {
    /// For ADDRESS.
    pub(super) fn binding(&self) -> Binding {
        Binding {
            socket_mode: self.socket_mode.unwrap_or(Binding::default().socket_mode),
            socket_group: self.socket_group,
            ..self.private()
        }
    }

    /// For sockets that are only for this user.
    pub(in crate::cli) fn private(&self) -> Binding {
        Binding {
            freebind: self.freebind,
            ..Binding::default()
        }
    }

    /// An option that is typed for Unix sockets only.
    pub(super) fn for_files(&self) -> Option<&'static str> {
        match (self.socket_mode, self.socket_group) {
            (Some(_), _) => Some("socket_mode"),
            (None, Some(_)) => Some("socket_group"),
            (None, None) => None,
        }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "write a mode in octal, as 660".to_owned())
}
