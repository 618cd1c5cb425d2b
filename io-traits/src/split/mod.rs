//! The two directions of one object, owned by two tasks.

mod read_half;
mod reunite_error;
mod splittable;
mod write_half;

use std::sync::Arc;

pub use self::{
    read_half::ReadHalf, reunite_error::ReuniteError, splittable::Splittable, write_half::WriteHalf,
};

/// Takes an object apart into a half that reads and a half that writes.
///
/// There is no lock between them: only objects whose directions are [independent](Splittable) can be
/// split. Dropping a half does not shut anything down; the object is dropped with the second half.
///
/// # Examples
///
/// ```
/// use io_traits::{duplex, io::{read, write_all}, split};
///
/// # futures::executor::block_on(async {
/// let (end, mut peer) = duplex(64);
/// let (mut reads, mut writes) = split(end);
/// let asks = write_all(&mut writes, b"question");
/// let answers = async {
///     let mut buf = [0; 8];
///     read(&mut peer, &mut buf).await?;
///     write_all(&mut peer, b"answer").await
/// };
/// let mut answer = [0; 6];
/// let (n, asked, answered) = futures::join!(read(&mut reads, &mut answer), asks, answers);
/// (asked?, answered?);
/// assert_eq!(&answer[..n?], b"answer");
/// let _end = reads.reunite(writes)?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn split<T: Splittable>(object: T) -> (ReadHalf<T>, WriteHalf<T>) {
    let object = Arc::new(object);
    (ReadHalf::new(object.clone()), WriteHalf::new(object))
}
