use bytes::{Buf, BytesMut};
use codec::Decoder;

/// A decoder, with a mistake if one is planted.
#[derive(Debug, Clone)]
pub(crate) struct Planted<D> {
    decoder: D,
    mistake: Option<Mistake>,
}

/// What somebody did in such a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// An end inside a frame is a clean one (tokio-util, after a head).
    ForgetsTruncation,
    /// What is buffered behind an error is thrown away with it.
    ForgetsWhatFollowsAnError,
    /// A sign before a number is taken, as `from_str_radix` takes it.
    TakesSigns,
    /// A zero at the end of what was read is taken for padding.
    LosesZeros,
}

impl<D> Planted<D> {
    pub(crate) fn new(decoder: D, planted: bool, mistake: Mistake) -> Self {
        let mistake = planted.then_some(mistake);
        Self { decoder, mistake }
    }
}

impl<D: Decoder> Planted<D> {
    fn mistaken(
        &self,
        decoded: Result<Option<D::Item>, D::Error>,
        src: &mut BytesMut,
    ) -> Result<Option<D::Item>, D::Error> {
        if decoded.is_err() && self.mistake == Some(Mistake::ForgetsWhatFollowsAnError) {
            src.clear();
        }
        decoded
    }

    fn prepare(&self, src: &mut BytesMut) {
        match self.mistake {
            Some(Mistake::TakesSigns) if src.starts_with(b"+") => src.advance(1),
            Some(Mistake::LosesZeros) if src.ends_with(b"\0") => src.truncate(src.len() - 1),
            _ => {}
        }
    }
}

impl<D: Decoder> Decoder for Planted<D> {
    type Item = D::Item;
    type Error = D::Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<D::Item>, D::Error> {
        self.prepare(src);
        let decoded = self.decoder.decode(src);
        self.mistaken(decoded, src)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<D::Item>, D::Error> {
        if self.mistake == Some(Mistake::ForgetsTruncation) {
            return self.decoder.decode(src);
        }
        self.prepare(src);
        let decoded = self.decoder.decode_eof(src);
        self.mistaken(decoded, src)
    }

    fn is_fatal(&self, error: &D::Error) -> bool {
        self.decoder.is_fatal(error)
    }

    fn needed(&self) -> usize {
        self.decoder.needed()
    }
}
