//! Plain clients beside those with TLS: not where they would walk past a check, nor where their
//! data could be taken for TLS.

use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::tls::Tls;

pub(super) fn check_plain(optional: Option<&Tls>, framing: &Framing) -> Result<()> {
    let Some(tls) = optional else {
        return Ok(());
    };
    let problem = match framing {
        _ if tls.names_clients() => {
            "optional is not for --tls-client-ca and --allow-name: a plain client has no \
             certificate"
        }
        Framing::Raw | Framing::Length(_) => {
            "optional is not for framings of binary data, which may begin like TLS; take --framing \
             lines or another one"
        }
        _ => return Ok(()),
    };
    Err(Error::option("tls", problem))
}
