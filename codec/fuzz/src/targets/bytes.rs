use codec::BytesCodec;

use crate::{
    decoding::{Seen, decoded},
    input::Input,
    planted::{Mistake, Planted},
};

/// [`BytesCodec`]: the pieces are never empty, and are the stream when they are put together.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let stream = input.rest();
    let codec = Planted::new(BytesCodec::new(), planted, Mistake::LosesZeros);
    let pieces = decoded(stream, cuts, codec, 0);
    let whole = |piece: &Seen| piece.as_ref().is_ok_and(|piece| !piece.0.is_empty());
    assert!(pieces.iter().all(whole), "{pieces:?}");
    let together: Vec<u8> = pieces
        .into_iter()
        .flatten()
        .flat_map(|piece| piece.0)
        .collect();
    assert_eq!(
        together.escape_ascii().to_string(),
        stream.escape_ascii().to_string()
    );
}
