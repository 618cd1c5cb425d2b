use std::{
    io,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::transmit::{MOST_SEGMENTS, Transmit};
use crate::sys;

/// What the kernel does for a socket beside sending, as far as it is known, and the way to send.
///
/// It may promise to segment, and then refuse for a device or a path (`EIO`), or for datagrams that are
/// longer than the path takes (`EINVAL` or `EMSGSIZE`), udp(7), "UDP_SEGMENT". Some refuse to set ECN
/// (`EINVAL`). The message that is refused is sent with less at once, and if that works, it is remembered.
/// Nothing is lost by asking.
#[derive(Debug)]
pub(super) struct Offload {
    /// The kernel is not asked to segment into datagrams that are so long, or longer. `UNKNOWN` until
    /// somebody wants to know whether it can at all.
    segments_below: AtomicUsize,
    refuses_ecn: AtomicBool,
}

/// What a message may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) segments_below: usize,
    pub(super) ecn: bool,
}

impl Offload {
    pub(super) fn new() -> Self {
        Self {
            segments_below: AtomicUsize::new(UNKNOWN),
            refuses_ecn: AtomicBool::new(false),
        }
    }

    /// Sends what one system call takes, but no less than one whole transmit; returns how many whole ones.
    ///
    /// An error is that of the first one. What has been sent has left its payload.
    pub(super) fn send<S: sys::Socket>(
        &self,
        socket: &S,
        batch: &mut [Transmit<'_>],
    ) -> io::Result<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        let mut asked = self.asked(socket, batch.iter().any(Transmit::is_segmented));
        loop {
            let sent = match send_as(socket, batch, asked) {
                Ok(sent) => sent,
                Err(error) => {
                    let (sent, granted) = send_with_less(socket, batch, asked, error)?;
                    self.remember(asked, granted);
                    asked = granted;
                    sent
                }
            };
            let whole = advance(batch, asked, sent);
            // A second call's error could not be told from success, and would be lost.
            if whole > 0 {
                return Ok(whole);
            }
        }
    }

    /// How many datagrams the kernel takes apart at a time.
    pub(super) fn max_segments<S: sys::Socket>(&self, socket: &S) -> usize {
        match self.asked(socket, true).segments_below {
            0 => 1,
            _ => MOST_SEGMENTS,
        }
    }

    /// Has the kernel asked or not, whatever it has said before.
    pub(super) fn set_segments(&self, on: bool) {
        let below = if on { UNKNOWN } else { 0 };
        self.segments_below.store(below, Ordering::Relaxed);
    }

    fn asked<S: sys::Socket>(&self, socket: &S, segments: bool) -> Asked {
        let mut segments_below = self.segments_below.load(Ordering::Relaxed);
        if segments && segments_below == UNKNOWN {
            segments_below = if sys::can_segment(socket) { ALL } else { 0 };
            self.segments_below.store(segments_below, Ordering::Relaxed);
        }
        Asked {
            segments_below,
            ecn: !self.refuses_ecn.load(Ordering::Relaxed),
        }
    }

    fn remember(&self, asked: Asked, granted: Asked) {
        if granted.segments_below < asked.segments_below {
            self.segments_below
                .fetch_min(granted.segments_below, Ordering::Relaxed);
        }
        if asked.ecn && !granted.ecn {
            self.refuses_ecn.store(true, Ordering::Relaxed);
        }
    }
}

impl Asked {
    /// What may be left out of a message that was refused, the least first.
    fn lesser(self, first: &Transmit<'_>, error: &io::Error) -> impl Iterator<Item = Self> + use<> {
        let message = first.message(self);
        let fewer = message.segment_size.map(|size| Self {
            segments_below: if sys::is_of_the_device(error) {
                0
            } else {
                size
            },
            ..self
        });
        let without_ecn = |asked| Self {
            ecn: false,
            ..asked
        };
        // The length of a datagram is the same with a mark and without.
        let ecn = message.ecn.filter(|_| !sys::is_of_the_length(error));
        let unmarked = ecn.map(|_| without_ecn(self));
        let neither = fewer.and(unmarked).and(fewer).map(without_ecn);
        [fewer, unmarked, neither].into_iter().flatten()
    }
}

