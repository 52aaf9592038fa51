//! Outputs that take nothing for a while: a pipe that is not read, a pipe without a reader, a full
//! disk. Nothing is lost, each message is written once, and the wait is told.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Signal, kill_process};

use crate::handover::takeover::Line;
use crate::recv::outputs::Mounted;
use crate::support::admin::Watched;
use crate::support::daemon::{Daemon, Guard, POOLD, poold};
use crate::support::net::{connect, end, send, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, at_most, wait_until};

fn lines(from: usize, count: usize) -> String {
    (from..from + count)
        .map(|n| format!("line {n}\n"))
        .collect()
}

/// Asserts that each line is there once, in any order.
fn assert_once(written: &str, count: usize, log: &str) {
    let mut found: Vec<_> = written.lines().collect();
    let mut expected: Vec<_> = (0..count).map(|n| format!("line {n}")).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert!(found == expected, "{} of {count}: {log}", found.len());
}

fn pipe() -> (File, Stdio) {
    let (reader, writer) = std::io::pipe().expect("descriptors");
    (File::from(OwnedFd::from(reader)), Stdio::from(writer))
}

#[test]
fn a_pipe_that_is_not_read_is_told_and_shown_and_blames_no_client() {
    for ack in [&[][..], &["--ack"]] {
        let (reader, writer) = pipe();
        let args = [
            "recv",
            "127.0.0.1:0",
            "-f",
            "raw",
            "-w",
            "2",
            "--stuck-after",
            "2s",
        ];
        let watched = Watched::start_with(&[&args[..], ack].concat(), |command| {
            command.stdout(writer);
        });
        assert_eq!(watched.get("/readyz").status, 200);
        let clients: Vec<_> = (0..3).map(|_| connect(&watched.daemon.address)).collect();
        let begin = Instant::now();
        for (n, client) in clients.iter().enumerate() {
            send(client, lines(n * 10_000, 10_000));
            end(client);
        }
        watched.daemon.stderr.wait_line("the output blocks");
        let took = begin.elapsed();
        assert!(took < at_most(Duration::from_secs(4)), "{took:?}");
        let ready = watched.get("/readyz");
        assert_eq!(ready.status, 503, "{}", ready.body);
        assert!(
            ready.body.contains("the output has taken nothing"),
            "{}",
            ready.body
        );
        wait_until("a worker would be stuck by now", || {
            watched.metric("poold_output_blocked_seconds") > 4.0
        });
        assert_eq!(watched.get("/healthz").body.trim(), "ok");
        assert!(watched.metric("poold_output_waiting_bytes") > 1000.0);
        assert_eq!(watched.metric("poold_workers_stuck"), 0.0);
        let (is_well, status, _) = watched.tool(&["status"]);
        assert!(is_well && status.contains("blocked for"), "{status}");

        let printed = Spool::of(reader);
        watched
            .daemon
            .stderr
            .wait_line("the output takes more again");
        clients.iter().for_each(|client| drop(take_to_end(client)));
        wait_until("it is ready again", || watched.get("/readyz").status == 200);
        assert_eq!(watched.metric("poold_output_blocked_seconds"), 0.0);
        assert!(watched.metric("poold_output_blocked_seconds_total") >= 1.0);
        let mut watched = watched;
        let exit = watched.daemon.stop();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let stuck = exit.stderr.matches("does not come back").count();
        assert_eq!(stuck, 0, "{}", exit.stderr);
        // A reader that gets no processor for a second causes another block.
        let (first, _) = exit.stderr.split_once("takes more again").expect("told");
        assert_eq!(first.matches("blocks").count(), 1, "{}", exit.stderr);
        let printed = String::from_utf8(printed.wait_end()).expect("UTF-8");
        assert_once(&printed, 30_000, &exit.stderr);
    }
}

