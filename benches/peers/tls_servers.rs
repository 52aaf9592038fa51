//! Echo over TLS: a bare loop, and tokio-rustls. None of them sends session tickets, as poold does
//! not.

use std::cell::RefCell;
use std::env;
use std::io;
use std::net;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::epoll::{self, Session};
use super::runtimes;
use super::serve::SCRATCH;
use super::sessions::each_line;
use super::work::Work;

/// What a record adds to its plaintext, at most; and the most plaintext in one.
const OVERHEAD: usize = 32;
const RECORD: usize = 16 << 10;

/// The files of a kind of key: `p256` or `rsa`. The driver has made them.
pub fn files(kind: &str) -> (PathBuf, PathBuf) {
    let folder = env::var_os(SCRATCH).map_or_else(env::temp_dir, PathBuf::from);
    let file = |end| folder.join(format!("{kind}.{end}"));
    (file("pem"), file("key"))
}

fn config(kind: &str) -> io::Result<Arc<ServerConfig>> {
    let (certificate, key) = files(kind);
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = builder
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    let mut config = config.map_err(io::Error::other)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The limit: rustls' unbuffered session in a loop on one thread.
pub fn bare(listener: net::TcpListener, work: &Arc<Work>, kind: &str) -> io::Result<()> {
    let config = config(kind)?;
    let buffers = Rc::new(RefCell::new(Buffers::default()));
    epoll::serve(listener, |_| Secured {
        // Fails only without a provider.
        inner: UnbufferedServerConnection::new(Arc::clone(&config)).expect("it has one"),
        kept: Vec::new(),
        partial: Vec::new(),
        work: Arc::clone(work),
        buffers: Rc::clone(&buffers),
    })
}

/// Shared by all sessions: there is only one thread.
#[derive(Default)]
struct Buffers {
    cipher: Vec<u8>,
    replies: Vec<u8>,
}

struct Secured {
    inner: UnbufferedServerConnection,
    /// Ciphertext of an incomplete record.
    kept: Vec<u8>,
    /// A line whose end has not come.
    partial: Vec<u8>,
    work: Arc<Work>,
    buffers: Rc<RefCell<Buffers>>,
}

impl Session for Secured {
    fn arrived(&mut self, bytes: Option<&[u8]>, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(bytes) = bytes else {
            return Ok(());
        };
        let Buffers { cipher, replies } = &mut *self.buffers.borrow_mut();
        cipher.clear();
        cipher.extend_from_slice(&self.kept);
        cipher.extend_from_slice(bytes);
        replies.clear();
        let (mut used, mut is_over, mut has_ended) = (0, false, false);
        while !is_over {
            let status = self.inner.process_tls_records(&mut cipher[used..]);
            let UnbufferedStatus { discard, state } = status;
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(io::Error::other)?;
                        let line = |line: &[u8]| self.work.answer(line, replies);
                        each_line(&mut self.partial, Some(record.payload), line)?;
                        used += record.discard;
                    }
                }
                ConnectionState::EncodeTlsData(piece) => encode(piece, out)?,
                ConnectionState::TransmitTlsData(all) => all.done(),
                ConnectionState::PeerClosed => has_ended = true,
                ConnectionState::WriteTraffic(mut traffic) => {
                    encrypt(&mut traffic, replies, has_ended, out)?;
                    is_over = true;
                }
                _ => is_over = true,
            }
            used += discard;
        }
        self.kept.clear();
        self.kept.extend_from_slice(&cipher[used..]);
        if self.kept.is_empty() {
            self.kept = Vec::new();
        }
        Ok(())
    }
}

fn encode<Data>(mut piece: EncodeTlsData<'_, Data>, out: &mut Vec<u8>) -> io::Result<()> {
    let before = out.len();
    let mut room = 0;
    loop {
        out.resize(before + room, 0);
        match piece.encode(&mut out[before..]) {
            Ok(length) => {
                out.truncate(before + length);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(more)) => room = more.required_size,
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// All replies of a read, in as few records as they need.
fn encrypt<Data>(
    traffic: &mut WriteTraffic<'_, Data>,
    replies: &[u8],
    has_ended: bool,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let failed = |error: EncryptError| io::Error::other(error);
    for piece in replies.chunks(RECORD) {
        let before = out.len();
        out.resize(before + piece.len() + OVERHEAD, 0);
        let length = traffic.encrypt(piece, &mut out[before..]).map_err(failed)?;
        out.truncate(before + length);
    }
    if has_ended {
        let before = out.len();
        out.resize(before + 64, 0);
        let length = traffic.queue_close_notify(&mut out[before..]);
        out.truncate(before + length.map_err(failed)?);
    }
    Ok(())
}

/// A read, every whole line in it handled on the spot, one write.
pub fn plain(
    listener: net::TcpListener,
    work: &Arc<Work>,
    workers: usize,
    kind: &str,
) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(config(kind)?);
    let runtime = runtimes::runtime(workers, 1)?;
    runtimes::serve(&runtime, listener, |stream: TcpStream| {
        let (acceptor, work) = (acceptor.clone(), Arc::clone(work));
        async move {
            let mut stream = acceptor.accept(stream).await?;
            runtimes::converse(&mut stream, work).await?;
            stream.shutdown().await
        }
    })
}

/// `LinesCodec` at its best: all lines that are there are answered with one flush.
pub fn codec_feed(
    listener: net::TcpListener,
    work: &Arc<Work>,
    workers: usize,
    kind: &str,
) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(config(kind)?);
    let runtime = runtimes::runtime(workers, 1)?;
    runtimes::serve(&runtime, listener, |stream: TcpStream| {
        let (acceptor, work) = (acceptor.clone(), Arc::clone(work));
        async move { runtimes::feed(acceptor.accept(stream).await?, work).await }
    })
}
