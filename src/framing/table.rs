//! What each framing is, one row each: its name, its cutter, its bytes on the wire, and the hints
//! that don't explain why it finds no messages. A new framing is a variant of [`Framing`] and a
//! row.

use std::borrow::Cow;

use super::Framing;
use super::auto::Auto;
use super::between::Between;
use super::counted::{Counted, Header};
use super::delimited::Delimited;
use super::ended::Ended;
use super::hint::Hint;
use super::json::Json;
use super::pri::Pri;
use super::raw::Raw;
use super::store::{Cutter, Found, Store};
use super::typed::Typed;

/// All framings, for errors and the help.
pub(crate) const FORMS: &str = "\
lines, typed, auto, octet, nul, cr, delimited:STRING, between:START,END, mllp, stx-etx, \
length:u16be (u32be, u16le, u32le, ascii4), len16, len32, gelf, json, pri or raw";

macro_rules! framings {
    (
        $message:ident, $wire:ident;
        $($name:ident, $word:literal, $cutter:expr, $around:expr, [$($known:ident),*];)+
        ---
        $($pattern:pat, $form:expr, $its_cutter:expr, $its_around:expr, [$($its_known:ident),*];)+
    ) => {
        /// Framings that are written as a word alone.
        pub(super) const PLAIN: &[Framing] = &[$(Framing::$name),+];

        impl Framing {
            /// As `--framing` takes it.
            pub(super) fn form(&self) -> Cow<'static, str> {
                match self {
                    $(Framing::$name => $word.into(),)+
                    $($pattern => $form.into(),)+
                }
            }

            #[allow(unused_variables, reason = "not all columns need what the pattern binds")]
            pub(super) fn cutter(&self) -> Family {
                match self {
                    $(Framing::$name => $cutter,)+
                    $($pattern => $its_cutter,)+
                }
            }

            #[allow(unused_variables, reason = "not all columns need what the pattern binds")]
            pub(super) fn put(&self, $message: &[u8], $wire: &mut Vec<u8>) {
                let (start, end): (&[u8], &[u8]) = match self {
                    $(Framing::$name => $around,)+
                    $($pattern => $its_around,)+
                };
                $wire.extend_from_slice(start);
                $wire.extend_from_slice($message);
                $wire.extend_from_slice(end);
            }

            /// Whether it accepts what the hint names: then that is not the cause.
            #[allow(unused_variables, reason = "not all columns need what the pattern binds")]
            pub(super) fn accepts(&self, hint: Hint) -> bool {
                let accepted: &[Hint] = match self {
                    $(Framing::$name => &[$(Hint::$known),*],)+
                    $($pattern => &[$(Hint::$its_known),*],)+
                };
                accepted.contains(&hint)
            }
        }
    };
}

// A word, its cutter, what stands before and after a message, the hints that it accepts.
framings! { message, wire;
    Lines, "lines", Family::Ended(Ended::LINES), (b"", b"\n"), [Lines];
    Typed, "typed", Family::Typed(Typed::default()), (b"", b"\n"), [Telnet];
    Auto, "auto", Family::Auto(Auto::AUTO), (b"", b"\n"), [Lines, Nul, Gelf, Octet];
    Octet, "octet", counted(Header::Octet), return octet(message, wire), [Octet];
    Nul, "nul", Family::Ended(Ended::by(0)), (b"", b"\0"), [Nul, Gelf];
    Cr, "cr", Family::Ended(Ended::by(b'\r')), (b"", b"\r"), [Cr];
    Gelf, "gelf", Family::Auto(Auto::GELF), (b"", b"\0"), [Lines, Nul, Gelf];
    Json, "json", Family::Json(Json::default()), (b"", b""), [Json, Gelf];
    Pri, "pri", Family::Pri(Pri::default()), (b"", b""), [Pri, Lines, Nul];
    Raw, "raw", Family::Raw(Raw), (b"", b""), [];
    ---
    Framing::Delimited(end), format!("delimited:{end}"),
        Family::Delimited(Delimited::new(end)), (b"", end.as_bytes()), [];
    Framing::Between { start, end }, format!("between:{start},{end}"),
        Family::Between(Between::new(start, end)), (start.as_bytes(), end.as_bytes()),
        [Mllp, StxEtx];
    Framing::Length(length), format!("length:{length}"),
        counted(Header::Length(*length)), return length.encode(message, wire), [Len16, Len32];
}

/// In a box, because its state would be the largest.
fn counted(header: Header) -> Family {
    Family::Counted(Box::new(Counted::new(header)))
}

/// RFC 6587 has no count of zero, so an empty message is left out.
fn octet(message: &[u8], wire: &mut Vec<u8>) {
    if !message.is_empty() {
        wire.extend_from_slice(message.len().to_string().as_bytes());
        wire.push(b' ');
        wire.extend_from_slice(message);
    }
}

macro_rules! families {
    ($($name:ident($cutter:ty)),+) => {
        /// The cutters.
        #[derive(Debug)]
        pub(super) enum Family {
            $($name($cutter)),+
        }

        impl Cutter for Family {
            fn step(&mut self, store: &mut Store, piece: &[u8]) -> Found {
                match self { $(Family::$name(cutter) => cutter.step(store, piece)),+ }
            }

            fn tail(&self, gathered: &[u8]) -> usize {
                match self { $(Family::$name(cutter) => cutter.tail(gathered)),+ }
            }

            fn is_inside(&self) -> bool {
                match self { $(Family::$name(cutter) => cutter.is_inside()),+ }
            }

            fn skips_empty(&self) -> bool {
                match self { $(Family::$name(cutter) => cutter.skips_empty()),+ }
            }

            fn marks(&self) -> Vec<u64> {
                match self { $(Family::$name(cutter) => cutter.marks()),+ }
            }

            fn resume(&mut self, marks: &[u64], store: &Store) -> Option<()> {
                match self { $(Family::$name(cutter) => cutter.resume(marks, store)),+ }
            }

            fn reset(&mut self, is_begun: bool) -> u64 {
                match self { $(Family::$name(cutter) => cutter.reset(is_begun)),+ }
            }
        }
    };
}

families! {
    Ended(Ended), Typed(Typed), Delimited(Delimited), Between(Between), Counted(Box<Counted>),
    Auto(Auto), Json(Json), Pri(Pri), Raw(Raw)
}
