/// A type whose reading and whose writing are independent of each other.
///
/// A read neither writes nor changes what a write does, and the other way round, so that two tasks can
/// do both at the same time through `&T`. That is so for sockets. It is not so for a TLS stream or a
/// WebSocket, whose reads write (an alert, the answer to a ping): such an object stays whole, in one
/// task that does both.
///
/// # Implementer notes
///
/// For the halves to read and write, `&T` has to be [`AsyncRead`](crate::AsyncRead) and
/// [`AsyncWrite`](crate::AsyncWrite).
///
/// # Examples
///
/// A layer over a stream does not say that its directions are independent:
///
/// ```compile_fail,E0277
/// use io_traits::{duplex, layer::Layer, split};
///
/// let (end, _peer) = duplex(64);
/// let (reads, writes) = split(Layer::new(end));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be split: it does not say that its two directions are independent",
    label = "a read of this may write, or a write may read",
    note = "an object whose reads write (TLS, WebSocket) stays whole: one task does both, for example \
            with `select`",
    note = "for a type of your own with independent directions: `impl Splittable for …`",
    note = "a buffered one is split by its own `into_split`"
)]
pub trait Splittable {}
