//! Counts what each thread allocates: the test harness has threads of its own.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses a part of it"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn count(allocated: usize, freed: usize) {
    LIVE.set(LIVE.get() + allocated as isize - freed as isize);
}

// SAFETY: every method passes its arguments on to the system's allocator, which keeps the contract. A
// `Cell` without a destructor neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        count(layout.size(), 0);
        // SAFETY: as the caller of this method promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as the caller of this method promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        count(size, layout.size());
        // SAFETY: as the caller of this method promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `f` allocates.
pub fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// How many bytes this thread holds: what it has allocated, less what it has freed.
pub fn live_bytes() -> isize {
    LIVE.get()
}
