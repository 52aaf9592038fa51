//! Runtimes that use io_uring: a program of a crate of its own, in `benches/uring`, which is built
//! when it is first wanted.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::launch::{Announces, mortal};
use super::options::Options;
use super::pairs::Contender;

pub const RUNTIMES: [&str; 2] = ["monoio", "compio"];
/// Each thread is an event loop, and they share nothing.
const THREADS: [usize; 2] = [1, 2];

/// Those that are wanted, with one thread and with two.
pub fn contenders(options: &Options) -> Vec<Contender> {
    let wanted = RUNTIMES.iter().filter(|name| options.wants_peer(name));
    let all = wanted.flat_map(|name| THREADS.map(|threads| contender(name, threads)));
    all.collect()
}

fn contender(runtime: &'static str, threads: usize) -> Contender {
    Contender {
        label: format!("{runtime} ({threads})"),
        launch: Box::new(move |_, _| {
            let program = program()?.to_str().ok_or(io::ErrorKind::InvalidData)?;
            let mut command = mortal(program);
            command.args([runtime, &threads.to_string()]);
            Ok((command, Announces::OnStderr))
        }),
    }
}

/// The program; what it can't be built for is the same each time.
fn program() -> io::Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| error.to_string()));
    built
        .as_deref()
        .map_err(|why| io::Error::other(why.as_str()))
}

fn build() -> io::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/uring/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("uring");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    println!("building {}", manifest.display());
    let built = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
        ])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        .status()?;
    match built.success() {
        true => Ok(target.join("release/uring")),
        false => Err(io::Error::other("it can't be built")),
    }
}
