//! What is sent to a server, and what is counted, while its replicas are late or its connection
//! ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};

use super::*;
use crate::service::recv::record;
use crate::service::recv::sink::try_write;

/// For each read and write of a test's server.
const PATIENCE: Duration = Duration::from_secs(20);
const XADD: &str = "$3\r\n1-1\r\n";

/// A server that answers as a test says.
struct Fake {
    port: u16,
    /// The commands of all connections, each as one line.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Answers to WAIT with these one after the other, and at the end with one replica; to `""`
    /// with the end of the connection. `primary` is what it says if it is taken for a sentinel.
    fn start(waits: &'static [&'static str], primary: impl Fn() -> u16 + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut waits = waits.iter();
            let mut answer = |command: &str| {
                log.lock().push(command.to_owned());
                Some(match command.split(' ').next()? {
                    "XADD" if command.contains(" 0-0 ") => {
                        "-ERR The ID specified in XADD must be greater than 0-0\r\n".to_owned()
                    }
                    "XADD" => XADD.to_owned(),
                    "AUTH" if command.contains("unknown") => {
                        format!("-ERR unknown command 'AUTH', with args: {command}\r\n")
                    }
                    "INFO" => "$-1\r\n".to_owned(),
                    "ROLE" => "*1\r\n$6\r\nmaster\r\n".to_owned(),
                    "SENTINEL" => {
                        let port = primary().to_string();
                        let length = port.len();
                        format!("*2\r\n$9\r\n127.0.0.1\r\n${length}\r\n{port}\r\n")
                    }
                    "WAIT" => match *waits.next().unwrap_or(&":1\r\n") {
                        "" => return None,
                        answer => answer.to_owned(),
                    },
                    _ => "+none\r\n".to_owned(),
                })
            };
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &mut answer);
            }
        });
        Fake { port, heard }
    }

    fn url(&self, query: &str) -> String {
        format!("redis://127.0.0.1:{}?stream=s{query}", self.port)
    }

    /// Commands that added something.
    fn added(&self) -> usize {
        let heard = self.heard.lock();
        let adds = heard.iter().filter(|line| line.starts_with("XADD"));
        adds.filter(|line| !line.contains(" 0-0 ")).count()
    }
}

/// Until the other end ends, or there is no answer.
fn serve(mut stream: TcpStream, answer: &mut impl FnMut(&str) -> Option<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        while let Ok(Some((command, length))) = Reply::read(&bytes) {
            let words = command.array().unwrap_or_default().into_iter();
            let words = words.map(|word| String::from_utf8_lossy(word.text().unwrap()).into());
            let words: Vec<String> = words.collect();
            let Some(answer) = answer(&words.join(" ")) else {
                return Ok(());
            };
            stream.write_all(answer.as_bytes())?;
            bytes.drain(..length);
        }
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

fn remote(url: &str) -> Remote {
    let mut remote = Remote::new(Target::parse(url).expect(url), false);
    remote.connect().expect("it is there");
    remote
}

/// Two messages.
fn piece() -> Vec<u8> {
    let label = record::label("p", None);
    let mut piece = Vec::new();
    record::write(&label, b"one", None, &mut piece);
    record::write(&label, b"two", None, &mut piece);
    piece
}

/// Writes a piece; answers how many attempts failed.
fn write(remote: &mut Remote, piece: &[u8]) -> usize {
    let (mut written, mut failed) = (0, 0);
    while try_write(remote, piece, Durability::Synced, &mut written).is_err() {
        failed += 1;
        assert!(failed < 9, "it never ends");
    }
    failed
}

#[test]
fn what_replicas_do_not_have_yet_is_asked_for_again_and_sent_once() {
    let server = Fake::start(&[":0\r\n", ":0\r\n"], || 0);
    let mut remote = remote(&server.url("&wait=1"));
    let piece = piece();
    assert_eq!(write(&mut remote, &piece), 2);
    assert_eq!(server.added(), 2);
    assert_eq!(write(&mut remote, &piece), 0);
    assert_eq!(server.added(), 4, "the next piece is another one");
    let figures = &remote.figures;
    assert_eq!((figures.written(), figures.resent()), (4, 0));
    assert_eq!(figures.reconnects(), 0);
}

#[test]
fn what_was_not_safe_when_the_connection_ended_is_sent_again_and_counted_once() {
    let server = Fake::start(&[":0\r\n", ""], || 0);
    let mut remote = remote(&server.url("&wait=1"));
    assert_eq!(write(&mut remote, &piece()), 2);
    assert_eq!(server.added(), 4);
    let figures = &remote.figures;
    assert_eq!((figures.written(), figures.resent()), (2, 2));
    assert_eq!(figures.reconnects(), 1);
}

#[test]
fn a_primary_that_was_replaced_is_not_asked_again() {
    let second = Fake::start(&[], || 0);
    let first = Fake::start(&[":0\r\n", ":0\r\n"], || 0);
    let named = Arc::new(Mutex::new(first.port));
    let known = Arc::clone(&named);
    let sentinel = Fake::start(&[], move || *known.lock());
    let url = format!(
        "redis+sentinel://127.0.0.1:{}/main?stream=s&wait=1",
        sentinel.port
    );
    let mut remote = remote(&url);
    let (piece, mut written) = (piece(), 0);
    let late = try_write(&mut remote, &piece, Durability::Synced, &mut written);
    assert_eq!(
        late.map_err(|error| error.kind()),
        Err(ErrorKind::StorageFull)
    );
    *named.lock() = second.port;
    assert_eq!(write(&mut remote, &piece), 1);
    assert_eq!((first.added(), second.added()), (2, 2));
    assert_eq!(remote.figures.written(), 2);
}

#[test]
fn the_time_before_the_first_connection_is_time_away() {
    // Bound and not listening: no other test gets the port, and none answers there.
    let bound_only = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    bound_only.bind(&any.into()).expect("a free port");
    let address = bound_only.local_addr().expect("bound").as_socket();
    let port = address.expect("IP").port();
    let url = format!("redis://127.0.0.1:{port}?stream=s");
    let mut remote = Remote::new(Target::parse(&url).expect("valid"), false);
    assert!(remote.connect().is_err());
    assert!(remote.figures.away() > Duration::ZERO);
}

#[test]
fn an_empty_line_after_the_password_is_none() {
    let server = Fake::start(&[], || 0);
    let file = std::env::temp_dir().join(format!("poold-auth-{}", std::process::id()));
    std::fs::write(&file, "sesame\n\n").expect("a file");
    let query = format!("&auth-file={}", file.display());
    drop(remote(&server.url(&query)));
    assert_eq!(server.heard.lock()[0], "AUTH sesame");

    // No log repeats it, whatever the server does.
    std::fs::write(&file, "unknown\n").expect("a file");
    let target = Target::parse(&server.url(&query)).expect("valid");
    let told = Remote::new(target, false).connect().expect_err("refused");
    assert!(told.to_string().contains("leave auth-file= out"), "{told}");
    assert!(!told.to_string().contains("unknown"), "{told}");
    std::fs::remove_file(&file).expect("our own file");
}
