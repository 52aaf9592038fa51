//! Sentences as receivers of positions and of AIS send them.

/// A whole sentence: its checksum is the exclusive or of what is between the mark and the star.
fn sentence(mark: char, body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("{mark}{body}*{sum:02X}\r\n")
}

/// A position of this second (NMEA 0183).
pub(super) fn position(second: u32) -> String {
    let second = second % 60;
    let rmc = format!("GPRMC,1235{second:02},A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W");
    let gga = format!("GPGGA,1235{second:02},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,");
    sentence('$', &rmc) + &sentence('$', &gga)
}

/// A ship's position report (AIS message 1), of 168 bits, 6 in a character.
pub(super) fn ship(mmsi: u64) -> String {
    let fields = [
        (6, 1),
        (2, 0),
        (30, mmsi),
        (4, 0),
        (8, 0),
        (10, 123),
        (1, 0),
        // 10° east and 50° north, in 1/10 000 minutes.
        (28, 6_000_000),
        (27, 30_000_000),
        (12, 900),
        (9, 90),
        (6, 30),
        (2, 0),
        (3, 0),
        (1, 0),
        (19, 0),
    ];
    let bits: String = fields
        .iter()
        .map(|&(width, value)| format!("{value:0width$b}"))
        .collect();
    let armoured = bits.as_bytes().chunks(6).map(|six| {
        let value = six.iter().fold(0, |sum, bit| sum * 2 + (bit - b'0'));
        char::from(value + if value < 40 { 48 } else { 56 })
    });
    let payload: String = armoured.collect();
    sentence('!', &format!("AIVDM,1,1,,A,{payload},0"))
}
