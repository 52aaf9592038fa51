//! A session without a socket.

#[cfg(feature = "cli")]
mod twin;

use std::cell::RefCell;
use std::io::{ErrorKind, IoSlice};

use super::buffers::CIPHER_MAX;
use super::names::name_of;
use super::session::Session;
use super::{Heard, Tls};

/// A session that has read this.
fn after(bytes: &[u8]) -> Session {
    let [certificate, key] = files();
    let mut session = Tls::from_files(certificate, key)
        .map(|tls| tls.session().expect("valid"))
        .expect("our own files");
    let read = |room: &mut [u8]| {
        room[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    };
    session.receive(read).expect("it is in memory");
    session
}

/// rustls panics when it is called after an error with other bytes than before.
#[test]
fn a_failed_session_does_nothing_any_more() {
    // A record with a handshake message of an unknown kind, and the beginning of another.
    let mut session = after(&[22, 3, 1, 0, 8, 99, 0, 0, 0, 1, 0, 0, 9]);
    let mut plain = vec![0; CIPHER_MAX];
    assert!(session.has_record());
    session.shake(&mut plain).expect_err("it is not valid");
    let sent = RefCell::new(Vec::new());
    let send = |bytes: &[u8]| {
        sent.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    };
    session.push_out(send).expect("it is in memory");
    assert_eq!(sent.borrow()[..6], [21, 3, 3, 0, 2, 2], "a fatal alert");
    session.shake(&mut plain).expect_err("for ever");
    session.close();
    let error = session.give(&[IoSlice::new(b"hello")], send);
    assert_eq!(error.expect_err("failed").kind(), ErrorKind::BrokenPipe);
    let read = |room: &mut [u8]| {
        room[..3].copy_from_slice(b"xyz");
        Ok(3)
    };
    let heard = session.take(&mut plain, 100, read).expect("discarded");
    assert!(matches!(
        heard,
        Heard::Bytes {
            length: 0,
            drained: 3,
            ..
        }
    ));
    assert_eq!(sent.borrow().len(), 7);
}

/// What a certificate with these names calls its client.
fn named(names: Vec<rcgen::SanType>) -> Option<String> {
    let key = rcgen::KeyPair::generate().expect("ring has it");
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = names;
    let made = params.self_signed(&key).expect("a certificate");
    name_of(made.der())
}

#[test]
fn a_client_is_called_by_a_host_a_uri_or_an_e_mail_address() {
    let text = |text: &str| text.to_owned().try_into().expect("ASCII");
    let host = rcgen::SanType::DnsName(text("sensor.example.org"));
    let uri = rcgen::SanType::URI(text("spiffe://example.org/sensor"));
    let mail = rcgen::SanType::Rfc822Name(text("anna@example.org"));
    let strange = rcgen::SanType::Rfc822Name(text("anna\u{1b}[2J@example.org"));
    let address = rcgen::SanType::IpAddress([127, 0, 0, 1].into());
    for (names, expected) in [
        (
            vec![mail.clone(), uri.clone(), host.clone()],
            Some("sensor.example.org"),
        ),
        (vec![mail.clone(), uri], Some("spiffe://example.org/sensor")),
        (
            vec![strange.clone(), address.clone(), mail],
            Some("anna@example.org"),
        ),
        (vec![strange, address], None),
        (vec![], None),
    ] {
        assert_eq!(named(names).as_deref(), expected);
    }
}

/// A certificate for `localhost`, in files of this thread.
fn files() -> [std::path::PathBuf; 2] {
    let key = rcgen::KeyPair::generate().expect("ring has it");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]);
    let made = params
        .expect("a name")
        .self_signed(&key)
        .expect("a certificate");
    let name = format!("poold-session-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("our own");
    let number = format!("{:?}", std::thread::current().id());
    let files = ["pem", "key"].map(|end| folder.join(&number).with_extension(end));
    std::fs::write(&files[0], made.pem()).expect("our own");
    std::fs::write(&files[1], key.serialize_pem()).expect("our own");
    files
}

#[cfg(feature = "cli")]
#[test]
fn what_is_sent_in_any_pieces_comes_out_as_it_was_sent_or_up_to_what_was_changed() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    let [certificate, key] = files();
    let tls = Tls::from_files(&certificate, key).expect("our own files");
    let client = super::ClientTls::new(super::Trust::Any, None).expect("valid");
    let length = prop_oneof![4 => 0..40_usize, 1 => 16_000..17_000_usize, 1 => 0..60_000_usize];
    let pieces = prop::collection::vec(length, 1..5);
    let cuts = prop::collection::vec(any::<u8>(), 0..6);
    let flip = prop::option::of((0..200_usize, 1..=255_u8));
    let mut runner = TestRunner::new(Config::with_cases(200));
    let run = runner.run(&(pieces, cuts, flip), |(lengths, cuts, flip)| {
        let all: Vec<u8> = (0..60_000_u32).map(|at| (at % 251) as u8).collect();
        let pieces: Vec<&[u8]> = lengths.iter().map(|length| &all[..*length]).collect();
        // All ciphertext is longer than its plaintext.
        let sent = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let flip = flip.filter(|(at, _)| *at < sent);
        let way = twin::Way { cuts: &cuts, flip };
        let mut session = twin::Twin::open(&tls, &client, &way);
        if flip.is_none() {
            session.send(&pieces, &way);
            twin::check_so_far(&session.so_far(), &pieces, 0);
        }
        session.send(&pieces, &way);
        twin::check(&session.end(&way), &pieces, flip.is_some());
        Ok(())
    });
    run.expect("it holds");
}
