//! `Box<T>` and `&mut T`: every method is forwarded, so that no fast path is lost behind a pointer.
#![deny(clippy::missing_trait_methods)]

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

use crate::{AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: AsyncRead + ?Sized> AsyncRead for $pointer {
            fn poll_read_into(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<usize>> {
                (**self).poll_read_into(cx, buf)
            }
        }

        impl<T: AsyncBufRead + ?Sized> AsyncBufRead for $pointer {
            fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
                (**self).poll_fill_buf(cx)
            }
        }

        impl<T: AsyncWrite + ?Sized> AsyncWrite for $pointer {
            fn poll_write_from(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                (**self).poll_write_from(cx, buf)
            }

            fn poll_write_slices(
                &mut self,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                (**self).poll_write_slices(cx, bufs)
            }

            fn writes_slices(&self) -> bool {
                (**self).writes_slices()
            }

            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                (**self).poll_flush(cx)
            }

            fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                (**self).poll_shutdown(cx)
            }
        }
    )*};
}

forward!(Box<T>, &mut T);
