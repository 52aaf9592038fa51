//! The certificates of a server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};

use super::session::Session;
use crate::error::{Error, Result};

/// TLS for the clients of a server: versions 1.2 and 1.3, without session tickets.
///
/// A client that only sends never reads a ticket, and the close of a socket with unread bytes is a
/// reset: its last messages would be lost.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

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
    pub fn from_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Tls> {
        let (certificate, key) = (certificate.as_ref(), key.as_ref());
        let chain = read_chain(certificate)?;
        let private = read_key(key)?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(certificate, error))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| unfit(certificate, key, &error))?;
        Ok(Tls {
            config: Arc::new(without_resumption(config)),
        })
    }

    /// A session for a new client.
    pub(crate) fn session(&self) -> std::result::Result<Session, String> {
        let inner = UnbufferedServerConnection::new(Arc::clone(&self.config));
        inner.map(Session::new).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Named, because a process may have several: then none is the default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn without_resumption(mut config: ServerConfig) -> ServerConfig {
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(|error| unreadable(file, &error))?;
    if chain.is_empty() {
        let problem = "it has no certificate; a PEM file has a line BEGIN CERTIFICATE";
        return Err(wrong(file, problem));
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    use rustls::pki_types::pem::Error as PemError;
    PrivateKeyDer::from_pem_file(file).map_err(|error| match error {
        PemError::NoItemsFound => wrong(
            file,
            "it has no private key that can be read; a PEM file has a line BEGIN PRIVATE KEY, and \
             a key with a password is of no use here",
        ),
        error => unreadable(file, &error),
    })
}

fn unreadable(file: &Path, error: &rustls::pki_types::pem::Error) -> Error {
    match error {
        rustls::pki_types::pem::Error::Io(error) => wrong(file, error),
        error => wrong(file, format!("it is not a valid PEM file: {error}")),
    }
}

fn unfit(certificate: &Path, key: &Path, error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(_) => wrong(
            certificate,
            format!("{} is the key of another certificate", key.display()),
        ),
        rustls::Error::InvalidCertificate(_) => wrong(certificate, error),
        error => wrong(key, error),
    }
}

fn wrong(file: &Path, problem: impl fmt::Display) -> Error {
    Error::Certificate {
        file: file.display().to_string(),
        problem: problem.to_string(),
    }
}
