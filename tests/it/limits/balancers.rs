//! Real balancers in front: HAProxy and nginx's stream module, as Debian has them.

use std::fmt::Write;
use std::fs;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::admin::Watched;
use crate::support::daemon::Guard;
use crate::support::net::{connect_from, end, free_port, send, take_all, take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

/// A balancer that runs, or `None` if it is not installed.
struct Balancer {
    _guard: Guard,
    /// The address of its port, and its Unix socket.
    address: String,
    unix: String,
    _scratch: Scratch,
}

const NGINX_MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

fn is_missing(program: &str) -> bool {
    let found = Command::new(program)
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let found = found && (program != "nginx" || fs::exists(NGINX_MODULE).is_ok_and(|there| there));
    if found {
        return false;
    }
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!must, "{program} is missing, and this is CI");
    eprintln!("passed over: {program} is not installed");
    true
}

/// Waits until it accepts at both; these connections say nothing.
fn start(program: &str, config: &str, port: u16, scratch: Scratch) -> Balancer {
    let file = scratch.join("config");
    fs::write(&file, config).expect("our own directory");
    let mut command = Command::new(program);
    match program {
        "haproxy" => command.args(["-db", "-q", "-f", text(&file)]),
        _ => command.args(["-c", text(&file), "-e", text(&scratch.join("errors"))]),
    };
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let guard = Guard(child.expect("it is installed"));
    let address = format!("127.0.0.1:{port}");
    let unix = text(&scratch.join("front")).to_owned();
    wait_until("the balancer listens", || {
        TcpStream::connect(&address).is_ok()
    });
    Balancer {
        _guard: guard,
        address,
        unix,
        _scratch: scratch,
    }
}

/// HAProxy before this address; `how` is what its server line ends in.
fn haproxy(to: &str, how: &str) -> Option<Balancer> {
    if is_missing("haproxy") {
        return None;
    }
    let (scratch, port) = (Scratch::new(), free_port());
    let front = scratch.join("front");
    let front = text(&front);
    let mut config = String::from("global\n  maxconn 5000\ndefaults\n  mode tcp\n");
    config += "  timeout connect 60s\n  timeout client 60s\n  timeout server 60s\n";
    let _ = writeln!(
        config,
        "listen front\n  bind 127.0.0.1:{port}\n  bind unix@{front}"
    );
    let _ = writeln!(config, "  server one {to} source 127.0.0.2 {how}");
    Some(start("haproxy", &config, port, scratch))
}

fn nginx(to: &str) -> Option<Balancer> {
    if is_missing("nginx") {
        return None;
    }
    let (scratch, port) = (Scratch::new(), free_port());
    let (front, folder) = (scratch.join("front"), scratch.path().to_owned());
    let (front, folder) = (text(&front), text(&folder));
    let mut config = format!("load_module {NGINX_MODULE};\npid {folder}/pid;\n");
    config += "daemon off;\nmaster_process off;\nevents { worker_connections 4000; }\n";
    let _ = writeln!(
        config,
        "stream {{ access_log off; server {{ listen 127.0.0.1:{port};"
    );
    let _ = writeln!(
        config,
        "listen unix:{front}; proxy_pass {to}; proxy_bind 127.0.0.2;"
    );
    config += "proxy_protocol on; } }\n";
    Some(start("nginx", &config, port, scratch))
}

const FROM: [&str; 2] = ["--proxy-from", "127.0.0.2"];

/// One message through the balancer by TCP, one by its Unix socket; each whole, once, with its
/// client.
fn names_its_clients(watched: Watched, balancer: &Balancer) {
    let mut daemon = watched.daemon;
    let client = connect_from("127.0.0.3", &balancer.address);
    let peer = client.local_addr().expect("connected");
    send(&client, "alpha\n");
    // It listens on the other before.
    let mut unix = None;
    wait_until("it listens there, too", || {
        unix = UnixStream::connect(&balancer.unix).ok();
        unix.is_some()
    });
    let unix = unix.expect("connected");
    std::io::Write::write_all(&mut &unix, b"beta\n").expect("it reads");
    daemon.stdout.wait_lines(2);
    drop((client, unix));
    let exit = daemon.stop();
    let printed = String::from_utf8(exit.stdout).expect("UTF-8");
    let mut lines: Vec<_> = printed.lines().collect();
    lines.sort_by_key(|line| line.ends_with("beta"));
    assert_eq!(lines.len(), 2, "{printed}");
    assert_eq!(lines[0], format!("Message from {peer}: alpha"));
    assert!(lines[1].starts_with("Message from 127.0.0.2:") && lines[1].ends_with(": beta"));
    assert!(!exit.stderr.contains("warning: "), "{}", exit.stderr);
}

#[test]
fn haproxy_names_its_clients_and_checks_in_silence() {
    for how in [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id",
    ] {
        let watched = Watched::start(&[&["recv", "127.0.0.1:0"][..], &FROM].concat());
        let how = format!("{how} check inter 50ms");
        let Some(balancer) = haproxy(&watched.daemon.address, &how) else {
            return;
        };
        // Its checks have come many times, each as a connection that says nothing.
        wait_until("it has checked", || {
            watched.metric("poold_clients_accepted_total") >= 10.0
        });
        names_its_clients(watched, &balancer);
    }
}

#[test]
fn nginx_names_its_clients() {
    let watched = Watched::start(&[&["recv", "127.0.0.1:0"][..], &FROM].concat());
    if let Some(balancer) = nginx(&watched.daemon.address) {
        names_its_clients(watched, &balancer);
    }
}

