//! The arguments of `poold client`.

use std::path::PathBuf;

use crate::cli::values::yes_or_no;
use crate::error::Result;
use crate::tls::{ClientTls, Trust};

/// Connect to a line-based server: a chat client at a terminal, plain bytes in a pipe
#[derive(Debug, clap::Args)]
#[command(after_help = "\
At a terminal: history, completion and colours (none with NO_COLOR). Ctrl-C empties the line or \
leaves; Ctrl-D leaves.
In a pipe: sends the standard input, then its end, and prints what the server sends.
Exit codes: 0 done, 1 could not connect or lost the connection, 2 usage, 130 Ctrl-C, 141 the \
output was closed.")]
pub(crate) struct ClientArgs {
    /// Address of the server: PORT (on this machine), HOST:PORT, [::1]:8080 or unix:PATH
    #[arg(default_value = "127.0.0.1:8080")]
    pub(crate) address: String,

    /// Speak TLS, and nothing else
    #[arg(long, env = "POOLD_TLS", value_parser = yes_or_no())]
    pub(crate) tls: bool,

    /// With --tls: trust servers with a certificate of a root in this file (PEM)
    /// [default: the system's roots]
    #[arg(long, value_name = "FILE", requires = "tls", env = "POOLD_CA")]
    pub(crate) ca: Option<PathBuf>,

    /// With --tls: the client's own certificate (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"], env = "POOLD_CERT")]
    pub(crate) cert: Option<PathBuf>,

    /// With --cert: the private key of it (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", env = "POOLD_KEY")]
    pub(crate) key: Option<PathBuf>,

    /// With --tls: trust any server, also one that only pretends to be it
    #[arg(long, requires = "tls", conflicts_with = "ca")]
    pub(crate) insecure: bool,

    /// Name in a chat room [default: guest-N, a name from the server]
    #[arg(short, long, env = "POOLD_NAME", value_parser = name)]
    pub(crate) name: Option<String>,
}

impl ClientArgs {
    /// What `--tls` and its companions say.
    pub(crate) fn settings(&self) -> Result<Option<ClientTls>> {
        if !self.tls {
            return Ok(None);
        }
        let trust = match &self.ca {
            _ if self.insecure => Trust::Any,
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        let pair = self.cert.as_deref().zip(self.key.as_deref());
        ClientTls::new(trust, pair).map(Some)
    }
}

const NAME_MAX: usize = 64;

/// Any single word: the rules for names are the server's.
fn name(text: &str) -> std::result::Result<String, String> {
    let is_word = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    match is_word && (1..=NAME_MAX).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err("a name is one word, at most 64 characters".to_owned()),
    }
}
