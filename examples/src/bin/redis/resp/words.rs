use std::iter::Peekable;

use bytes::Bytes;

/// The words of a line that somebody has typed.
///
/// As Redis has it, a word may be quoted, in whole or from somewhere on: in double quotes `\n`, `\x41` and the
/// like stand for other bytes, in single ones only `\'` does. `None` if a quote is not closed, or if something
/// other than a space is behind it.
pub(super) fn words_of(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line.iter().copied().peekable();
    loop {
        while rest.next_if(u8::is_ascii_whitespace).is_some() {}
        if rest.peek().is_none() {
            return Some(words);
        }
        words.push(word_of(&mut rest)?.into());
    }
}

/// The word that begins here, up to the space behind it.
fn word_of(rest: &mut Peekable<impl Iterator<Item = u8>>) -> Option<Vec<u8>> {
    let mut word = Vec::new();
    while let Some(byte) = rest.next_if(|byte| !byte.is_ascii_whitespace()) {
        match byte {
            b'"' | b'\'' => {
                quoted(rest, byte, &mut word)?;
                let ends = rest.peek().is_none_or(u8::is_ascii_whitespace);
                return ends.then_some(word);
            }
            byte => word.push(byte),
        }
    }
    Some(word)
}

/// Appends what stands before the next `quote` to `word`.
fn quoted(
    rest: &mut Peekable<impl Iterator<Item = u8>>,
    quote: u8,
    word: &mut Vec<u8>,
) -> Option<()> {
    loop {
        match rest.next()? {
            byte if byte == quote => return Some(()),
            b'\\' if quote == b'"' => escaped(rest, word)?,
            b'\\' if rest.next_if_eq(&quote).is_some() => word.push(quote),
            byte => word.push(byte),
        }
    }
}

/// Appends what the escape stands for whose backslash has been read.
fn escaped(rest: &mut Peekable<impl Iterator<Item = u8>>, word: &mut Vec<u8>) -> Option<()> {
    let digit = |byte: &u8| byte.is_ascii_hexdigit();
    word.push(match rest.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        b'x' => match (rest.next_if(digit), rest.next_if(digit)) {
            (Some(high), Some(low)) => 16 * value(high) + value(low),
            // No escape after all: it is what is written.
            (high, _) => {
                word.push(b'x');
                word.extend(high);
                return Some(());
            }
        },
        byte => byte,
    });
    Some(())
}

/// What a hexadecimal digit is worth.
fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        Some(words_of(line)?.into_iter().map(Vec::from).collect())
    }

    #[test]
    fn words_end_at_spaces_unless_they_are_quoted() {
        for (line, expected) in [
            (&b""[..], vec![]),
            (b"  \t ", vec![]),
            (b" set  key\tvalue ", vec![&b"set"[..], b"key", b"value"]),
            (b"set key \"a value\"", vec![b"set", b"key", b"a value"]),
            (b"'it\\'s' ''", vec![b"it's", b""]),
            (b"a\"b c\" 'd\"'", vec![b"ab c", b"d\""]),
            (b"a\\n '\\n'", vec![b"a\\n", b"\\n"]),
            (
                b"\"\\n\\r\\t\\b\\a\\\\\\\"\\x41\\xfF\\q\"",
                vec![b"\n\r\t\x08\x07\\\"A\xffq"],
            ),
            (b"\"\\x4\" \"\\xg\" \"\\x\"", vec![b"x4", b"xg", b"x"]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(<[u8]>::to_vec).collect();
            assert_eq!(words(line), Some(expected), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_or_closed_inside_of_a_word_is_none() {
        for line in [
            &b"\""[..],
            b"a 'b",
            b"\"a\\\"",
            b"\"a\"b",
            b"'a''b'",
            b"\"\\",
            b"\"\\x",
        ] {
            assert_eq!(words(line), None, "{}", line.escape_ascii());
        }
    }
}
