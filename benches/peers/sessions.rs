//! What the bare loop runs: echo, and a receiver that is as cheap as one can be.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use super::epoll::{self, Session};
use super::work::Work;

/// Echo with the handler in the loop itself: while it blocks, all clients wait.
pub fn echo(listener: TcpListener, work: &Arc<Work>) -> io::Result<()> {
    epoll::serve(listener, |_| Echo {
        work: Arc::clone(work),
        partial: Vec::new(),
    })
}

struct Echo {
    work: Arc<Work>,
    /// A line whose end has not come.
    partial: Vec<u8>,
}

impl Session for Echo {
    fn arrived(&mut self, bytes: Option<&[u8]>, replies: &mut Vec<u8>) -> io::Result<()> {
        let Echo { work, partial } = self;
        each_line(partial, bytes, |line| work.answer(line, replies))
    }
}

/// Reads 64 KiB, splits, puts the sender before each line, writes once for each read.
pub fn receive(listener: TcpListener) -> io::Result<()> {
    let output = Rc::new(RefCell::new((Vec::new(), nowhere()?)));
    epoll::serve(listener, |peer| Receive {
        label: label(peer).into_bytes(),
        partial: Vec::new(),
        output: Rc::clone(&output),
    })
}

struct Receive {
    label: Vec<u8>,
    partial: Vec<u8>,
    /// One buffer and one file for all connections; there is only one thread.
    output: Rc<RefCell<(Vec<u8>, File)>>,
}

impl Session for Receive {
    fn arrived(&mut self, bytes: Option<&[u8]>, _: &mut Vec<u8>) -> io::Result<()> {
        let Receive {
            label,
            partial,
            output,
        } = self;
        let (text, file) = &mut *output.borrow_mut();
        text.clear();
        each_line(partial, bytes, |line| {
            text.extend_from_slice(label);
            text.extend_from_slice(line);
            text.push(b'\n');
            Ok(())
        })?;
        file.write_all(text)
    }
}

/// What every receiver here puts before a line.
pub fn label(peer: SocketAddr) -> String {
    format!("Message from {peer}: ")
}

/// Where every receiver here writes to.
pub fn nowhere() -> io::Result<File> {
    File::options().write(true).open("/dev/null")
}

/// Cuts what arrived (`None`: the end) where lines end, without a copy unless a line comes in
/// pieces.
pub fn each_line(
    partial: &mut Vec<u8>,
    bytes: Option<&[u8]>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let Some(bytes) = bytes else {
        let last = std::mem::take(partial);
        return if last.is_empty() { Ok(()) } else { each(&last) };
    };
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        if partial.is_empty() {
            each(&bytes[start..end])?;
        } else {
            partial.extend_from_slice(&bytes[start..end]);
            each(partial)?;
            partial.clear();
        }
        start = end + 1;
    }
    partial.extend_from_slice(&bytes[start..]);
    Ok(())
}
