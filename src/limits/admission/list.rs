//! Lists of addresses, from the command line or from files that may change.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv4Net};
use parking_lot::{Mutex, RwLock};
use tracing::{info, warn};

use crate::error::{Error, Result};
use crate::limits::user_file;

/// Minimum time between two checks of a file.
pub(super) const REREAD: Duration = Duration::from_secs(1);
/// Maximum bytes of a file: some millions of networks.
const LIST_MAX: usize = 64 << 20;
/// Bits before an IPv4 address in its IPv6 form (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Addresses, as networks in CIDR notation or in a file with one on each line.
///
/// ```
/// use poold::{AddressList, Options};
///
/// # fn main() -> poold::Result<()> {
/// let mut deny = AddressList::default();
/// deny.add("192.0.2.0/24")?;
/// deny.add("2001:db8::1")?;
/// let options = Options { deny, ..Default::default() };
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    networks: Vec<IpNet>,
    files: Vec<ListFile>,
}

/// A file, and its last content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListFile {
    path: PathBuf,
    /// The file's state when it was last read; `None` while it can't be read.
    version: Option<Version>,
    networks: Vec<IpNet>,
}

impl AddressList {
    /// Adds `192.0.2.0/24`, `2001:db8::/32`, a single address, or a file's path (one that contains
    /// a `/` and is no network). The file is read again when it changes.
    ///
    /// A mapped network (`::ffff:192.0.2.0/120`) and a mapped client count as IPv4. All other IPv6
    /// networks, also `::/0`, match IPv6 clients only.
    ///
    /// # Errors
    /// [`Error::Option`] when the text is none of these, or the file can't be read.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let wrong = |problem: String| Error::option("address list", problem);
        let problem = match parse_network(text) {
            Ok(network) => {
                self.networks.push(network);
                return Ok(());
            }
            Err(problem) => problem,
        };
        let is_meant = |(address, _): (&str, _)| address.parse::<IpAddr>().is_ok();
        if text.split_once('/').is_some_and(is_meant) {
            return Err(wrong(problem));
        }
        if !text.contains('/') && !Path::new(text).exists() {
            return Err(wrong(format!(
                "'{text}' is no address, no network and no file"
            )));
        }
        self.files.push(ListFile::open(text.into()).map_err(wrong)?);
        Ok(())
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.files.is_empty()
    }
}

/// A network in CIDR notation, or an address, in the form that peers have: IPv4 in IPv6's mapped
/// form is IPv4.
pub(crate) fn parse_network(text: &str) -> std::result::Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let Ok(network) = text.parse::<IpNet>() else {
        return Err(match text.contains('/') {
            true => format!(
                "'{text}' is no network; after the '/' comes the length of its prefix in bits"
            ),
            false => format!("'{text}' is no address"),
        });
    };
    let IpAddr::V4(address) = network.addr().to_canonical() else {
        return Ok(network);
    };
    let prefix = match network {
        IpNet::V4(_) => Some(network.prefix_len()),
        IpNet::V6(_) => network.prefix_len().checked_sub(MAPPED_PREFIX),
    };
    // A shorter network would match no client: it counts as IPv6, and its clients as IPv4.
    let network = prefix.and_then(|prefix| Ipv4Net::new(address, prefix).ok());
    network.map(IpNet::V4).ok_or_else(|| {
        format!(
            "'{text}' is an IPv4 network in IPv6's form, whose prefix is {MAPPED_PREFIX} bits \
             longer; write it as IPv4, {address}/…"
        )
    })
}

/// Why a list is not read.
enum Problem {
    /// The system does not give it now, perhaps for want of a descriptor: later it may.
    Away(String),
    /// Its content has to change.
    Wrong(String),
}

impl Problem {
    fn into_text(self) -> String {
        let (Problem::Away(text) | Problem::Wrong(text)) = self;
        text
    }
}

