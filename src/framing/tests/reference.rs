//! Cutting as one would explain it: all the input is there, and may be looked at twice. The fuzz
//! target has it, too.

use crate::framing::{Extent, Fault, Framing, Overlong};

/// What comes of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub messages: Vec<(Vec<u8>, Extent)>,
    pub truncated: u64,
    pub dropped: u64,
    pub stray: u64,
    pub fault: Option<Fault>,
    /// The input ended within a message.
    pub is_inside: bool,
}

/// One row for each framing: what it is, examples of it, how to cut by it. A framing without a row
/// does not compile, and a row's examples are what all tests and the fuzz target run.
macro_rules! rows {
    ($cutter:ident, $input:ident; $($framing:pat => [$($example:expr),+], $cut:expr;)+) => {
        /// Examples of all framings, as they are written.
        pub const EXAMPLES: &[&str] = &[$($($example),+),+];

        fn message(framing: &Framing, $cutter: &mut Cutter, $input: &[u8]) -> Used {
            match framing {
                $($framing => $cut,)+
            }
        }
    };
}

rows! { cutter, input;
    Framing::Lines => ["lines"], {
        let strip = |line: &[u8]| usize::from(line.ends_with(b"\r"));
        cutter.ended(input, &[b"\n"], strip, true)
    };
    Framing::Typed => ["typed"],
        cutter.ended(input, &[b"\r\n", b"\r\0", b"\r", b"\n"], |_| 0, true);
    Framing::Nul => ["nul"], cutter.ended(input, &[b"\0"], |_| 0, true);
    Framing::Cr => ["cr"], cutter.ended(input, &[b"\r"], |_| 0, true);
    Framing::Delimited(end) => [
        r"delimited:\r\n", r"delimited:aab", r"delimited:abab", r"delimited:|", r"delimited:\n\n\n"
    ], {
        let end = end.as_bytes();
        cutter.ended(input, &[end], |rest| left_out(rest, end), false)
    };
    Framing::Between { start, end } => [
        "mllp", "stx-etx", r"between:\n,\r", r"between:aab,abab", "between:aa,aa"
    ], cutter.between(input, start.as_bytes(), end.as_bytes());
    Framing::Octet => ["octet"], cutter.octet(input);
    Framing::Length(length) => [
        "len16", "len32", "length:u16le", "length:u32le", "length:ascii4", "length:ascii1",
        "length:u16be+2", "length:u16le+1,inclusive", "length:u16be,keepalive",
        "length:u16be+1,keepalive", "length:ascii2,inclusive,keepalive"
    ], cutter.length(input, &length.to_string());
    Framing::Auto => ["auto"], match count_of(input, cutter.max) {
        Some((width, count)) => cutter.body(&input[width..], count, true, 0)
            .map(|used| width + used),
        None => cutter.line_or_nul(input),
    };
    Framing::Gelf => ["gelf"], cutter.line_or_nul(input);
    Framing::Json => ["json"], cutter.json(input);
    Framing::Pri => ["pri"], cutter.pri(input);
    Framing::Raw => ["raw"], {
        let used = input.len().min(cutter.max);
        cutter.push(&input[..used], Extent::Whole);
        Ok(used)
    };
}

/// All examples.
pub fn examples() -> Vec<Framing> {
    let parsed = EXAMPLES.iter().map(|form| form.parse());
    parsed.collect::<Result<_, _>>().expect("all are framings")
}

/// Whether a message in a row of messages that are encoded is cut as it is.
pub fn comes_back(framing: &Framing, message: &[u8]) -> bool {
    let wire = framing.encode_to_bytes(message).repeat(2);
    let whole = vec![(message.to_vec(), Extent::Whole); 2];
    cut(framing, 512, Overlong::Close, &wire).messages == whole
}

/// For every framing; with raw, of an input that comes at once.
pub fn cut(framing: &Framing, max: usize, overlong: Overlong, input: &[u8]) -> Cut {
    let mut cutter = Cutter {
        max,
        overlong,
        cut: Cut::default(),
    };
    let mut rest = input;
    while !rest.is_empty() {
        match message(framing, &mut cutter, rest) {
            Ok(used) => rest = &rest[used..],
            Err(Stop::Inside) => {
                cutter.cut.is_inside = true;
                break;
            }
            Err(Stop::Between) => break,
            Err(Stop::Fault(fault)) => {
                cutter.cut.fault = Some(fault);
                break;
            }
        }
    }
    cutter.cut
}

/// Bytes used up, with a message or not.
type Used = Result<usize, Stop>;

/// Why there is no next message.
enum Stop {
    Inside,
    /// Nothing was begun.
    Between,
    Fault(Fault),
}

