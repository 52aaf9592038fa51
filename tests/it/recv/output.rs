//! `recv --output`: rotation, a full disk, acknowledgements.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::daemon::{Daemon, POOLD};
use crate::support::flood::{Flood, check};
use crate::support::net::{connect, end, send, take_all, take_line, take_to_end};
use crate::support::passed::cannot;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

#[test]
fn a_file_that_is_renamed_again_and_again_loses_no_line() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    let mut daemon = Daemon::recv(&["--output", text(&file), "-w", "4"]);
    let shape = ["-c", "20", "-n", "5000"];
    let flood = Flood::start(
        &daemon.address,
        &[&shape[..], &["--expect", "nothing"]].concat(),
    );
    for rotation in 0..20 {
        wait_until("it is written to", || {
            fs::metadata(&file).is_ok_and(|file| file.len() > 0)
        });
        let away = dir.join(&format!("out.log.{rotation}"));
        fs::rename(&file, &away).expect("it is there");
    }
    flood.wait_good();
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.stdout, b"");
    let mut all = Vec::new();
    for rotation in 0..20 {
        all.extend(fs::read(dir.join(&format!("out.log.{rotation}"))).expect("it is there"));
    }
    all.extend(fs::read(&file).unwrap_or_default());
    check(&all, &shape);
    let lines = all.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 100_000);
}

#[test]
fn a_file_that_is_removed_is_made_again() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    fs::write(&file, "earlier\n").expect("a file");
    let mut daemon = Daemon::recv(&["-o", text(&file), "-f", "raw"]);
    let client = connect(&daemon.address);
    send(&client, "one\n");
    let holds = |what: &str| fs::read_to_string(&file).is_ok_and(|text| text == what);
    wait_until("it is appended to", || holds("earlier\none\n"));
    fs::remove_file(&file).expect("it is there");
    send(&client, "two\n");
    wait_until("it is made again", || holds("two\n"));
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_fifo_without_a_reader_in_its_place_blocks_nothing_for_ever() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    let mut daemon = Daemon::recv(&["-o", text(&file), "-f", "raw"]);
    let client = connect(&daemon.address);
    send(&client, "one\n");
    let holds = |what: &str| fs::read_to_string(&file).is_ok_and(|text| text == what);
    wait_until("it is written", || holds("one\n"));
    fs::remove_file(&file).expect("it is there");
    mknodat(CWD, &file, FileType::Fifo, Mode::RWXU, 0).expect("our directory");
    send(&client, "two\n");
    daemon
        .stderr
        .wait_line("cannot write the output; nothing is lost");
    fs::remove_file(&file).expect("it is there");
    wait_until("it is a file again", || holds("two\n"));
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_line_that_a_crash_has_cut_does_not_swallow_the_next() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    fs::write(&file, "whole\ncut in a wri").expect("a file");
    for round in ["one", "two"] {
        let mut daemon = Daemon::recv(&["-o", text(&file), "-f", "raw"]);
        let client = connect(&daemon.address);
        send(&client, format!("{round}\n"));
        end(&client);
        assert_eq!(take_to_end(&client), b"");
        assert_eq!(daemon.stop().code, Some(0));
    }
    let all = fs::read_to_string(&file).expect("it is there");
    assert_eq!(all, "whole\ncut in a wri\none\ntwo\n");
}

#[test]
fn a_file_of_bytes_is_gone_on_with_where_it_ends() {
    let dir = Scratch::new();
    let file = dir.join("out.bin");
    for piece in ["no li", "ne at all"] {
        let args = ["-o", text(&file), "-f", "raw", "--framing", "raw"];
        let mut daemon = Daemon::recv(&args);
        let client = connect(&daemon.address);
        send(&client, piece);
        end(&client);
        assert_eq!(take_to_end(&client), b"");
        assert_eq!(daemon.stop().code, Some(0));
    }
    let all = fs::read_to_string(&file).expect("it is there");
    assert_eq!(all, "no line at all");
}

#[test]
fn acknowledgements_come_after_the_lines_are_there() {
    for safe in [&["--ack"][..], &["--ack", "--sync"]] {
        let dir = Scratch::new();
        let file = dir.join("out.log");
        let mut daemon = Daemon::recv(&[&["-o", text(&file), "-f", "raw"], safe].concat());
        let client = connect(&daemon.address);
        for number in 1..=50_usize {
            send(&client, "line\n");
            assert_eq!(take_line(&client), format!("ack {number}"));
            let written = fs::read_to_string(&file).expect("it is there");
            assert_eq!(written, "line\n".repeat(number), "{safe:?}");
        }
        drop(client);
        assert_eq!(daemon.stop().code, Some(0));
    }
}

#[test]
fn acknowledgements_reach_the_count_for_every_client() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    let mut daemon = Daemon::recv(&["-o", text(&file), "--ack", "--sync"]);
    let shape = ["-c", "50", "-n", "200"];
    let args = [
        &shape[..],
        &["--expect", "ack", "-p", "20", "--pieces", "3"],
    ]
    .concat();
    Flood::start(&daemon.address, &args).wait_good();
    assert_eq!(daemon.stop().code, Some(0));
    check(&fs::read(&file).expect("it is there"), &shape);
}

