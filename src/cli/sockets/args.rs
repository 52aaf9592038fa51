//! Options of the listening sockets.

use clap::Args;

use crate::cli::groups::group;
use crate::net::listen::Binding;

const LISTENING: &str = "Listening";

/// The listening addresses and their socket options.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Addresses to listen on: 8080 (this machine only), :8080 (all interfaces), HOST:8080,
    /// [::1]:8080, unix:PATH, or systemd[:NAME] for sockets of a service manager; if any of them
    /// has tls: in front (tls::6514), clients of the others speak plainly; poold listens on all of
    /// them or does not start
    #[arg(
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        value_delimiter = ','
    )]
    pub(crate) address: Vec<String>,

    /// Listen even on an address that this machine does not have yet (IP_FREEBIND)
    #[arg(long, help_heading = LISTENING)]
    pub(crate) freebind: bool,

    /// File mode of unix:PATH sockets, in octal; write permission allows to connect [default: 600]
    #[arg(long, help_heading = LISTENING, value_name = "MODE", value_parser = mode)]
    socket_mode: Option<u32>,

    /// Group of unix:PATH sockets, by name or number [default: the group of the process]
    #[arg(long, help_heading = LISTENING, value_name = "GROUP", value_parser = group)]
    socket_group: Option<u32>,
}

impl ListenArgs {
    /// Each ADDRESS without its `tls:`, and whether its clients speak plainly in any case.
    pub(super) fn asked(&self) -> Vec<(&str, bool)> {
        let chooses = self.chooses_tls();
        let all = self.address.iter().map(|address| {
            let bare = bare(address);
            (bare, chooses && bare == address)
        });
        all.collect()
    }

    /// Whether TLS is chosen for some ADDRESS.
    pub(crate) fn chooses_tls(&self) -> bool {
        self.address.iter().any(|address| bare(address) != address)
    }

    /// How ADDRESS is bound.
    pub(super) fn binding(&self) -> Binding {
        Binding {
            socket_mode: self.socket_mode.unwrap_or(Binding::default().socket_mode),
            socket_group: self.socket_group,
            ..self.private()
        }
    }

    /// How sockets for this user alone are bound: --admin and --control.
    pub(crate) fn private(&self) -> Binding {
        Binding {
            freebind: self.freebind,
            ..Binding::default()
        }
    }

    /// A given option that needs a Unix socket among the addresses.
    pub(super) fn for_files(&self) -> Option<&'static str> {
        match (self.socket_mode, self.socket_group) {
            (Some(_), _) => Some("socket_mode"),
            (None, Some(_)) => Some("socket_group"),
            (None, None) => None,
        }
    }
}

/// An ADDRESS without its `tls:`.
pub(crate) fn bare(address: &str) -> &str {
    address.strip_prefix("tls:").unwrap_or(address)
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "write a mode in octal, as 660".to_owned())
}
