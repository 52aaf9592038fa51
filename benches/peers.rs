//! poold side by side with what a user would pick instead.
//!
//! `cargo bench --bench peers` measures everything, prints the table of ratios against the bars
//! that poold set itself, and writes the evidence, losses included, under `benches/runs/`.
//! `-- --help` lists the options. The load is `poold flood`, or `fan` for one sender with many
//! readers. This program is the driver and the servers: it starts itself as `serve PEER WORK
//! WORKERS`, so that each server is a process whose CPU time and memory are counted separately.
//!
//! Modules: all servers share `work` and `lines`; `runtimes`, `threads`, `epoll` with its
//! `sessions`, `receivers`, `tls_servers`, `stream` and `subject` are the servers; `serve` starts
//! one of them. In the driver, `launch`, `usage` and `load` handle processes, `pairs` and `bench`
//! compare them, each section of the report has a module, and `bars`, `report`, `chart` and
//! `machine` write the result.

/// The modules are in the directory `peers` beside this file.
mod peers {
    pub mod bars;
    pub mod bench;
    pub mod blocking;
    pub mod bus;
    pub mod chart;
    pub mod chat;
    pub mod echo;
    pub mod epoll;
    pub mod exec;
    pub mod fairness;
    pub mod fan;
    pub mod feed;
    pub mod growth;
    pub mod launch;
    pub mod lines;
    pub mod load;
    pub mod machine;
    pub mod options;
    pub mod outside;
    pub mod pairs;
    pub mod receive;
    pub mod receivers;
    pub mod relay;
    pub mod report;
    pub mod rest;
    pub mod runtimes;
    pub mod serve;
    pub mod sessions;
    pub mod spread;
    pub mod stream;
    pub mod subject;
    pub mod threads;
    pub mod tls;
    pub mod tls_clients;
    pub mod tls_rest;
    pub mod tls_servers;
    pub mod uring;
    pub mod usage;
    pub mod work;
}

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use peers::bench::{Bench, Scratch};
use peers::machine::Machine;
use peers::options::{Options, Section};
use peers::report::Report;
use peers::{
    blocking, bus, chat, echo, exec, fairness, fan, feed, growth, receive, rest, serve, tls,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((role, rest)) if role == "serve" => serve::run(rest),
        Some((role, rest)) if role == "fan" => fan::run(rest),
        _ => drive(Options::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

type Run = fn(&mut Bench);

fn drive(options: Options) -> io::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let machine = Machine::look(&options);
    let mut bench = Bench {
        options,
        report: Report::default(),
        scratch: Scratch::new()?,
    };
    let sections: [(Section, Run); 13] = [
        (Section::Echo, echo::run),
        (Section::Blocking, blocking::run),
        (Section::Receive, receive::run),
        (Section::Rest, rest::run),
        (Section::Connect, echo::connect),
        (Section::Fairness, fairness::run),
        (Section::Chat, chat::run),
        (Section::Hub, feed::run),
        (Section::Bus, bus::run),
        (Section::Tls, tls::run),
        (Section::Exec, exec::run),
        (Section::Clients, growth::clients),
        (Section::Growth, growth::run),
    ];
    for (section, run) in sections {
        if bench.options.wants(section) {
            run(&mut bench);
        }
    }
    println!("\n{}", bench.report.bars());
    let path = bench.report.write(&machine, &evidence(&bench.options))?;
    println!("written: {}", path.display());
    Ok(())
}

/// A quick run measures nothing reliably, so it writes no evidence.
fn evidence(options: &Options) -> PathBuf {
    let usual = if options.quick {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("runs")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/runs")
    };
    options.out.clone().unwrap_or(usual)
}
