//! A thread for each source: opens it, reads, cuts messages, publishes; and again when it is lost,
//! with growing pauses. It ends when the drain begins.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use tracing::{info, warn};

use super::open::{Followed, Input, Place, open_source};
use super::spec::Spec;
use super::writer::Writer;
use crate::connection::gate::Inside;
use crate::framing::{Decoder, Extent, Framing, Overlong};
use crate::net::ready::{is_readable, wait};
use crate::series::Series;
use crate::service::hub::Source;

/// The first pause; each that follows is twice as long.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// A source that was open for so long begins with the first pause again.
const STEADY: Duration = Duration::from_secs(5);
/// Between two looks at a file that is followed.
const FOLLOW: Duration = Duration::from_millis(100);
/// For a slow reader that all wait for.
const FULL: Duration = Duration::from_millis(2);
/// For the predecessor in a take-over.
const LET_GO_MAX: Duration = Duration::from_secs(3);
const READ_MAX: usize = 64 * 1024;

/// How streams are cut.
#[derive(Clone)]
pub(super) struct Cutting {
    pub(super) framing: Framing,
    pub(super) message_max: usize,
    pub(super) overlong: Overlong,
}

/// One source's thread.
pub(super) struct Feed {
    pub(super) spec: Spec,
    pub(super) source: Arc<Source>,
    pub(super) cutting: Cutting,
    pub(super) retry_max: Duration,
    /// Whether it gets what clients send.
    pub(super) write_back: bool,
    /// At its end when the predecessor has let go of the source.
    pub(super) predecessor: Option<Arc<OwnedFd>>,
    /// At its end when the drain begins.
    pub(super) stop: PipeReader,
}

/// What there is to do.
#[derive(PartialEq, Eq)]
enum Wake {
    Read,
    Write,
    /// The source has been silent for so long that its message is over.
    Silence,
    Drain,
}

/// Why reading has ended.
pub(super) enum End {
    Drained,
    /// The source has ended or failed.
    Lost(String),
}

impl Feed {
    /// Until the drain begins, or the standard input ends.
    pub(super) fn run(self) {
        self.await_predecessor();
        let mut losses = Series::new();
        let (mut is_first, mut is_told, mut pause) = (true, true, RETRY_MIN);
        let mut writer = self.writer();
        let mut stream = self.stream();
        loop {
            let begun = Instant::now();
            let former = self.source.place().filter(|_| is_first);
            let ended = match &mut stream {
                Some(stream) => stream.open().map(|()| {
                    self.begin(&mut is_told, None);
                    self.follow(stream)
                }),
                None => {
                    let opened = open_source(&self.spec, is_first, former, writer.is_some());
                    opened.map(|mut input| {
                        self.begin(&mut is_told, writer.as_mut());
                        self.read(&mut input, writer.as_mut())
                    })
                }
            };
            let why = match ended {
                Ok(end) => {
                    is_first = false;
                    self.source.lost();
                    match end {
                        End::Drained => return,
                        End::Lost(why) => why,
                    }
                }
                Err(error) => error.to_string(),
            };
            if self.spec == Spec::Stdin {
                info!("the standard input has ended");
                return;
            }
            if begun.elapsed() >= STEADY {
                pause = RETRY_MIN;
            }
            pause = pause.min(self.retry_max);
            let now = Instant::now();
            if let Some(told) = losses.happened(why.clone(), now) {
                is_told = true;
                let (source, earlier) = (self.source.name(), told.earlier());
                warn!(
                    source,
                    reason = why,
                    earlier,
                    "the source is lost; trying again"
                );
            }
            if self.waits(pause).is_none() {
                return;
            }
            pause *= 2;
        }
    }

    /// It is open.
    fn begin(&self, is_told: &mut bool, writer: Option<&mut Writer>) {
        self.source.connected();
        writer.into_iter().for_each(Writer::begin);
        // From this line on, what clients send is kept for it.
        if std::mem::take(is_told) {
            info!(source = self.source.name(), "the source is connected");
        }
    }

    /// Two that read one device would each get a part of what it sends.
    fn await_predecessor(&self) {
        let predecessor = self.predecessor.as_ref();
        if predecessor.is_some_and(|held| !is_readable(held, LET_GO_MAX)) {
            let source = self.source.name();
            warn!(source, "the poold before has not let go of the source");
        }
    }

    /// Of a source that gets what clients send.
    fn writer(&self) -> Option<Writer> {
        // A stream is written to by a thread of its own.
        let is_stream = matches!(self.spec, Spec::Stream(_));
        let wanted = self.write_back && self.spec.takes_messages() && !is_stream;
        let writer = wanted.then(|| Writer::new(&self.source));
        writer?
            .inspect_err(|error| warn!(%error, "the source is not written to"))
            .ok()
    }

    fn read(&self, input: &mut Input, writer: Option<&mut Writer>) -> End {
        let Cutting {
            framing,
            message_max,
            overlong,
        } = &self.cutting;
        let mut decoder = Decoder::new(framing, *message_max, *overlong);
        let end = self.read_into(&mut decoder, input, writer);
        // What silence would end is whole.
        if matches!(end, End::Drained)
            && decoder.silence().is_some()
            && let Some(message) = decoder.finish()
        {
            self.source.publish([message.bytes]);
        }
        // What is left of a file is read again.
        let is_begun = !decoder.begun().is_empty() && input.followed.is_none();
        let is_lost = is_begun || decoder.fault().is_some();
        self.count(&mut decoder, 0, u64::from(is_lost));
        end
    }