#[test]
fn checks_run_no_program() {
    let script = [
        "--shell",
        "echo $TCPREMOTEIP $TCPLOCALIP $TCPLOCALPORT; exec cat",
    ];
    for how in ["send-proxy", "send-proxy-v2"] {
        let args = [&["exec", "127.0.0.1:0"][..], &FROM, &script].concat();
        let watched = Watched::start(&args);
        let how = format!("{how} check inter 50ms");
        let Some(balancer) = haproxy(&watched.daemon.address, &how) else {
            return;
        };
        wait_until("it has checked", || {
            watched.metric("poold_clients_accepted_total") >= 10.0
        });
        let client = connect_from("127.0.0.3", &balancer.address);
        let local = balancer.address.replace(':', " ");
        assert_eq!(take_line(&client), format!("127.0.0.3 {local}"));
        send(&client, "alpha\n");
        end(&client);
        assert_eq!(take_to_end(&client), b"alpha\n");
        drop((client, balancer));
        let mut daemon = watched.daemon;
        let exit = daemon.stop();
        // The probe of the test itself may have been one more client of 127.0.0.1.
        let ran = exit.stderr.lines().find(|line| line.contains(" run: "));
        let ran = ran.expect("a summary");
        assert!(
            ran.starts_with("1 program run") || ran.starts_with("2 programs run"),
            "{ran}"
        );
        assert!(!exit.stderr.contains("warning: "), "{}", exit.stderr);
    }
}

#[test]
fn limits_hit_the_one_that_misbehaves_and_not_the_balancer() {
    let limits = [
        "--framing",
        "lines",
        "--max-per-address",
        "3",
        "--deny",
        "127.0.0.2",
    ];
    let watched = Watched::start(&[&["echo", "127.0.0.1:0"][..], &FROM, &limits].concat());
    let Some(balancer) = haproxy(&watched.daemon.address, "send-proxy-v2 check inter 200ms") else {
        return;
    };
    let come = |nth: usize| {
        let from = format!("127.7.{}.{}", nth / 250, nth % 250 + 1);
        connect_from(&from, &balancer.address)
    };
    let clients: Vec<_> = (0..1000).map(come).collect();
    let all_are_served = || {
        clients
            .iter()
            .for_each(|client| send(client, "still here\n"));
        for client in &clients {
            assert_eq!(take_line(client), "still here");
        }
    };
    all_are_served();
    let refused = "poold_clients_refused_total{reason=\"address_share\"}";
    let mut greedy = Vec::new();
    for nth in 1..=200 {
        let client = connect_from("127.8.8.8", &balancer.address);
        send(&client, "me too\n");
        if nth <= 3 {
            assert_eq!(take_line(&client), "me too");
        }
        greedy.push(client);
    }
    wait_until("what is too much is refused", || {
        watched.metric(refused) == 197.0
    });
    for client in &greedy[3..] {
        assert_eq!(take_all(client).0, b"");
    }
    for reason in ["clients", "address_list", "overload", "queue", "wait"] {
        let name = format!("poold_clients_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(watched.metric(&name), 0.0, "{reason}");
    }
    all_are_served();
    drop((clients, greedy, balancer));
    let mut daemon = watched.daemon;
    daemon.stderr.wait_line("peer=127.8.8.8:");
    daemon.takes_at_most(0.5, Duration::from_millis(100));
    assert_eq!(daemon.stop().code, Some(0));
}

/// In `poold clients`, its JSON, the state behind the page, and the environment of a program.
#[test]
fn the_balancer_is_named_beside_its_client() {
    let script = ["--shell", "echo ${POOLD_VIA-none}; exec cat"];
    let watched = Watched::start(&[&["exec", "127.0.0.1:0"][..], &FROM, &script].concat());
    let come = |from, header: &str| {
        let client = connect_from(from, &watched.daemon.address);
        send(&client, header);
        client
    };
    let client = come("127.0.0.2", "PROXY TCP4 192.0.2.1 192.0.2.9 5 6\r\n");
    let nameless = come("127.0.0.2", "PROXY UNKNOWN\r\nalpha\n");
    let direct = come("127.0.0.3", "");
    let balancer = client.local_addr().expect("connected");
    assert_eq!(take_line(&client), balancer.to_string());
    assert_eq!(take_line(&direct), "none");
    assert_eq!(take_line(&nameless), "none");
    let (_, clients, _) = watched.tool(&["clients"]);
    let mut rows = clients.lines().filter(|row| row.contains("via"));
    let row = rows.next().expect("one of them");
    assert!(row.ends_with(&format!("  via {balancer}")), "{clients}");
    assert!(row.contains("192.0.2.1:5 ") && rows.next().is_none());
    let (_, clients, _) = watched.tool(&["clients", "--json"]);
    let via = format!("\"via\":\"{balancer}\"");
    assert_eq!(clients.matches(&via).count(), 1, "{clients}");
    assert_eq!(clients.matches("\"via\":null").count(), 2, "{clients}");

    let watched = Watched::start(&[&["recv", "127.0.0.1:0"][..], &FROM].concat());
    let client = connect_from("127.0.0.2", &watched.daemon.address);
    send(
        &client,
        "PROXY TCP4 192.0.2.1 192.0.2.9 5 6\r\n*1\r\n$4\r\nPING\r\n",
    );
    let balancer = client.local_addr().expect("connected").to_string();
    wait_until("the page's state has it", || {
        watched.status()["hinted"][0]["via"] == balancer.as_str()
    });
}
