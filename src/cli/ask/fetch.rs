//! A request to a daemon's admin endpoint, over HTTP.

use std::io::{self, Read, Write};
use std::time::Duration;

use socket2::Socket;

use super::args::AdminAddress;
use crate::cli::exit::Failure;
use crate::net::address::Address;
use crate::net::connect;
use crate::tls::{ClientSession, ClientTls, PLAIN_LINE};

/// The deadline of each step: connect, write, read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Maximum length of an answer in bytes.
const ANSWER_MAX: u64 = 16 * 1024 * 1024;

/// The HTTP response.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// The HTTP method. The daemon takes changes only over Unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

/// Sends the request to one of the addresses, which are separated by commas.
///
/// # Errors
/// One line that says what to do.
pub(super) fn fetch(place: &AdminAddress, method: Method, path: &str) -> Result<Answer, Failure> {
    let address = choose(place.admin(), method);
    let parsed: Address = address.parse()?;
    let tls = match parsed {
        Address::Unix(_) => None,
        Address::Tcp(_) => place.tls()?,
    };
    let tls = tls.as_ref().map(|tls| (tls, connect::name(address)));
    let answered = exchange(&parsed, tls, method, path).map_err(|error| advice(&error));
    let answer = answered.and_then(parse);
    Ok(answer.map_err(|problem| format!("no answer from {address}: {problem}"))?)
}

/// The first address; for a change the first Unix socket, which alone takes changes.
fn choose(addresses: &str, method: Method) -> &str {
    let mut all = addresses.split(',').map(str::trim);
    let first = all.clone().next().unwrap_or(addresses);
    match method {
        Method::Get => first,
        Method::Post => all.find(|one| one.starts_with("unix:")).unwrap_or(first),
    }
}

fn exchange(
    address: &Address,
    tls: Option<(&ClientTls, &str)>,
    method: Method,
    path: &str,
) -> io::Result<Vec<u8>> {
    let method = match method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let request = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut stream = connect::connect(address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if let Some((tls, host)) = tls {
        return exchange_secured(stream, tls.session(host)?, request.as_bytes());
    }
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn exchange_secured(
    mut stream: Socket,
    mut session: ClientSession,
    request: &[u8],
) -> io::Result<Vec<u8>> {
    session.shake(&mut stream)?;
    // It has room for more than a request.
    session.give(request)?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while bytes.len() < ANSWER_MAX as usize {
        while session.wants_write() {
            session.write_to(&mut stream)?;
        }
        match session.take(&mut piece) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match session.read_from(&mut stream) {
                    // With a time limit, a stop of this process interrupts it.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => drop(read?),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

fn parse(bytes: Vec<u8>) -> Result<Answer, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(&bytes) {
        Ok(httparse::Status::Complete(length)) => Ok(Answer {
            status: response.code.unwrap_or_default(),
            body: bytes[length..].to_vec(),
        }),
        _ if bytes == PLAIN_LINE => {
            Err("it speaks TLS; give the root of its certificate with --tls-ca FILE".into())
        }
        _ => {
            Err("this is not poold's admin endpoint, which is at the address of its --admin".into())
        }
    }
}

fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            "no daemon listens there; start poold with --admin, and give its address as ADMIN or \
             in POOLD_ADMIN"
                .into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; run this command as the user of the daemon".into()
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it takes longer than 5 s".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_go_to_the_unix_socket() {
        let both = "127.0.0.1:9090, unix:/run/poold";
        assert_eq!(choose(both, Method::Get), "127.0.0.1:9090");
        assert_eq!(choose(both, Method::Post), "unix:/run/poold");
        assert_eq!(choose("9090", Method::Post), "9090");
    }
}
