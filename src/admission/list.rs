//! Lists of addresses, from the command line or from files that may change.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use ipnet::IpNet;
use tracing::{info, warn};

use crate::error::{Error, Result};

/// How often a list's file is looked at, at most.
pub(super) const REREAD: Duration = Duration::from_secs(1);

/// Addresses, as networks in CIDR notation or in a file with one on each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    networks: Vec<IpNet>,
    files: Vec<PathBuf>,
}

impl AddressList {
    /// Adds `192.0.2.0/24`, `2001:db8::/32`, a single address, or a file's path (one that contains
    /// a `/` and is no network). The file is read again when it changes.
    ///
    /// # Errors
    /// [`Error::Option`] when it is none of these, or the file can't be read now.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let wrong = |problem: String| Error::Option {
            name: "address list",
            problem,
        };
        if let Some(network) = parse_network(text) {
            self.networks.push(network);
            return Ok(());
        }
        let is_meant = |(address, _): (&str, _)| address.parse::<IpAddr>().is_ok();
        if text.split_once('/').is_some_and(is_meant) {
            return Err(wrong(format!(
                "'{text}' is no network; after the '/' comes the length of its prefix in bits"
            )));
        }
        if !text.contains('/') && !Path::new(text).exists() {
            return Err(wrong(format!(
                "'{text}' is no address, no network and no file"
            )));
        }
        read_list(Path::new(text)).map_err(wrong)?;
        self.files.push(text.into());
        Ok(())
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.files.is_empty()
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// One address or network a line; what follows a `#` and empty lines say nothing.
fn read_list(path: &Path) -> std::result::Result<Vec<IpNet>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
    let entries = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim());
    let mut networks = Vec::new();
    for (number, entry) in entries.enumerate().filter(|(_, entry)| !entry.is_empty()) {
        let network = parse_network(entry)
            .ok_or_else(|| format!("{path:?}, line {}: '{entry}' is no address", number + 1))?;
        networks.push(network);
    }
    Ok(networks)
}

/// A list whose files are read again when they change.
pub(super) struct LiveList {
    networks: Vec<IpNet>,
    files: Vec<ListFile>,
    looked: Option<Instant>,
}

struct ListFile {
    path: PathBuf,
    changed: Option<SystemTime>,
    networks: Vec<IpNet>,
}

impl LiveList {
    pub(super) fn new(list: AddressList) -> LiveList {
        let files = list.files.into_iter();
        let files = files.map(|path| ListFile {
            path,
            changed: None,
            networks: Vec::new(),
        });
        LiveList {
            networks: list.networks,
            files: files.collect(),
            looked: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.files.is_empty()
    }

    pub(super) fn contains(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.looked.is_none_or(|looked| now >= looked + REREAD) {
            self.looked = Some(now);
            self.files.iter_mut().for_each(ListFile::reread);
        }
        let networks = self.files.iter().flat_map(|file| &file.networks);
        self.networks
            .iter()
            .chain(networks)
            .any(|network| network.contains(&address))
    }
}

impl ListFile {
    /// Reads the file if it has changed. While it can't be read, what it said last holds.
    fn reread(&mut self) {
        let changed = std::fs::metadata(&self.path)
            .and_then(|metadata| metadata.modified())
            .ok();
        if changed.is_none() || changed == self.changed {
            return;
        }
        let is_first = self.changed.is_none();
        self.changed = changed;
        match read_list(&self.path) {
            Ok(networks) => {
                let count = networks.len();
                self.networks = networks;
                if !is_first {
                    info!(path = ?self.path, count, "read the address list again");
                }
            }
            Err(problem) => warn!(problem, "the address list stays as it was; mend the file"),
        }
    }
}
