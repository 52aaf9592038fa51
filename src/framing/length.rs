//! A length of fixed width before each message.

use std::fmt;

use super::Fault;
use super::problem::FramingError;

/// Maximum bytes of a header after its length.
const MORE_MAX: u16 = 1024;
/// Maximum digits of a length.
const DIGITS_MAX: u8 = 10;

/// The form of the length before a message, and what it counts.
///
/// ```
/// use poold::{Framing, Length};
///
/// let framing = Framing::Length(Length::U16_LE.inclusive());
/// assert_eq!(framing.to_string(), "length:u16le,inclusive");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    width: Width,
    more: u16,
    is_inclusive: bool,
    has_keepalives: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Big(u8),
    Little(u8),
    Digits(u8),
}

impl Length {
    /// Two bytes, big-endian.
    pub const U16_BE: Length = Length::of(Width::Big(2));
    /// Four bytes, big-endian.
    pub const U32_BE: Length = Length::of(Width::Big(4));
    /// Two bytes, little-endian.
    pub const U16_LE: Length = Length::of(Width::Little(2));
    /// Four bytes, little-endian.
    pub const U32_LE: Length = Length::of(Width::Little(4));

    const fn of(width: Width) -> Length {
        Length {
            width,
            more: 0,
            is_inclusive: false,
            has_keepalives: false,
        }
    }

    /// A length of this many decimal digits, with leading zeros.
    ///
    /// # Errors
    /// The number of digits is 0 or above 10.
    pub fn ascii(digits: u8) -> Result<Length, FramingError> {
        if (1..=DIGITS_MAX).contains(&digits) {
            return Ok(Length::of(Width::Digits(digits)));
        }
        let problem = format!("a length of {digits} digits; write ascii1 to ascii{DIGITS_MAX}");
        Err(FramingError::new(problem))
    }

    /// This many bytes of the header follow the length, which does not count them. They are
    /// delivered as the beginning of the message.
    ///
    /// # Errors
    /// The number of bytes is above 1024.
    pub fn followed_by(self, more: u16) -> Result<Length, FramingError> {
        if more > MORE_MAX {
            let problem = format!("a header of {more} bytes behind the length; at most {MORE_MAX}");
            return Err(FramingError::new(problem));
        }
        Ok(Length { more, ..self })
    }

    /// The length counts the whole header as well as the message.
    pub fn inclusive(self) -> Length {
        let is_inclusive = true;
        Length {
            is_inclusive,
            ..self
        }
    }

    /// A frame without a message is a heartbeat, and is not delivered.
    pub fn with_keepalives(self) -> Length {
        let has_keepalives = true;
        Length {
            has_keepalives,
            ..self
        }
    }

    /// In bytes.
    pub(super) fn width(&self) -> usize {
        let (Width::Big(width) | Width::Little(width) | Width::Digits(width)) = self.width;
        width.into()
    }

    /// The value with byte number `at` added.
    pub(super) fn read(&self, value: u64, at: u8, byte: u8) -> Result<u64, Fault> {
        Ok(match self.width {
            Width::Big(_) => value << 8 | u64::from(byte),
            Width::Little(_) => value | u64::from(byte) << (8 * at),
            Width::Digits(_) if byte.is_ascii_digit() => value * 10 + u64::from(byte - b'0'),
            Width::Digits(_) => return Err(Fault::BadLength),
        })
    }

    /// What the value of so many bytes is below.
    pub(super) fn value_max(&self, bytes: u8) -> Option<u64> {
        match self.width {
            Width::Big(_) | Width::Little(_) => 256_u64.checked_pow(bytes.into()),
            Width::Digits(_) => 10_u64.checked_pow(bytes.into()),
        }
    }

    /// Bytes that follow the length.
    pub(super) fn body(&self, value: u64) -> Result<u64, Fault> {
        if !self.is_inclusive {
            return Ok(value + u64::from(self.more));
        }
        if value == 0 && self.has_keepalives {
            return Ok(0);
        }
        let body = value.checked_sub(self.width() as u64);
        body.filter(|body| *body >= self.more.into())
            .ok_or(Fault::BadLength)
    }

    /// Whether a frame with so many bytes after the length is a heartbeat.
    pub(super) fn is_keepalive(&self, body: u64) -> bool {
        self.has_keepalives && body <= self.more.into()
    }

    /// Appends the message with its length. A message too long for the width is cut; a message
    /// shorter than the rest of the header is left out.
    pub(super) fn encode(&self, message: &[u8], wire: &mut Vec<u8>) {
        let most = match self.width {
            Width::Big(width) | Width::Little(width) => (1_u64 << (8 * width)) - 1,
            Width::Digits(digits) => 10_u64.pow(digits.into()) - 1,
        };
        let (width, more) = (self.width() as u64, u64::from(self.more));
        // The difference between the value and the number of bytes after the length.
        let value = |body: u64| {
            if self.is_inclusive {
                body.checked_add(width)
            } else {
                body.checked_sub(more)
            }
        };
        let longest = if self.is_inclusive {
            most.saturating_sub(width)
        } else {
            most + more
        };
        let body = longest.min(message.len() as u64);
        let Some(value) = value(body).filter(|value| body >= more && *value <= most) else {
            return;
        };
        match self.width {
            Width::Big(width) => wire.extend(&value.to_be_bytes()[8 - usize::from(width)..]),
            Width::Little(width) => wire.extend(&value.to_le_bytes()[..width.into()]),
            Width::Digits(digits) => {
                let digits = usize::from(digits);
                wire.extend_from_slice(format!("{value:0digits$}").as_bytes());
            }
        }
        wire.extend_from_slice(&message[..body as usize]);
    }
}

/// As `--framing` writes it behind `length:`.
impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.width {
            Width::Big(width) => write!(out, "u{}be", 8 * width)?,
            Width::Little(width) => write!(out, "u{}le", 8 * width)?,
            Width::Digits(digits) => write!(out, "ascii{digits}")?,
        }
        if self.more > 0 {
            write!(out, "+{}", self.more)?;
        }
        if self.is_inclusive {
            out.write_str(",inclusive")?;
        }
        if self.has_keepalives {
            out.write_str(",keepalive")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Length {
    type Err = FramingError;

    fn from_str(text: &str) -> Result<Length, FramingError> {
        let wrong = || {
            FramingError::new(format!(
                "\"length:{text}\"; write u16be, u32be, u16le, u32le or ascii4, then +N for bytes \
                 of the header behind the length, ,inclusive and ,keepalive"
            ))
        };
        let mut words = text.split([',', ' ']);
        let first = words.next().unwrap_or_default();
        let (width, more) = first.split_once('+').unwrap_or((first, "0"));
        let mut length = match width {
            "u16be" => Length::U16_BE,
            "u32be" => Length::U32_BE,
            "u16le" => Length::U16_LE,
            "u32le" => Length::U32_LE,
            _ => {
                let digits = width.strip_prefix("ascii").ok_or_else(wrong)?;
                Length::ascii(digits.parse().map_err(|_| wrong())?)?
            }
        };
        length = length.followed_by(more.parse().map_err(|_| wrong())?)?;
        for word in words {
            length = match word {
                "inclusive" => length.inclusive(),
                "keepalive" => length.with_keepalives(),
                _ => return Err(wrong()),
            };
        }
        Ok(length)
    }
}
