//! What `--from` names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::redis::url::{Target, is_url};

/// A source as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    /// `HOST:PORT` or `unix:PATH`. A name is looked up each time that it connects.
    Socket(String),
    Stdin,
    File(PathBuf),
    Fifo(PathBuf),
    Serial {
        path: PathBuf,
        baud: u32,
    },
    Exec(String),
    /// A stream of a Redis or Valkey server.
    Stream(Box<Target>),
    /// The URL is not valid, and why. It may have a password, so no error repeats it.
    Wrong(String),
}

/// What most receivers of positions use (NMEA 0183).
const BAUD: u32 = 4800;

impl Spec {
    /// Whether it can be written to.
    pub(super) fn takes_messages(&self) -> bool {
        matches!(
            self,
            Spec::Socket(_) | Spec::Serial { .. } | Spec::Exec(_) | Spec::Stream(_)
        )
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        if is_url(text) {
            let stream = stream(text).map(Box::new);
            return Ok(stream.map_or_else(Spec::Wrong, Spec::Stream));
        }
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        if !rest.is_empty() {
            match kind {
                "unix" => return Ok(Spec::Socket(text.to_owned())),
                "file" => return Ok(Spec::File(rest.into())),
                "fifo" => return Ok(Spec::Fifo(rest.into())),
                "exec" => return Ok(Spec::Exec(rest.to_owned())),
                "serial" => return serial(rest),
                _ => {}
            }
        }
        if text == "-" {
            return Ok(Spec::Stdin);
        }
        if text.parse::<u16>().is_err() && rest.is_empty() {
            return Err("write HOST:PORT, unix:PATH, -, file:PATH, fifo:PATH, \
                        serial:/dev/ttyUSB0@4800, exec:PROGRAM or redis://HOST?stream=NAME"
                .to_owned());
        }
        let port = text.rsplit(':').next().unwrap_or_default();
        match port.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Spec::Socket(text.to_owned())),
            _ => Err(format!("{port} is no port")),
        }
    }
}

/// A stream, to read from or to write to.
pub(super) fn stream(text: &str) -> Result<Target, String> {
    Target::parse_stream(text, "a feed is a stream: write ?stream=NAME")
}

fn serial(text: &str) -> Result<Spec, String> {
    let (path, baud) = match text.rsplit_once('@') {
        Some((path, baud)) => {
            let problem = || format!("{baud} is no speed: write serial:/dev/ttyUSB0@4800");
            (path, baud.parse().map_err(|_| problem())?)
        }
        None => (text, BAUD),
    };
    let path = path.into();
    Ok(Spec::Serial { path, baud })
}

impl fmt::Display for Spec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Socket(address) => out.write_str(address),
            Spec::Stdin => out.write_str("-"),
            Spec::File(path) => write!(out, "file:{}", path.display()),
            Spec::Fifo(path) => write!(out, "fifo:{}", path.display()),
            Spec::Serial { path, baud } => write!(out, "serial:{}@{baud}", path.display()),
            Spec::Exec(program) => write!(out, "exec:{program}"),
            Spec::Stream(target) => target.fmt(out),
            Spec::Wrong(problem) => out.write_str(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_parsed_and_printed() {
        for text in [
            "gps.local:10110",
            "[::1]:2000",
            "unix:/run/feed",
            "-",
            "file:/var/log/a",
            "fifo:/tmp/f",
            "serial:/dev/ttyUSB0@38400",
            "exec:rtl_ais -n",
            "redis://h:6379/0?stream=feed",
            "unix:/run/r?stream=feed",
        ] {
            let spec: Spec = text.parse().expect(text);
            assert_eq!(spec.to_string(), text);
        }
        let serial: Spec = "serial:/dev/ttyS0".parse().expect("valid");
        assert_eq!(serial.to_string(), "serial:/dev/ttyS0@4800");
        for wrong in [
            "",
            "host",
            "host:",
            "host:0",
            "file:",
            "serial:/dev/x@fast",
            "host:99999",
        ] {
            assert!(wrong.parse::<Spec>().is_err(), "{wrong}");
        }
    }
}
