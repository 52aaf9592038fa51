//! The other end: a session of a client, for `poold client`.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind,
    RootCertStore, SignatureScheme,
};

use super::load::{provider, read_chain, read_key, read_roots, unfit, wrong};
use crate::error::Result;

/// Which servers a client trusts, and its own certificate.
#[derive(Clone, Debug)]
pub(crate) struct ClientTls {
    config: Arc<ClientConfig>,
}

/// Which servers a client trusts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trust<'a> {
    /// Those of the system's roots.
    System,
    /// Those of the roots in this file.
    File(&'a Path),
    /// Any: then the session protects against eavesdroppers only, not against a false server.
    Any,
}

impl ClientTls {
    /// With a certificate and a key, if the client has them.
    pub(crate) fn new(trust: Trust<'_>, pair: Option<(&Path, &Path)>) -> Result<ClientTls> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(Path::new("TLS"), error))?;
        let builder = match trust {
            Trust::Any => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyServer(provider))),
            Trust::File(file) => builder.with_root_certificates(read_roots(file)?),
            Trust::System => builder.with_root_certificates(system_roots()?),
        };
        let config = match pair {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(read_chain(certificate)?, read_key(key)?)
                .map_err(|error| unfit(certificate, key, &error))?,
        };
        Ok(ClientTls {
            config: Arc::new(config),
        })
    }

    /// Makes a full handshake each time, instead of going on with an earlier session.
    pub(crate) fn without_resumption(mut self) -> ClientTls {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::disabled();
        self.config = Arc::new(config);
        self
    }

    /// A session with the server of this name.
    pub(crate) fn session(&self, host: &str) -> io::Result<ClientSession> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let inner = ClientConnection::new(Arc::clone(&self.config), name);
        inner.map(ClientSession).map_err(io::Error::other)
    }
}

fn system_roots() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let problem = "the system has no root certificates; take --ca FILE";
        return Err(wrong(Path::new("TLS"), problem));
    }
    Ok(roots)
}

/// A session of a client.
#[derive(Debug)]
pub(crate) struct ClientSession(ClientConnection);

impl ClientSession {
    /// Runs the handshake on a blocking socket.
    pub(crate) fn shake(&mut self, socket: &mut (impl Read + Write)) -> io::Result<()> {
        while self.0.is_handshaking() {
            self.0.complete_io(socket).map_err(explained)?;
        }
        Ok(())
    }

    /// Whether the handshake is not done.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Whether the handshake went on with an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether ciphertext waits to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        self.0.wants_write()
    }

    /// Reads ciphertext once; `false`: the connection has ended.
    pub(crate) fn read_from(&mut self, socket: &mut impl Read) -> io::Result<bool> {
        let length = self.0.read_tls(socket)?;
        self.0
            .process_new_packets()
            .map_err(|error| explained(io::Error::new(ErrorKind::InvalidData, error)))?;
        Ok(length > 0)
    }

    /// Writes ciphertext once.
    pub(crate) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<()> {
        self.0.write_tls(socket).map(drop)
    }

    /// Takes plaintext; `Ok(0)` is the end of the session, and
    /// [`UnexpectedEof`](ErrorKind::UnexpectedEof) that of the connection alone.
    pub(crate) fn take(&mut self, plain: &mut [u8]) -> io::Result<usize> {
        self.0.reader().read(plain)
    }

    /// Encrypts plaintext, as much as it has room for.
    pub(crate) fn give(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.0.writer().write(plain)
    }

    /// Ends the client's side.
    pub(crate) fn close(&mut self) {
        self.0.send_close_notify();
    }
}

/// The name in rustls' text `DnsName("localhost")` or `IpAddress(::1)`.
fn plain_name(text: &str) -> &str {
    let inner = text.split_once('(').map_or(text, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

/// What to do about a server that is not trusted.
fn explained(error: io::Error) -> io::Error {
    let Some(cause) = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>())
    else {
        return error;
    };
    let why = match cause {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "the server's certificate has an unknown issuer; give its root with --ca FILE"
            .to_owned(),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented,
        }) => format!(
            "the server's certificate is for {}, not for {}",
            presented
                .iter()
                .map(|name| plain_name(name))
                .collect::<Vec<_>>()
                .join(", "),
            expected.to_str()
        ),
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. } => {
            "the server does not speak TLS; connect without --tls".to_owned()
        }
        rustls::Error::AlertReceived(alert) => format!("the server refuses: {alert:?}"),
        cause => cause.to_string(),
    };
    io::Error::other(why)
}

/// Trusts every server.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_name_is_as_a_certificate_has_it() {
        for (text, name) in [
            ("DnsName(\"localhost\")", "localhost"),
            ("IpAddress(::1)", "::1"),
            ("other", "other"),
        ] {
            assert_eq!(plain_name(text), name);
        }
    }
}
