//! Other programs, where they are installed: receivers, servers that fan out, and servers that run
//! a program for each connection.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use super::launch::{Announces, mortal};
use super::pairs::Contender;

/// The shell command that prints a program's version: each has its own.
pub const VERSIONS: &[(&str, &str)] = &[
    ("rsyslogd", "rsyslogd -v | sed -n '1s/ compiled.*//p'"),
    ("ncat", "ncat --version 2>&1"),
    (
        "tcpserver",
        "dpkg-query -W -f '${Package} ${Version}' ucspi-tcp",
    ),
    ("socat", "socat -V | sed -n 2p"),
    ("nats-server", "nats-server --version"),
    ("redis-server", "redis-server --version"),
];

/// The most clients at once, for programs that need it as an option.
const CLIENTS_MAX: &str = "20000";

/// All receivers, installed or not; a missing one fails to start, and the report says so.
pub fn receivers() -> Vec<Contender> {
    let contender = |name: &str, launch: fn(SocketAddr, &Path) -> io::Result<Command>| Contender {
        label: name.to_owned(),
        launch: Box::new(move |_, scratch| {
            let address = free_address()?;
            Ok((launch(address, scratch)?, Announces::Chosen(address)))
        }),
    };
    vec![
        contender("rsyslog", rsyslog),
        contender("ncat", ncat),
        contender("socat", socat),
    ]
}

/// A server that sends each message to all subscribers, and neither stores nor logs it.
pub fn nats() -> Contender {
    Contender {
        label: "nats-server".to_owned(),
        launch: Box::new(|_, _| {
            let address = free_address()?;
            let mut command = mortal("nats-server");
            let port = address.port().to_string();
            command.args(["--addr", "127.0.0.1", "--port", &port]);
            Ok((command, Announces::Chosen(address)))
        }),
    }
}

/// A server of streams, which stores nothing on the disk.
pub fn redis() -> Contender {
    Contender {
        label: "redis-server".to_owned(),
        launch: Box::new(|_, _| {
            let address = free_address()?;
            let mut command = mortal("redis-server");
            let port = address.port().to_string();
            command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]);
            Ok((command, Announces::Chosen(address)))
        }),
    }
}

/// A server that sends each client's message to all others, for up to a thousand clients.
pub fn broker() -> Contender {
    Contender {
        label: "ncat --broker".to_owned(),
        launch: Box::new(|_, _| {
            let address = free_address()?;
            let mut command = mortal("ncat");
            command.args(["--listen", "--broker", "--max-conns", CLIENTS_MAX]);
            command
                .arg(address.ip().to_string())
                .arg(address.port().to_string());
            Ok((command, Announces::Chosen(address)))
        }),
    }
}

/// Servers that run a program for each connection: the work is the program.
pub fn superservers() -> Vec<Contender> {
    let contender = |name: &str, launch: fn(SocketAddr, &str) -> Command| Contender {
        label: name.to_owned(),
        launch: Box::new(move |program, _| {
            let address = free_address()?;
            Ok((launch(address, program), Announces::Chosen(address)))
        }),
    };
    vec![
        contender("tcpserver", tcpserver),
        contender("socat EXEC", socat_exec),
    ]
}

/// Without its default queries to name servers and to the client's ident service.
fn tcpserver(address: SocketAddr, program: &str) -> Command {
    let mut command = mortal("tcpserver");
    command.args(["-HR", "-l0", "-c", "1000"]);
    command
        .arg(address.ip().to_string())
        .arg(address.port().to_string())
        .arg(program);
    command
}

/// In its fastest mode: the process that it forks for a connection executes the program.
fn socat_exec(address: SocketAddr, program: &str) -> Command {
    let mut command = mortal("socat");
    let listen = format!(
        "TCP-LISTEN:{},bind={},fork,reuseaddr,backlog=1024",
        address.port(),
        address.ip()
    );
    command.arg(listen).arg(format!("EXEC:{program},nofork"));
    command
}

