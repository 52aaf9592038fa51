//! Fields on the wire: a number (two bytes), a length (four bytes), the value; little-endian.
//!
//! A number from [`REQUIRED`] on belongs to a field without which a connection can't go on: a
//! reader that does not know it refuses the whole. Other unknown fields are passed over, so a later
//! version may add some.

/// The first number of the required fields.
pub(crate) const REQUIRED: u16 = 0x8000;

/// Writes fields.
#[derive(Debug, Default)]
pub(crate) struct FieldWriter(Vec<u8>);

impl FieldWriter {
    /// Begins with these bytes, which are no field.
    pub(crate) fn after(head: &[u8]) -> FieldWriter {
        FieldWriter(head.to_vec())
    }

    pub(crate) fn bytes(&mut self, field: u16, value: &[u8]) {
        let length = u32::try_from(value.len()).expect("a state is bounded, see STATE_MAX");
        self.0.extend_from_slice(&field.to_le_bytes());
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
    }

    /// As [`bytes`](FieldWriter::bytes), but nothing for no bytes.
    pub(crate) fn some_bytes(&mut self, field: u16, value: &[u8]) {
        if !value.is_empty() {
            self.bytes(field, value);
        }
    }

    pub(crate) fn numbers(&mut self, field: u16, values: &[u64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|one| one.to_le_bytes()).collect();
        self.bytes(field, &bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields; `None` in place of a field when the bytes end within it.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u16, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u16, &'a [u8])> {
        let (field, rest) = self.0.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u16::from_le_bytes(*field), value))
    }
}

/// So many numbers; `None` if it is another amount.
pub(crate) fn numbers<const COUNT: usize>(value: &[u8]) -> Option<[u64; COUNT]> {
    several(value)?.try_into().ok()
}

/// Any amount of numbers.
pub(crate) fn several(value: &[u8]) -> Option<Vec<u64>> {
    let (numbers, rest) = value.as_chunks();
    let numbers = numbers.iter().map(|one| u64::from_le_bytes(*one));
    rest.is_empty().then(|| numbers.collect())
}
