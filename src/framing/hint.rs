//! What a client's bytes may be, and what to do about it, for logs and `status`.

/// A guess at what a client sends. [`describe`](Hint::describe) says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// A TLS handshake.
    Tls,
    /// An HTTP request.
    Http,
    /// An SSH client.
    Ssh,
    /// A balancer's PROXY header.
    Proxy,
    /// UTF-16 text.
    Utf16,
    /// Telnet's negotiation of options.
    Telnet,
    /// A Zabbix sender.
    Zabbix,
    /// Fluentd's forward protocol.
    Fluentd,
    /// Elastic's Beats.
    Beats,
    /// RELP, of rsyslog.
    Relp,
    /// A Splunk forwarder.
    Splunk,
    /// Serialized Java objects.
    Java,
    /// Data compressed by gzip.
    Gzip,
    /// An AMQP client.
    Amqp,
    /// An MQTT client.
    Mqtt,
    /// A Redis client.
    Redis,
    /// A PostgreSQL client.
    Postgres,
    /// UTF-8 with its byte order mark.
    ByteOrderMark,
    /// Octet counts, as in RFC 6587.
    Octet,
    /// HL7's MLLP.
    Mllp,
    /// STX and ETX.
    StxEtx,
    /// The end mark of log4js.
    Log4js,
    /// Lengths of two bytes.
    Len16,
    /// Lengths of four bytes.
    Len32,
    /// JSON values that end with zero bytes.
    Gelf,
    /// Zero bytes.
    Nul,
    /// Line feeds.
    Lines,
    /// Syslog messages without a delimiter.
    Pri,
    /// JSON values without a delimiter.
    Json,
    /// Carriage returns.
    Cr,
    /// No protocol that poold knows.
    Unknown,
    /// Bytes that belong to no message, beside messages.
    Stray,
}

/// All hints, in the order of the enum.
pub(crate) const HINTS: [Hint; 32] = [
    Hint::Tls,
    Hint::Http,
    Hint::Ssh,
    Hint::Proxy,
    Hint::Utf16,
    Hint::Telnet,
    Hint::Zabbix,
    Hint::Fluentd,
    Hint::Beats,
    Hint::Relp,
    Hint::Splunk,
    Hint::Java,
    Hint::Gzip,
    Hint::Amqp,
    Hint::Mqtt,
    Hint::Redis,
    Hint::Postgres,
    Hint::ByteOrderMark,
    Hint::Octet,
    Hint::Mllp,
    Hint::StxEtx,
    Hint::Log4js,
    Hint::Len16,
    Hint::Len32,
    Hint::Gelf,
    Hint::Nul,
    Hint::Lines,
    Hint::Pri,
    Hint::Json,
    Hint::Cr,
    Hint::Unknown,
    Hint::Stray,
];

impl Hint {
    /// What was seen, and what to try: "zero bytes seen: try --framing nul".
    pub fn describe(self) -> &'static str {
        match self {
            Hint::Tls => "this looks like TLS: try --tls-cert and --tls-key",
            Hint::Http => "this looks like HTTP: it may want another port",
            Hint::Ssh => "this looks like SSH: it may want another port",
            Hint::Proxy => "this looks like a PROXY header: try --proxy-from for the balancer",
            Hint::Utf16 => "this looks like UTF-16: have the sender write UTF-8",
            Hint::Telnet => "telnet options seen: have the client connect raw, without telnet",
            Hint::Zabbix => "this looks like a Zabbix sender: give it a Zabbix server or proxy",
            Hint::Fluentd => {
                "this looks like Fluentd's forward protocol: give it Fluentd or Fluent Bit"
            }
            Hint::Beats => "this looks like Beats: give it Logstash",
            Hint::Relp => "this looks like RELP: have rsyslog forward with omfwd",
            Hint::Splunk => "this looks like a Splunk forwarder: set its sendCookedData = false",
            Hint::Java => "serialized Java objects seen: have the sender use a text layout",
            Hint::Gzip => "this looks like gzip: have the sender not compress",
            Hint::Amqp => "this looks like AMQP: it may want another port",
            Hint::Mqtt => "this looks like MQTT: it may want another port",
            Hint::Redis => "this looks like a Redis client: it may want another port",
            Hint::Postgres => "this looks like a PostgreSQL client: it may want another port",
            Hint::ByteOrderMark => "a byte order mark seen: have the sender leave it out",
            Hint::Octet => "octet counts seen: try --framing octet, or auto",
            Hint::Mllp => "this looks like HL7's MLLP: try --framing mllp",
            Hint::StxEtx => "STX seen: try --framing stx-etx",
            Hint::Log4js => "log4js seen: try --framing delimited:__LOG4JS__",
            Hint::Len16 => "lengths of two bytes seen: try --framing len16",
            Hint::Len32 => "lengths of four bytes seen: try --framing len32",
            Hint::Gelf => "JSON and zero bytes seen: try --framing gelf",
            Hint::Nul => "zero bytes seen: try --framing nul",
            Hint::Lines => "line feeds seen: try --framing lines, or auto",
            Hint::Pri => "syslog without ends of messages seen: try --framing pri",
            Hint::Json => "JSON without ends of messages seen: try --framing json",
            Hint::Cr => "carriage returns and no line feeds seen: try --framing cr",
            Hint::Stray => "bytes outside of messages seen: they are skipped and counted",
            Hint::Unknown => "no end of a message seen: see which --framing the sender wants",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_manual() {
        let manual = include_str!("../manual/senders.md");
        for (at, hint) in HINTS.into_iter().enumerate() {
            assert_eq!(hint as usize, at);
            assert!(manual.contains(hint.describe()), "{hint:?}");
        }
    }
}
