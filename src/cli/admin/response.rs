//! An HTTP response, and its encoding.

use std::borrow::Cow;
use std::io::Write;
use std::time::SystemTime;

use serde::Serialize;

use super::request::{Bad, Request};

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    content_type: &'static str,
    body: Cow<'static, [u8]>,
    extra: Vec<(&'static str, &'static str)>,
}

/// Whether the connection goes on after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The connection stays open.
    Stay,
    /// As [`Stay`](After::Stay), with the header that an HTTP/1.0 client needs.
    StaySaid,
    Close,
}

impl After {
    pub(super) fn of(request: &Request) -> After {
        match (request.keeps_alive, request.is_old) {
            (true, true) => After::StaySaid,
            (true, false) => After::Stay,
            (false, _) => After::Close,
        }
    }
}

impl Response {
    pub(super) fn new(
        status: u16,
        content_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Response {
        Response {
            status,
            content_type,
            body: body.into(),
            extra: Vec::new(),
        }
    }

    /// A value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Response {
        match serde_json::to_vec(value) {
            Ok(body) => Response::new(200, "application/json", body),
            Err(error) => Response::text(500, error.to_string()),
        }
    }

    /// A line of text.
    pub(super) fn text(status: u16, line: impl AsRef<str>) -> Response {
        let line = format!("{}\n", line.as_ref());
        Response::new(status, "text/plain; charset=utf-8", line.into_bytes())
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Response {
        self.extra.push((name, value));
        self
    }

    /// Encodes it; without its body for `HEAD`.
    pub(super) fn write(&self, wire: &mut Vec<u8>, after: After, is_head: bool) {
        let date = httpdate::fmt_http_date(SystemTime::now());
        let head = format!(
            "HTTP/1.1 {} {}\r\nDate: {date}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
        );
        wire.extend_from_slice(head.as_bytes());
        for (name, value) in &self.extra {
            // A write to a vector can't fail.
            let _ = write!(wire, "{name}: {value}\r\n");
        }
        wire.extend_from_slice(match after {
            After::Stay => b"\r\n",
            After::StaySaid => b"Connection: keep-alive\r\n\r\n".as_slice(),
            After::Close => b"Connection: close\r\n\r\n",
        });
        if !is_head {
            wire.extend_from_slice(&self.body);
        }
    }
}

impl From<Bad> for Response {
    fn from(bad: Bad) -> Response {
        Response::text(bad.status, bad.problem)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}
