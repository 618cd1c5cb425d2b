/// What a target reads out of its input, in order. At its end it is zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// Two bytes, the higher one first.
    pub(crate) fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// So many bytes, or what is left.
    pub(crate) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A length: mostly short, sometimes around the sizes at which something changes in the codec.
    pub(crate) fn length(&mut self) -> usize {
        let kind = self.byte();
        match kind {
            0..=199 => usize::from(kind) / 4,
            200..=239 => usize::from(self.short()) % 5000,
            _ => {
                let borders = [255, 256, 1024, 4096, 32_768, 65_535, 65_536, 131_072];
                let border = borders[usize::from(kind) % borders.len()];
                border - 8 + usize::from(self.byte()) % 16
            }
        }
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
