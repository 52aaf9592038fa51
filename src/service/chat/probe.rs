//! Whether the host at the other end of a connection still answers.
//!
//! TCP's keepalive asks, sooner than usual: the host's system answers, and no program sees it.
//! While data is unacknowledged, TCP retransmits that instead. In both cases the system knows when
//! the last acknowledgement came (`TCP_INFO`).

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::GetSockOpt;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use socket2::{Socket, TcpKeepalive};

use crate::connection::Connection;
use crate::connection::client::Client;

/// A host that was asked and acknowledges nothing for this long is silent.
const SILENCE: Duration = Duration::from_secs(3);
/// Silence after which keepalive asks: the shortest time that it has.
const SOON: Duration = Duration::from_secs(1);

/// HostProbes under way, by the id of their connection: two that ask for the same host share one.
#[derive(Default)]
pub(super) struct HostProbes(Mutex<FxHashMap<u64, Weak<HostProbe>>>);

/// Asks a host until it is dropped.
pub(super) struct HostProbe {
    connection: Arc<Connection>,
    since: Instant,
    usual: TcpKeepalive,
}

/// The state of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Answers,
    /// It was asked and still has time.
    Asked,
    Silent,
}

impl HostProbes {
    /// Asks the host of a client; `None` for a Unix socket, which has no host.
    pub(super) fn ask(&self, client: &Client) -> Option<Arc<HostProbe>> {
        let connection = client.connection()?;
        acknowledged(&connection.socket).ok()?;
        let mut probes = self.0.lock();
        probes.retain(|_, probe| probe.strong_count() > 0);
        if let Some(probe) = probes.get(&client.id()).and_then(Weak::upgrade) {
            return Some(probe);
        }
        let probe = Arc::new(HostProbe::begin(connection).ok()?);
        probes.insert(client.id(), Arc::downgrade(&probe));
        Some(probe)
    }
}

impl HostProbe {
    fn begin(connection: Arc<Connection>) -> io::Result<HostProbe> {
        let socket = &connection.socket;
        let usual = TcpKeepalive::new()
            .with_time(socket.tcp_keepalive_time()?)
            .with_interval(socket.tcp_keepalive_interval()?);
        let soon = TcpKeepalive::new().with_time(SOON).with_interval(SOON);
        socket.set_tcp_keepalive(&soon)?;
        Ok(HostProbe {
            connection,
            since: Instant::now(),
            usual,
        })
    }

    /// The state by now.
    pub(super) fn host(&self) -> Host {
        let asked = self.since.elapsed();
        match acknowledged(&self.connection.socket) {
            Ok(acknowledged) if acknowledged >= asked && asked >= SILENCE => Host::Silent,
            Ok(acknowledged) if acknowledged >= asked => Host::Asked,
            _ => Host::Answers,
        }
    }
}

impl Drop for HostProbe {
    fn drop(&mut self) {
        // Fails only on a connection that has ended.
        let _ = self.connection.socket.set_tcp_keepalive(&self.usual);
    }
}

/// Time since the host's last acknowledgement. An error if it is not TCP.
fn acknowledged(socket: &Socket) -> io::Result<Duration> {
    let info = TcpInfo.get(socket)?;
    Ok(Duration::from_millis(info.last_ack_ms.into()))
}

/// The beginning of the system's `struct tcp_info`; the system fills in as much as fits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Info {
    _bytes: [u8; 8],
    _numbers: [u32; 12],
    last_ack_ms: u32,
}

#[derive(Clone, Copy, Debug)]
struct TcpInfo;

nix::getsockopt_impl!(
    TcpInfo,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    Info,
    nix::sys::socket::sockopt::GetStruct<Info>
);