/// One system call; returns how many messages it has sent.
fn send_as<S: sys::Socket>(socket: &S, batch: &[Transmit<'_>], asked: Asked) -> io::Result<usize> {
    let messages = batch.iter().flat_map(|transmit| transmit.messages(asked));
    sys::send_messages(socket, messages)
}

/// The first message was refused. If all that is asked for less are refused as well, it was not for that.
#[cold]
fn send_with_less<S: sys::Socket>(
    socket: &S,
    batch: &[Transmit<'_>],
    asked: Asked,
    error: io::Error,
) -> io::Result<(usize, Asked)> {
    if sys::refuses_offload(&error) {
        for less in asked.lesser(&batch[0], &error) {
            match send_as(socket, batch, less) {
                Err(error) if sys::refuses_offload(&error) => {}
                result => return result.map(|sent| (sent, less)),
            }
        }
    }
    Err(error)
}

/// Takes so many messages out of the batch; returns how many transmits that ends.
fn advance(batch: &mut [Transmit<'_>], asked: Asked, messages: usize) -> usize {
    let mut whole = 0;
    for _ in 0..messages {
        let transmit = &mut batch[whole];
        let sent = transmit.message(asked).payload.len();
        whole += usize::from(transmit.advance(sent));
    }
    whole
}

const UNKNOWN: usize = usize::MAX;
const ALL: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_OF_IT: Asked = Asked {
        segments_below: ALL,
        ecn: true,
    };

    #[test]
    fn what_is_sent_leaves_the_payload_and_whole_transmits_are_counted() {
        let payload = [0; 250];
        let segments = || Transmit::new(&payload).segments(100);
        let one_by_one = Asked {
            segments_below: 0,
            ..ALL_OF_IT
        };
        let mut batch = [segments(), Transmit::new(&[]), segments()];
        assert_eq!(advance(&mut batch, one_by_one, 2), 0);
        assert_eq!(batch[0].payload().len(), 50);
        assert_eq!(advance(&mut batch, one_by_one, 3), 2);
        assert_eq!(batch[2].payload().len(), 150);
        assert_eq!(advance(&mut batch[2..], ALL_OF_IT, 1), 1);
    }

    #[test]
    fn what_was_not_asked_for_cannot_be_left_out() {
        let einval = io::Error::from_raw_os_error(libc::EINVAL);
        let payload = [0; 250];
        let lesser = |transmit| ALL_OF_IT.lesser(&transmit, &einval).collect::<Vec<_>>();
        assert_eq!(lesser(Transmit::new(&payload)), []);
        assert_eq!(lesser(Transmit::new(&payload).segments(250)), []);
        let marked = Transmit::new(&payload).ecn(crate::Ecn::Ect0);
        assert_eq!(lesser(marked.clone()).len(), 1);
        assert_eq!(lesser(marked.segments(100)).len(), 3);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn a_datagram_that_is_too_long_is_not_tried_again_without_its_mark() {
        let too_long = io::Error::from_raw_os_error(libc::EMSGSIZE);
        let payload = [0; 250];
        let marked = Transmit::new(&payload).ecn(crate::Ecn::Ect0);
        assert_eq!(ALL_OF_IT.lesser(&marked, &too_long).count(), 0);
        let segments = marked.segments(100);
        let lesser: Vec<_> = ALL_OF_IT.lesser(&segments, &too_long).collect();
        let shorter = Asked {
            segments_below: 100,
            ..ALL_OF_IT
        };
        assert_eq!(lesser, [shorter]);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn a_device_that_cannot_is_not_asked_again_and_a_path_only_for_shorter_datagrams() {
        let payload = [0; 250];
        let transmit = Transmit::new(&payload).segments(100);
        for (error, left) in [(libc::EIO, 0), (libc::EINVAL, 100), (libc::EMSGSIZE, 100)] {
            let error = io::Error::from_raw_os_error(error);
            let less = ALL_OF_IT.lesser(&transmit, &error).next().unwrap();
            let offload = Offload::new();
            offload.remember(ALL_OF_IT, less);
            assert_eq!(offload.segments_below.load(Ordering::Relaxed), left);
            assert!(!offload.refuses_ecn.load(Ordering::Relaxed));
        }
    }
}
