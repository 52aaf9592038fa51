//! Sources: each kind feeds, is lost and comes back; none spins.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use poold::service::hub::HubSettings;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::Running;
use super::pty::Pty;
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, connect_from, send, take, take_line, take_to_end};
use crate::support::scratch::Scratch;
use crate::support::server::finish;
use crate::support::spool::{EPISODE, Race, at_most, in_time, wait_until};

/// `poold hub` with these sources, of which the last 100 messages are kept.
pub(super) fn hub(args: &[&str]) -> Daemon {
    let quick = ["--last", "100", "--retry-max", "20ms"];
    Daemon::start(&[&["hub", "127.0.0.1:0"], &quick[..], args].concat())
}

/// A spin would take all of a second; a busy machine makes the rest no longer.
fn assert_rests(daemon: &Daemon) {
    let before = daemon.cpu();
    std::thread::sleep(Duration::from_secs(1));
    let spent = daemon.cpu() - before;
    assert!(spent < Duration::from_millis(300), "it spins: {spent:?}");
}

pub(super) fn stop(mut daemon: Daemon) -> String {
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.stderr
}

#[test]
fn a_server_that_is_lost_a_hundred_times_comes_back_and_readers_stay() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let daemon = hub(&["--from", &from]);
    let reader = connect(&daemon.address);
    for round in 0..100 {
        let (source, _) = server.accept().expect("it connects");
        send(&source, format!("$GPGGA,{round}\n"));
        assert_eq!(take_line(&reader), format!("$GPGGA,{round}"));
    }
    drop(reader);
    let log = stop(daemon);
    // First a line for each reason, then a count.
    assert!(log.matches("the source is lost").count() <= 5, "{log}");
}

#[test]
fn a_server_that_comes_later_is_found() {
    let dir = Scratch::new();
    let path = dir.join("feed");
    let daemon = hub(&["--from", &format!("unix:{}", path.display())]);
    daemon.stderr.wait_line("the source is lost; trying again");
    let server = UnixListener::bind(&path).expect("a free path");
    let (mut source, _) = server.accept().expect("it connects");
    daemon.stderr.wait_line("the source is connected");
    source.write_all(b"one\n").expect("it is read");
    assert_eq!(take_line(&connect(&daemon.address)), "one");
    stop(daemon);
}

#[test]
fn the_end_of_the_standard_input_drains_and_nothing_is_lost() {
    let (input, mut output) = std::io::pipe().expect("descriptors");
    let mut command = poold(&["hub", "127.0.0.1:0", "--from", "-", "--last", "9"]);
    let mut daemon = Daemon::spawn(command.stdin(input).stdout(Stdio::piped()));
    output.write_all(b"one\n").expect("it is read");
    let reader = connect(&daemon.address);
    assert_eq!(take_line(&reader), "one");
    output.write_all(b"two\nthe rest").expect("it is read");
    drop((output, command));
    assert_eq!(take_to_end(&reader), b"two\nthe rest\n");
    drop(reader);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn a_file_is_followed_over_its_replacement() {
    let dir = Scratch::new();
    let path = dir.join("log");
    std::fs::write(&path, "old\n").expect("writable");
    let daemon = hub(&["--from", &format!("file:{}", path.display())]);
    daemon.stderr.wait_line("the source is connected");
    let mut file = OpenOptions::new().append(true).open(&path).expect("ours");
    file.write_all(b"new\n").expect("writable");
    let reader = connect(&daemon.address);
    assert_eq!(take_line(&reader), "new");
    std::fs::rename(&path, dir.join("log.1")).expect("ours");
    std::fs::write(&path, "next\n").expect("writable");
    assert_eq!(take_line(&reader), "next");
    drop(reader);
    stop(daemon);
}

/// Nothing follows the last message of such a source.
#[test]
fn silence_ends_the_message_of_a_source_and_so_does_the_drain() {
    let dir = Scratch::new();
    let path = dir.join("log");
    std::fs::write(&path, "").expect("writable");
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let file = format!("file:{}", path.display());
    let mut daemon = hub(&["--framing", "pri", "--from", &from, "--from", &file]);
    let reader = connect(&daemon.address);
    let (source, _) = server.accept().expect("it connects");
    send(&source, "<13>one<14>two");
    assert_eq!(take(&reader, 14), b"<13>one<14>two");
    let file = format!("source={file}");
    let connected = |line: &str| line.contains("is connected") && line.contains(&file);
    wait_until("the file is open", || {
        daemon.stderr.text().lines().any(connected)
    });
    std::fs::write(&path, "<15>three").expect("ours");
    assert_eq!(take(&reader, 9), b"<15>three");
    send(&source, "<16>four<17>last");
    assert_eq!(take(&reader, 8), b"<16>four");
    daemon.interrupt();
    assert_eq!(take_to_end(&reader), b"<17>last");
    drop(reader);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn the_last_message_of_a_source_is_cut_where_all_are() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let framing = ["--framing", "delimited:__END__", "--message-max", "4"];
    let daemon = hub(&[&framing[..], &["--from", &from]].concat());
    let reader = connect(&daemon.address);
    let (source, _) = server.accept().expect("it connects");
    // The last byte may be the beginning of an end, or text.
    send(&source, "1234_");
    drop(source);
    assert_eq!(take(&reader, 11), b"1234__END__");
}

#[test]
fn a_named_pipe_outlives_its_writers_and_costs_nothing_without() {
    let dir = Scratch::new();
    let path = dir.join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).expect("a free name");
    let daemon = hub(&["--from", &format!("fifo:{}", path.display())]);
    let reader = connect(&daemon.address);
    for round in 0..3 {
        let mut writer = OpenOptions::new()
            .write(true)
            .open(&path)
            .expect("a reader");
        writer
            .write_all(format!("{round}\n").as_bytes())
            .expect("it is read");
        drop(writer);
        assert_eq!(take_line(&reader), round.to_string());
    }
    assert_rests(&daemon);
    drop(reader);
    stop(daemon);
}

