//! Real programs before and behind the hub, on a serial line that is a pair of terminals.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, ScopedJoinHandle};
use std::time::Duration;

use super::nmea::{position, ship};
use super::pty::Pty;
use super::sources::{hub, stop};
use crate::support::daemon::{Daemon, Guard};
use crate::support::net::{connect, free_port, send, take, take_line, take_to_end};
use crate::support::passed::lacks;
use crate::support::spool::{Spool, wait_until};

const MMSI: u64 = 211_234_560;

/// A device that sends its position and a ship's several times a second, until it is dropped.
struct Device {
    name: String,
    stops: Arc<AtomicBool>,
    sends: Option<JoinHandle<()>>,
}

impl Device {
    fn new() -> Device {
        let mut pty = Pty::new();
        let name = pty.name.clone();
        let stops = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stops);
        let sends = std::thread::spawn(move || {
            for second in 0.. {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                let said = position(second) + &ship(MMSI);
                pty.main.write_all(said.as_bytes()).expect("it is read");
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Device {
            name,
            stops,
            sends: Some(sends),
        }
    }

    /// `poold hub` that reads from it.
    fn hub(&self) -> Daemon {
        hub(&["--from", &format!("serial:{}@38400", self.name)])
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        if let Some(sends) = self.sends.take() {
            let _ = sends.join();
        }
    }
}

/// `gpsd` that reads from the hub, and where it listens; nothing if it is not installed.
fn gpsd(feed: &Daemon) -> Option<(Guard, String)> {
    let port = free_port().to_string();
    let mut command = Command::new("gpsd");
    command
        .args(["-N", "-S", &port])
        .arg(format!("tcp://{}", feed.address))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        lacks("gpsd");
        return None;
    };
    let address = format!("127.0.0.1:{port}");
    wait_until("gpsd listens", || TcpStream::connect(&address).is_ok());
    Some((Guard(child), address))
}

#[test]
fn gpsd_reads_positions_and_ships_from_the_hub() {
    let device = Device::new();
    let feed = device.hub();
    let Some((gpsd, address)) = gpsd(&feed) else {
        return;
    };
    let client = connect(&address);
    send(&client, "?WATCH={\"enable\":true,\"json\":true};\n");
    let (mut place, mut other) = (false, false);
    for line in BufReader::new(&client).lines() {
        let line = line.expect("it goes on");
        place |= line.contains("\"class\":\"TPV\"") && line.contains("\"lat\":48.117");
        other |= line.contains("\"class\":\"AIS\"") && line.contains(&MMSI.to_string());
        if place && other {
            break;
        }
    }
    assert!(place && other, "position: {place}, ship: {other}");
    drop((gpsd, client));
    stop(feed);
}

/// The tests run these lines with a device and ports of their own.
#[test]
fn the_lines_of_the_readme_are_those_that_are_tested() {
    let readme = include_str!("../../../README.md");
    for line in [
        "poold hub :10110 --from serial:/dev/ttyUSB0@38400 &",
        "gpsd -N tcp://localhost:10110 ",
    ] {
        assert!(readme.contains(line), "{line}");
    }
}

#[test]
fn gpsd_feeds_the_hub_once_a_client_has_told_it_to() {
    let device = Device::new();
    let feed = device.hub();
    let Some((gpsd, address)) = gpsd(&feed) else {
        return;
    };
    let second = hub(&["--from", &address, "--write-back"]);
    second.stderr.wait_line("the source is connected");
    let (teller, reader) = (connect(&second.address), connect(&second.address));
    send(&teller, "?WATCH={\"enable\":true,\"nmea\":true};\n");
    for client in [&teller, &reader] {
        while !take_line(client).starts_with("$GPRMC,1235") {}
    }
    drop((gpsd, teller, reader));
    stop(second);
    stop(feed);
}

#[test]
fn gpspipe_feeds_the_hub_as_a_program() {
    let device = Device::new();
    let feed = device.hub();
    let Some((gpsd, address)) = gpsd(&feed) else {
        return;
    };
    let second = hub(&["--from", &format!("exec:exec gpspipe -r {address}")]);
    let reader = connect(&second.address);
    while !take_line(&reader).starts_with("!AIVDM,1,1,,A,") {}
    drop((gpsd, reader));
    stop(second);
    stop(feed);
}

#[test]
fn socat_and_ncat_read_every_line() {
    let readers = [
        ("socat", vec!["-u", "TCP:{}", "STDOUT"]),
        ("ncat", vec!["--recv-only", "{host}", "{port}"]),
    ];
    let (input, mut output) = std::io::pipe().expect("descriptors");
    let mut command = crate::support::daemon::poold(&["hub", "127.0.0.1:0", "--from", "-"]);
    let mut daemon = Daemon::spawn(
        command
            .args(["--last", "1000"])
            .stdin(input)
            .stdout(Stdio::null()),
    );
    drop(command);
    let (host, port) = daemon.address.rsplit_once(':').expect("both");
    let mut running = Vec::new();
    for (program, args) in readers {
        let args = args.iter().map(|arg| {
            let arg = arg.replace("{}", &daemon.address);
            arg.replace("{host}", host).replace("{port}", port)
        });
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        match command.spawn() {
            Ok(child) => running.push(Guard(child)),
            Err(_) => lacks(program),
        }
    }
    let lines: String = (0..1000).map(|at| position(at) + &ship(MMSI)).collect();
    output.write_all(lines.as_bytes()).expect("it is read");
    let outputs: Vec<_> = { running.iter_mut() }
        .map(|guard| Spool::of(guard.0.stdout.take().expect("piped")))
        .collect();
    let last = position(999);
    let last = last.lines().next().expect("two lines");
    for spool in &outputs {
        spool.wait_line(last);
    }
    drop(output);
    assert_eq!(daemon.wait_exit().code, Some(0));
    let expected = lines.replace("\r\n", "\n");
    for spool in outputs {
        let said = String::from_utf8(spool.wait_end()).expect("UTF-8");
        // Those that came later began with the last thousand lines, whole.
        assert!(said.lines().count() >= 1000, "{}", said.lines().count());
        assert!(expected.ends_with(&said), "not the same lines");
    }
}

/// Binary that is never the same twice within a megabyte.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_binary_stream_reaches_a_hundred_readers_whole() {
    const READERS: usize = 100;
    let sent = Arc::new(pattern(1024 * 1024));
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let wait = ["--framing", "raw", "--slow", "wait", "--slow-wait", "1m"];
    let args = [&["hub", "127.0.0.1:0", "--from", &from], &wait[..]].concat();
    let daemon = Daemon::start(&args);
    let (mut source, _) = server.accept().expect("it connects");
    let clients: Vec<_> = (0..READERS).map(|_| connect(&daemon.address)).collect();
    // One byte shows that a reader is in.
    std::thread::scope(|scope| {
        let ready: Vec<_> = { clients.iter() }
            .map(|client| scope.spawn(|| assert_eq!(take(client, 1), b"<")))
            .collect();
        while !ready.iter().all(ScopedJoinHandle::is_finished) {
            source.write_all(b"<").expect("it is read");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    source.write_all(b">").expect("it is read");
    source.write_all(&sent).expect("it is read");
    let readers = clients.into_iter().map(|client| {
        let sent = Arc::clone(&sent);
        std::thread::spawn(move || {
            while take(&client, 1) == b"<" {}
            assert!(take(&client, sent.len()) == *sent, "not what was sent");
            client
        })
    });
    let readers: Vec<_> = readers.collect();
    let clients: Vec<_> = { readers.into_iter() }
        .map(|reader| reader.join().expect("it reads"))
        .collect();
    drop(clients);
    stop(daemon);
}

#[test]
fn kiss_frames_stay_whole() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let from = server.local_addr().expect("bound").to_string();
    let daemon = hub(&["--from", &from, "--framing", "delimited:\\xc0"]);
    let (mut source, _) = server.accept().expect("it connects");
    let reader = connect(&daemon.address);
    // Frames begin and end with FEND; FEND inside of one is FESC TFEND.
    let frames = b"\xc0\x00one\xdb\xdc\n\xc0\xc0\x00two\0\xc0";
    for byte in frames {
        source.write_all(&[*byte]).expect("it is read");
    }
    assert_eq!(take(&reader, frames.len()), frames);
    // Half a frame is sent when its source ends, and has an end then.
    source.write_all(b"\xc0\x00rest").expect("it is read");
    drop(source);
    assert_eq!(take(&reader, 7), b"\xc0\x00rest\xc0");
    let exit = std::thread::spawn(move || stop(daemon));
    assert_eq!(take_to_end(&reader), b"");
    drop(reader);
    exit.join().expect("it drains");
}
