//! A hub's state to and from the form in which another process gets it.
//!
//! ```text
//! what clients have in common: "poold hub 1\n",   a reader: "poold reader 1\n",
//! then fields, as in a connection's state         then fields, each but the last at most once
//!
//! 0001 counts  published, filtered, ignored,      8001 framing  text: what it is sent is in it
//!              given, dropped                     0002 losses   dropped, of them not told yet,
//! 0002 view    text: the framing of a port                      1 if the log has told of it
//! 0003 kept    ms since, then a message: the      0003 late     ms since it keeps up no more
//!              last ones of the view before       8004 waits    messages, then their bytes
//! 0004 source  messages, bytes, losses, gap in ms, written, unwritten; then its name
//! 0005 place   device, inode, position: how far the followed file of the source before is read
//! 0006 faults  messages of the source before that were cut, those dropped, and stray bytes
//! 0007 open    JSON values that were cut
//! ```
//!
//! The gate is shut while this is written, so no message is under way.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::batch::Chunk;
use super::entry::Former;
use super::reader::Reader;
use super::recent::Recent;
use super::settings::HubSettings;
use super::state::HubState;
use crate::connection::carried::fields::{FieldWriter, Fields, numbers};
use crate::connection::client::Client;

const SHARED_HEAD: &[u8] = b"poold hub 1\n";
const READER_HEAD: &[u8] = b"poold reader 1\n";
/// How long a turn or a source may take to publish what it has.
const PUBLISHED_WITHIN: Duration = Duration::from_millis(500);

/// Maximum bytes of the last messages of all views; of more, the newest.
const KEPT_MAX: usize = 8 * 1024 * 1024;

const COUNTS: u16 = 1;
const VIEW: u16 = 2;
const KEPT: u16 = 3;
const SOURCE: u16 = 4;
const PLACE: u16 = 5;
const FAULTS: u16 = 6;
const OPEN: u16 = 7;

const FRAMING: u16 = 0x8001;
const LOSSES: u16 = 2;
const LATE: u16 = 3;
const WAITS: u16 = 0x8004;

impl HubState {
    /// Shuts the gate, and writes down what clients have in common.
    pub(super) fn write_shared(&self, written: &mut Vec<u8>) -> bool {
        if !self.gate.shut(PUBLISHED_WITHIN) {
            return false;
        }
        let mut out = FieldWriter::after(SHARED_HEAD);
        out.numbers(COUNTS, &self.counts.all());
        out.numbers(OPEN, &[self.counts.open.load(Ordering::Relaxed)]);
        let now = Instant::now();
        {
            let readers = self.readers.lock();
            for (view, last) in self.views().iter().zip(readers.last()) {
                out.bytes(VIEW, view.settings.framing.to_string().as_bytes());
                let (count, fits) = last.newest(KEPT_MAX / self.views().len());
                for (at, message) in last.kept().skip(count - fits) {
                    let ms = now.saturating_duration_since(at).as_millis() as u64;
                    out.bytes(KEPT, &[&ms.to_le_bytes(), &message[..]].concat());
                }
            }
        }
        for source in self.sources.lock().iter() {
            let (counts, place) = source.to_former();
            out.bytes(SOURCE, &with_numbers(&counts, source.name().as_bytes()));
            if let Some(place) = place {
                out.numbers(PLACE, &place);
            }
            out.numbers(FAULTS, &source.faults());
        }
        *written = out.finish();
        true
    }

    pub(super) fn read_shared(&self, written: &[u8]) -> Option<()> {
        let (mut counts, mut open) = ([0; 5], 0);
        let mut last: Vec<Recent> = Vec::new();
        last.resize_with(self.views().len(), Recent::default);
        let (mut next, mut view) = (0, None);
        let mut sources: FxHashMap<String, Former> = FxHashMap::default();
        let mut source = None;
        let now = Instant::now();
        for field in Fields(written.strip_prefix(SHARED_HEAD)?) {
            let (field, value) = field?;
            match field {
                COUNTS => counts = numbers(value)?,
                OPEN => [open] = numbers(value)?,
                VIEW => {
                    let framing = str::from_utf8(value).ok()?;
                    let is_same = |at: &usize| {
                        let view = self.views().get(*at);
                        view.is_some_and(|view| view.settings.framing.to_string() == framing)
                    };
                    // What another framing has kept is of no use.
                    view = Some(next).filter(is_same);
                    next += 1;
                }
                KEPT => {
                    let (ms, message) = value.split_first_chunk()?;
                    let age = Duration::from_millis(u64::from_le_bytes(*ms));
                    if let Some(at) = view {
                        let settings = &self.views()[at].settings;
                        let since = now.checked_sub(age).unwrap_or(now);
                        last[at].keep(settings, since, Bytes::copy_from_slice(message));
                    }
                }
                SOURCE => {
                    let (counts, name) = numbers_before(value)?;
                    let name = str::from_utf8(name).ok()?.to_owned();
                    sources.insert(name.clone(), Former::new(counts));
                    source = Some(name);
                }
                PLACE => {
                    let source = sources.get_mut(source.as_ref()?)?;
                    source.place = Some(numbers(value)?);
                }
                FAULTS => {
                    let source = sources.get_mut(source.as_ref()?)?;
                    source.set_faults(numbers(value)?);
                }
                0x8000.. => return None,
                _ => {}
            }
        }
        self.counts.set(counts);
        self.counts.open.store(open, Ordering::Relaxed);
        self.readers.lock().set_last(last);
        *self.former.lock() = sources;
        Some(())
    }

