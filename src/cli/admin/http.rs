//! HTTP/1 as a service of lines: a request is its lines up to the empty one.
//!
//! A client that has sent half a request rests, as any client does, and holds no worker. Its bytes
//! and its time are bounded. A turn answers as many pipelined requests as the outbox holds; the
//! engine holds back further ones until the client has read, and others have had their turn.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::request::{Bad, Request};
use super::response::{After, Response};
use crate::connection::client::Client;
use crate::connection::handler::{Reply, Verdict};
use crate::framing::{Extent, Message};
use crate::net::address::Peer;
use crate::service::Service;

/// Maximum bytes of a request's head.
pub(super) const HEAD_MAX: usize = 16 * 1024;
/// Maximum time from a request's first line to its last.
pub(super) const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// The client, and the address it connected to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) peer: Peer,
    /// The TCP address that it connected to; `None` for a Unix socket.
    pub(super) came_to: Option<SocketAddr>,
}

/// Answers requests by a function of the request and the client.
pub(super) struct Http<F>(pub(super) F);

/// A client's request so far.
pub(super) struct Session {
    asker: Asker,
    head: Vec<u8>,
    /// The head is too large: it is read to its end, but not kept.
    is_over: bool,
    began: Option<Instant>,
}

impl Session {
    /// Takes a line; answers the head after its last line.
    fn take(&mut self, line: Message<'_>) -> Option<Result<Request, Bad>> {
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed() > REQUEST_TIME_MAX {
            return Some(Err(Bad::TOO_SLOW));
        }
        let is_empty = line.bytes.is_empty();
        if is_empty && self.head.is_empty() && !self.is_over {
            // Empty lines before a request are ignored (RFC 9112, 2.2).
            self.began = None;
            return None;
        }
        self.is_over |= line.extent == Extent::Truncated;
        self.is_over |= self.head.len() + line.bytes.len() + 2 > HEAD_MAX;
        if self.is_over {
            self.head = Vec::new();
        } else {
            self.head.extend_from_slice(line.bytes);
            self.head.extend_from_slice(b"\r\n");
        }
        if !is_empty {
            return None;
        }
        self.began = None;
        let head = std::mem::take(&mut self.head);
        Some(if self.is_over {
            Err(Bad::TOO_LARGE)
        } else {
            Request::parse(&head)
        })
    }
}

impl<F> Service for Http<F>
where
    F: Fn(&Request, Asker) -> Response + Send + Sync + 'static,
{
    type Session = Session;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Session {
        Session {
            asker: Asker {
                peer: client.peer(),
                came_to: client.local_address(),
            },
            head: Vec::new(),
            is_over: false,
            began: None,
        }
    }

    fn message(&self, session: &mut Session, line: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        if line.extent == Extent::Partial {
            // The client ended in the middle of a request.
            return Verdict::Close;
        }
        if reply.is_void {
            // The rest would keep other clients waiting.
            return Verdict::Go;
        }
        let (response, after, is_head) = match session.take(line) {
            None => return Verdict::Go,
            Some(Ok(request)) => (
                (self.0)(&request, session.asker),
                After::of(&request),
                request.method == "HEAD",
            ),
            Some(Err(bad)) => (Response::from(bad), After::Close, false),
        };
        let mut wire = Vec::new();
        response.write(&mut wire, after, is_head);
        reply.send_raw(wire);
        match after {
            After::Close => Verdict::Close,
            After::Stay | After::StaySaid => Verdict::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_its_time_and_the_next_one_its_own() {
        let line = |bytes| Message {
            bytes,
            extent: Extent::Whole,
        };
        let mut session = Session {
            asker: Asker {
                peer: Peer::Unix(1),
                came_to: None,
            },
            head: Vec::new(),
            is_over: false,
            began: None,
        };
        assert!(session.take(line(b"GET / HTTP/1.0")).is_none());
        session.began = Instant::now().checked_sub(REQUEST_TIME_MAX * 9 / 10);
        assert!(matches!(session.take(line(b"")), Some(Ok(_))));
        assert!(session.take(line(b"GET / HTTP/1.0")).is_none());
        session.began = Instant::now().checked_sub(REQUEST_TIME_MAX * 2);
        let answered = session.take(line(b"X: y"));
        assert_eq!(answered, Some(Err(Bad::TOO_SLOW)));
    }
}
