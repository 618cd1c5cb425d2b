//! Bytes whose place can be told from them.

pub(super) fn of(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n ^ (n >> 7) ^ (n >> 14)) as u8).collect()
}

/// Lines, with characters of one to four bytes.
pub(super) fn text(len: usize) -> Vec<u8> {
    let characters = ['a', 'ä', '€', '😀', 'z'];
    let mut text = String::new();
    for n in 0_usize.. {
        text.push(characters[(n ^ (n >> 3)) % characters.len()]);
        if (n * n) % 41 == 1 {
            text.push('\n');
        }
        if text.len() >= len {
            break;
        }
    }
    text.push('\n');
    text.into_bytes()
}

/// Where two differ, in words.
pub(super) fn difference(got: &[u8], sent: &[u8]) -> String {
    match got.iter().zip(sent).position(|(got, sent)| got != sent) {
        Some(at) => format!(
            "byte {at} of {} was {:#04x} and not {:#04x}",
            sent.len(),
            got[at],
            sent[at]
        ),
        None => format!("{} bytes came, and {} were sent", got.len(), sent.len()),
    }
}
