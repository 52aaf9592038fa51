//! The certificates of a server, from files that are read again when they change.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection, WebPkiClientVerifier};
use tracing::{info, warn};

use super::describe::describe;
use super::failure::Failure;
use super::load::{provider, read_pair, read_revoked, read_roots, wrong};
use super::names::ByName;
use super::session::Session;
use super::validity::Validity;
use crate::error::{Error, Result};

/// Between two looks at the files, which a new client causes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two warnings of a certificate that expires, which a new client causes as well.
const WARN_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// TLS for the clients of a server: versions 1.2 and 1.3, without session tickets.
///
/// A client that only sends never reads a ticket, and the close of a socket with unread bytes is a
/// reset: its last messages would be lost.
///
/// The files are read again when they change. If the new ones are of no use, the old ones stay, and
/// the log says why.
#[derive(Clone)]
pub struct Tls(Arc<Live>);

/// The files of a [`Tls`], all of them PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Certificates, each followed by those that lead to its root, and their private keys. A client
    /// is shown the one for the name that it asks for, else the first.
    pub pairs: Vec<(PathBuf, PathBuf)>,
    /// Roots of the certificates of clients. Without it clients are not asked for theirs.
    pub client_ca: Option<PathBuf>,
    /// What happens to clients without a certificate.
    pub clients: ClientCertificates,
    /// Lists of revoked certificates of clients.
    pub revoked: Option<PathBuf>,
    /// Names that clients' certificates may have, `*.example.org` for all of a domain; of a client
    /// without a certificate there is none. Empty: all.
    pub names: Vec<String>,
}

/// Whether clients need a certificate; one that is not valid is refused in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// A client without one is refused.
    #[default]
    Required,
    /// A client may have none.
    Optional,
}

struct Live {
    files: TlsFiles,
    loaded: RwLock<Loaded>,
    /// Held while the files are looked at.
    seen: Mutex<Seen>,
}

/// What the files have.
struct Loaded {
    config: Arc<ServerConfig>,
    /// Of each certificate whose dates can be read, by its file.
    validities: Vec<(String, Validity)>,
}

struct Seen {
    at: Instant,
    /// When the log has told which certificates expire.
    warned: Instant,
    versions: Vec<Version>,
}

/// A file's inode, length and time of change.
type Version = Option<(u64, u64, i64, i64)>;

impl Tls {
    /// Reads a certificate, followed by those that lead to its root, and its private key; both are
    /// PEM files.
    ///
    /// ```no_run
    /// use poold::{Options, Server, Tls, service::Echo};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = Some(Tls::from_files("server.pem", "server.key")?);
    /// let options = Options { tls, ..Default::default() };
    /// let server = Server::bind("127.0.0.1:6514", options, Echo)?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Certificate`] names the file, and says what is wrong with it.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Tls> {
        Tls::of(TlsFiles {
            pairs: vec![(certificate.into(), key.into())],
            ..TlsFiles::default()
        })
    }

    /// Reads all these files.
    ///
    /// # Errors
    /// As [`from_files`](Tls::from_files).
    pub fn of(files: TlsFiles) -> Result<Tls> {
        let seen = Seen {
            at: Instant::now(),
            warned: Instant::now(),
            versions: files.versions(),
        };
        let loaded = files.read()?;
        loaded.warn();
        Ok(Tls(Arc::new(Live {
            files,
            loaded: RwLock::new(loaded),
            seen: Mutex::new(seen),
        })))
    }

    /// Whether a client with this name in its certificate may come in.
    pub(crate) fn allows(&self, name: Option<&str>) -> bool {
        let names = &self.0.files.names;
        names.is_empty() || name.is_some_and(|name| names.iter().any(|one| matches(one, name)))
    }

    /// Whether it asks clients for certificates.
    pub(crate) fn names_clients(&self) -> bool {
        self.0.files.client_ca.is_some() || !self.0.files.names.is_empty()
    }

    /// When each certificate ends, by its file.
    pub(crate) fn expiries(&self) -> Vec<(String, i64)> {
        let loaded = self.0.loaded.read();
        let all = loaded.validities.iter();
        all.map(|(file, validity)| (file.clone(), validity.until))
            .collect()
    }

    /// A session for a new client.
    pub(crate) fn session(&self) -> std::result::Result<Session, Failure> {
        self.0.look();
        let config = Arc::clone(&self.0.loaded.read().config);
        let inner = UnbufferedServerConnection::new(config);
        inner.map(Session::new).map_err(|error| describe(&error))
    }
}

