//! Wrong states, for tests: one that was written, with some changes.

/// What takes the place of a part.
const PIECES: [&[u8]; 14] = [
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"253402300799000",
    b"0",
    b"-1",
    b"null",
    b"true",
    b"[]",
    b"\"\"",
    b"\\u0000",
    &[0xff; 8],
    &[0; 4],
    &[0x80],
];
/// The longest part that is changed at once.
const PART_MAX: usize = 16;

/// The state with one to four changes, which the seed chooses.
pub(crate) fn changed(written: &[u8], mut seed: u64) -> Vec<u8> {
    // As SplitMix64.
    let mut next = |below: usize| {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    };
    let mut state = written.to_vec();
    for _ in 0..=next(4) {
        let at = next(state.len() + 1);
        let end = state.len().min(at + next(PART_MAX));
        match next(5) {
            0 => drop(state.drain(at..end)),
            1 => {
                let twice = state[at..end].to_vec();
                state.splice(at..at, twice);
            }
            2 => state[at..end]
                .iter_mut()
                .for_each(|byte| *byte = next(256) as u8),
            3 => drop(state.splice(at..end, PIECES[next(PIECES.len())].iter().copied())),
            // Another number or word in place of a number: JSON stays that.
            _ => {
                let is_digit = |byte: &u8| byte.is_ascii_digit();
                let digits = state[at..]
                    .iter()
                    .position(is_digit)
                    .map(|begin| at + begin);
                let begin = digits.unwrap_or(state.len());
                let length = state[begin..]
                    .iter()
                    .take_while(|byte| is_digit(byte))
                    .count();
                let piece = PIECES[next(PIECES.len())].iter().copied();
                drop(state.splice(begin..begin + length, piece));
            }
        }
    }
    state
}