/// The address was free a moment ago; these programs do not report which port they took.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// imtcp with TLS, by Debian's packages or as the tests' senders have unpacked them.
pub fn rsyslog_with_tls() -> Contender {
    Contender {
        label: "rsyslog".to_owned(),
        launch: Box::new(|_, scratch| {
            let address = free_address()?;
            let file = |name: &str| scratch.join(name).display().to_string();
            let (certificate, key) = (file("p256.pem"), file("p256.key"));
            let text = format!(
                "global(DefaultNetstreamDriver=\"gtls\"\n\
                 \x20 DefaultNetstreamDriverCAFile=\"{certificate}\"\n\
                 \x20 DefaultNetstreamDriverCertFile=\"{certificate}\"\n\
                 \x20 DefaultNetstreamDriverKeyFile=\"{key}\")\n"
            );
            let driver = "StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" \
                          StreamDriver.AuthMode=\"anon\"";
            let mut command = rsyslog_by(address, scratch, &text, driver)?;
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
            let root = target.unwrap_or(Path::new("/")).join("senders/root");
            let libraries = root.join("usr/lib/x86_64-linux-gnu");
            if libraries.join("rsyslog").exists() {
                let all = [&libraries, &root.join("lib/x86_64-linux-gnu")];
                command.env(
                    "LD_LIBRARY_PATH",
                    all.map(|one| one.display().to_string()).join(":"),
                );
                command.arg("-M").arg(libraries.join("rsyslog"));
                let path = std::env::var("PATH").unwrap_or_default();
                let own = root.join("usr/sbin");
                command.env("PATH", format!("{}:{path}", own.display()));
            }
            Ok((command, Announces::Chosen(address)))
        }),
    }
}

/// imtcp with its manual's settings for many senders; it writes the sender and the line.
fn rsyslog(address: SocketAddr, scratch: &Path) -> io::Result<Command> {
    rsyslog_by(address, scratch, "", "")
}

fn rsyslog_by(
    address: SocketAddr,
    scratch: &Path,
    before: &str,
    driver: &str,
) -> io::Result<Command> {
    let place = scratch.display();
    let port = address.port();
    let text = format!(
        "{before}global(workDirectory=\"{place}\" net.enableDNS=\"off\")\n\
         module(load=\"imtcp\" maxSessions=\"{CLIENTS_MAX}\" {driver})\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         template(name=\"labelled\" type=\"string\"\n\
         \x20 string=\"Message from %fromhost-ip%: %rawmsg%\\n\")\n\
         action(type=\"omfile\" file=\"/dev/null\" template=\"labelled\")\n"
    );
    let config = scratch.join("rsyslog.conf");
    fs::write(&config, text)?;
    let mut command = mortal("rsyslogd");
    command
        .arg("-n")
        .arg("-f")
        .arg(&config)
        .arg("-i")
        .arg(scratch.join("rsyslog.pid"));
    Ok(command)
}

/// It writes the bytes as they are, without a label.
fn ncat(address: SocketAddr, _: &Path) -> io::Result<Command> {
    let mut command = mortal("ncat");
    command.args([
        "--listen",
        "--keep-open",
        "--recv-only",
        "--max-conns",
        CLIENTS_MAX,
    ]);
    command
        .arg(address.ip().to_string())
        .arg(address.port().to_string());
    command.stdout(Stdio::null());
    Ok(command)
}

/// A process for each connection, which writes the bytes as they are. Silent processes end after
/// ten seconds, so that none is left when the first one is stopped.
fn socat(address: SocketAddr, _: &Path) -> io::Result<Command> {
    let mut command = mortal("socat");
    let listen = format!(
        "TCP-LISTEN:{},bind={},fork,reuseaddr,backlog=1024",
        address.port(),
        address.ip()
    );
    command
        .args(["-u", "-T10", &listen, "-"])
        .stdout(Stdio::null());
    Ok(command)
}
