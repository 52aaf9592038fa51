//! The daemon: `poold [SERVICE] [ADDRESS]`.

use std::process::ExitCode;

fn main() -> ExitCode {
    poold::cli::run()
}
