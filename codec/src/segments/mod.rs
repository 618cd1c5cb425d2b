//! What is to be written: the queue, how it is read by a writer, and its memory.

mod buf;
mod places;
mod queue;

pub use queue::Segments;
