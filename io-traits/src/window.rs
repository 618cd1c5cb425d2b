use std::ops::Range;

/// A part of a buffer, as a buffer.
///
/// For helpers that fill or write a whole buffer where only a part is meant.
///
/// # Examples
///
/// ```
/// use io_traits::{Window, io::read_exact};
///
/// # futures::executor::block_on(async {
/// let mut window = Window::new([b'.'; 8]);
/// window.set_start(2).set_end(6);
/// read_exact(&mut &b"data"[..], window.as_mut()).await?;
/// assert_eq!(&window.into_inner(), b"..data..");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<T> {
    buf: T,
    range: Range<usize>,
}

impl<T: AsRef<[u8]>> Window<T> {
    /// A window over the whole of a buffer.
    pub fn new(buf: T) -> Self {
        let range = 0..buf.as_ref().len();
        Self { buf, range }
    }

    /// Moves the start, counted in bytes from that of the buffer.
    ///
    /// # Panics
    ///
    /// If it is beyond the end of the window.
    pub fn set_start(&mut self, start: usize) -> &mut Self {
        assert!(start <= self.range.end, "the start is beyond the end");
        self.range.start = start;
        self
    }

    /// Moves the end, counted in bytes from the start of the buffer.
    ///
    /// # Panics
    ///
    /// If it is before the start of the window or beyond the buffer.
    pub fn set_end(&mut self, end: usize) -> &mut Self {
        assert!(
            end <= self.buf.as_ref().len(),
            "the end is beyond the buffer"
        );
        assert!(self.range.start <= end, "the end is before the start");
        self.range.end = end;
        self
    }
}

impl<T> Window<T> {
    /// Where it starts, in bytes.
    pub fn start(&self) -> usize {
        self.range.start
    }

    /// Where it ends, in bytes.
    pub fn end(&self) -> usize {
        self.range.end
    }

    /// The whole buffer.
    pub fn get_ref(&self) -> &T {
        &self.buf
    }

    /// The whole buffer. The window ends where it did, or with the buffer if that gets shorter.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.buf
    }

    /// Gives the buffer back.
    pub fn into_inner(self) -> T {
        self.buf
    }

    /// A buffer may have become shorter behind the window's back; that is no reason to panic.
    fn within(&self, len: usize) -> Range<usize> {
        let end = self.range.end.min(len);
        self.range.start.min(end)..end
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Window<T> {
    fn as_ref(&self) -> &[u8] {
        let buf = self.buf.as_ref();
        &buf[self.within(buf.len())]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> AsMut<[u8]> for Window<T> {
    fn as_mut(&mut self) -> &mut [u8] {
        let range = self.within(self.buf.as_ref().len());
        // The two need not agree about their length.
        let buf = self.buf.as_mut();
        let end = range.end.min(buf.len());
        &mut buf[range.start.min(end)..end]
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn it_is_the_whole_buffer_until_its_ends_are_moved() {
        let mut window = Window::new(b"0123456789".to_vec());
        assert_eq!((window.start(), window.end()), (0, 10));
        window.set_start(2).set_end(5).set_start(3);
        assert_eq!(window.as_ref(), b"34");
        window.as_mut().fill(b'-');
        assert_eq!(window.get_ref(), b"012--56789");
        window.set_end(10).set_start(10);
        assert_eq!(window.as_ref(), b"");
        assert_eq!(window.into_inner(), b"012--56789");
    }

    #[test]
    fn ends_out_of_bounds_panic_and_change_nothing() {
        let mut window = Window::new([0; 4]);
        window.set_start(2).set_end(3);
        for panics in [
            |window: &mut Window<[u8; 4]>| _ = window.set_start(4),
            |window: &mut Window<[u8; 4]>| _ = window.set_end(1),
            |window: &mut Window<[u8; 4]>| _ = window.set_end(5),
        ] {
            catch_unwind(AssertUnwindSafe(|| panics(&mut window))).unwrap_err();
            assert_eq!((window.start(), window.end()), (2, 3));
        }
    }

    #[test]
    fn a_buffer_that_got_shorter_makes_the_window_shorter() {
        let mut window = Window::new(vec![1, 2, 3, 4]);
        window.set_start(2);
        window.get_mut().truncate(3);
        assert_eq!(window.as_ref(), [3]);
        window.get_mut().truncate(1);
        assert_eq!(window.as_mut(), []);
    }
}
