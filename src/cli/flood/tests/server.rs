//! Small servers to flood.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;

use super::super::args::FloodArgs;
use super::super::fleet::flood;
use super::super::plan::Plan;
use super::super::progress::Progress;
use super::super::report::Report;
use super::super::tally::Tally;

/// Longer than anything takes on a machine that is busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) type Lines = BufReader<TcpStream>;

/// A thread for each connection, which does what `serve` says; gone when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new(
        serve: impl Fn(Lines, TcpStream) -> std::io::Result<()> + Copy + Send + 'static,
    ) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // The server itself connects to say that it is over.
                if stream
                    .peer_addr()
                    .is_ok_and(|peer| peer.ip() != address.ip())
                {
                    return;
                }
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                stream.set_write_timeout(Some(DEADLINE)).unwrap();
                let reader = BufReader::new(stream.try_clone().unwrap());
                std::thread::spawn(move || serve(reader, stream));
            }
        });
        Server {
            address,
            acceptor: Some(acceptor),
        }
    }

    pub(crate) fn flood(&self, args: &str) -> (Plan, Tally) {
        let plan = plan(&format!("{} {args}", self.address));
        let tally = flood(&plan, &Progress::hidden()).unwrap();
        (plan, tally)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let domain = socket2::Domain::IPV4;
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None).unwrap();
        let other: SocketAddr = ([127, 0, 0, 2], 0).into();
        socket.bind(&other.into()).unwrap();
        socket
            .connect_timeout(&self.address.into(), DEADLINE)
            .unwrap();
        self.acceptor.take().unwrap().join().unwrap();
    }
}

pub(crate) fn plan(args: &str) -> Plan {
    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: FloodArgs,
    }
    let words = std::iter::once("flood").chain(args.split_whitespace());
    let args = Typed::try_parse_from(words).unwrap().args;
    Plan::new(&args, args.address.as_deref().unwrap()).unwrap()
}

pub(crate) fn echo(mut reader: Lines, mut stream: TcpStream) -> std::io::Result<()> {
    std::io::copy(&mut reader, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

pub(crate) fn discard(mut reader: Lines, _: TcpStream) -> std::io::Result<()> {
    std::io::copy(&mut reader, &mut std::io::sink()).map(drop)
}

/// Answers every line with what `reply` makes of it and its number.
pub(crate) fn answer(
    mut reader: Lines,
    mut stream: TcpStream,
    mut reply: impl FnMut(usize, &str) -> String,
) -> std::io::Result<()> {
    let mut line = String::new();
    for number in 0.. {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        stream.write_all(reply(number, &line).as_bytes())?;
    }
    stream.shutdown(Shutdown::Write)
}

pub(crate) fn assert_complete((plan, tally): &(Plan, Tally), messages: u64) {
    assert_eq!(tally.account.faults(), [0; 4], "{tally:?}");
    assert_eq!((tally.sent, tally.account.received), (messages, messages));
    assert!(Report::new(plan, tally).is_good(), "{:?}", tally.errors);
}
