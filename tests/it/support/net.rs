//! Clients: plain sockets whose every wait has a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Once;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use nix::libc;
use parking_lot::{Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

use crate::support::spool::PATIENCE;
use crate::support::tunnel::{carried, is_over_tls};

/// Connects a client, which speaks TLS in a test [over TLS](crate::support::tunnel::over_tls).
pub fn connect(address: &str) -> TcpStream {
    patient(carried(connect_plain(address)))
}

/// Connects the socket of a client.
pub fn connect_plain(address: &str) -> TcpStream {
    raise_limit();
    patient(TcpStream::connect(address).expect("it listens"))
}

/// A lock for tests with ten thousand clients: the process has no descriptors for two such tests at
/// once.
pub fn crowd_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
}

fn raise_limit() {
    static RAISED: Once = Once::new();
    RAISED.call_once(|| {
        // Crowds of ten thousand; a lower hard limit shows when a connection fails.
        let _ = rlimit::increase_nofile_limit(rlimit::INFINITY);
    });
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Connects a client and sends `said` in the same system call, so that a busy machine makes no
/// pause between the two.
pub fn connect_saying(address: &str, said: impl AsRef<[u8]>) -> TcpStream {
    raise_limit();
    let said = said.as_ref();
    if is_over_tls() {
        let stream = connect(address);
        send(&stream, said);
        return stream;
    }
    let to = address.parse::<SocketAddr>().expect("an address");
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("descriptors");
    let sent = socket.send_to_with_flags(said, &to.into(), libc::MSG_FASTOPEN);
    if sent.ok() != Some(said.len()) {
        // This machine has switched it off.
        let stream = connect(address);
        send(&stream, said);
        return stream;
    }
    patient(TcpStream::from(socket))
}

/// Connects from one of this machine's many loopback addresses.
pub fn connect_from(from: &str, address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors");
    let from: SocketAddr = format!("{from}:0").parse().expect("an address");
    socket.bind(&from.into()).expect("a loopback address");
    let to: SocketAddr = address.parse().expect("an address");
    socket.connect(&to.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

pub fn send(mut stream: &TcpStream, bytes: impl AsRef<[u8]>) {
    stream.write_all(bytes.as_ref()).expect("it is read");
}

/// Shuts the sending side. Of a reset that has come before, the next read tells.
pub fn end(stream: &TcpStream) {
    if let Err(error) = stream.shutdown(Shutdown::Write) {
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    }
}

/// Reads exactly this many bytes.
pub fn take(mut stream: &TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).expect("so much comes");
    bytes
}

/// Reads a line, its newline not included, and takes nothing more. It looks at what has come before
/// it takes it: a system call for each byte of a long line is slower than any server beside it.
pub fn take_line(stream: &TcpStream) -> String {
    let mut line = Vec::new();
    let mut ahead = [0; 4096];
    loop {
        let come = match stream.peek(&mut ahead) {
            // A wait with a deadline is not begun again after a signal: signal(7).
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            come => come.expect("a line comes"),
        };
        assert!(come > 0, "the end in a line of {} bytes", line.len());
        let end = ahead[..come].iter().position(|byte| *byte == b'\n');
        line.extend(take(stream, end.map_or(come, |end| end + 1)));
        if end.is_some() {
            line.pop();
            return String::from_utf8(line).expect("UTF-8");
        }
    }
}

/// Reads up to the end or an error; returns both.
pub fn take_all(mut stream: &TcpStream) -> (Vec<u8>, io::Result<()>) {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, Ok(())),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (bytes, Err(error)),
        }
    }
}

/// Reads up to a clean end; returns the bytes before it.
pub fn take_to_end(stream: &TcpStream) -> Vec<u8> {
    let (bytes, end) = take_all(stream);
    end.expect("an end, not a reset");
    bytes
}

/// Closes with a reset.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("a socket");
}

/// Waits until the peer has reset the connection; the end of the stream is no reset.
pub fn wait_reset(stream: &TcpStream) {
    let most = Timespec::try_from(PATIENCE).expect("fits");
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut polled, Some(&most)).expect("poll works");
    let came = polled[0].revents();
    assert!(came.contains(PollFlags::ERR), "no reset came: {came:?}");
}

/// Whether a reset has come by now.
pub fn is_reset(stream: &TcpStream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    let now = Timespec::try_from(Duration::ZERO).expect("fits");
    poll(&mut polled, Some(&now)).expect("poll works");
    polled[0].revents().contains(PollFlags::ERR)
}

/// A free port outside of the range from which the system gives ports to other tests.
///
/// Nothing listens on it for the check: a process that another test starts at this moment has a copy
/// of each socket until it executes its program, and a socket that listens excludes all others.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Far from those of other runs at the same time, whose processes have the next numbers.
    let first = (std::process::id() % 90 * 200) as u16;
    loop {
        let port = 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 18_000;
        if is_free(port) {
            return port;
        }
    }
}

fn is_free(port: u16) -> bool {
    let all: [SocketAddr; 2] = [
        (Ipv4Addr::UNSPECIFIED, port).into(),
        (Ipv6Addr::UNSPECIFIED, port).into(),
    ];
    all.into_iter().all(|address| {
        let Ok(socket) = Socket::new(Domain::for_address(address), Type::STREAM, None) else {
            // The system does not have this family.
            return address.is_ipv6();
        };
        socket.set_reuse_address(true).expect("a TCP socket");
        let bound = socket.bind(&address.into());
        !bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    })
}
