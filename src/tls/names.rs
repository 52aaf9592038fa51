//! Names: which certificate a client is shown, and what a client's own certificate calls it.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

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

/// The first name of a client's certificate: of a host, or a URI. Not its subject, which nothing
/// has to check. A name with other characters than a host's or a URI's is none: it is printed.
pub(super) fn name_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    let mut names = parsed.valid_dns_names().chain(parsed.valid_uri_names());
    let is_plain =
        |name: &&str| name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_graphic());
    names.find(is_plain).map(str::to_owned)
}
