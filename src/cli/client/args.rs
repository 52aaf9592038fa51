//! What was typed.

/// Connect to a server of lines: a chat room at a terminal, plain bytes in a pipe
#[derive(Debug, clap::Args)]
#[command(after_help = "\
At a terminal: history, completion, colours (not with NO_COLOR); Ctrl-D leaves, Ctrl-C empties the
line, then leaves. In a pipe: what comes in goes out, and the end of the input is passed on.
Exit codes: 0 all went well, 1 not connected or lost, 2 usage, 130 Ctrl-C, 141 nobody reads the
output.")]
pub struct ClientArgs {
    /// The server: PORT (on this machine), HOST:PORT, [::1]:8080 or unix:PATH
    #[arg(default_value = "127.0.0.1:8080")]
    pub address: String,

    /// The name to be known by in a chat
    #[arg(short, long, env = "POOLD_NAME", value_parser = name)]
    pub name: Option<String>,
}

const NAME_MAX: usize = 64;

/// The server decides what a name may be; here it only has to be one word.
fn name(text: &str) -> Result<String, String> {
    let is_word = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    match is_word && (1..=NAME_MAX).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err("a name is one word, at most 64 characters".to_owned()),
    }
}
