//! Parsers of option values: sizes, rates, times and limits that can be `off`.

use std::time::Duration;

use clap::builder::BoolishValueParser;

use crate::limits::times::Rate;

/// The syntax of values, for the end of the help.
pub(super) const VALUES: &str = "\
SIZE is in bytes, or with a suffix: 64k, 1m, 1g (1k is 1024). TIME is 500ms, 8s, 2m or 1h 30m.";

/// Digits that always fit 64 bits.
const SIZE_DIGITS_MAX: usize = 19;
/// Digits whose seconds always fit 64 bits, even if the unit is a year.
const TIME_DIGITS_MAX: usize = 11;

/// A limit that can be `off`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MaybeRate(pub(super) Option<Rate>);

/// A limit that can be `off`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MaybeDuration(pub(super) Option<Duration>);

/// A [`time`], or `off`.
pub(super) fn duration_or_off(text: &str) -> Result<MaybeDuration, String> {
    if text == "off" {
        return Ok(MaybeDuration(None));
    }
    time(text).map(Some).map(MaybeDuration)
}

/// Values of a flag's environment variable: `1`, `true`, `yes`, `on` and their opposites.
pub(super) fn yes_or_no() -> BoolishValueParser {
    BoolishValueParser::new()
}

/// A time as `90s` or `2m 3s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    // The parser's sum overflows a little below the end of 64 bits of seconds.
    if digits(text) > TIME_DIGITS_MAX {
        return Err("too long".to_owned());
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// `off`, or `MESSAGES[:BURST],BYTES[:BURST]`.
pub(super) fn rate(text: &str) -> Result<MaybeRate, String> {
    if text == "off" {
        return Ok(MaybeRate(None));
    }
    let shape = || "write MESSAGES,BYTES as 10:100,16k:32k, or off".to_owned();
    let (messages, bytes) = text.split_once(',').ok_or_else(shape)?;
    let with_burst = |part: &str| {
        let (each, burst) = part.split_once(':').unwrap_or((part, part));
        Ok::<_, String>((per_second(each)?, per_second(burst)?))
    };
    let (messages, messages_burst) = with_burst(messages)?;
    let (bytes, bytes_burst) = with_burst(bytes)?;
    Ok(MaybeRate(Some(Rate {
        messages,
        messages_burst,
        bytes,
        bytes_burst,
    })))
}

/// A size that fits a rate.
pub(super) fn per_second(text: &str) -> Result<u32, String> {
    u32::try_from(size(text)?).map_err(|_| "too large".to_owned())
}

/// Suffixes are binary, as usual for buffers: `64k` is 65536 bytes.
pub(super) fn size(text: &str) -> Result<usize, String> {
    // The parser rounds a value with too many digits, and overflows if it rounds up.
    if digits(text) > SIZE_DIGITS_MAX {
        return Err("too large".to_owned());
    }
    let parsed = parse_size::Config::new().with_binary().parse_size(text);
    let bytes = parsed.map_err(|_| "write a size as 512, 64k or 1m".to_owned())?;
    usize::try_from(bytes).map_err(|_| "too large".to_owned())
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size("64k"), Ok(65536));
        assert_eq!(size("512"), Ok(512));
        assert!(size("many").is_err());
    }

    #[test]
    fn no_number_of_digits_is_too_much() {
        assert_eq!(size("1234567890123456789"), Ok(1_234_567_890_123_456_789));
        for wrong in [
            "184467440737095516156",
            "1844674407370955161.56",
            "99999999999999999999",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_time_is_too_long() {
        assert_eq!(time("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(time("99999999999y").is_ok());
        assert!(time("18446744073709551615s 1000000000ns").is_err());
        assert!(duration_or_off("584554049253y 31557599s 1000000000ns").is_err());
    }

    #[test]
    fn rates_have_bursts_or_not() {
        let parsed = rate("10:100,16k").expect("valid").0.expect("not off");
        assert_eq!((parsed.messages, parsed.messages_burst), (10, 100));
        assert_eq!((parsed.bytes, parsed.bytes_burst), (16384, 16384));
        assert_eq!(rate("off"), Ok(MaybeRate(None)));
        for wrong in ["", "10", "a,b", "1:2:3,4", "10,16k,"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
