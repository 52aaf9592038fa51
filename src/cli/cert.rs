//! `poold cert`: a self-made root, and certificates of it for a server and a client.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;
use jiff::{Span, Zoned};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::exit::{self, Failure};
use crate::tls;

/// Make certificates for a closed network: ca.pem, server.pem, client.pem, and their keys
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Give the server --tls-cert server.pem --tls-key server.key, and each client ca.pem, as in poold \
client --tls --ca ca.pem. Keep ca.key where no client comes; it signs further certificates. \
Existing files are not overwritten; the keys can be read by their owner only.")]
pub(crate) struct CertArgs {
    /// Names and IP addresses of the server, as clients write them, without the port
    #[arg(required = true, value_name = "NAME", value_parser = name)]
    names: Vec<String>,

    /// Directory of the files
    #[arg(short, long, value_name = "DIRECTORY", default_value = ".")]
    directory: PathBuf,

    /// Days until the certificates expire; those of the root are ten times as many
    #[arg(long, value_name = "N", default_value_t = 825,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// A name as certificates have it: an IPv6 address without brackets, a host's without the last dot.
/// Any other text would make a certificate that no client finds its server's name in.
fn name(text: &str) -> Result<String, String> {
    let address = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = address.unwrap_or(text);
    if address.parse::<IpAddr>().is_ok() {
        return Ok(address.to_owned());
    }
    let host = text.strip_suffix('.').unwrap_or(text);
    match tls::is_host_name(host.strip_prefix("*.").unwrap_or(host)) {
        true => Ok(host.to_owned()),
        false => Err("write a host name in ASCII or an IP address, without a port".to_owned()),
    }
}

/// Runs `poold cert`.
pub(crate) fn run(args: &CertArgs) -> ExitCode {
    exit::told(make(args).map(|()| true))
}

fn make(args: &CertArgs) -> Result<(), Failure> {
    let files = [
        "ca.key",
        "ca.pem",
        "server.key",
        "server.pem",
        "client.key",
        "client.pem",
    ];
    let files = files.map(|name| args.directory.join(name));
    if let Some(file) = files.iter().find(|file| file.exists()) {
        let there = file.display();
        return Err(format!("{there} exists already; take another --directory").into());
    }
    let made = certificates(args).map_err(|error| Failure::usage(error.to_string()))?;
    for (file, text) in files.iter().zip(made) {
        let mode = match file.extension().is_some_and(|end| end == "key") {
            true => 0o600,
            false => 0o644,
        };
        write(file, &text, mode)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    let names = files.map(|file| format!("{}\n", file.display()));
    exit::print(names.concat().as_bytes())
}

/// The texts of the files.
fn certificates(args: &CertArgs) -> Result<[String; 6], rcgen::Error> {
    let ca_key = KeyPair::generate()?;
    let ca = root(args)?;
    let root = ca.self_signed(&ca_key)?;
    let issuer = Issuer::from_params(&ca, &ca_key);
    let server_key = KeyPair::generate()?;
    let server = params(args.names.clone(), &args.names[0], args.days)?;
    let server = of(server, ExtendedKeyUsagePurpose::ServerAuth).signed_by(&server_key, &issuer)?;
    let client_key = KeyPair::generate()?;
    let client = params(vec!["client".into()], "client", args.days)?;
    let client = of(client, ExtendedKeyUsagePurpose::ClientAuth).signed_by(&client_key, &issuer)?;
    Ok([
        ca_key.serialize_pem(),
        root.pem(),
        server_key.serialize_pem(),
        server.pem(),
        client_key.serialize_pem(),
        client.pem(),
    ])
}

fn root(args: &CertArgs) -> Result<CertificateParams, rcgen::Error> {
    let name = format!("poold root of {}", args.names[0]);
    let mut root = params(Vec::new(), &name, args.days.saturating_mul(10))?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(root)
}

fn of(mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params
}

/// Valid from yesterday on: clocks differ.
fn params(names: Vec<String>, subject: &str, days: u16) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, subject);
    let today = Zoned::now().date();
    let on = |date: Date| date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
    params.not_before = on(today.saturating_sub(Span::new().days(1)));
    params.not_after = on(today.saturating_add(Span::new().days(i64::from(days))));
    Ok(params)
}

fn write(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create_new(true).mode(mode).open(file)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_clients_look_for() {
        for (written, made) in [
            ("localhost", "localhost"),
            ("a.example.org.", "a.example.org"),
            ("*.example.org", "*.example.org"),
            ("my_host", "my_host"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(name(written).as_deref(), Ok(made));
        }
        let wrong = [
            "",
            ".",
            "*.",
            "a b",
            "a/b",
            "host:6514",
            "[host]",
            "[::1]:6514",
            "fe80::1%eth0",
            "a.*.org",
            "grün.example",
        ];
        for written in wrong {
            assert!(name(written).is_err(), "{written}");
        }
    }
}