    /// Writes a reader down; `None` if the gate is open, or it is none.
    pub(super) fn write_reader(&self, id: u64) -> Option<Vec<u8>> {
        if !self.gate.is_shut() {
            return None;
        }
        let readers = self.readers.lock();
        let reader = readers.find(id)?;
        let framing = &self.views()[reader.view].settings.framing;
        let mut out = FieldWriter::after(READER_HEAD);
        out.bytes(FRAMING, framing.to_string().as_bytes());
        if let Some(losses) = reader.losses() {
            out.numbers(LOSSES, &losses);
        }
        if reader.is_late() {
            let ms = reader.late_for(Instant::now()).as_millis() as u64;
            out.numbers(LATE, &[ms]);
        }
        for chunk in reader.waiting() {
            out.bytes(WAITS, &with_numbers(&[chunk.messages], &chunk.bytes));
        }
        Some(out.finish())
    }

    /// A reader that another process has written down.
    pub(super) fn read_reader(&self, client: &Client, written: &[u8]) -> Option<()> {
        let view = self.view_of(client);
        let reader = parse(client, view, &self.views()[view].settings, written)?;
        self.with_readers(|readers, _| readers.insert(reader));
        Some(())
    }
}

fn parse(client: &Client, view: usize, settings: &HubSettings, written: &[u8]) -> Option<Reader> {
    let mut reader = Reader::new(client, view);
    let mut is_framed = false;
    for field in Fields(written.strip_prefix(READER_HEAD)?) {
        let (field, value) = field?;
        match field {
            FRAMING => is_framed = value == settings.framing.to_string().as_bytes(),
            LOSSES => reader.set_losses(numbers(value)?),
            LATE => {
                let [ms] = numbers(value)?;
                let now = Instant::now();
                let since = now.checked_sub(Duration::from_millis(ms));
                reader.set_late(since.unwrap_or(now));
            }
            WAITS => {
                let ([messages], bytes) = numbers_before(value)?;
                let bytes = Bytes::copy_from_slice(bytes);
                // What is added up must not overflow.
                let messages = messages.min(u32::MAX.into());
                reader.queue(Chunk { bytes, messages });
            }
            0x8000.. => return None,
            _ => {}
        }
    }
    is_framed.then_some(reader)
}

fn with_numbers(counts: &[u64], rest: &[u8]) -> Vec<u8> {
    let counts = counts.iter().flat_map(|count| count.to_le_bytes());
    counts.chain(rest.iter().copied()).collect()
}

fn numbers_before<const COUNT: usize>(value: &[u8]) -> Option<([u64; COUNT], &[u8])> {
    let (counts, rest) = value.split_at_checked(8 * COUNT)?;
    Some((numbers(counts)?, rest))
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connection::carried::changed::changed;
    use crate::connection::tests::connection;
    use crate::service::hub::{Hub, Last};

    fn hub() -> Hub {
        Hub::new(HubSettings {
            last: Last::Count(3),
            ..HubSettings::default()
        })
    }

    fn written() -> Vec<u8> {
        let hub = hub();
        let source = hub.source("file:/x");
        source.set_place(Some([1, 2, 3]));
        source.publish([&b"one"[..], b"two"]);
        source.missed([4, 5, 6]);
        let mut written = Vec::new();
        assert!(hub.0.write_shared(&mut written));
        written
    }

    #[test]
    fn what_is_written_is_read_back() {
        let hub = hub();
        assert!(hub.0.read_shared(&written()).is_some());
        let source = hub.source("file:/x");
        assert_eq!(source.place(), Some([1, 2, 3]));
        let info = &hub.sources()[0];
        assert_eq!(info.messages, 2);
        assert_eq!([info.cut, info.dropped, info.stray_bytes], [4, 5, 6]);
        assert_eq!(hub.stats().published, 2);
        let readers = hub.0.readers.lock();
        let kept: Vec<_> = readers.last()[0].kept().map(|(_, one)| &one[..]).collect();
        assert_eq!(kept, [&b"one\n"[..], b"two\n"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, seed: u64) {
            let _ = hub().0.read_shared(&[SHARED_HEAD, &bytes].concat());
            let hub = hub();
            if hub.0.read_shared(&changed(&written(), seed)).is_some() {
                let source = hub.source("file:/x");
                source.publish([&b"three"[..]]);
                drop(source);
                hub.sources();
                hub.stats();
                assert!(hub.0.write_shared(&mut Vec::new()));
            }
        }

        #[test]
        fn no_reader_makes_it_panic(bytes: Vec<u8>, seed: u64) {
            let (connection, _other) = connection();
            let client = Client::new(&connection);
            let settings = HubSettings::default();
            let _ = parse(&client, 0, &settings, &[READER_HEAD, &bytes].concat());
            let mut out = FieldWriter::after(READER_HEAD);
            out.bytes(FRAMING, settings.framing.to_string().as_bytes());
            out.numbers(LOSSES, &[3, 2, 1]);
            out.numbers(LATE, &[5]);
            out.bytes(WAITS, &with_numbers(&[1], b"four\n"));
            let hub = hub();
            let reader = parse(&client, 0, &settings, &changed(&out.finish(), seed));
            if let Some(reader) = reader {
                hub.0.with_readers(|readers, _| readers.insert(reader));
                hub.publish([&b"five"[..]]);
                assert!(hub.0.gate.shut(PUBLISHED_WITHIN));
                assert!(hub.0.write_reader(client.id()).is_some());
            }
        }
    }
}