struct Cutter {
    max: usize,
    overlong: Overlong,
    cut: Cut,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8], extent: Extent) {
        self.cut.messages.push((bytes.to_vec(), extent));
    }

    /// A message, unless it is over the bound.
    fn push_bounded(&mut self, bytes: &[u8], extent: Extent) -> Result<(), Stop> {
        if bytes.len() <= self.max {
            self.push(bytes, extent);
            return Ok(());
        }
        match self.overlong {
            Overlong::Close => return Err(Stop::Fault(Fault::Overlong)),
            Overlong::Drop => self.cut.dropped += 1,
            Overlong::Truncate => {
                self.cut.truncated += 1;
                self.push(&bytes[..self.max], Extent::Truncated);
            }
        }
        Ok(())
    }

    /// Up to the first of the ends; `strip` says how many bytes before it are no part. If
    /// `always`, also when it follows, else only when the input ends before.
    fn ended(
        &mut self,
        input: &[u8],
        ends: &[&[u8]],
        strip: impl Fn(&[u8]) -> usize,
        always: bool,
    ) -> Used {
        let found = (0..input.len()).find_map(|at| {
            let end = ends.iter().find(|end| input[at..].starts_with(end))?;
            Some((at, at + end.len()))
        });
        let whole = found.map_or(input, |(at, _)| &input[..at]);
        let is_stripped = always || found.is_none();
        let body = &whole[..whole.len() - if is_stripped { strip(whole) } else { 0 }];
        let extent = found.map_or(Extent::Partial, |_| Extent::Whole);
        self.push_bounded(body, extent)?;
        found.map(|(_, used)| used).ok_or(Stop::Inside)
    }

    fn between(&mut self, input: &[u8], start: &[u8], end: &[u8]) -> Used {
        let Some(at) = (0..input.len()).find(|at| input[*at..].starts_with(start)) else {
            self.cut.stray += input.len() as u64;
            return Err(match begun(input, start) {
                0 => Stop::Between,
                _ => Stop::Inside,
            });
        };
        self.cut.stray += at as u64;
        let body = at + start.len();
        if body == input.len() {
            self.cut.stray += start.len() as u64;
            return Err(Stop::Inside);
        }
        let used = self.ended(&input[body..], &[end], |rest| left_out(rest, end), false)?;
        Ok(body + used)
    }

    /// A line or what a zero byte ends; an empty one is none.
    fn line_or_nul(&mut self, input: &[u8]) -> Used {
        let end = input.iter().position(|byte| matches!(byte, 0 | b'\n'));
        let is_nul = end.is_some_and(|end| input[end] == 0);
        let line = &input[..end.unwrap_or(input.len())];
        let is_returned = !is_nul && line.ends_with(b"\r");
        let line = &line[..line.len() - usize::from(is_returned)];
        let extent = if end.is_some() {
            Extent::Whole
        } else {
            Extent::Partial
        };
        if !line.is_empty() {
            self.push_bounded(line, extent)?;
        }
        end.map(|end| end + 1).ok_or(Stop::Inside)
    }

    fn octet(&mut self, input: &[u8]) -> Used {
        if matches!(input[0], b'\r' | b'\n') {
            return if input.len() > 1 {
                Ok(1)
            } else {
                Err(Stop::Between)
            };
        }
        let digits = input.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let bad = digits == 0 || digits > 10 || input[0] == b'0';
        let separator = input.get(digits);
        if bad || separator.is_some_and(|byte| *byte != b' ') {
            return Err(Stop::Fault(Fault::BadCount));
        }
        let (Some(_), Ok(text)) = (separator, std::str::from_utf8(&input[..digits])) else {
            self.cut.stray += digits as u64;
            return Err(Stop::Inside);
        };
        let count: usize = text.parse().expect("ten digits at most");
        let used = self.body(&input[digits + 1..], count, true, digits + 1)?;
        Ok(digits + 1 + used)
    }

    fn length(&mut self, input: &[u8], form: &str) -> Used {
        let (number, rest) = form.split_once(',').unwrap_or((form, ""));
        let (number, more) = number.split_once('+').unwrap_or((number, "0"));
        let more: usize = more.parse().expect("a number");
        let width = match number {
            "u16be" | "u16le" => 2,
            "u32be" | "u32le" => 4,
            _ => number["ascii".len()..].parse().expect("digits"),
        };
        let header = &input[..input.len().min(width)];
        if number.starts_with("ascii") && !header.iter().all(u8::is_ascii_digit) {
            return Err(Stop::Fault(Fault::BadLength));
        }
        if header.len() < width {
            self.cut.stray += header.len() as u64;
            return Err(Stop::Inside);
        }
        let value = match number {
            _ if number.ends_with("le") => header.iter().rev().fold(0, |v, b| v << 8 | *b as usize),
            _ if number.ends_with("be") => header.iter().fold(0, |v, b| v << 8 | *b as usize),
            _ => header.iter().fold(0, |v, b| v * 10 + usize::from(b - b'0')),
        };
        let has_keepalives = rest.contains("keepalive");
        let body = match rest.contains("inclusive") {
            false => value + more,
            true if value == 0 && has_keepalives => 0,
            true if value < width + more => return Err(Stop::Fault(Fault::BadLength)),
            true => value - width,
        };
        if has_keepalives && body <= more {
            return match input.len() >= width + body {
                true => Ok(width + body),
                false => Err(Stop::Inside),
            };
        }
        let used = self.body(&input[width..], body, false, width)?;
        Ok(width + used)
    }

    /// A message of known length, or what there is of it. With none of it, its header is stray.
    fn body(&mut self, input: &[u8], length: usize, has_newline: bool, header: usize) -> Used {
        let is_cut = length > self.max + if has_newline { 2 } else { 0 };
        if is_cut && self.overlong == Overlong::Close {
            return Err(Stop::Fault(Fault::Overlong));
        }
        if is_cut {
            match input.get(..self.max) {
                _ if self.overlong == Overlong::Drop => self.cut.dropped += 1,
                Some(body) => {
                    self.cut.truncated += 1;
                    self.push(body, Extent::Truncated);
                }
                None if input.is_empty() => self.cut.stray += header as u64,
                None => self.push(input, Extent::Partial),
            }
            return if input.len() < length {
                Err(Stop::Inside)
            } else {
                Ok(length)
            };
        }
        if let Some(body) = input.get(..length) {
            let body = match body {
                [body @ .., b'\r', b'\n'] | [body @ .., b'\n'] if has_newline => body,
                body => body,
            };
            self.push_bounded(body, Extent::Whole)?;
            return Ok(length);
        }
        match input {
            [] => self.cut.stray += header as u64,
            _ => self.push_bounded(input, Extent::Partial)?,
        }
        Err(Stop::Inside)
    }

    fn json(&mut self, input: &[u8]) -> Used {
        let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x1e);
        let between = input.iter().take_while(|byte| is_between(byte)).count();
        if between > 0 {
            return if between < input.len() {
                Ok(between)
            } else {
                Err(Stop::Between)
            };
        }
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let mut end = None;
        if matches!(input[0], b'{' | b'[' | b'"') {
            for (at, byte) in input.iter().enumerate() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_string => escaped = true,
                    b'"' => in_string = !in_string,
                    b'{' | b'[' if !in_string => depth += 1,
                    b'}' | b']' if !in_string => depth -= 1,
                    _ => {}
                }
                if depth == 0 && !in_string {
                    end = Some(at + 1);
                    break;
                }
            }
        } else {
            let ends = |byte: &u8| is_between(byte) || matches!(byte, b'{' | b'[' | b'"');
            end = input.iter().position(ends);
        }
        let extent = if end.is_some() {
            Extent::Whole
        } else {
            Extent::Partial
        };
        self.push_bounded(&input[..end.unwrap_or(input.len())], extent)?;
        end.ok_or(Stop::Inside)
    }

    fn pri(&mut self, input: &[u8]) -> Used {
        let next = (1..input.len()).find(|at| priority(&input[*at..]).is_some());
        let whole = &input[..next.unwrap_or(input.len())];
        let newline = whole.iter().rev().take(2);
        let newline = newline.take_while(|byte| matches!(byte, b'\n' | b'\r' | 0));
        let body = &whole[..whole.len() - newline.count()];
        if !body.is_empty() {
            self.push_bounded(body, Extent::Whole)?;
        }
        next.ok_or(Stop::Inside)
    }
}

