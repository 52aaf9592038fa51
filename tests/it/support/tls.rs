//! Certificates of a test's own, and clients that speak TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rcgen::KeyPair;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};

use crate::support::daemon::Daemon;
use crate::support::net;
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};

/// A self-made certificate for `localhost` and `127.0.0.1`, in files.
pub struct Pair {
    scratch: Scratch,
}

impl Pair {
    pub fn new() -> Pair {
        Pair::of(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub fn of(algorithm: &'static rcgen::SignatureAlgorithm) -> Pair {
        Pair::with(&KeyPair::generate_for(algorithm).expect("ring has it"))
    }

    fn with(key: &KeyPair) -> Pair {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("valid names");
        let made = params.self_signed(key).expect("a certificate");
        let scratch = Scratch::new();
        std::fs::write(scratch.join("server.pem"), made.pem()).expect("our own folder");
        std::fs::write(scratch.join("server.key"), key.serialize_pem()).expect("our own folder");
        Pair { scratch }
    }

    /// One with P-256, and where openssl can make its key, one with RSA.
    pub fn of_each_kind() -> Vec<Pair> {
        let mut pairs = vec![Pair::new()];
        if is_installed("openssl") {
            let made = Command::new("openssl")
                .args([
                    "genpkey",
                    "-algorithm",
                    "RSA",
                    "-pkeyopt",
                    "rsa_keygen_bits:2048",
                ])
                .output();
            let pem = String::from_utf8(made.expect("installed").stdout).expect("PEM");
            pairs.push(Pair::with(&KeyPair::from_pem(&pem).expect("a key")));
        }
        pairs
    }

    pub fn certificate(&self) -> PathBuf {
        self.scratch.join("server.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.scratch.join("server.key")
    }

    /// `poold SERVICE 127.0.0.1:0 --tls-cert … ARGS…`.
    pub fn start(&self, service: &str, args: &[&str]) -> Daemon {
        let (certificate, key) = (self.certificate(), self.key());
        let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
        Daemon::start(&[&[service, "127.0.0.1:0"], &tls[..], args].concat())
    }

    /// What a client of it begins with.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConnection {
        let certificate = CertificateDer::from_pem_file(self.certificate()).expect("our own");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("it is one");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("ring has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        ClientConnection::new(Arc::new(config), name).expect("valid")
    }

    /// The session of a server that has it.
    pub fn server(&self) -> ServerConnection {
        self.server_with(rustls::ALL_VERSIONS)
    }

    pub fn server_with(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConnection {
        let certificate = CertificateDer::from_pem_file(self.certificate()).expect("our own");
        let key = PrivateKeyDer::from_pem_file(self.key()).expect("our own");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        ServerConnection::new(Arc::new(config.expect("a pair"))).expect("valid")
    }

    /// A client whose handshake is done. It is not silent before that, where silence has a meaning.
    pub fn connect(&self, address: &str) -> Secured {
        self.connect_with(address, rustls::ALL_VERSIONS)
    }

    pub fn connect_with(
        &self,
        address: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Secured {
        let mut session = self.client(versions);
        let mut hello = Vec::new();
        session.write_tls(&mut hello).expect("a Vec");
        let mut client = Secured(StreamOwned::new(
            session,
            net::connect_saying(address, hello),
        ));
        while client.0.conn.is_handshaking() {
            client
                .0
                .conn
                .complete_io(&mut client.0.sock)
                .expect("a handshake");
        }
        client
    }
}

/// A client.
pub struct Secured(pub StreamOwned<ClientConnection, TcpStream>);

impl Secured {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("it is read");
        self.0.flush().expect("it is read");
    }

    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("so much comes");
        bytes
    }

    pub fn take_line(&mut self) -> String {
        let mut line = Vec::new();
        loop {
            match self.take(1)[0] {
                b'\n' => return String::from_utf8(line).expect("UTF-8"),
                byte => line.push(byte),
            }
        }
    }

    /// Says the end within the session; the connection stays.
    pub fn end(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().expect("connected");
    }

    /// Ends the connection, and not the session.
    pub fn cut(&mut self) {
        self.0.sock.shutdown(Shutdown::Write).expect("connected");
    }

    /// Reads to the end of the session.
    ///
    /// # Errors
    /// Those of the socket, and the end of the connection before that of the session.
    pub fn take_all(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut bytes = Vec::new();
        let end = self.0.read_to_end(&mut bytes);
        (bytes, end.map(drop))
    }
}