#[test]
fn a_pipe_that_is_not_read_puts_no_drain_off() {
    let most = at_most(Duration::from_millis(1700));
    // A client that stays, and one that has left: then nothing but the output is waited for.
    for stays in [true, false] {
        let mut all = Vec::new();
        for _ in 0..5 {
            let (_reader, writer) = pipe();
            let mut command = poold(&["recv", "127.0.0.1:0", "-w", "2", "--drain", "1500ms"]);
            let mut daemon = Daemon::spawn(command.stdout(writer));
            let client = connect(&daemon.address);
            let count = if stays { 30_000 } else { 10_000 };
            send(&client, lines(0, count));
            if !stays {
                end(&client);
            }
            daemon.stderr.wait_line("the output blocks");
            let begin = Instant::now();
            let exit = daemon.stop();
            all.push(begin.elapsed());
            assert_eq!(exit.code, Some(3), "{}", exit.stderr);
            let report = exit.report();
            assert!(report.delivered < report.received, "{}", exit.stderr);
            if all.last() < Some(&most) {
                break;
            }
        }
        let best = all.iter().min().expect("some");
        assert!(*best < most, "stays {stays}: {all:?}");
    }
}

#[test]
fn a_second_signal_ends_a_wait_for_the_output_at_once() {
    let (_reader, writer) = pipe();
    let mut command = poold(&["recv", "127.0.0.1:0", "--drain", "60s"]);
    let mut daemon = Daemon::spawn(command.stdout(writer));
    let client = connect(&daemon.address);
    send(&client, lines(0, 10_000));
    end(&client);
    daemon.stderr.wait_line("the output blocks");
    daemon.interrupt();
    daemon.stderr.wait_line("press Ctrl-C again");
    let begin = Instant::now();
    daemon.interrupt();
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

fn make_pipe(dir: &Scratch) -> std::path::PathBuf {
    let path = dir.join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("our directory");
    path
}

/// A reader of a named pipe that has one at once, whether or not it is written to.
fn read_pipe(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).expect("our pipe")
}

/// Reads until this is the last that came.
fn read_until(mut reader: &File, last: &str) -> String {
    let mut all = Vec::new();
    wait_until(last, || {
        let _ = reader.read_to_end(&mut all);
        all.ends_with(last.as_bytes())
    });
    String::from_utf8(all).expect("UTF-8")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Start,
    Running,
    Draining,
    TakeOver,
}

/// The reader of a named pipe goes, and another comes.
fn change_reader(is_stdout: bool, time: Time) {
    let dir = Scratch::new();
    let path = make_pipe(&dir);
    let mut reader = (time != Time::Start).then(|| read_pipe(&path));
    let output = if is_stdout { "-" } else { text(&path) };
    let mut command = poold(&["recv", "127.0.0.1:0", "-f", "raw", "-o", output]);
    if is_stdout {
        command.stdout(
            OpenOptions::new()
                .write(true)
                .open(&path)
                .expect("it has a reader"),
        );
    }
    let mut line = Line::spawn(&dir, &mut command);
    drop(command);
    let client = connect(&line.first.address);
    let mut all = String::new();
    match &reader {
        None => drop(
            line.first
                .stderr
                .wait_line("a pipe without a reader; waiting for one"),
        ),
        Some(reader) => {
            send(&client, lines(0, 10));
            all += &read_until(reader, "line 9\n");
        }
    }
    if time == Time::Draining {
        line.first.interrupt();
        assert_eq!(take_to_end(&client), b"");
    }
    reader = None;
    assert!(reader.is_none());
    // While another test starts a process, that has our end for a moment.
    wait_until("no process reads it", || {
        let mut options = OpenOptions::new();
        options.write(true);
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        options.open(&path).is_err()
    });
    let client = if time == Time::TakeOver {
        line.restart();
        drop(client);
        connect(&line.first.address)
    } else {
        client
    };
    let from = if time == Time::Start { 0 } else { 10 };
    send(&client, lines(from, 10));
    line.first.stderr.wait_line("nothing reads it");
    line.first.stderr.wait_line("the output blocks");
    let reader = read_pipe(&path);
    all += &read_until(&reader, &format!("line {}\n", from + 9));
    line.first.stderr.wait_line("writing the output again");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let log = match time {
        Time::Draining => line.first.wait_exit().stderr,
        _ => line.stop(),
    };
    assert_once(&all, from + 10, &log);
    assert!(!log.contains("reads the output any more"), "{log}");
}

#[test]
fn a_named_pipe_waits_for_its_next_reader() {
    for is_stdout in [false, true] {
        for time in [Time::Start, Time::Running, Time::Draining, Time::TakeOver] {
            // A shell waits itself for a reader before it starts anything.
            if !(is_stdout && time == Time::Start) {
                eprintln!("standard output: {is_stdout}, {time:?}");
                change_reader(is_stdout, time);
            }
        }
    }
}

