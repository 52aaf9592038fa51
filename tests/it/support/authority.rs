//! A root of a test's own, and certificates of it in files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::net;
use crate::support::scratch::Scratch;
use crate::support::tls::Secured;

/// A root, with its key.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    scratch: Scratch,
}

/// A certificate and its key, in files.
#[derive(Clone)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("ring has it");
        let scratch = Scratch::new();
        let root = params.self_signed(&key).expect("a certificate");
        std::fs::write(scratch.join("ca.pem"), root.pem()).expect("our own folder");
        Authority {
            params,
            key,
            scratch,
        }
    }

    pub fn root(&self) -> PathBuf {
        self.scratch.join("ca.pem")
    }

    /// A certificate for this name, valid until the end of this year.
    pub fn make(&self, name: &str, serial: u64, until: i32) -> Files {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(until, 12, 31);
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().expect("ring has it");
        let issuer = Issuer::from_params(&self.params, &self.key);
        let made = params.signed_by(&key, &issuer).expect("a certificate");
        let files = Files {
            certificate: self.scratch.join(&format!("{name}-{serial}.pem")),
            key: self.scratch.join(&format!("{name}-{serial}.key")),
        };
        std::fs::write(&files.certificate, made.pem()).expect("our own folder");
        std::fs::write(&files.key, key.serialize_pem()).expect("our own folder");
        files
    }

    /// A list with the certificate of this number.
    pub fn revoke(&self, serial: u64) -> PathBuf {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        let list = params.signed_by(&issuer).expect("a list");
        let file = self.scratch.join("revoked.pem");
        std::fs::write(&file, list.pem().expect("PEM")).expect("our own folder");
        file
    }
}

/// A client that trusts this root, asks for this name, and may have a certificate.
///
/// # Errors
/// What the handshake failed with.
pub fn shake(address: &str, root: &Path, name: &str, own: Option<&Files>) -> io::Result<Secured> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(root).expect("our own"))
        .expect("it is one");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let chain = CertificateDer::from_pem_file(&files.certificate).expect("our own");
            let key = PrivateKeyDer::from_pem_file(&files.key).expect("our own");
            builder
                .with_client_auth_cert(vec![chain], key)
                .expect("a pair")
        }
    };
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("valid");
    let mut client = Secured(StreamOwned::new(session, net::connect_plain(address)));
    while client.0.conn.is_handshaking() {
        client.0.conn.complete_io(&mut client.0.sock)?;
    }
    Ok(client)
}
