//! The arguments of `poold client`.

use crate::cli::trust::TrustArgs;

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

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    /// Name in a chat room [default: guest-N, a name from the server]
    #[arg(short, long, env = "POOLD_NAME", value_parser = name)]
    pub(crate) name: Option<String>,
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
