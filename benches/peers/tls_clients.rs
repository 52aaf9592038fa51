//! Clients that rest, and clients that do nothing but handshake.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use socket2::SockRef;

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// How clients connect: what they trust.
#[derive(Clone)]
pub struct Dialer(Arc<ClientConfig>);

impl Dialer {
    /// One that trusts the certificate in this file.
    pub fn new(certificate: &Path) -> io::Result<Dialer> {
        let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).map_err(io::Error::other)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Dialer(Arc::new(config)))
    }

    fn session(&self) -> io::Result<ClientConnection> {
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)
    }

    /// A client whose first message has come back.
    pub fn connect(&self, address: SocketAddr) -> io::Result<Talker> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let session = self.session()?;
        let mut talker = Talker { session, stream };
        talker.ask(64)?;
        Ok(talker)
    }

    /// The first bytes of a client.
    fn hello(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.session()?.write_tls(&mut bytes)?;
        Ok(bytes)
    }
}

/// A client that sends a line and waits for it.
pub struct Talker {
    session: ClientConnection,
    stream: TcpStream,
}

impl Talker {
    /// Sends a line of this length, and waits until it has come back.
    pub fn ask(&mut self, length: usize) -> io::Result<()> {
        let mut line = vec![b'x'; length];
        line[length - 1] = b'\n';
        let mut stream = rustls::Stream::new(&mut self.session, &mut self.stream);
        stream.write_all(&line)?;
        stream.flush()?;
        stream.read_exact(&mut line)
    }

    /// Keeps the connection only: ten thousand sessions of clients are not what is measured.
    pub fn rest(self) -> TcpStream {
        self.stream
    }
}

/// Clients that stand still in the handshake, and those that do nothing else; until dropped.
pub struct Attack {
    _standing: Vec<TcpStream>,
    is_over: Arc<AtomicBool>,
    shaking: Vec<JoinHandle<()>>,
}

impl Attack {
    pub fn begin(
        dialer: &Dialer,
        address: SocketAddr,
        standing: usize,
        shaking: usize,
    ) -> io::Result<Attack> {
        let hello = dialer.hello()?;
        // Half of them are silent in the middle of their hello, half after the server's answer.
        let standing = (0..standing).map(|at| {
            let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.write_all(&hello[..hello.len() / (1 + at % 2)])?;
            Ok(stream)
        });
        let _standing = standing.collect::<io::Result<_>>()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let shaking = (0..shaking).map(|_| {
            let (is_over, hello) = (Arc::clone(&is_over), hello.clone());
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    if shake(address, &hello).is_err() {
                        // The server refuses: it is not to be this thread that takes the time.
                        thread::sleep(PAUSE);
                    }
                }
            })
        });
        Ok(Attack {
            _standing,
            shaking: shaking.collect(),
            is_over,
        })
    }
}

/// The same hello each time: the server has all the work.
fn shake(address: SocketAddr, hello: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A reset: thousands of these would use up the ports.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    stream.write_all(hello)?;
    let mut answer = [0; 4096];
    stream.read(&mut answer).map(drop)
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.shaking.drain(..) {
            // It has ended, whichever way.
            let _ = thread.join();
        }
    }
}