#[test]
fn acknowledgements_count_each_connection_and_the_beginning_of_a_line() {
    let mut daemon = Daemon::recv(&["--ack"]);
    for _ in 0..2 {
        let client = connect(&daemon.address);
        send(&client, "1\n2\nthe rest");
        end(&client);
        let acks = String::from_utf8(take_to_end(&client)).expect("UTF-8");
        assert_eq!(acks.lines().last(), Some("ack 3"), "{acks}");
    }
    let exit = daemon.stop();
    assert_eq!(exit.lines().len(), 6);
}

#[test]
fn in_a_drain_whatever_is_acknowledged_is_printed_and_the_last_acknowledgement_arrives() {
    let mut daemon = Daemon::recv(&["--ack"]);
    let flood = Flood::start(
        &daemon.address,
        &["-c", "50", "--expect", "ack", "--until-closed"],
    );
    daemon.stdout.wait_lines(5000);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    // No acknowledgement is missing before another, and none is for what was not sent.
    let result = flood.wait_good();
    let answered = result["answered"].as_u64().expect("a count");
    assert!(answered <= exit.lines().len() as u64, "{result}");
}

/// A tiny file system in `dir`, if this user may mount one.
fn tiny_disk(dir: &Scratch) -> Option<Mounted> {
    let path = dir.join("disk");
    fs::create_dir(&path).expect("a fresh name");
    let args = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", text(&path)];
    let output = Command::new("mount").args(args).output();
    output
        .is_ok_and(|output| output.status.success())
        .then_some(Mounted(path))
}

struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What may be said only once: a full disk stays full for a while.
fn complaints(stderr: &str) -> usize {
    stderr
        .lines()
        .filter(|line| line.contains("cannot write the output"))
        .count()
}

#[test]
fn a_full_disk_keeps_everything_until_there_is_room() {
    let dir = Scratch::new();
    let Some(disk) = tiny_disk(&dir) else {
        cannot("allow this user to mount a file system");
        return;
    };
    let (file, ballast) = (disk.0.join("out.log"), disk.0.join("ballast"));
    fs::write(&ballast, vec![0; 200 << 10]).expect("room");
    let mut daemon = Daemon::recv(&["-o", text(&file), "-f", "raw", "--drain", "30s"]);
    let client = connect(&daemon.address);
    let lines: String = (0..8000)
        .map(|number| format!("line number {number}\n"))
        .collect();
    send(&client, &lines);
    daemon.stderr.wait_line("cannot write the output");
    let memory = daemon.memory("VmRSS");
    fs::remove_file(&ballast).expect("it is there");
    daemon.stderr.wait_line("writing the output again");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    assert!(daemon.memory("VmRSS") <= memory + 1024);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(complaints(&exit.stderr), 1, "{}", exit.stderr);
    assert!(
        fs::read_to_string(&file).expect("it is there") == lines,
        "every line, once"
    );
}

#[test]
fn a_file_that_may_not_grow_is_a_full_disk() {
    let dir = Scratch::new();
    let file = dir.join("out.log");
    // In halves of a KiB.
    let script = "ulimit -f 16; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", POOLD]);
    command.args(["recv", "127.0.0.1:0", "-f", "raw", "--drain", "30s", "-o"]);
    let mut daemon = Daemon::spawn(command.arg(&file).stdout(Stdio::piped()));
    let client = connect(&daemon.address);
    let lines: String = (0..700).map(|n| format!("line number {n}\n")).collect();
    assert!((8192..16384).contains(&lines.len()));
    send(&client, &lines);
    daemon.stderr.wait_line("cannot write the output");
    let mut all = fs::read_to_string(&file).expect("it is there");
    let emptied = fs::OpenOptions::new().write(true).open(&file);
    emptied.and_then(|file| file.set_len(0)).expect("our file");
    daemon.stderr.wait_line("writing the output again");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    // The line that was cut is whole in the emptied file.
    all.truncate(all.rfind('\n').map_or(0, |end| end + 1));
    all += &fs::read_to_string(&file).expect("it is there");
    assert!(all == lines, "every line, once");
}

#[test]
fn a_device_that_is_always_full_holds_clients_back_and_takes_no_memory() {
    let dir = Scratch::new();
    let full = dir.join("full");
    symlink("/dev/full", &full).expect("a link");
    let mut daemon = Daemon::recv(&["-o", text(&full), "-w", "2", "--drain", "300ms"]);
    let args = [
        "-c",
        "10",
        "-n",
        "100000",
        "-p",
        "100",
        "--expect",
        "nothing",
        "--until-closed",
    ];
    let flood = Flood::start(&daemon.address, &args);
    daemon.stderr.wait_line("cannot write the output");
    daemon.stderr.wait_line("the output blocks");
    let memory = daemon.memory("VmRSS");
    assert!(memory < 32 << 10, "{memory} KiB");
    let client = connect(&daemon.address);
    send(&client, "one more\n");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert_eq!(complaints(&exit.stderr), 1, "{}", exit.stderr);
    assert_eq!(exit.report().delivered, 0, "{}", exit.stderr);
    let (bytes, _) = take_all(&client);
    assert_eq!(bytes, b"");
    drop(flood);
}
