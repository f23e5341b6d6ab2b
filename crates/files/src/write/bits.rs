//! Bits, the most significant one first.

/// A row of bits that grows at its end.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits that are not a byte yet, in the lowest places.
    pending: u64,
    count: u32,
}

impl Bits {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.pending, self.count) = (0, 0);
    }

    /// Appends the lowest `bits` (0 to 32) of `value`.
    pub(super) fn push(&mut self, value: u32, bits: u32) {
        let mask = (1u64 << bits) - 1;
        self.pending = self.pending << bits | u64::from(value) & mask;
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    /// Bits so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() * 8 + self.count as usize
    }

    /// Fills the last byte with zeros and gives all.
    pub(super) fn aligned(&mut self) -> &[u8] {
        if self.count > 0 {
            self.push(0, 8 - self.count);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_from_the_top() {
        let mut bits = Bits::default();
        for (value, count) in [(1, 1), (0, 2), (0b11, 2), (u32::MAX, 32), (7, 0)] {
            bits.push(value, count);
        }
        assert_eq!(bits.len(), 37);
        assert_eq!(bits.aligned(), [0b1001_1111, 0xff, 0xff, 0xff, 0b1111_1000]);
        bits.clear();
        assert_eq!(bits.aligned(), [0u8; 0]);
    }
}
