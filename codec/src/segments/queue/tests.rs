use super::*;
use crate::segments::buf::tests::{mixed, slices};

#[test]
fn truncating_takes_away_what_came_later_and_nothing_else() {
    for consumed in [0, 3, 4, 1000, 6004, 6005, 6006, 11_006, 11_008] {
        let (mut queue, all) = mixed();
        queue.advance(consumed);
        let len = queue.len();
        queue.put_slice(b"this");
        queue.push(Bytes::from(vec![b'z'; 5000]));
        queue.put_slice(b"goes");
        queue.push(Bytes::from(vec![b'z'; 5000]));
        queue.truncate(len);
        assert_eq!(slices(&queue, 8).concat(), all[consumed..]);
        queue.put_slice(b"more");
        assert_eq!(queue.len(), all.len() - consumed + 4);
        assert!(slices(&queue, 8).concat().ends_with(b"more"));
    }
}

#[test]
fn truncating_to_nothing_gives_the_memory_back() {
    let mut queue = Segments::new();
    let len = queue.len();
    queue.put_slice(b"frame");
    queue.truncate(len);
    assert_eq!((queue.len(), queue.capacity()), (0, 0));
}

#[test]
fn an_encoder_that_consumes_earlier_bytes_causes_no_panic() {
    let (mut queue, _) = mixed();
    let len = queue.len();
    queue.advance(6005);
    queue.push(Bytes::from(vec![b'z'; 5000]));
    queue.truncate(len);
    assert_eq!(slices(&queue, 8).concat().len(), queue.len());
    let (mut queue, _) = mixed();
    let len = queue.len();
    queue = Segments::new();
    queue.put_slice(b"other");
    queue.truncate(len);
    assert_eq!(queue.len(), 5);
    // What it put in the place of earlier frames stays, and the bookkeeping with it.
    let mut queue = Segments::new();
    queue.push(Bytes::from(vec![b'z'; 5000]));
    let len = queue.len();
    queue.advance(5000);
    queue.put_slice(b"before");
    queue.push(Bytes::from(vec![b'z'; 5000]));
    queue.truncate(len);
    assert_eq!(slices(&queue, 8).concat().len(), queue.len());
}

#[test]
fn a_grown_buffer_stays_until_it_is_released() {
    let mut queue = Segments::new();
    queue.put_slice(&vec![0; pool::CAPACITY + 1]);
    queue.advance(pool::CAPACITY + 1);
    assert!(queue.capacity() > pool::CAPACITY);
    queue.release();
    assert_eq!(queue.capacity(), 0);
}

#[test]
fn what_is_left_of_a_grown_buffer_does_not_wait_for_the_next_queue() {
    let mut queue = Segments::new();
    queue.put_slice(&vec![0; 4 * pool::CAPACITY]);
    queue.advance(queue.capacity() - pool::CAPACITY / 2);
    drop(queue);
    let mut other = Segments::new();
    other.put_slice(b"b");
    assert_eq!(other.capacity(), pool::CAPACITY);
}

#[test]
fn one_queue_after_the_other_uses_the_same_buffer() {
    let lent = pool::take();
    let address = lent.as_ptr();
    drop(lent);
    let mut queue = Segments::new();
    queue.put_slice(b"a");
    assert_eq!(queue.chunk().as_ptr(), address);
    queue.advance(1);
    assert_eq!(queue.capacity(), 0);
    let mut other = Segments::new();
    other.put_slice(b"b");
    // From its front, as all of it had been written.
    assert_eq!(other.chunk().as_ptr(), address);
    drop(other);
    queue.put_slice(b"c");
    assert_eq!(queue.chunk().as_ptr(), address);
}
