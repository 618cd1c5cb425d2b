//! What a line is, for those that read lines.

/// How many bytes a line of `limit` bytes may have with its end.
pub(super) fn beyond(limit: usize) -> usize {
    limit.saturating_add("\r\n".len())
}

/// A line without its `\n` or `\r\n`; a lone `\r` belongs to the line.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        line => line,
    }
}
