//! Clients that do what clients do to a server that has been up for months.

use std::net::TcpStream;

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, reset, send, take_to_end};

/// Sends, ends, waits until the daemon has ended too: what was sent is handed over then.
fn say(daemon: &Daemon, bytes: impl AsRef<[u8]>) {
    let client = connect(&daemon.address);
    send(&client, bytes);
    end(&client);
    assert_eq!(take_to_end(&client), b"");
}

/// Messages as they were printed, without their labels.
fn messages(mut daemon: Daemon) -> Vec<String> {
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let bare = |line: &str| line.split_once(": ").expect("a label").1.to_owned();
    exit.lines().into_iter().map(bare).collect()
}

#[test]
fn nothing_at_all() {
    let daemon = Daemon::recv(&[]);
    say(&daemon, "");
    drop(connect(&daemon.address));
    reset(connect(&daemon.address));
    say(&daemon, "after\n");
    assert_eq!(messages(daemon), ["after"]);
}

#[test]
fn zeros_rubbish_and_control_characters_are_shown_and_do_no_harm() {
    let daemon = Daemon::recv(&[]);
    say(
        &daemon,
        b"a\0b\n\xff\xfe\n\x1b[2J\r\n\n\xc3\nMessage from 1.2.3.4:5: \xe2\x80\xae\n",
    );
    let escaped = [
        "a\\u{0}b",
        "\\xff\\xfe",
        "\\u{1b}[2J",
        "",
        "\\xc3",
        "Message from 1.2.3.4:5: \\u{202e}",
    ];
    assert_eq!(messages(daemon), escaped);
}

#[test]
fn clients_that_vanish_or_reset_do_no_harm_and_leave_nothing() {
    let daemon = Daemon::recv(&[]);
    // With the neighbour, which may not be accepted yet.
    let before = daemon.descriptors() + 1;
    let neighbour = connect(&daemon.address);
    send(&neighbour, "still ");
    for round in 0..500 {
        let client = connect(&daemon.address);
        send(&client, format!("line {round}\nbegun"));
        if round % 2 == 0 {
            reset(client);
        }
    }
    send(&neighbour, "here\n");
    daemon.stdout.wait_line(": still here");
    // Clients are accepted in the order in which they came: all are, when this one is heard.
    say(&daemon, "the last\n");
    daemon.stdout.wait_line(": the last");
    daemon.wait_descriptors_at_most(before);
    drop(neighbour);
    daemon.wait_descriptors_at_most(before - 1);
    let mut daemon = daemon;
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!((exit.report().left, exit.report().cut_off), (0, 0));
    assert_eq!(exit.report().received, exit.lines().len() as u64);
    // An ordinary close loses nothing; a reset may, in the kernel.
    let of = |text: &str| {
        exit.lines()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    };
    assert!(of(": line ") >= 250, "{}", of(": line "));
    assert!(of(" (partial): begun") >= 250, "{}", of("begun"));
}

#[test]
fn a_half_closed_client_still_gets_its_replies() {
    let daemon = Daemon::echo(&[]);
    let client = connect(&daemon.address);
    let sent = vec![b'z'; 3_000_000];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            send(&client, &sent);
            end(&client);
        });
        assert!(take_to_end(&client) == sent, "every byte, then the end");
    });
}

#[test]
fn hundreds_of_megabytes_without_a_newline_take_no_memory() {
    let megabytes = std::env::var("POOLD_TEST_LINE_MB").ok();
    let megabytes: usize = megabytes.and_then(|text| text.parse().ok()).unwrap_or(200);
    let daemon = Daemon::recv(&[]);
    say(&daemon, "warm\n");
    let before = daemon.memory("VmHWM");
    let client = connect(&daemon.address);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..megabytes {
        send(&client, &block);
    }
    send(&client, "\nshort\n");
    daemon.stdout.wait_line(": short");
    let after = daemon.memory("VmHWM");
    assert!(
        after <= before + 1024,
        "{before} KiB before it, {after} KiB after it"
    );
    drop(client);
    let found = messages(daemon);
    assert_eq!(found[1].len(), 64 * 1024, "what fits is kept");
    assert_eq!(found[2], "short", "and the client stays");
}

#[test]
fn one_byte_at_a_time() {
    let daemon = Daemon::recv(&[]);
    let client: TcpStream = connect(&daemon.address);
    for byte in "slow and steady\nand then some".bytes() {
        send(&client, [byte]);
    }
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(messages(daemon), ["slow and steady", "and then some"]);
}

#[test]
fn a_full_house_lets_the_next_in_when_one_leaves() {
    let daemon = Daemon::echo(&["-m", "2"]);
    let first = connect(&daemon.address);
    let second = connect(&daemon.address);
    let third = connect(&daemon.address);
    for client in [&first, &second, &third] {
        send(client, "x");
    }
    assert_eq!(crate::support::net::take(&first, 1), b"x");
    assert_eq!(crate::support::net::take(&second, 1), b"x");
    third
        .set_read_timeout(Some(std::time::Duration::from_millis(100)))
        .expect("a socket");
    let waits = std::io::Read::read(&mut &third, &mut [0]).expect_err("no worker serves it yet");
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
    third
        .set_read_timeout(Some(crate::support::spool::PATIENCE))
        .expect("a socket");
    drop(first);
    assert_eq!(crate::support::net::take(&third, 1), b"x");
}
