//! The checksum of version 2: CRC-32C (Castagnoli), as RFC 4960, appendix B, has it.

/// The checksum of these pieces, one after the other. Headers are short: a table would not pay.
pub(super) fn of(pieces: &[&[u8]]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
    let bytes = pieces.iter().copied().flatten();
    !bytes.fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc))
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_known_values_come_out() {
        // RFC 3720, B.4, and the check value of every catalogue.
        assert_eq!(of(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(of(&[&[0xff; 32]]), 0x62a8_ab43);
        assert_eq!(of(&[b"1234", b"", b"56789"]), 0xe306_9283);
    }
}
