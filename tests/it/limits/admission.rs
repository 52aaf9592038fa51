//! Admission: each verdict, its counter, and that no client is closed or logged without need.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use poold::{Limit, Options, Service, WhenFull};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{connect, connect_from, send, take, take_all};
use crate::support::scratch::{Scratch, text};
use crate::support::server::{count, finish, options, serve};
use crate::support::spool::{Spool, at_most, wait_until};

/// Whether the client is served.
fn is_served(client: &TcpStream) -> bool {
    let mut writer = client;
    let sent = writer.write_all(b"x\n");
    sent.is_ok() && matches!((&*client).read(&mut [0; 2]), Ok(length) if length > 0)
}

/// Closed or reset, without a word.
fn is_turned_away(client: &TcpStream) -> bool {
    take_all(client).0.is_empty()
}

fn echo() -> impl Service {
    poold::service::Echo
}

#[test]
fn a_full_house_makes_the_next_wait() {
    let mut options = options();
    options.clients_max = 2;
    let (server, address) = serve(options, echo());
    let inside = [connect(&address), connect(&address)];
    assert!(inside.iter().all(is_served));
    let next = connect(&address);
    wait_until("it is counted", || count(&server, Limit::Clients) == 1);
    assert_eq!(server.handle().stats().clients, 2);
    drop(inside);
    assert!(is_served(&next));
    drop(next);
    finish(server);
}

#[test]
fn a_server_that_is_just_full_counts_no_client() {
    for when_full in [WhenFull::Wait, WhenFull::Refuse, WhenFull::Shed] {
        let mut options = options();
        options.clients_max = 2;
        options.when_full = when_full;
        let (server, address) = serve(options, echo());
        let inside = [connect(&address), connect(&address)];
        assert!(inside.iter().all(is_served));
        // The acceptor checks its gate, and again when it has done that.
        for _ in 0..2 {
            let probe = server.handle().probe();
            wait_until("it checks its gate", || probe.acceptor_answered());
        }
        assert_eq!(
            count(&server, Limit::Clients),
            0,
            "{when_full:?}: no client waits"
        );
        drop(inside);
        finish(server);
    }
}

#[test]
fn a_full_house_refuses_at_once_if_asked_to() {
    let mut options = options();
    options.clients_max = 2;
    options.when_full = WhenFull::Refuse;
    let (server, address) = serve(options, echo());
    let inside = [connect(&address), connect(&address)];
    assert!(inside.iter().all(is_served));
    let begin = Instant::now();
    for _ in 0..100 {
        assert!(is_turned_away(&connect(&address)));
    }
    eprintln!("a refusal takes {:?}", begin.elapsed() / 100);
    assert_eq!(count(&server, Limit::Clients), 100);
    assert!(inside.iter().all(is_served), "those inside are left alone");
    drop(inside);
    wait_until("there is room", || server.handle().stats().clients == 0);
    assert!(is_served(&connect(&address)));
    finish(server);
}

/// Waits until a client has rested for long enough to be shed.
fn shedding(clients_max: usize) -> Options {
    let mut options = options();
    options.clients_max = clients_max;
    options.when_full = WhenFull::Shed;
    options
}

#[test]
fn no_client_that_rested_for_less_than_a_minute_is_shed() {
    let (server, address) = serve(shedding(2), echo());
    let inside = [connect(&address), connect(&address)];
    assert!(inside.iter().all(is_served));
    assert!(is_turned_away(&connect(&address)));
    assert_eq!(
        (count(&server, Limit::Clients), count(&server, Limit::Shed)),
        (1, 0)
    );
    assert!(inside.iter().all(is_served));
    drop(inside);
    finish(server);
}

#[test]
fn one_client_is_shed_for_each_new_one_and_none_before() {
    let mut options = shedding(3);
    options.shed_after = Duration::from_millis(300);
    let (server, address) = serve(options, echo());
    let inside = [connect(&address), connect(&address), connect(&address)];
    assert!(inside.iter().all(is_served));
    std::thread::sleep(Duration::from_millis(400));
    assert!(
        is_served(&inside[0]),
        "no client is closed while none waits"
    );
    assert_eq!(count(&server, Limit::Shed), 0);
    // The second and the third have rested for long now, the second for longest.
    assert!(is_served(&inside[2]));
    let begin = Instant::now();
    let next = connect(&address);
    assert!(
        is_served(&next),
        "it comes in although the other does not close"
    );
    let took = begin.elapsed();
    assert!(took < at_most(Duration::from_millis(1900)), "{took:?}");
    assert_eq!(take_all(&inside[1]).0, b"");
    assert_eq!(
        (count(&server, Limit::Shed), count(&server, Limit::Clients)),
        (1, 0)
    );
    assert!(is_served(&inside[0]) && is_served(&inside[2]));
    drop((inside, next));
    finish(server);
}

