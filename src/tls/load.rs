//! Reads certificates, keys and lists of revoked certificates: PEM files.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};

use crate::error::{Error, Result};

/// Named, because a process may have several: then none is the default.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate with its chain and its key.
pub(super) fn read_pair(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>> {
    let (chain, private) = (read_chain(certificate)?, read_key(key)?);
    let pair = CertifiedKey::from_der(chain, private, &provider());
    pair.map(Arc::new)
        .map_err(|error| unfit(certificate, key, &error))
}

pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(|error| unreadable(file, &error))?;
    if chain.is_empty() {
        let problem = "it has no certificate; a PEM file has a line BEGIN CERTIFICATE";
        return Err(wrong(file, problem));
    }
    Ok(chain)
}

pub(super) fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| match error {
        pem::Error::NoItemsFound => wrong(
            file,
            "it has no private key that can be read; a PEM file has a line BEGIN PRIVATE KEY, and \
             a key with a password is of no use here",
        ),
        error => unreadable(file, &error),
    })
}

pub(super) fn read_roots(file: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in read_chain(file)? {
        roots.add(root).map_err(|error| wrong(file, error))?;
    }
    Ok(roots)
}

pub(super) fn read_revoked(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let read = CertificateRevocationListDer::pem_file_iter(file).and_then(Iterator::collect);
    let lists: Vec<_> = read.map_err(|error| unreadable(file, &error))?;
    if lists.is_empty() {
        return Err(wrong(
            file,
            "it has no list; a PEM file has a line BEGIN X509 CRL",
        ));
    }
    Ok(lists)
}

fn unreadable(file: &Path, error: &pem::Error) -> Error {
    match error {
        pem::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => wrong(
            file,
            "No such file; check the path, or make the files with poold cert",
        ),
        pem::Error::Io(error) => wrong(file, error),
        error => wrong(file, format!("it is not a valid PEM file: {error}")),
    }
}

pub(super) fn unfit(certificate: &Path, key: &Path, error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => wrong(
            certificate,
            format!("{} is the key of another certificate", key.display()),
        ),
        rustls::Error::InvalidCertificate(_) => wrong(certificate, error),
        error => wrong(key, error),
    }
}

pub(super) fn wrong(file: &Path, problem: impl fmt::Display) -> Error {
    Error::Certificate {
        file: file.display().to_string(),
        problem: problem.to_string(),
    }
}