/// One address or network a line; skips comments after `#` and empty lines.
fn read_list(path: &Path) -> std::result::Result<Vec<IpNet>, Problem> {
    let text = user_file::read(path, LIST_MAX).map_err(|error| {
        let text = format!("{path:?}: {error}");
        match error.raw_os_error() {
            Some(_) => Problem::Away(text),
            None => Problem::Wrong(text),
        }
    })?;
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let entries = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim());
    let mut networks = Vec::new();
    for (number, entry) in entries.enumerate().filter(|(_, entry)| !entry.is_empty()) {
        let network = parse_network(entry).map_err(|problem| {
            Problem::Wrong(format!("{path:?}, line {}: {problem}", number + 1))
        })?;
        networks.push(network);
    }
    Ok(networks)
}

/// A list whose files are read again when they change. The first caller after `REREAD` checks the
/// files; other callers use the list as it is and never wait.
pub(super) struct LiveList {
    networks: Vec<IpNet>,
    has_files: bool,
    /// The last content of the files.
    listed: RwLock<Vec<IpNet>>,
    /// Held while the files are checked.
    files: Mutex<Files>,
}

struct Files {
    files: Vec<ListFile>,
    looked: Option<Instant>,
}

impl LiveList {
    pub(super) fn new(list: AddressList) -> LiveList {
        let AddressList { networks, files } = list;
        LiveList {
            networks,
            has_files: !files.is_empty(),
            listed: RwLock::new(all_of(&files)),
            files: Mutex::new(Files {
                files,
                looked: None,
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.has_files
    }

    pub(super) fn contains(&self, address: IpAddr, now: Instant) -> bool {
        let is_in = |networks: &[IpNet]| networks.iter().any(|one| one.contains(&address));
        if is_in(&self.networks) {
            return true;
        }
        if !self.has_files {
            return false;
        }
        self.look(now);
        is_in(&self.listed.read())
    }

    /// Reads changed files again, unless another thread does so or has just done it.
    fn look(&self, now: Instant) {
        let Some(mut files) = self.files.try_lock() else {
            return;
        };
        let is_due = |looked| now >= looked + REREAD;
        if files.looked.is_none_or(is_due) {
            files.looked = Some(now);
            files.files.iter_mut().for_each(ListFile::reread);
            *self.listed.write() = all_of(&files.files);
        }
    }
}

fn all_of(files: &[ListFile]) -> Vec<IpNet> {
    let networks = files.iter().flat_map(|file| &file.networks);
    networks.copied().collect()
}

impl ListFile {
    fn open(path: PathBuf) -> std::result::Result<ListFile, String> {
        // Before the read, so a change after this is read again.
        let version = version(&path).ok();
        let networks = read_list(&path).map_err(Problem::into_text)?;
        Ok(ListFile {
            path,
            version,
            networks,
        })
    }

    /// Reads the file if it has changed. While it can't be read, its last content holds, and it is
    /// tried again each time.
    fn reread(&mut self) {
        let before = self.version;
        let now = version(&self.path).map_err(Problem::Away);
        if before.is_some() && now.as_ref().ok() == before.as_ref() {
            return;
        }
        self.version = now.as_ref().ok().copied();
        let problem = match now.and_then(|_| read_list(&self.path)) {
            Ok(networks) => {
                self.networks = networks;
                let count = self.networks.len();
                info!(path = ?self.path, count, "read the address list again");
                return;
            }
            Err(Problem::Away(_)) if before.is_none() => {
                // Logged once.
                self.version = None;
                return;
            }
            Err(Problem::Away(text)) => {
                self.version = None;
                text
            }
            Err(Problem::Wrong(text)) => text,
        };
        warn!(problem, "the address list stays as it was; mend the file");
    }
}

/// A file's state: its device, inode, length and time of change. The time alone is not enough:
/// another file with the same time may take its place.
type Version = (u64, u64, u64, (i64, i64));

/// A FIFO gives its content only once, and opening it again would block.
fn version(path: &Path) -> std::result::Result<Version, String> {
    let file = std::fs::metadata(path).map_err(|error| format!("{path:?}: {error}"))?;
    if !file.is_file() {
        return Err(format!("{path:?} is no file"));
    }
    let changed = (file.mtime(), file.mtime_nsec());
    Ok((file.dev(), file.ino(), file.len(), changed))
}