#[test]
fn a_pipe_that_never_had_a_reader_keeps_nothing_from_ending() {
    let dir = Scratch::new();
    let path = make_pipe(&dir);
    for count in [0, 1] {
        let mut daemon = Daemon::recv(&["-o", text(&path), "--drain", "300ms"]);
        let client = connect(&daemon.address);
        send(&client, lines(0, count));
        end(&client);
        match count {
            0 => assert_eq!(take_to_end(&client), b""),
            _ => drop(daemon.stderr.wait_line("nothing reads it")),
        }
        drop(client);
        let exit = daemon.stop();
        let code = if count == 0 { 0 } else { 3 };
        assert_eq!(exit.code, Some(code), "{}", exit.stderr);
        let report = exit.report();
        assert_eq!((report.received, report.delivered), (count as u64, 0));
    }
}

/// Takes all that is left of a disk.
fn fill(disk: &Mounted) {
    let mut ballast = File::create(disk.join("ballast")).expect("a name is left");
    while ballast.write_all(&[0; 4096]).is_ok() {}
    while ballast.write_all(&[0]).is_ok() {}
}

fn make_room(disk: &Mounted) {
    fs::remove_file(disk.join("ballast")).expect("it is there");
}

fn fill_disk_at(disk: &Mounted, time: Time, before: &str) {
    let file = disk.join("out");
    fs::write(&file, before).expect("room");
    if time == Time::Start {
        fill(disk);
    }
    let dir = Scratch::new();
    let args = [
        "recv",
        "127.0.0.1:0",
        "-f",
        "raw",
        "--drain",
        "30s",
        "-o",
        text(&file),
    ];
    let mut line = Line::spawn(&dir, poold(&args).stdout(Stdio::null()));
    let client = connect(&line.first.address);
    if time == Time::Draining {
        line.first.interrupt();
        assert_eq!(take_to_end(&client), b"");
    }
    if time != Time::Start {
        fill(disk);
    }
    send(&client, lines(0, 1000));
    end(&client);
    line.first.stderr.wait_line("cannot write the output");
    let mut count = 1000;
    if time == Time::TakeOver {
        line.restart();
        let second = connect(&line.first.address);
        send(&second, lines(1000, 1000));
        end(&second);
        line.first.stderr.wait_times("cannot write the output", 2);
        count = 2000;
    }
    make_room(disk);
    line.first.stderr.wait_line("writing the output again");
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let log = match time {
        Time::Draining => line.first.wait_exit().stderr,
        _ => line.stop(),
    };
    let written = fs::read_to_string(&file).expect("it is there");
    let ours = written.strip_prefix(before).expect("what was there stays");
    let ours = match before.ends_with('\n') {
        true => ours,
        false => ours.strip_prefix('\n').expect("a line of its own"),
    };
    assert_once(ours, count, &log);
    fs::remove_file(&file).expect("it is there");
}

#[test]
fn a_full_disk_is_waited_for_whenever_it_is_full() {
    let dir = Scratch::new();
    let Some(disk) = Mounted::disk("64k", &dir.join("disk")) else {
        return;
    };
    // A page, so that there is no room behind it.
    let torn = "x".repeat(4096);
    let whole = format!("{}\n", "x".repeat(4095));
    for time in [Time::Start, Time::Running, Time::Draining, Time::TakeOver] {
        for before in [&torn, &whole] {
            eprintln!("{time:?}, torn: {}", before == &torn);
            fill_disk_at(&disk, time, before);
        }
    }
}

