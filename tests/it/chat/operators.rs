//! Chat: operators.

use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::{Daemon, Guard, POOLD};
use crate::support::net::{send, take_line, take_to_end};
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{EPISODE, PATIENCE, Race, Spool, in_time};

const SECRET: &str = "open sesame";

/// A chat whose operators know the secret.
fn kept() -> (Daemon, Scratch) {
    let scratch = Scratch::new();
    let file = scratch.join("password");
    std::fs::write(&file, format!("{SECRET}\nnot this\n")).expect("a file");
    let daemon = chat(&["--operator-file", text(&file)]);
    (daemon, scratch)
}

fn operator(daemon: &Daemon) -> Talker {
    let op = Talker::named(daemon, "op");
    let answer = op.ask(&format!("/op {SECRET}"));
    assert_eq!(answer, "-- you are an operator");
    op
}

#[test]
fn only_the_password_makes_an_operator_and_failures_slow_the_next_try() {
    // How long it has to wait.
    in_time(Duration::from_secs(1), guesses_and_waits);
}

fn guesses_and_waits(race: &Race) {
    let (mut daemon, _scratch) = kept();
    let eve = Talker::named(&daemon, "eve");
    assert!(eve.ask("/kick eve").starts_with("-- only operators"));
    let begin = Instant::now();
    // To ask how is no try, after which one would have to wait.
    assert_eq!(eve.ask("/op"), "-- /op PASSWORD makes one an operator");
    race.begin();
    assert_eq!(eve.ask("/op guess"), "-- that is not the password");
    assert_eq!(
        eve.ask(&format!("/op {SECRET}")),
        "-- wait 1 s before the next try"
    );
    let again = Talker::come(&daemon);
    assert_eq!(
        again.ask(&format!("/op {SECRET}")),
        "-- wait 1 s before the next try"
    );
    race.end();
    while eve.ask(&format!("/op {SECRET}")) != "-- you are an operator" {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(begin.elapsed() >= Duration::from_secs(1));
    let shown = std::fs::read(format!("/proc/{}/cmdline", daemon.pid().as_raw_nonzero()));
    assert!(!String::from_utf8_lossy(&shown.expect("it runs")).contains("sesame"));
    drop((eve, again));
    let exit = daemon.stop();
    assert!(
        exit.stderr.contains("eve gave a wrong operator's password"),
        "{}",
        exit.stderr
    );
    assert!(!exit.stderr.contains("sesame") && !exit.stderr.contains("guess"));
}

#[test]
fn without_a_password_there_are_no_operators() {
    let daemon = chat(&[]);
    let ann = Talker::come(&daemon);
    assert!(
        ann.ask("/op ")
            .starts_with("-- this server has no operators")
    );
}

#[test]
fn a_kicked_member_is_told_why_and_so_is_the_room() {
    let (mut daemon, _scratch) = kept();
    let op = operator(&daemon);
    let eve = Talker::named(&daemon, "eve");
    // A room in which she is not.
    op.say("/join ops");
    op.wait("#ops -- you joined ops");
    let fay = Talker::named(&daemon, "fay");
    op.wait("-- fay joined");
    op.say("/kick eve enough of this");
    op.wait("-- eve is kicked by op: enough of this");
    let last = take_to_end(&eve.stream);
    assert!(last.ends_with(b"-- you are disconnected: kicked by op: enough of this\n"));
    drop(eve);
    // One line, and not another that says that she has left.
    op.say("/join lobby");
    op.wait("-- you speak in lobby now");
    op.say("/kick fay");
    op.wait("-- fay is kicked by op");
    let told = op.heard();
    assert_eq!(told, [] as [&str; 0], "but for what was waited for");
    drop((op, fay));
    let exit = daemon.stop();
    let reason = "eve is disconnected: kicked by op: enough of this (peer=127.0.0.1:";
    assert!(exit.stderr.contains(reason), "{}", exit.stderr);
}

#[test]
fn a_banned_name_is_refused_until_it_is_unbanned() {
    let (daemon, _scratch) = kept();
    let op = operator(&daemon);
    let eve = Talker::named(&daemon, "eve");
    for own in ["OP", "127.0.0.1"] {
        assert_eq!(op.ask(&format!("/ban {own}")), "-- that would ban you, too");
    }
    op.say("/ban eve");
    op.wait(
        "-- the name eve is banned until this server ends; /ban 127.0.0.1 bans the address, too",
    );
    assert!(take_to_end(&eve.stream).ends_with(b"-- you are disconnected: banned by op\n"));
    drop(eve);
    let again = Talker::come(&daemon);
    assert_eq!(
        again.ask("/nick Eve"),
        "-- you are still guest-3: that name is banned"
    );
    assert_eq!(op.ask("/unban EVE"), "-- EVE is not banned any more");
    assert_eq!(again.ask("/nick Eve"), "-- you are now Eve");
}

/// A client from another address of this machine.
fn come_from(address: [u8; 4], daemon: &Daemon) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: SocketAddr = (address, 0).into();
    let to: SocketAddr = daemon.address.parse().expect("an address");
    socket
        .bind(&from.into())
        .expect("loopback is a whole network");
    socket.connect(&to.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

#[test]
fn a_banned_address_is_turned_away() {
    in_time(EPISODE, comes_from_a_banned_address);
}

fn comes_from_a_banned_address(_: &Race) {
    let (daemon, _scratch) = kept();
    let op = operator(&daemon);
    let eve = come_from([127, 0, 0, 9], &daemon);
    assert!(take_line(&eve).starts_with("-- welcome"));
    op.say("/ban 127.0.0.9");
    op.wait("-- 127.0.0.9 is banned until this server ends");
    assert!(take_to_end(&eve).ends_with(b"-- you are disconnected: banned by op\n"));
    let again = come_from([127, 0, 0, 9], &daemon);
    send(&again, "still here\n");
    let told = take_to_end(&again);
    assert_eq!(told, b"-- you are disconnected: your address is banned\n");
    // A program that comes again and again does not fill the log.
    for _ in 0..20 {
        take_to_end(&come_from([127, 0, 0, 9], &daemon));
    }
    let reason = "is disconnected: your address is banned";
    daemon.stderr.wait_line(reason);
    assert_eq!(daemon.stderr.text().matches(reason).count(), 1);
    op.ask("/unban 127.0.0.9");
    assert!(take_line(&come_from([127, 0, 0, 9], &daemon)).starts_with("-- welcome"));
}

#[test]
fn a_muted_member_is_not_shown_and_wall_reaches_all() {
    let (daemon, _scratch) = kept();
    let op = operator(&daemon);
    let eve = Talker::named(&daemon, "eve");
    op.heard();
    assert_eq!(op.ask("/mute eve 1h"), "-- eve is muted for 1h");
    eve.wait("-- op has muted you for 1h");
    for said in ["hello", "/me waves", "/topic x", "/msg op x", "/away x"] {
        let answer = eve.ask(said);
        assert_eq!(
            answer, "-- an operator has muted you: your lines are not shown",
            "{said}"
        );
    }
    let too_long = op.ask("/mute eve 18446744073709551615s 1000000000ns");
    assert!(too_long.starts_with("-- write a time as"), "{too_long}");
    assert_eq!(op.ask("/mute eve 0s"), "-- eve is heard again");
    eve.wait("-- op lets you speak again");
    eve.say("hello");
    assert_eq!(op.hear(), "<eve> hello");
    op.say("/wall all out");
    eve.wait("-- op to all: all out");
}

#[test]
fn the_terminal_that_started_it_sees_the_rooms_and_keeps_order() {
    let mut command = std::process::Command::new("script");
    command.args(["-qfec", &format!("{POOLD} chat 127.0.0.1:0"), "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(child) = command.spawn() else {
        lacks("script");
        return;
    };
    let mut guard = Guard(child);
    let screen = Spool::of(guard.0.stdout.take().expect("piped"));
    let stdin = guard.0.stdin.take().expect("piped");
    let type_in = |line: &str| {
        use std::io::Write;
        let line = format!("{line}\n");
        (&stdin).write_all(line.as_bytes()).expect("it reads");
    };
    let line = screen.wait_line("listening on ");
    let address = line
        .trim()
        .rsplit(' ')
        .next()
        .expect("an address")
        .to_owned();
    screen.wait_line("-- welcome; you are console");
    let eve = crate::support::net::connect(&address);
    assert!(take_line(&eve).starts_with("-- welcome"));
    send(&eve, "anybody here?\n");
    assert_eq!(take_line(&eve), "<guest-1> anybody here?");
    screen.wait_line("<guest-1> anybody here?");
    type_in("hello");
    assert_eq!(take_line(&eve), "<console> hello");
    type_in("/kick guest-1 closing time");
    let last = take_to_end(&eve);
    assert!(last.ends_with(b"-- you are disconnected: kicked by console: closing time\n"));
    drop(eve);
    screen.wait_line("-- guest-1 is kicked by console: closing time");
    type_in("/nothing");
    screen.wait_line("-- there is no /nothing; /help lists what there is");
    let kicked = |line: &&str| line.contains("guest-1") && line.contains("closing time");
    let text = screen.text();
    let told = text
        .lines()
        .filter(kicked)
        .filter(|line| !line.starts_with("/kick"));
    assert_eq!(told.count(), 1, "{text}");
    assert!(!text.contains("guest-1 left"), "{text}");
    // Ctrl-C, as the terminal sends it.
    type_in("\x03");
    screen.wait_line("drained in ");
    guard.wait_exit();
}
