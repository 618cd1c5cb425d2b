use std::io::IoSlice;

use bytes::Buf;
use io_traits::pool;

use crate::Segments;

impl Buf for Segments {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self.large.front() {
            Some(large) if large.before == 0 => &large.bytes,
            Some(large) => &self.small[..large.before],
            None => &self.small[..],
        }
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        let small = &self.small[..];
        let mut rest = small;
        let parts = self
            .large
            .iter()
            .flat_map(|large| {
                let (before, after) = rest.split_at(large.before);
                rest = after;
                [before, &large.bytes]
            })
            .chain([&small[self.sealed..]])
            .filter(|part| !part.is_empty());
        let mut filled = 0;
        for (place, part) in dst.iter_mut().zip(parts) {
            *place = IoSlice::new(part);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, n: usize) {
        let len = self.len();
        assert!(n <= len, "advanced beyond the end of the queue");
        self.has_grown |= self.capacity() > pool::CAPACITY;
        // Mostly all is written at once.
        if n == len {
            return self.clear();
        }
        let mut left = n;
        while let Some(large) = self.large.front_mut() {
            let before = left.min(large.before);
            let taken = (left - before).min(large.bytes.len());
            large.before -= before;
            large.bytes.advance(taken);
            let is_written = large.bytes.is_empty();
            self.sealed -= before;
            self.large_len -= taken;
            left -= before + taken;
            if before > 0 {
                self.small.advance(before);
            }
            if !is_written {
                return;
            }
            self.large.pop_front();
        }
        if left > 0 {
            self.small.advance(left);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::{BufMut, Bytes, BytesMut};

    use super::*;

    const BORDER: usize = Segments::LONGEST_COPY + 1;

    /// Small, large, small, large, small.
    pub(in crate::segments) fn mixed() -> (Segments, Vec<u8>) {
        let mut queue = Segments::new();
        queue.put_slice(b"head");
        queue.push(Bytes::from(vec![b'x'; 6000]));
        queue.buf().put_u16(0x6162);
        queue.push(Bytes::from(vec![b'y'; 5000]));
        queue.push(Bytes::from_static(b"tail"));
        let all = [
            b"head".to_vec(),
            vec![b'x'; 6000],
            b"ab".to_vec(),
            vec![b'y'; 5000],
            b"tail".to_vec(),
        ];
        (queue, all.concat())
    }

    pub(in crate::segments) fn slices(queue: &Segments, places: usize) -> Vec<Vec<u8>> {
        let mut slices = vec![IoSlice::new(&[]); places];
        let n = queue.chunks_vectored(&mut slices);
        slices[..n].iter().map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn bytes_leave_in_the_order_in_which_they_came_for_every_step() {
        for step in [1, 2, 3, 4, 5, 7, 1000, 5999, 6000, 6004, 11_005] {
            let (mut queue, all) = mixed();
            let mut written = Vec::new();
            while queue.has_remaining() {
                assert_eq!(queue.len(), all.len() - written.len());
                assert_eq!(slices(&queue, 8).concat(), all[written.len()..]);
                assert_eq!(slices(&queue, 1)[0], queue.chunk());
                let mut copy = BytesMut::new();
                queue.copy_to(&mut copy);
                assert_eq!(copy, all[written.len()..]);
                let n = step.min(queue.len());
                written.extend_from_slice(&slices(&queue, 8).concat()[..n]);
                queue.advance(n);
            }
            assert_eq!(written, all);
            assert_eq!(queue.capacity(), 0);
        }
    }

    #[test]
    fn one_slice_for_each_run_and_no_empty_one() {
        let (queue, _) = mixed();
        let lengths: Vec<_> = slices(&queue, 8).iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 6000, 2, 5000, 4]);
        assert_eq!(slices(&queue, 3).len(), 3);

        let mut queue = Segments::new();
        queue.push(Bytes::from(vec![0; BORDER]));
        queue.push(Bytes::from(vec![0; BORDER]));
        assert_eq!(slices(&queue, 8).len(), 2);
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn a_bytes_below_the_border_is_copied_and_one_at_it_is_referenced() {
        let mut queue = Segments::new();
        queue.push(Bytes::from(vec![b'a'; BORDER - 1]));
        assert_eq!(slices(&queue, 8).len(), 1);
        assert!(queue.capacity() > 0);
        let at_the_border = Bytes::from(vec![b'b'; BORDER]);
        queue.push(at_the_border.clone());
        queue.advance(BORDER - 1);
        assert_eq!(queue.chunk().as_ptr(), at_the_border.as_ptr());
    }
}