#[test]
fn each_address_has_its_share() {
    let mut options = options();
    options.per_address_max = Some(2);
    let (server, address) = serve(options, echo());
    let first = [
        connect_from("127.0.0.2", &address),
        connect_from("127.0.0.2", &address),
    ];
    assert!(first.iter().all(is_served));
    assert!(is_turned_away(&connect_from("127.0.0.2", &address)));
    let second = connect_from("127.0.0.3", &address);
    assert!(is_served(&second));
    assert_eq!(count(&server, Limit::AddressShare), 1);
    drop(first);
    wait_until("the share is given back", || {
        server.handle().stats().clients == 1
    });
    assert!(is_served(&connect_from("127.0.0.2", &address)));
    drop(second);
    finish(server);
}

#[test]
fn a_changed_list_applies_to_the_next_client_and_drops_none() {
    let scratch = Scratch::new();
    let path = scratch.join("deny");
    std::fs::write(&path, "127.0.0.3\n").expect("our own directory");
    let daemon = Daemon::echo(&["--allow", "127.0.0.0/30,127.0.0.3", "--deny", text(&path)]);
    let address = &daemon.address;
    let inside = connect_from("127.0.0.2", address);
    assert!(is_served(&inside));
    assert!(is_turned_away(&connect_from("127.0.0.3", address)));
    assert!(
        is_turned_away(&connect_from("127.0.0.77", address)),
        "not allowed"
    );
    replace(&path, "\u{feff}127.0.0.2 # was .3\n");
    wait_until("the list is read again", || {
        is_served(&connect_from("127.0.0.3", address))
    });
    assert!(is_turned_away(&connect_from("127.0.0.2", address)));
    assert!(is_served(&inside), "connected clients stay");
    // A list that can't be read, or is gone, stays what it was.
    std::fs::remove_file(&path).expect("our own file");
    wait_until("the list is looked for, and missed", || {
        assert!(is_turned_away(&connect_from("127.0.0.2", address)));
        complaints(&daemon) > 0
    });
    assert!(is_served(&connect_from("127.0.0.3", address)));
}

/// At once: a list that is written to is empty for a moment.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("our own directory");
    std::fs::rename(&new, path).expect("our own directory");
}

/// How often it said that a list can't be read.
fn complaints(daemon: &Daemon) -> usize {
    let said = daemon.stderr.text();
    said.matches("the address list stays as it was").count()
}

#[test]
fn a_list_spoilt_before_the_first_client_stays_as_at_the_start() {
    let scratch = Scratch::new();
    let path = scratch.join("deny");
    for spoil in [
        |path: &Path| replace(path, "rubbish\n"),
        |path: &Path| std::fs::remove_file(path).expect("our own file"),
        |path: &Path| {
            std::fs::remove_file(path).expect("our own file");
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).expect("our own directory");
        },
    ] {
        std::fs::write(&path, "127.0.0.3\n").expect("our own directory");
        // Another change than that could not be told from it by its time.
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let file = File::options().write(true).open(&path);
        let file = file.expect("our own file");
        file.set_modified(long_ago).expect("our own file");
        let other = scratch.join("other");
        std::fs::write(&other, "").expect("our own directory");
        let lists = format!("{},{}", text(&path), text(&other));
        let daemon = Daemon::echo(&["--deny", &lists]);
        spoil(&path);
        assert!(is_turned_away(&connect_from("127.0.0.3", &daemon.address)));
        assert!(is_served(&connect_from("127.0.0.2", &daemon.address)));
        // The log comes by a way of its own.
        wait_until("it is complained of", || complaints(&daemon) > 0);
        assert_eq!(complaints(&daemon), 1, "{}", daemon.stderr.text());
        replace(&other, "127.0.0.77\n");
        wait_until("both are looked at again", || {
            !is_served(&connect_from("127.0.0.77", &daemon.address))
        });
        assert!(is_turned_away(&connect_from("127.0.0.3", &daemon.address)));
        assert_eq!(complaints(&daemon), 1, "{}", daemon.stderr.text());
        let _ = std::fs::remove_file(&path);
    }
}

