//! Several ports of one feed, each with its own framing and filter.

use std::io::Write;
use std::process::Stdio;

use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, send, take, take_line};
use crate::support::scratch::{Scratch, text};

#[test]
fn each_port_has_its_framing_and_filter_and_all_of_them_one_feed() {
    let dir = Scratch::new();
    let ships = dir.join("ships");
    let nul = "127.0.0.1:0;framing=nul";
    let only_ships = format!("unix:{};filter=^!AIVDM;[01]", text(&ships));
    let (input, mut output) = std::io::pipe().expect("descriptors");
    let mut command = poold(&["hub", "127.0.0.1:0", "--from", "-", "--last", "9"]);
    command.args(["--filter", "^\\$", "--also", nul, "--also", &only_ships]);
    let mut daemon = Daemon::spawn(command.stdin(input).stdout(Stdio::null()));
    drop(command);
    let log = daemon.stderr.text();
    let mut lines = log.lines();
    let second = lines.find_map(|line| {
        let address = line.split("listening on ").nth(1)?;
        (address != daemon.address && address.starts_with("127.0.0.1")).then(|| address.to_owned())
    });
    let second = second.expect("it says so");
    output
        .write_all(b"$GP\n!AIVDM;0\n!AIVDM;2\n!AIVDO;1\n")
        .expect("it is read");
    let main = connect(&daemon.address);
    assert_eq!(take_line(&main), "$GP");
    let other = connect(&second);
    let all = b"$GP\0!AIVDM;0\0!AIVDM;2\0!AIVDO;1\0";
    assert_eq!(take(&other, all.len()), all);
    let unix = std::os::unix::net::UnixStream::connect(&ships).expect("it listens");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(&unix));
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "!AIVDM;0");
    // New messages as well as the last ones; what is sent to a port is read in the feed's framing.
    send(&other, "ignored\n");
    output.write_all(b"!AIVDM;1\n").expect("it is read");
    assert_eq!(take(&other, 9), b"!AIVDM;1\0");
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "!AIVDM;1");
    drop((output, lines));
    drop((main, other, unix));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!ships.exists(), "its file is removed");
}

#[test]
fn what_is_no_port_is_refused() {
    for (also, why) in [
        ("8081;frames=nul", "is not understood"),
        ("8081;framing=no", "framing"),
        ("8081;filter=(", "regex"),
    ] {
        let output = poold(&["hub", "0", "--also", also]).output();
        let output = output.expect("poold starts");
        assert_eq!(output.status.code(), Some(2), "{also}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_take_over_compares_all_ports() {
    let dir = Scratch::new();
    let control = dir.join("control");
    let port = crate::support::net::free_port();
    let also = format!("127.0.0.1:{port};filter=x");
    let args = |address: &str, also: &str| {
        let all = ["hub", address, "--also", also, "--take-over", "--control"];
        all.iter()
            .map(|arg| (*arg).to_owned())
            .chain([text(&control).to_owned()])
            .collect::<Vec<_>>()
    };
    let words = |args: &[String]| {
        args.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let first = args("127.0.0.1:0", &also);
    let mut old = Daemon::start(&words(&first).split('\n').collect::<Vec<_>>());
    let wrong = args(&old.address, "127.0.0.1:1;filter=x");
    let output = poold(&words(&wrong).split('\n').collect::<Vec<_>>()).output();
    let said = String::from_utf8_lossy(&output.expect("poold starts").stderr).into_owned();
    assert!(said.contains("a take-over can't change that"), "{said}");
    let same = args(&old.address, &also);
    let mut new = Daemon::start(&words(&same).split('\n').collect::<Vec<_>>());
    assert_eq!(old.wait_exit().code, Some(0));
    let (sender, reader) = (connect(&new.address), connect(&format!("127.0.0.1:{port}")));
    // The reader may come in after the first message.
    let mut spoken = 0;
    reader
        .set_read_timeout(Some(std::time::Duration::from_millis(50)))
        .expect("a socket");
    let mut got = [0; 2];
    while std::io::Read::read_exact(&mut &reader, &mut got).is_err() {
        send(&sender, "y\nx\n");
        spoken += 1;
        assert!(spoken < 200, "nothing comes");
    }
    assert_eq!(&got, b"x\n");
    drop((sender, reader));
    assert_eq!(new.stop().code, Some(0));
}