    fn read_into(
        &self,
        decoder: &mut Decoder,
        input: &mut Input,
        mut writer: Option<&mut Writer>,
    ) -> End {
        let mut place = input.followed.as_ref().map(Followed::place);
        self.source.set_place(place.as_ref().map(Place::published));
        let (mut buffer, mut heard) = (vec![0; READ_MAX], Instant::now());
        loop {
            let silent_at = decoder.silence().map(|silence| heard + silence);
            let wake = self.write_and_await(input, writer.as_deref_mut(), silent_at);
            if wake == Wake::Drain {
                return End::Drained;
            }
            let Some(inside) = self.enter() else {
                return End::Drained;
            };
            if wake == Wake::Silence {
                self.publish_last(decoder);
                continue;
            }
            match rustix::io::read(&input.from, &mut buffer[..]) {
                Ok(0) => match &input.followed {
                    Some(file) if file.is_replaced(&input.from) => {
                        return self.finish(decoder, "the file was replaced");
                    }
                    Some(_) => {
                        if silent_at.is_some_and(|at| at <= Instant::now()) {
                            self.publish_last(decoder);
                            self.advance(&mut place, 0, Some(0));
                        }
                        drop(inside);
                        if self.waits(FOLLOW).is_none() {
                            return End::Drained;
                        }
                    }
                    None => return self.finish(decoder, "it has ended"),
                },
                Ok(length) => {
                    heard = Instant::now();
                    let cut = self.publish(decoder, &buffer[..length]);
                    self.advance(&mut place, length, cut);
                    if let Some(fault) = decoder.fault() {
                        return End::Lost(fault.to_string());
                    }
                }
                Err(error) if is_passing(error) => {}
                Err(error) => return End::Lost(io::Error::from(error).to_string()),
            }
        }
    }

    /// So much more of a followed file is read, and published up to this end.
    fn advance(&self, place: &mut Option<Place>, length: usize, end: Option<usize>) {
        if let Some(place) = place {
            place.advance(length, end);
            self.source.set_place(Some(place.published()));
        }
    }

    /// Waits until something may be published. `None`: the drain has begun.
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        loop {
            match self.source.enter() {
                Some(inside) => return Some(inside),
                None => self.waits(FULL)?,
            }
        }
    }

    /// Waits until there is something to do beside writing.
    fn write_and_await(
        &self,
        input: &mut Input,
        mut writer: Option<&mut Writer>,
        silent_at: Option<Instant>,
    ) -> Wake {
        loop {
            let wake = self.awaits(input, writer.as_deref(), silent_at);
            if matches!(wake, Wake::Write | Wake::Drain) {
                self.write(input, writer.as_deref_mut());
            }
            if wake != Wake::Write {
                return wake;
            }
        }
    }

    /// Writes what the source takes; one that takes nothing more may still be read.
    fn write(&self, input: &mut Input, writer: Option<&mut Writer>) {
        let (Some(writer), Some(to)) = (writer, &input.to) else {
            return;
        };
        if let Err(error) = writer.write(&self.source, to) {
            // Its own end comes by reading.
            input.to = None;
            if let Some(told) = writer.refused(&error) {
                let (source, earlier) = (self.source.name(), told.earlier());
                warn!(source, %error, earlier, "the source takes nothing more");
            }
        }
    }

    /// Answers where the last message of the piece ends, if one does.
    fn publish(&self, decoder: &mut Decoder, piece: &[u8]) -> Option<usize> {
        self.source.heard(piece.len());
        let mut batch = self.source.batch();
        let (mut at, mut end) = (0, None);
        loop {
            let (used, message) = decoder.next(&piece[at..]);
            at += used;
            let Some(message) = message else { break };
            batch.add(message);
            end = Some(at);
        }
        batch.publish();
        self.count(decoder, 0, 0);
        end
    }

    /// Counts messages that were cut or dropped, those that the decoder knows of and others.
    fn count(&self, decoder: &mut Decoder, partial: u64, lost: u64) {
        let (truncated, dropped, stray) = decoder.take_counts();
        self.source
            .missed([truncated + partial, dropped + lost, stray]);
    }

    /// It has ended: what it has begun is its last message.
    fn finish(&self, decoder: &mut Decoder, why: &str) -> End {
        self.publish_last(decoder);
        End::Lost(why.to_owned())
    }

    /// The message under way is over.
    fn publish_last(&self, decoder: &mut Decoder) {
        if let Some(message) = decoder.finish() {
            let is_partial = message.extent == Extent::Partial;
            let mut batch = self.source.batch();
            batch.add(message);
            batch.publish();
            self.count(decoder, u64::from(is_partial), 0);
        }
    }

    /// Waits until there is something to do, or until this time.
    fn awaits(&self, input: &Input, writer: Option<&Writer>, silent_at: Option<Instant>) -> Wake {
        // A file is always readable, also at its end.
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN),
            PollFd::new(&input.from, PollFlags::IN),
        ];
        if let (Some(writer), Some(to)) = (writer, &input.to) {
            fds.extend(writer.poll_fds(to));
        }
        loop {
            let now = Instant::now();
            let most = silent_at.map(|at| at.saturating_duration_since(now));
            let polled = wait(&mut fds, most);
            let is_ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
            match polled {
                Ok(_) if is_ready(0) => return Wake::Drain,
                Ok(_) if is_ready(2) => return Wake::Write,
                Ok(_) if is_ready(1) => return Wake::Read,
                Ok(_) if is_ready(3) => return Wake::Write,
                Ok(0) if silent_at.is_some_and(|at| at <= now) => return Wake::Silence,
                // An interrupted wait.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Waits for so long. `None`: the drain has begun.
    pub(super) fn waits(&self, most: Duration) -> Option<()> {
        // An interrupted wait ends early, and its caller looks again.
        (!is_readable(&self.stop, most)).then_some(())
    }
}

fn is_passing(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    error == Errno::INTR || error == Errno::AGAIN
}
