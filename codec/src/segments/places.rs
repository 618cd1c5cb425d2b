use std::{cell::RefCell, collections::VecDeque};

use super::queue::Large;

/// Takes the places of a queue that has been emptied, so that steady traffic does not allocate.
pub(super) fn take() -> VecDeque<Large> {
    let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
    spare.ok().flatten().unwrap_or_default()
}

/// Keeps the places of an empty queue for the next one of this thread, unless they are many.
pub(super) fn give_back(places: VecDeque<Large>) {
    debug_assert!(places.is_empty());
    if places.capacity() > MOST_PLACES {
        return;
    }
    // An error: the thread is going away, and its spare places have gone before.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARED {
            spare.push(places);
        }
    });
}

/// How many places for large ones are spared at most.
const MOST_PLACES: usize = 64;

/// How many queues' places a thread spares.
const SPARED: usize = 32;

thread_local! {
    static SPARE: RefCell<Vec<VecDeque<Large>>> = const { RefCell::new(Vec::new()) };
}
