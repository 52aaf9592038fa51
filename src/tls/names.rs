//! Names: which certificate a client is shown, and what a client's own certificate calls it.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;
use yasna::{ASN1Result, BERReader, Tag};

/// The extension with a certificate's names.
const SUBJECT_ALT_NAME: [u64; 4] = [2, 5, 29, 17];
/// Longest name of a client.
const NAME_MAX: usize = 255;

/// The certificate that is for the name which the client asks for; else the first one, as for
/// clients that name none.
#[derive(Debug)]
pub(super) struct ByName(pub(super) Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = || ServerName::try_from(hello.server_name()?).ok();
        let first = self.0.first();
        let found = match &self.0[..] {
            [_] => None,
            all => asked().and_then(|name| all.iter().find(|pair| is_for(pair, &name))),
        };
        found.or(first).cloned()
    }
}

fn is_for(pair: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = pair.cert.first().map(ParsedCertificate::try_from);
    matches!(parsed, Some(Ok(parsed)) if verify_server_name(&parsed, name).is_ok())
}

/// Whether this is a name that a client may look for in a certificate, and no address.
#[cfg(feature = "cli")]
pub(crate) fn is_host_name(text: &str) -> bool {
    matches!(ServerName::try_from(text), Ok(ServerName::DnsName(_)))
}

/// The first name of a client's certificate: of a host, else a URI, else an e-mail address. Not its
/// subject, which nothing has to check. A name with other characters than such names have is none:
/// it is printed.
pub(super) fn name_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    let names = parsed.valid_dns_names().chain(parsed.valid_uri_names());
    let mails = || mails(certificate).unwrap_or_default();
    let is_plain =
        |name: &String| name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_graphic());
    let named = names.map(str::to_owned).find(is_plain);
    named.or_else(|| mails().into_iter().find(is_plain))
}

/// The e-mail addresses among a certificate's names (RFC 5280, 4.1 and 4.2.1.6).
fn mails(certificate: &[u8]) -> ASN1Result<Vec<String>> {
    let mut mails = Vec::new();
    yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|parts| {
            parts.next().read_sequence(|signed| {
                // The last part of what is signed.
                let extensions = Tag::context(3);
                while signed
                    .read_optional(|part| match part.lookahead_tag()? {
                        tag if tag == extensions => part.read_tagged(extensions, |all| {
                            all.read_sequence_of(|one| read_extension(one, &mut mails))
                        }),
                        _ => part.read_der().map(drop),
                    })?
                    .is_some()
                {}
                Ok(())
            })?;
            while parts.read_optional(|part| part.read_der())?.is_some() {}
            Ok(())
        })
    })?;
    Ok(mails)
}

fn read_extension(extension: BERReader<'_, '_>, mails: &mut Vec<String>) -> ASN1Result<()> {
    extension.read_sequence(|parts| {
        let kind = parts.next().read_oid()?;
        let _is_critical = parts.read_optional(|part| part.read_bool())?;
        let value = parts.next().read_bytes()?;
        if kind.components()[..] != SUBJECT_ALT_NAME {
            return Ok(());
        }
        yasna::parse_der(&value, |names| {
            names.read_sequence_of(|name| {
                let mail = Tag::context(1);
                if name.lookahead_tag()? == mail {
                    let read = |name: BERReader<'_, '_>| name.read_ia5_string();
                    mails.push(name.read_tagged_implicit(mail, read)?);
                    return Ok(());
                }
                name.read_der().map(drop)
            })
        })
    })
}
