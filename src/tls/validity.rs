//! When a certificate is valid. poold shows it also when it is not, and clients refuse it then: so
//! the log says it before.

use rustls::pki_types::{CertificateDer, UnixTime};
use yasna::tags::TAG_UTCTIME;
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag};

const DAY: i64 = 24 * 60 * 60;
/// From so many days before the end on the log warns.
const WARN_DAYS: i64 = 14;

/// From and until when it is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    from: i64,
    pub(super) until: i64,
}

impl Validity {
    /// Of a certificate with those that lead to its root: clients check all of them. `None`: one
    /// has dates that can't be read.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Validity> {
        let each = chain.iter().map(|one| read(one).ok());
        let each: Option<Vec<_>> = each.collect();
        each?.into_iter().reduce(|one, other| Validity {
            from: one.from.max(other.from),
            until: one.until.min(other.until),
        })
    }

    /// What has to be done about it, if anything.
    pub(super) fn problem(self, now: UnixTime) -> Option<String> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let left = (self.until - now).div_euclid(DAY);
        if left < 0 {
            return Some("the certificate has expired, and clients refuse it; renew it".into());
        }
        if self.from > now {
            let problem = "the certificate is not valid yet, and clients refuse it; see the clock";
            return Some(problem.into());
        }
        let problem = || format!("the certificate expires in {left} days; renew it");
        (left < WARN_DAYS).then(problem)
    }
}

/// The signed part of a certificate has the dates (RFC 5280, 4.1).
fn read(certificate: &[u8]) -> ASN1Result<Validity> {
    yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|parts| {
            let validity = parts.next().read_sequence(read_signed)?;
            skip_rest(parts)?;
            Ok(validity)
        })
    })
}

fn read_signed(parts: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Validity> {
    parts
        .read_optional(|version| version.read_tagged(Tag::context(0), |inner| inner.read_der()))?;
    let _serial = parts.next().read_der()?;
    let _algorithm = parts.next().read_der()?;
    let _issuer = parts.next().read_der()?;
    let validity = parts.next().read_sequence(|times| {
        Ok(Validity {
            from: read_time(times.next())?,
            until: read_time(times.next())?,
        })
    })?;
    skip_rest(parts)?;
    Ok(validity)
}

fn skip_rest(parts: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while parts.read_optional(|part| part.read_der())?.is_some() {}
    Ok(())
}

fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<i64> {
    match reader.lookahead_tag()? {
        TAG_UTCTIME => Ok(reader.read_utctime()?.datetime().unix_timestamp()),
        _ => {
            let time = reader.read_generalized_time()?;
            Ok(time.datetime().unix_timestamp())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn problem(from: i64, until: i64) -> String {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_000 * DAY as u64));
        let validity = Validity {
            from: from * DAY,
            until: until * DAY,
        };
        validity.problem(now).unwrap_or_default()
    }

    #[test]
    fn the_last_two_weeks_are_told_and_what_is_outside() {
        assert_eq!(problem(0, 1_014), "");
        assert!(problem(0, 1_013).contains("expires in 13 days"));
        assert!(problem(0, 1_000).contains("expires in 0 days"));
        assert!(problem(0, 999).contains("has expired"));
        assert!(problem(1_001, 2_000).contains("not valid yet"));
    }

    #[test]
    fn what_is_no_certificate_has_none() {
        assert_eq!(Validity::of(&[]), None);
        assert_eq!(
            Validity::of(&[vec![0x30, 0x03, 0x30, 0x01, 0x00].into()]),
            None
        );
    }
}
