use crate::{
    decoding::{Shown, decoded, decoded_at_once},
    input::Input,
    planted::{Mistake, Planted},
    resp::{Request, Resp},
};

/// The codec of the example `redis`: the same requests however the stream is cut; requests that were put
/// together come out as they went in; and an end inside one is an error.
pub(crate) fn check(input: &[u8], planted: bool) {
    let mut input = Input::new(input);
    let cuts = input.short();
    let max = input.length();
    let codec = |max| Planted::new(Resp::new(max), planted, Mistake::ForgetsTruncation);
    if input.flag() {
        let end = input.short();
        let Requests { stream, requests } = Requests::from_input(input);
        let end = stream.len() * usize::from(end) / usize::from(u16::MAX);
        let mut seen = decoded(&stream[..end], cuts, codec(LONGEST), LONGEST);
        let expected = requests.iter().filter(|(_, behind)| *behind <= end);
        let expected: Vec<_> = expected.map(|(request, _)| Ok(request.clone())).collect();
        let is_between = end == 0 || requests.iter().any(|(_, behind)| *behind == end);
        if !is_between {
            let last = seen.pop();
            assert!(
                matches!(last, Some(Err(_))),
                "the end is inside a request: {last:?}"
            );
        }
        assert_eq!(seen, expected);
        return;
    }
    let stream = input.rest();
    let at_once = decoded_at_once(stream, codec(max));
    assert_eq!(
        decoded(stream, cuts, codec(max), max.max(LONGEST_LINE)),
        at_once
    );
}

/// The arguments, each with its length before it.
impl From<Request> for Shown {
    fn from(request: Request) -> Self {
        let words = [request.name()].into_iter().chain(request.arguments());
        Self(words.flat_map(|word| shown(word)).collect())
    }
}

fn shown(word: &[u8]) -> Vec<u8> {
    [format!("{}:", word.len()).as_bytes(), word, b" "].concat()
}

/// Requests as a client sends them.
struct Requests {
    stream: Vec<u8>,
    /// Each with where it ends in the stream.
    requests: Vec<(Shown, usize)>,
}

impl Requests {
    fn from_input(mut input: Input<'_>) -> Self {
        let mut made = Self {
            stream: Vec::new(),
            requests: Vec::new(),
        };
        while !input.is_empty() && made.stream.len() < LONGEST {
            let is_typed = input.below(4) == 0;
            let count = 1 + input.below(4);
            let words: Vec<_> = (0..count).map(|_| word(&mut input, is_typed)).collect();
            match is_typed {
                true => made.stream.extend(words.join(&b' ')),
                false => {
                    made.stream.extend(format!("*{count}").bytes());
                    for word in &words {
                        made.stream
                            .extend(format!("\r\n${}\r\n", word.len()).bytes());
                        made.stream.extend_from_slice(word);
                    }
                }
            }
            made.stream.extend_from_slice(b"\r\n");
            let request = words.iter().flat_map(|word| shown(word)).collect();
            made.requests.push((Shown(request), made.stream.len()));
        }
        made
    }
}

fn word(input: &mut Input<'_>, is_typed: bool) -> Vec<u8> {
    let len = input.length();
    let mut word = input.bytes(len).to_vec();
    if is_typed {
        word.retain(u8::is_ascii_alphanumeric);
        // There are no words without letters in a line.
        word.push(b'x');
        word.truncate(1000);
    }
    word
}

const LONGEST: usize = 1 << 20;

const LONGEST_LINE: usize = 64 * 1024;
