//! Where it listens: on both families, on several addresses, on all of them or on none.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use poold::service::Echo;
use poold::{Binding, Listeners, Server};
use socket2::{Domain, Socket, Type};

use crate::support::daemon::{Daemon, POOLD, poold};
use crate::support::net::{connect, free_port, send, take_line};
use crate::support::passed::cannot;
use crate::support::scratch::{Scratch, text};
use crate::support::server::{finish, options};

/// Another program that listens here, on IPv6 without IPv4 where that makes a difference.
fn other(address: &str, port: u16) -> Socket {
    let mut address: SocketAddr = address.parse().expect("an address");
    address.set_port(port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
    let socket = socket.expect("descriptors");
    socket.set_reuse_address(true).expect("a socket");
    if address.is_ipv6() {
        socket.set_only_v6(true).expect("a socket");
    }
    socket.bind(&address.into()).expect("a free port");
    socket.listen(16).expect("a bound socket");
    socket
}

/// `poold ARGS…` that does not start: its exit code, and the one line that says why.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = poold(args).stdout(Stdio::null()).output();
    let output = output.expect("poold starts");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(said.lines().count(), 1, "{said}");
    (output.status.code(), said)
}

/// Every address that it has said it listens on.
fn announced(daemon: &Daemon) -> Vec<String> {
    let log = daemon.stderr.text();
    let all = log
        .lines()
        .filter_map(|line| line.strip_prefix("listening on "));
    all.map(str::to_owned).collect()
}

fn is_echoed(address: &str) {
    let client = connect(address);
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x", "{address}");
}

fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        cannot("switch IPv6 on");
    }
    has
}

#[test]
fn half_of_an_address_is_an_error() {
    if !has_ipv6() {
        return;
    }
    for (held, asked) in [
        ("[::]:0", ":{}"),
        ("0.0.0.0:0", ":{}"),
        ("127.0.0.1:0", ":{}"),
        ("[::1]:0", ":{}"),
        ("[::1]:0", "localhost:{}"),
        ("127.0.0.1:0", "localhost:{}"),
        ("0.0.0.0:0", "localhost:{}"),
        ("[::]:0", "[::1]:{}"),
    ] {
        let port = free_port();
        let _other = other(held, port);
        let port = port.to_string();
        let (code, said) = refused(&["echo", &asked.replace("{}", &port)]);
        assert_eq!(code, Some(1), "{held} {asked}: {said}");
        assert!(said.contains("in use"), "{held} {asked}: {said}");
        // Which one, where a name stands for both.
        let named = if asked.starts_with("localhost") {
            held.replace(":0", "").replace("0.0.0.0", "127.0.0.1")
        } else {
            asked.replace("{}", "").trim_end_matches(':').to_owned()
        };
        assert!(
            said.contains(&format!("{named}:{port}")),
            "{held} {asked}: {said}"
        );
    }
}

#[test]
fn localhost_is_both_families_at_the_same_port() {
    if !has_ipv6() {
        return;
    }
    for asked in ["localhost:0", "LocalHost:0"] {
        let mut daemon = Daemon::start(&["echo", asked]);
        let both = announced(&daemon);
        let port = both[0].rsplit_once(':').expect("a port").1;
        assert_eq!(both, [format!("127.0.0.1:{port}"), format!("[::1]:{port}")]);
        both.iter().for_each(|address| is_echoed(address));
        assert_eq!(daemon.stop().code, Some(0));
    }
}

#[test]
fn several_addresses_are_each_announced_and_served() {
    let dir = Scratch::new();
    let unix = format!("unix:{}", text(&dir.join("socket")));
    let typed = ["echo", "127.0.0.1:0", &unix, "127.0.0.2:0"];
    let list = format!("127.0.0.1:0,{unix},127.0.0.2:0");
    for by_environment in [false, true] {
        let mut command = if by_environment {
            let mut command = poold(&typed[..1]);
            command.env("POOLD_ADDRESS", &list);
            command
        } else {
            poold(&typed)
        };
        let mut daemon = Daemon::spawn(command.stdout(Stdio::piped()));
        let all = announced(&daemon);
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[1], unix, "in the order in which they were typed");
        is_echoed(&all[0]);
        is_echoed(&all[2]);
        let path = dir.join("socket");
        let mut client = UnixStream::connect(&path).expect("it listens");
        std::io::Write::write_all(&mut client, b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("an answer");
        drop(client);
        assert_eq!(daemon.stop().code, Some(0));
        assert!(!path.exists(), "it is removed");
    }
}

#[test]
fn it_listens_on_all_of_them_or_on_none() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let unix = format!("unix:{}", text(&path));
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = other.local_addr().expect("bound").to_string();
    for (args, code, part) in [
        (["echo", &unix, "127.0.0.1:0", &taken], 1, &*taken),
        (["echo", &taken, &unix, "127.0.0.1:0"], 1, &taken),
        (
            ["echo", &unix, "0", "unix:/nonexistent/a"],
            1,
            "/nonexistent/a",
        ),
        (["echo", &unix, "0", "80800"], 2, "'80800' is not a port"),
    ] {
        let (found, said) = refused(&args);
        assert_eq!(found, Some(code), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
        assert!(!path.exists(), "{args:?}: nothing is left of it");
    }
}

