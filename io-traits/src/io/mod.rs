//! Futures over [`AsyncRead`](crate::AsyncRead) and [`AsyncWrite`](crate::AsyncWrite).
//!
//! They are free functions: an `AsyncRead` bound brings `std::io::Read` with it, whose method
//! `read_exact` loses bytes on a `WouldBlock`, so ours cannot be methods of the same names.
//!
//! Each takes its objects by reference and works with unsized ones (`dyn AsyncRead`). Each yields to
//! other tasks when the budget of its task is used up, and one that loops after 128 rounds of one poll at
//! the latest, on any executor; see [`task::budget`](crate::task::budget).
//!
//! | to | use | cancel safe |
//! |---|---|---|
//! | read once | [`read()`], [`read_buf()`], [`read_lent()`] (an idle reader holds no buffer) | yes |
//! | fill a buffer | [`read_exact()`] | no, but it tells how far it came |
//! | read to a place | [`read_until()`], [`lines()`], [`read_to_end()`] | yes |
//! | read one line | [`read_line()`] | no, but it shows what came |
//! | read past something | [`skip()`] | no, but it tells how far it came |
//! | look before taking | [`fill_buf()`] | yes |
//! | write once | [`write()`] | yes |
//! | write everything | [`write_all_buf()`], [`write_vectored_all()`] | yes |
//! | | [`write_all()`] | no, but it tells how far it came |
//! | pass on, end | [`flush()`], [`shutdown()`] | yes |
//! | copy | [`copy_buf()`] | yes |
//! | | [`copy()`], [`copy_bidirectional()`] | no, but they tell how far they came |

mod copy;
mod copy_bidirectional;
mod copy_buf;
mod fill_buf;
mod flush;
mod line;
mod lines;
mod pump;
mod read;
mod read_buf;
mod read_exact;
mod read_lent;
mod read_line;
mod read_to_end;
mod read_until;
mod rounds;
mod shutdown;
mod skip;
mod too_long;
mod write;
mod write_all;
mod write_all_buf;
mod write_vectored_all;

pub use std::io::{empty, repeat, sink};

pub use copy::{Copy, copy};
pub use copy_bidirectional::{
    Carried, CopyBidirectional, Idle, Linger, Watch, Way, copy_bidirectional,
};
pub use copy_buf::{CopyBuf, copy_buf};
pub use fill_buf::{FillBuf, fill_buf};
pub use flush::{Flush, flush};
pub use lines::{Lines, lines};
pub use read::{Read, read};
pub use read_buf::{ReadBuf, read_buf};
pub use read_exact::{ReadExact, read_exact};
pub use read_lent::{ReadLent, poll_read_lent, read_lent};
pub use read_line::{ReadLine, read_line};
pub use read_to_end::{ReadToEnd, read_to_end};
pub use read_until::{ReadUntil, read_until};
pub use shutdown::{Shutdown, shutdown};
pub use skip::{Skip, skip};
pub use too_long::TooLong;
pub use write::{Write, write};
pub use write_all::{WriteAll, write_all};
pub use write_all_buf::{WriteAllBuf, write_all_buf};
pub use write_vectored_all::{WriteVectoredAll, write_vectored_all};