#[test]
fn a_serial_line_is_raw_and_opened_again() {
    let mut device = Pty::new();
    let dir = Scratch::new();
    let link = dir.join("tty");
    std::os::unix::fs::symlink(&device.name, &link).expect("a free name");
    let daemon = hub(&[
        "--from",
        &format!("serial:{}@38400", link.display()),
        "--framing",
        "raw",
    ]);
    daemon.stderr.wait_line("the source is connected");
    let reader = connect(&daemon.address);
    // What a terminal would change or obey.
    let sent = b"\r\n\x03\x04\x11\x13\x1a\xff\0";
    device.main.write_all(sent).expect("it is read");
    assert_eq!(take(&reader, sent.len()), sent);
    // Unplugged, and another one plugged in.
    drop(device);
    daemon.stderr.wait_line("the source is lost; trying again");
    let mut device = Pty::new();
    std::fs::remove_file(&link).expect("ours");
    std::os::unix::fs::symlink(&device.name, &link).expect("a free name");
    daemon.stderr.wait_times("the source is connected", 2);
    device.main.write_all(b"back").expect("it is read");
    assert_eq!(take(&reader, 4), b"back");
    drop(reader);
    stop(daemon);
}

#[test]
fn a_program_feeds_and_ends_with_the_daemon() {
    let dir = Scratch::new();
    let pid = dir.join("pid");
    let script = format!("exec:echo $$ > {}; echo hello; sleep 1000", pid.display());
    let daemon = hub(&["--from", &script]);
    let reader = connect(&daemon.address);
    assert_eq!(take_line(&reader), "hello");
    drop(reader);
    stop(daemon);
    let pid = std::fs::read_to_string(pid).expect("written");
    wait_until("the program ends", || {
        let alive = Command::new("kill")
            .args(["-0", pid.trim()])
            .stderr(Stdio::null())
            .status();
        !alive.expect("kill is there").success()
    });
}

#[test]
fn a_program_that_dies_at_once_is_not_started_again_and_again() {
    let args = ["hub", "127.0.0.1:0", "--from", "exec:exit 7"];
    let daemon = Daemon::start(&args);
    daemon.stderr.wait_line("the source is lost; trying again");
    assert_rests(&daemon);
    stop(daemon);
}

#[test]
fn clients_only_read_beside_a_source_unless_they_may_send() {
    for may_send in [false, true] {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let from = server.local_addr().expect("bound").to_string();
        let flags = ["--from", &from, "--clients-send"];
        let daemon = hub(&flags[..2 + usize::from(may_send)]);
        let (mut source, _) = server.accept().expect("it connects");
        let forger = connect(&daemon.address);
        send(&forger, "$FORGED\n");
        if !may_send {
            daemon.stderr.wait_line("messages are ignored");
            source.write_all(b"$TRUE\n").expect("it is read");
        }
        let expected = if may_send { "$FORGED" } else { "$TRUE" };
        assert_eq!(take_line(&connect(&daemon.address)), expected);
        drop(forger);
        stop(daemon);
    }
}

#[test]
fn each_client_that_may_not_send_is_named_once() {
    in_time(EPISODE, two_hosts_send);
}

fn two_hosts_send(_: &Race) {
    let daemon = hub(&["--from", "exec:sleep 100"]);
    let hosts = ["127.0.0.2", "127.0.0.3"];
    for host in [hosts[0], hosts[1], hosts[0]] {
        send(&connect_from(host, &daemon.address), "$FORGED\n");
    }
    for host in hosts {
        daemon.stderr.wait_line(&format!("peer={host}:"));
    }
    let log = stop(daemon);
    let named = |host| log.matches(&format!("peer={host}:")).count();
    assert_eq!(hosts.map(named), [1, 1], "{log}");
}

#[test]
fn what_a_source_has_sent_before_a_drain_reaches_all() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let daemon = hub(&["--from", &from]);
    let (source, _) = server.accept().expect("it connects");
    let reader = connect(&daemon.address);
    send(&source, "first\n");
    assert_eq!(take_line(&reader), "first");
    let drained = std::thread::spawn(move || stop(daemon));
    // The hub closes its side of the source.
    let mut rest = Vec::new();
    let _ = (&source as &TcpStream).read_to_end(&mut rest);
    assert_eq!(take_to_end(&reader), b"");
    drop(reader);
    drained.join().expect("it drains");
}

#[test]
fn a_source_that_does_not_end_holds_a_drain_up_once_and_not_for_each_reader() {
    let running = Running::start(HubSettings::default());
    let source = running.hub.source("clock");
    source.connected();
    // Many more than there are workers.
    let readers: Vec<_> = (0..80).map(|_| running.join()).collect();
    let begin = Instant::now();
    let Running { server, .. } = running;
    let drained = std::thread::spawn(move || finish(server));
    for reader in &readers {
        assert_eq!(take_to_end(reader), b"");
    }
    let took = begin.elapsed();
    assert!(took < at_most(Duration::from_secs(4)), "{took:?}");
    drop((readers, source));
    drained.join().expect("it drains");
}
