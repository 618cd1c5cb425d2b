//! Wrappers forward every method, so that no fast path is lost behind one. The macros write it out.

/// `Read` and `AsyncRead` of a wrapper, from an expression for the object in it.
macro_rules! forward_read {
    ([$($generics:tt)*] $wrapper:ty, |$this:ident| $object:expr) => {
        impl<$($generics)*> std::io::Read for $wrapper {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                let $this = self;
                $object.read(buf)
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                let $this = self;
                $object.read_vectored(bufs)
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> std::io::Result<usize> {
                let $this = self;
                $object.read_to_end(buf)
            }

            fn read_to_string(&mut self, buf: &mut String) -> std::io::Result<usize> {
                let $this = self;
                $object.read_to_string(buf)
            }

            fn read_exact(&mut self, buf: &mut [u8]) -> std::io::Result<()> {
                let $this = self;
                $object.read_exact(buf)
            }
        }
    };
    (async [$($generics:tt)*] $wrapper:ty, |$this:ident| $object:expr) => {
        $crate::forward::forward_read!([$($generics)*] $wrapper, |$this| $object);

        impl<$($generics)*> $crate::AsyncRead for $wrapper {
            #[inline]
            fn poll_read_into(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &mut $crate::ReadCursor<'_>,
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = self;
                $object.poll_read_into(cx, buf)
            }
        }
    };
}

/// `Write` and `AsyncWrite` of a wrapper; the second expression is for a shared reference.
macro_rules! forward_write {
    ([$($generics:tt)*] $wrapper:ty, |$this:ident| $object:expr) => {
        impl<$($generics)*> std::io::Write for $wrapper {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                let $this = self;
                $object.write(buf)
            }

            fn write_vectored(
                &mut self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                let $this = self;
                $object.write_vectored(bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                let $this = self;
                $object.flush()
            }

            fn write_all(&mut self, buf: &[u8]) -> std::io::Result<()> {
                let $this = self;
                $object.write_all(buf)
            }

            fn write_fmt(&mut self, args: std::fmt::Arguments<'_>) -> std::io::Result<()> {
                let $this = self;
                $object.write_fmt(args)
            }
        }
    };
    (async [$($generics:tt)*] $wrapper:ty, |$this:ident| $object:expr, $shared:expr) => {
        $crate::forward::forward_write!([$($generics)*] $wrapper, |$this| $object);

        impl<$($generics)*> $crate::AsyncWrite for $wrapper {
            #[inline]
            fn poll_write_from(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = self;
                $object.poll_write_from(cx, buf)
            }

            fn poll_write_slices(
                &mut self,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = self;
                $object.poll_write_slices(cx, bufs)
            }

            fn writes_slices(&self) -> bool {
                let $this = self;
                $shared.writes_slices()
            }

            fn poll_flush(
                &mut self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = self;
                $object.poll_flush(cx)
            }

            fn poll_shutdown(
                &mut self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = self;
                $object.poll_shutdown(cx)
            }
        }
    };
}

pub(crate) use {forward_read, forward_write};
