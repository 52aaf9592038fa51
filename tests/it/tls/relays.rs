//! Syslog over TLS (RFC 5425), of Debian's daemons: each message whole, once.

use crate::recv::senders::{THREE, relay_to};
use crate::support::daemon::{Daemon, poold};
use crate::support::passed::brought;
use crate::support::scratch::{Scratch, text};

/// Each file that has to be unpacked, its program, and the configuration of the manual's page
/// `senders`.
const RELAYS: [(&str, &str, &str); 3] = [
    (
        "usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so",
        "rsyslogd",
        RSYSLOG,
    ),
    (
        "usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so",
        "rsyslogd",
        RSYSLOG,
    ),
    ("usr/sbin/syslog-ng", "syslog-ng", SYSLOG_NG),
];

const RSYSLOG: &str = r#"global(workDirectory=".")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="inbox" CreatePath="on")
global(DefaultNetstreamDriverCAFile="/etc/ssl/ca.pem")
action(type="omfwd" target="localhost" port="6514" protocol="tcp" TCP_Framing="octet-counted"
  StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
  StreamDriverPermittedPeers="localhost")
"#;

const SYSLOG_NG: &str = r#"@version: 3.38
source s { unix-dgram("inbox"); };
destination d { syslog("localhost" port(6514) transport("tls") tls(ca-file("/etc/ssl/ca.pem"))); };
log { source(s); destination(d); };
"#;

#[test]
fn what_syslog_daemons_send_over_tls_arrives_whole() {
    for (file, program, config) in RELAYS {
        let (Some(file), Some(root)) = (brought(&format!("root/{file}")), brought("root")) else {
            continue;
        };
        let scratch = Scratch::new();
        let made = poold(&["cert", "localhost", "-d", text(scratch.path())]).output();
        assert!(made.expect("poold").status.success());
        let (certificate, key) = (scratch.join("server.pem"), scratch.join("server.key"));
        let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
        let daemon =
            Daemon::recv(&[&["--format", "json", "--framing", "octet"], &tls[..]].concat());
        let driver = if file.ends_with("lmnsd_ossl.so") {
            "ossl"
        } else {
            "gtls"
        };
        let config = config
            .replace("/etc/ssl/ca.pem", text(&scratch.join("ca.pem")))
            .replace("6514", "PORT")
            .replace("gtls", driver);
        relay_to(daemon, &root.join("usr/sbin").join(program), &config, THREE);
    }
}