/// A line that a process could not end is not gone on with by its successor: neither while the old
/// one waits for room, nor when it has given up.
#[test]
fn a_line_that_waits_for_room_is_not_swallowed_by_a_successor() {
    let dir = Scratch::new();
    let Some(disk) = Mounted::disk("64k", &dir.join("disk")) else {
        return;
    };
    for (round, gives_up) in [false, false, false, false, true, true]
        .into_iter()
        .enumerate()
    {
        let dir = Scratch::new();
        let file = disk.join(&format!("out{round}"));
        // There is room for a part of the first client's lines.
        fs::write(&file, "before\n").expect("room");
        fill(&disk);
        let drain = if gives_up { "300ms" } else { "30s" };
        let args = [
            "recv",
            "127.0.0.1:0",
            "-f",
            "raw",
            "--drain",
            drain,
            "-o",
            text(&file),
        ];
        let mut line = Line::spawn(&dir, poold(&args).stdout(Stdio::null()));
        let first = connect(&line.first.address);
        send(&first, lines(0, 1000).replace("line", "first"));
        line.first.stderr.wait_line("cannot write the output");
        assert_eq!(fs::metadata(&file).expect("it is there").len(), 4096);
        line.restart();
        let second = connect(&line.first.address);
        send(&second, lines(0, 1000));
        end(&second);
        line.first.stderr.wait_times("cannot write the output", 2);
        if gives_up {
            line.first.stderr.wait_line("drained in");
        }
        make_room(&disk);
        assert_eq!(take_to_end(&second), b"");
        if !gives_up {
            end(&first);
            assert_eq!(take_to_end(&first), b"");
        }
        let log = line.stop();
        let written = fs::read_to_string(&file).expect("it is there");
        let of = |word: &str| -> String {
            let lines = written.split_inclusive('\n');
            lines.filter(|line| line.starts_with(word)).collect()
        };
        assert_once(&of("line"), 1000, &log);
        if !gives_up {
            assert_once(&of("first").replace("first", "line"), 1000, &log);
            assert_eq!(written.lines().count(), 2001, "{log}");
        }
        fs::remove_file(&file).expect("it is there");
    }
}

#[test]
fn a_file_that_is_moved_off_a_full_disk_takes_its_whole_lines_with_it() {
    let dir = Scratch::new();
    let Some(disk) = Mounted::disk("64k", &dir.join("disk")) else {
        return;
    };
    let (file, away) = (disk.join("out"), dir.join("away"));
    let mut daemon = Daemon::recv(&["-f", "raw", "--drain", "30s", "-o", text(&file)]);
    let client = connect(&daemon.address);
    send(&client, lines(0, 9000));
    end(&client);
    daemon.stderr.wait_line("cannot write the output");
    // What `mv` does to another file system.
    fs::copy(&file, &away).expect("room there");
    fs::remove_file(&file).expect("it is there");
    daemon.stderr.wait_line("writing the output again");
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    // But for the line that was cut: it is whole in the next file.
    let moved = fs::read_to_string(&away).expect("it is there");
    let moved = &moved[..moved.rfind('\n').map_or(0, |end| end + 1)];
    let rest = fs::read_to_string(&file).expect("it is there");
    assert_once(&format!("{moved}{rest}"), 9000, &exit.stderr);
}

/// Runs `sh -c "exec poold recv 127.0.0.1:0 ARGS"`, and stops it when it serves.
fn run(args: &str) -> (Option<i32>, String) {
    let script = format!("exec {POOLD} recv 127.0.0.1:0 {args}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("a shell"));
    let log = Spool::of(guard.0.stderr.take().expect("piped"));
    let mut serves = false;
    wait_until("it serves or has ended", || {
        serves = log.text().contains("Press Ctrl-C to stop");
        serves || guard.0.try_wait().expect("our own child").is_some()
    });
    if serves {
        kill_process(guard.pid(), Signal::TERM).expect("it runs");
    }
    let code = guard.wait_exit();
    let log = String::from_utf8_lossy(&log.wait_end()).into_owned();
    (code, log)
}

#[test]
fn a_standard_output_that_is_no_output_is_refused() {
    let dir = Scratch::new();
    let empty = dir.join("empty");
    fs::write(&empty, "").expect("our directory");
    let read_only = format!("1<{}", text(&empty));
    for args in [
        ">&-",
        "-o - >&-",
        "-o /dev/stdout >&-",
        "<&- >&-",
        &read_only,
    ] {
        let (code, log) = run(args);
        assert_eq!(code, Some(1), "{args}: {log}");
        assert!(
            log.contains("cannot write to the standard output"),
            "{args}: {log}"
        );
        assert_eq!(log.lines().count(), 1, "{args}: {log}");
    }
    let file = dir.join("file");
    let elsewhere = format!("-o {} >&-", text(&file));
    // What is thrown away on purpose: by a shell, and by programs that open it to read as well.
    for args in [">/dev/null", "1<>/dev/null", "<&-", &elsewhere] {
        let (code, log) = run(args);
        assert_eq!(code, Some(0), "{args}: {log}");
    }
}