#[test]
fn a_list_from_a_pipe_is_read_once() {
    let (list, mut writer) = std::io::pipe().expect("descriptors");
    writer.write_all(b"127.0.0.3\n").expect("a pipe");
    drop(writer);
    let mut command = poold(&["echo", "127.0.0.1:0", "--deny", "/dev/stdin"]);
    let daemon = Daemon::spawn(command.stdin(list).stdout(Stdio::piped()));
    assert!(is_turned_away(&connect_from("127.0.0.3", &daemon.address)));
    assert!(is_served(&connect_from("127.0.0.2", &daemon.address)));
    assert_eq!(complaints(&daemon), 0, "{}", daemon.stderr.text());
}

/// The log says what a start waits for; the list counts once it is written.
#[test]
fn a_list_from_a_named_pipe_is_waited_for() {
    let scratch = Scratch::new();
    let path = scratch.join("deny");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("our own directory");
    let mut command = poold(&["echo", "127.0.0.1:0", "--deny", text(&path)]);
    let mut guard = Guard(command.stderr(Stdio::piped()).spawn().expect("it starts"));
    let stderr = Spool::of(guard.0.stderr.take().expect("piped"));
    stderr.wait_line("waiting for a program to write to this pipe");
    let mut writer = File::options().write(true).open(&path).expect("a reader");
    writer.write_all(b"127.0.0.3\n").expect("a pipe");
    drop(writer);
    let line = stderr.wait_line("listening on ");
    let address = line.rsplit(' ').next().expect("an address");
    assert!(is_turned_away(&connect_from("127.0.0.3", address)));
    assert!(is_served(&connect_from("127.0.0.2", address)));
}

#[test]
fn a_file_without_an_end_is_refused() {
    for args in [
        ["echo", "127.0.0.1:0", "--deny", "/dev/zero"],
        ["echo", "127.0.0.1:0", "--proxy-from", "/dev/zero"],
        ["chat", "127.0.0.1:0", "--operator-file", "/dev/zero"],
    ] {
        let output = poold(&args).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("/dev/zero") && said.contains("more than"),
            "{said}"
        );
    }
}

#[test]
fn the_accept_rate_paces_and_never_disables() {
    let mut options = options();
    options.accept_rate = Some(50);
    let (server, address) = serve(options, echo());
    let begin = Instant::now();
    let clients: Vec<_> = (0..105).map(|_| connect(&address)).collect();
    assert!(
        clients.iter().all(is_served),
        "they wait, and then they are served"
    );
    let took = begin.elapsed().as_secs_f64();
    assert!((1.8..20.0).contains(&took), "{took} s");
    assert!(count(&server, Limit::AcceptRate) > 0);
    drop(clients);
    finish(server);
}

/// How often a thread of this process has waited.
fn waits_of(thread: &str) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let status = tasks.flatten().find_map(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        (name.trim() == thread).then_some(status)
    });
    let status = status.expect("there is such a thread");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok())
        .expect("a number")
}

#[test]
fn a_close_below_the_maximum_does_not_wake_the_acceptor() {
    let mut options = options();
    options.name = "was-full";
    options.clients_max = 1;
    let (server, address) = serve(options, echo());
    let handle = server.handle();
    let inside = connect(&address);
    assert!(is_served(&inside));
    let next = connect(&address);
    wait_until("it is counted", || count(&server, Limit::Clients) == 1);
    handle.set_clients_max(100).expect("descriptors");
    assert!(is_served(&next));
    let mut clients: Vec<_> = (0..50).map(|_| connect(&address)).collect();
    assert!(clients.iter().all(is_served));
    // A thread's name has 15 bytes.
    let before = waits_of("was-full-accept");
    while clients.pop().is_some() {
        wait_until("it is gone", || handle.stats().clients == clients.len() + 2);
    }
    let waits = waits_of("was-full-accept") - before;
    assert!(waits < 25, "the acceptor was woken {waits} times");
    drop((inside, next));
    finish(server);
}

#[test]
fn clients_within_the_accept_rate_are_not_logged() {
    let mut options = options();
    options.accept_rate = Some(10);
    let (server, address) = serve(options, echo());
    for _ in 0..4 {
        let client = connect(&address);
        send(&client, "x\n");
        assert_eq!(take(&client, 2), b"x\n");
        std::thread::sleep(Duration::from_millis(250));
    }
    assert_eq!(count(&server, Limit::AcceptRate), 0);
    finish(server);
}
