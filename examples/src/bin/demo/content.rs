use std::{
    fmt::{self, Display},
    io,
};

use examples::Random;

/// What a client sends, message after message, from a seed.
///
/// Two of the same seed say the same. So a client keeps nothing of what it has sent: a second one says
/// it again when the echo is there to be compared.
pub(crate) struct Content {
    random: Random,
    alphabet: Option<&'static [u8; 64]>,
}

impl Content {
    /// Any bytes.
    pub(crate) fn bytes(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            alphabet: None,
        }
    }

    /// Text without line endings.
    pub(crate) fn text(seed: u64) -> Self {
        Self {
            alphabet: Some(ALPHABET),
            ..Self::bytes(seed)
        }
    }

    /// Fills in the next message.
    pub(crate) fn fill(&mut self, message: &mut [u8]) {
        self.random.fill(message);
        if let Some(alphabet) = self.alphabet {
            for byte in message {
                *byte = alphabet[usize::from(*byte) % alphabet.len()];
            }
        }
    }

    /// Checks that `received` is the next message. `what` it is a part of, and from which offset on, is
    /// for the error.
    ///
    /// # Errors
    ///
    /// `InvalidData`, with the place of the first byte that is wrong.
    pub(crate) fn check(
        &mut self,
        received: &[u8],
        what: impl Display,
        offset: u64,
    ) -> io::Result<()> {
        let mut sent = [0; CHUNK];
        for (index, received) in received.chunks(CHUNK).enumerate() {
            let sent = &mut sent[..received.len()];
            self.fill(sent);
            if sent != received {
                return Err(wrong_byte(
                    sent,
                    received,
                    what,
                    offset + (index * CHUNK) as u64,
                ));
            }
        }
        Ok(())
    }
}

/// The name of a message in errors: what it is, and how many came before it.
#[derive(Clone, Copy)]
pub(crate) struct Nth(pub(crate) &'static str, pub(crate) u64);

impl Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// Checks the length of a message before its bytes are looked at.
///
/// # Errors
///
/// `InvalidData`, with both lengths.
pub(crate) fn check_length(sent: usize, received: usize, what: impl Display) -> io::Result<()> {
    if sent == received {
        return Ok(());
    }
    Err(invalid(format!(
        "wrong length of {what}: sent {sent} bytes, received {received}"
    )))
}

/// An error of data that is not what was sent.
pub(crate) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cold]
fn wrong_byte(sent: &[u8], received: &[u8], what: impl Display, offset: u64) -> io::Error {
    let wrong = sent.iter().zip(received).position(|(a, b)| a != b);
    let wrong = wrong.expect("slices of one length that are not equal differ somewhere");
    invalid(format!(
        "wrong byte at offset {} of {what}: sent {:#04x}, received {:#04x}",
        offset + wrong as u64,
        sent[wrong],
        received[wrong],
    ))
}

/// So that a long message needs no second copy to be compared with; a multiple of the 8 bytes that one
/// random number gives, or chunks would not say what the whole has said.
const CHUNK: usize = 4 * 1024;

/// Each character is as likely as the others.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(mut content: Content) -> Vec<Vec<u8>> {
        [0, 1, 64, 1_001, 3 * CHUNK, 1024 * 1024]
            .map(|len| {
                let mut message = vec![0; len];
                content.fill(&mut message);
                message
            })
            .into()
    }

    #[test]
    fn a_seed_says_the_same_again_and_another_seed_does_not() {
        for content in [Content::bytes, Content::text] {
            assert!(messages(content(7)) == messages(content(7)));
            assert!(messages(content(7)) != messages(content(8)));
        }
    }

    #[test]
    fn what_was_sent_is_right_however_long_it_is() {
        for content in [Content::bytes, Content::text] {
            let mut expecting = content(7);
            for message in messages(content(7)) {
                expecting.check(&message, "a message", 0).unwrap();
            }
        }
    }

    #[test]
    fn text_has_no_line_endings() {
        let text = messages(Content::text(7)).concat();
        assert!(text.iter().all(|byte| ALPHABET.contains(byte)));
    }

    #[test]
    fn the_first_wrong_byte_is_named() {
        for wrong in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 5] {
            let mut message = vec![0; 3 * CHUNK];
            Content::bytes(7).fill(&mut message);
            let sent = message[wrong];
            message[wrong..].iter_mut().for_each(|byte| *byte ^= 1);
            let error = Content::bytes(7).check(&message, Nth("frame", 3), 1_000);
            let expected = format!(
                "wrong byte at offset {} of frame 3: sent {sent:#04x}, received {:#04x}",
                1_000 + wrong,
                sent ^ 1,
            );
            assert_eq!(error.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_wrong_length_is_named() {
        assert!(check_length(5, 5, "line 7").is_ok());
        let error = check_length(5, 11, "line 7").unwrap_err();
        let expected = "wrong length of line 7: sent 5 bytes, received 11";
        assert_eq!(error.to_string(), expected);
    }
}