#[test]
fn what_another_of_them_covers_needs_no_socket() {
    let mut tables = vec![
        ("127.0.0.1:P P", "127.0.0.1:P"),
        ("127.0.0.2:P 0.0.0.0:P", "0.0.0.0:P"),
        ("127.0.0.1:P 127.0.0.2:P", "127.0.0.1:P 127.0.0.2:P"),
    ];
    if has_ipv6() {
        tables.extend([
            ("0.0.0.0:P [::]:P", "[::]:P"),
            ("127.0.0.1:P :P localhost:P", "[::]:P"),
            ("0.0.0.0:P [::1]:P", "0.0.0.0:P [::1]:P"),
        ]);
    }
    for (asked, bound) in tables {
        // A process that another test starts may still have the sockets of the row before.
        let port = free_port();
        let all = |text: &str| -> Vec<String> {
            let all = text
                .split(' ')
                .map(|one| one.replace('P', &port.to_string()));
            all.collect()
        };
        let listeners = Listeners::bind_all(all(asked), &Binding::default());
        let listeners = listeners.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let found: Vec<_> = listeners
            .addresses()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, all(bound), "{asked}");
    }
    assert!(Listeners::bind_all([""; 0], &Binding::default()).is_err());
}

#[test]
fn a_server_of_the_library_listens_on_what_it_is_given() {
    let theirs = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let theirs = Listeners::adopt([theirs.into()]).expect("it listens");
    let how = Binding {
        freebind: true,
        ..Binding::default()
    };
    // An address for documentation, which no machine has.
    let ours = Listeners::bind_all(["127.0.0.2:0", "192.0.2.1:0"], &how).expect("free ports");
    let server = Server::serve(theirs.and(ours), options(), Echo).expect("it starts");
    let [one, two, three] = server.addresses() else {
        panic!("{:?}", server.addresses());
    };
    is_echoed(&one.to_string());
    is_echoed(&two.to_string());
    assert!(three.to_string().starts_with("192.0.2.1:"));
    finish(server);
}

const UNSHARE: [&str; 2] = ["--map-root-user", "--net"];

/// Runs a script in a network of its own, with `poold` as its first argument.
fn in_a_network(script: &str) -> Option<String> {
    let run = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(UNSHARE).args(words).stdin(Stdio::null());
        command.output().ok()
    };
    let can = run(&["ip", "link", "set", "lo", "up"]);
    if !can.is_some_and(|tried| tried.status.success()) {
        cannot("allow network namespaces (unshare, ip, as root)");
        return None;
    }
    let output = run(&["timeout", "60", "sh", "-ec", script, "sh", POOLD]).expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{output:?}");
    Some(said)
}

/// Starts it, waits until it listens, does something with it, and stops it.
const SERVE: &str = "ip link set lo up
    serve() {
        \"$POOLD\" echo \"$@\" 2>log & pid=$!
        until grep -q Press log; do kill -0 $pid; sleep 0.02; done
    }
    stop() { kill $pid; wait $pid; cat log >&2; }
    POOLD=$1; dir=$(mktemp -d); cd \"$dir\"; trap 'rm -r \"$dir\"' EXIT
";

#[test]
fn an_address_that_comes_later_is_served_then() {
    for address in ["192.0.2.7", "2001:db8::7"] {
        let typed = if address.contains(':') {
            format!("[{address}]:4711")
        } else {
            format!("{address}:4711")
        };
        let (code, said) = refused(&["echo", &typed]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("does not have that address"), "{said}");
        assert!(said.contains("freebind"), "{said}");
        let script = format!(
            "{SERVE}
            serve {typed} --freebind
            ip address add {address} dev lo
            test \"$(echo hello | \"$POOLD\" client {typed})\" = hello
            stop"
        );
        if let Some(said) = in_a_network(&script) {
            assert!(said.contains(&format!("listening on {typed}")), "{said}");
        }
    }
}

#[test]
fn one_family_is_enough_only_where_there_is_no_other() {
    let script = format!(
        "{SERVE}
        echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
        serve localhost:4711
        stop
        ! \"$POOLD\" echo [::1]:4712"
    );
    let Some(said) = in_a_network(&script) else {
        return;
    };
    let told = "not listening on [::1]:4711: this system has no IPv6";
    assert!(said.contains(told), "{said}");
    assert!(said.contains("listening on 127.0.0.1:4711"), "{said}");
    let refused = "cannot listen on [::1]:4712: this system has no IPv6";
    assert!(said.contains(refused), "{said}");
    // It is the family that counts: another address of it that is missing is an error.
    let script = format!(
        "{SERVE}
        if timeout 5 \"$POOLD\" echo 127.0.0.1:0 192.0.2.1:0; then exit 1; fi"
    );
    let said = in_a_network(&script).expect("as before");
    assert!(said.contains("cannot listen on 192.0.2.1:0"), "{said}");
}

#[test]
fn a_wildcard_takes_both_families() {
    if !has_ipv6() {
        return;
    }
    for asked in [":0", "[::]:0"] {
        let mut daemon = Daemon::start(&["echo", asked]);
        let port = daemon
            .address
            .rsplit_once(':')
            .expect("a port")
            .1
            .to_owned();
        assert_eq!(announced(&daemon), [format!("[::]:{port}")]);
        is_echoed(&format!("127.0.0.1:{port}"));
        is_echoed(&format!("[::1]:{port}"));
        assert_eq!(daemon.stop().code, Some(0));
    }
    let listeners = Listeners::bind("0.0.0.0:0").expect("a free port");
    let address: SocketAddr = listeners.addresses()[0].to_string().parse().expect("TCP");
    assert_eq!(address.ip(), Ipv4Addr::UNSPECIFIED);
    assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, address.port())).is_err());
}