impl Live {
    /// Reads the files again if they have changed, unless another thread does so or has just done
    /// it. Sessions that are open stay as they are.
    fn look(&self) {
        let Some(mut seen) = self.seen.try_lock() else {
            return;
        };
        if seen.at.elapsed() < LOOK_EVERY {
            return;
        }
        seen.at = Instant::now();
        if seen.warned.elapsed() >= WARN_EVERY {
            seen.warned = seen.at;
            self.loaded.read().warn();
        }
        let versions = self.files.versions();
        if versions == seen.versions {
            return;
        }
        seen.versions = versions;
        match self.files.read() {
            Ok(loaded) => {
                info!("read the certificates again");
                loaded.warn();
                *self.loaded.write() = loaded;
            }
            // A certificate may be there for a moment before its key; then they change once more.
            Err(problem) => warn!(%problem, "the certificates stay as they were; mend the file"),
        }
    }
}

impl Loaded {
    fn warn(&self) {
        for (certificate, validity) in &self.validities {
            if let Some(problem) = validity.problem(UnixTime::now()) {
                warn!(%certificate, "{problem}");
            }
        }
    }
}

impl TlsFiles {
    fn versions(&self) -> Vec<Version> {
        let pairs = self.pairs.iter().flat_map(|(one, other)| [one, other]);
        let all = pairs.chain(&self.client_ca).chain(&self.revoked);
        all.map(|file| version(file)).collect()
    }

    fn read(&self) -> Result<Loaded> {
        let pairs = self.pairs.iter().map(|(one, key)| read_pair(one, key));
        let pairs: Vec<_> = pairs.collect::<Result<_>>()?;
        if pairs.is_empty() {
            return Err(Error::Option {
                name: "tls",
                problem: "it needs a certificate and its key".into(),
            });
        }
        let validities = self
            .pairs
            .iter()
            .zip(&pairs)
            .filter_map(|((file, _), pair)| {
                let validity = Validity::of(&pair.cert)?;
                Some((file.display().to_string(), validity))
            });
        let validities = validities.collect();
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(Path::new("TLS"), error))?;
        let builder = match self.verifier()? {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_cert_resolver(Arc::new(ByName(pairs)));
        // A revoked client could resume what it had before, too.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Loaded {
            config: Arc::new(config),
            validities,
        })
    }

    fn verifier(&self) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
        let Some(ca) = &self.client_ca else {
            return Ok(None);
        };
        let roots = Arc::new(read_roots(ca)?);
        let mut builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
        if let Some(revoked) = &self.revoked {
            builder = builder
                .with_crls(read_revoked(revoked)?)
                .allow_unknown_revocation_status();
        }
        if self.clients == ClientCertificates::Optional {
            builder = builder.allow_unauthenticated();
        }
        let built = builder.build();
        built.map(Some).map_err(|error| wrong(ca, error))
    }
}

/// Host names have no case; a star stands for one label, and for nothing of a URI or an e-mail
/// address.
fn matches(pattern: &str, name: &str) -> bool {
    let is_label = |text: &str| {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
    };
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .split_once('.')
            .is_some_and(|(label, rest)| is_label(label) && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Tls").field(&self.0.files).finish()
    }
}

/// `None`: it can't be read now.
fn version(file: &Path) -> Version {
    let found = std::fs::metadata(file).ok()?;
    Some((found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(matches("*.example.org", "a.Example.org"));
        assert!(!matches("*.example.org", "example.org"));
        assert!(!matches("*.example.org", "a.b.example.org"));
        assert!(matches("Sensor", "sensor") && !matches("sensor", "sensor2"));
        assert!(!matches("*.example.org", "https://other/a.example.org"));
        assert!(!matches("*.example.org", "anna@mail.example.org"));
        assert!(matches("anna@example.org", "anna@example.org"));
    }
}