/// How many of the last bytes may begin the delimiter.
fn begun(bytes: &[u8], delimiter: &[u8]) -> usize {
    let most = bytes.len().min(delimiter.len() - 1);
    let longest = (1..=most)
        .rev()
        .find(|length| bytes.ends_with(&delimiter[..*length]));
    longest.unwrap_or(0)
}

/// Of that, what no text is.
fn left_out(bytes: &[u8], delimiter: &[u8]) -> usize {
    let begun = begun(bytes, delimiter);
    match delimiter[..begun].iter().all(u8::is_ascii_control) {
        true => begun,
        false => 0,
    }
}

/// Length of the priority at the head.
fn priority(bytes: &[u8]) -> Option<usize> {
    let text = bytes.strip_prefix(b"<")?;
    let end = text.iter().take(4).position(|byte| *byte == b'>')?;
    let text = std::str::from_utf8(&text[..end]).ok()?;
    let number: u16 = text.parse().ok()?;
    (number <= 191 && number.to_string() == text).then_some(end + 2)
}

/// An octet count at the head that can be one: its length with the space, and its value.
fn count_of(input: &[u8], max: usize) -> Option<(usize, usize)> {
    let digits = input
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let text = std::str::from_utf8(&input[..digits]).ok()?;
    let count: usize = text.parse().ok()?;
    let is_count = digits <= 10 && !text.starts_with('0') && count <= max.max(1 << 20);
    let rest = input[digits..].strip_prefix(b" ")?;
    (is_count && priority(rest)? <= count).then_some((digits + 1, count))
}
