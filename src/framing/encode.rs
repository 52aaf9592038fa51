//! Messages as a framing puts them on the wire.

use bytes::Bytes;

use super::Framing;

impl Framing {
    /// Appends a message as this framing puts it on the wire.
    ///
    /// A message that is too long for its header (65 535 bytes with `length:u16be`) is cut to what
    /// fits. A message that the framing can't express is left out: an empty one with `octet`. A
    /// delimiter in a message is not escaped: the client sees two messages. `auto` ends a message
    /// with a line feed, `gelf` with a zero byte; `json`, `pri` and `raw` add nothing.
    pub fn encode(&self, message: &[u8], wire: &mut Vec<u8>) {
        self.put(message, wire);
    }

    /// The bytes that [`encode`](Framing::encode) appends, for
    /// [`Client::send`](crate::Client::send) and the like. To send one message to many clients,
    /// encode it once and clone the bytes.
    ///
    /// ```
    /// use poold::Framing;
    ///
    /// assert_eq!(Framing::Octet.encode_to_bytes(b"hello"), "5 hello");
    /// ```
    pub fn encode_to_bytes(&self, message: &[u8]) -> Bytes {
        let mut wire = Vec::new();
        self.encode(message, &mut wire);
        wire.into()
    }
}
