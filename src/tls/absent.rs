//! What stands for TLS without the feature `tls`: types without a value.

use std::io::{self, IoSlice};

use super::{Failure, Heard, Shaken, TlsVersion};

/// TLS for the clients of a server. It takes the feature `tls` to make one.
#[derive(Clone, Debug)]
pub enum Tls {}

/// The session of one client.
#[derive(Debug)]
pub(crate) enum Session {}

impl Tls {
    pub(crate) fn allows(&self, _name: Option<&str>) -> bool {
        match *self {}
    }

    pub(crate) fn expiries(&self) -> Vec<(String, i64)> {
        match *self {}
    }

    pub(crate) fn names_clients(&self) -> bool {
        match *self {}
    }

    pub(crate) fn session(&self) -> Result<Session, Failure> {
        match *self {}
    }
}

impl Session {
    pub(crate) fn receive(
        &mut self,
        _read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn has_record(&self) -> bool {
        match *self {}
    }

    pub(crate) fn shake(&mut self, _plain: &mut [u8]) -> Result<Shaken, Failure> {
        match *self {}
    }

    pub(crate) fn take(
        &mut self,
        _plain: &mut [u8],
        _most: usize,
        _read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Heard> {
        match *self {}
    }

    pub(crate) fn give(
        &mut self,
        _slices: &[IoSlice<'_>],
        _send: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn give_over(
        &mut self,
        _bytes: &[u8],
        _send: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn push_out(
        &mut self,
        _send: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn close(&mut self) {
        match *self {}
    }

    pub(crate) fn version(&self) -> TlsVersion {
        match *self {}
    }

    pub(crate) fn client_name(&self) -> Option<String> {
        match *self {}
    }

    pub(crate) fn has_ended(&self) -> bool {
        match *self {}
    }

    pub(crate) fn has_failed(&self) -> bool {
        match *self {}
    }

    pub(crate) fn kept(&self) -> usize {
        match *self {}
    }

    pub(crate) fn pending(&self) -> usize {
        match *self {}
    }
}
