//! Small objects, each with one mistake that has been made somewhere, and the law by which the suite
//! catches it.

// No adapter changes what is shown here, and it takes long: so it runs without them and with all of them, and not
// once more with each alone.
#![cfg(any(
    not(any(feature = "futures-io", feature = "hyper", feature = "tokio")),
    all(feature = "futures-io", feature = "hyper", feature = "tokio")
))]

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker, ready},
    time::Duration,
};

use io_traits::{
    AsyncRead, AsyncWrite, Duplex, ReadCursor, duplex, task,
    testing::conformance::{self, Law},
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mistake {
    None,
    // Of reads.
    ForgetsToRegister,
    RegistersOnce,
    OverReports,
    FillsMoreThanItSays,
    LooksIntoTheBuffer,
    WritesBeyond,
    KeepsTheLastWakerOnly,
    KeepsTheFirstWakerOnly,
    KeepsEveryWaker,
    WakesForEver,
    WouldBlockFromPoll,
    InterruptedFromPoll,
    PlainReadForgetsToRegister,
    WouldBlockOutsideOfATask,
    DataOutsideOfATask,
    ZeroForWouldBlock,
    EndOnlyOnce,
    WaitsWithAnEmptyBuffer,
    BlocksTheThread,
    LosesWhatItReadWhenItWaits,
    EatsTheNextByteAfterABigRead,
    // Of writes.
    WriteForgetsToRegister,
    WritesShareTheSlotOfReads,
    TakesMoreThanItPasses,
    SaysItTookMoreThanGiven,
    WritesTwiceAfterAWait,
    AnnouncesSlices,
    HidesSlices,
    FlushDoesNothing,
    ShutdownForgetsWhatIsHeld,
    ShutdownIsForgotten,
    ShutdownEndsBoth,
    WaitsWithNothingToWrite,
}

use Mistake::*;

/// A wrapper that keeps all laws but one.
struct Wrong {
    end: Duplex,
    mistake: Mistake,
    slot: Arc<Slot>,
    /// How often the mistake was made.
    times: u32,
    held: Vec<u8>,
    ended: bool,
}

#[derive(Default)]
struct Slot(Mutex<Vec<Waker>>);

impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap());
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Wrong {
    fn new(end: Duplex, mistake: Mistake) -> Self {
        Self {
            end,
            mistake,
            slot: Arc::default(),
            times: 0,
            held: Vec::new(),
            ended: false,
        }
    }

    /// The waker that the object inside gets to see.
    fn waker(&mut self, cx: &Context<'_>) -> Waker {
        let mut slot = self.slot.0.lock().unwrap();
        match self.mistake {
            ForgetsToRegister | RegistersOnce => return Waker::noop().clone(),
            KeepsTheLastWakerOnly | WritesShareTheSlotOfReads => *slot = vec![cx.waker().clone()],
            KeepsTheFirstWakerOnly if slot.is_empty() => slot.push(cx.waker().clone()),
            KeepsTheFirstWakerOnly => {}
            KeepsEveryWaker => slot.push(cx.waker().clone()),
            _ => return cx.waker().clone(),
        }
        drop(slot);
        Waker::from(self.slot.clone())
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let waker = self.waker(cx);
        let mut inner = Context::from_waker(&waker);
        if buf.remaining() == 0 {
            return match self.mistake {
                WaitsWithAnEmptyBuffer => Poll::Pending,
                _ => Poll::Ready(Ok(0)),
            };
        }
        if self.ended {
            return match self.mistake {
                EndOnlyOnce => Poll::Pending,
                _ => Poll::Ready(Ok(0)),
            };
        }
        match self.mistake {
            OverReports => return self.end.poll_read_into(&mut inner, buf).map_ok(|n| n + 1),
            FillsMoreThanItSays => {
                return self
                    .end
                    .poll_read_into(&mut inner, buf)
                    .map_ok(|n| n.min(1));
            }
            LooksIntoTheBuffer => {
                // What was there is mixed into what comes, as by a cipher that works in place.
                let before = buf.initialize_unfilled().to_vec();
                let mut bytes = vec![0; before.len()];
                let n = ready!(fill(&mut self.end, &mut inner, &mut bytes))?;
                for (byte, before) in bytes.iter_mut().zip(before) {
                    *byte ^= before & 0x80;
                }
                return Poll::Ready(Ok(buf.append(&bytes[..n])));
            }
            WritesBeyond => {
                let n = ready!(self.end.poll_read_into(&mut inner, buf))?;
                buf.initialize_unfilled().fill(0xEE);
                return Poll::Ready(Ok(n));
            }
            BlocksTheThread => std::thread::sleep(PATIENCE * 2),
            EatsTheNextByteAfterABigRead if self.times > 0 => {
                self.times = 0;
                let _ = fill(&mut self.end, &mut inner, &mut [0])?;
            }
            _ => {}
        }
        let room = buf.remaining();
        let (polled, _) = buf.limited(usize::MAX, |buf| self.end.poll_read_into(&mut inner, buf));
        match (self.mistake, &polled) {
            (RegistersOnce, Poll::Pending) => {
                // As when the other direction is registered, which is ready: one event comes at once.
                self.times += 1;
                if self.times == 1 {
                    cx.waker().wake_by_ref();
                }
            }
            (WakesForEver, Poll::Pending) => cx.waker().wake_by_ref(),
            (WouldBlockFromPoll, Poll::Pending) => {
                return Poll::Ready(Err(ErrorKind::WouldBlock.into()));
            }
            (InterruptedFromPoll, Poll::Pending) => {
                return Poll::Ready(Err(ErrorKind::Interrupted.into()));
            }
            (ZeroForWouldBlock, Poll::Pending) => return Poll::Ready(Ok(0)),
            (EatsTheNextByteAfterABigRead, Poll::Ready(Ok(_))) if room >= 1_000 => self.times = 1,
            (_, Poll::Ready(Ok(0))) => self.ended = true,
            _ => {}
        }
        polled
    }

    /// Whether what is written stays here until it is flushed.
    fn holds(&self) -> bool {
        matches!(self.mistake, FlushDoesNothing | ShutdownForgetsWhatIsHeld)
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let n = ready!(self.end.poll_write_from(cx, &self.held))?;
            self.held.drain(..n);
        }
        Poll::Ready(Ok(()))
    }
}

fn fill(end: &mut Duplex, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
    ReadCursor::with_initialized(bytes, |buf| end.poll_read_into(cx, buf)).0
}

impl Read for Wrong {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let outside = task::poll(|_| Poll::Ready(Ok(()))).is_err();
        match self.mistake {
            WouldBlockOutsideOfATask if outside => return Err(ErrorKind::WouldBlock.into()),
            DataOutsideOfATask if outside => {
                let mut cx = Context::from_waker(Waker::noop());
                if let Poll::Ready(result) = fill(&mut self.end, &mut cx, buf) {
                    return result;
                }
            }
            PlainReadForgetsToRegister if !outside => {
                let mut cx = Context::from_waker(Waker::noop());
                return match fill(&mut self.end, &mut cx, buf) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(ErrorKind::WouldBlock.into()),
                };
            }
            LosesWhatItReadWhenItWaits => {
                return task::poll(|cx| {
                    let mut two = [0; 2];
                    // The first byte is lost when the second is not there yet.
                    for byte in &mut two {
                        if self.ended {
                            break;
                        }
                        let n = ready!(fill(&mut self.end, cx, std::slice::from_mut(byte)))?;
                        self.ended = n == 0;
                    }
                    Poll::Ready(Ok(0))
                });
            }
            _ => {}
        }
        task::poll(|cx| ReadCursor::with_initialized(buf, |buf| self.poll_read(cx, buf)).0)
    }
}

impl AsyncRead for Wrong {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.mistake == LosesWhatItReadWhenItWaits {
            let mut two = [0; 2];
            let mut got = 0;
            while got < 2 && buf.remaining() >= 2 && !self.ended {
                let n = ready!(fill(&mut self.end, cx, &mut two[got..]))?;
                self.ended = n == 0;
                got += n;
            }
            return Poll::Ready(Ok(buf.append(&two[..got])));
        }
        self.poll_read(cx, buf)
    }
}

impl Write for Wrong {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        task::poll(|cx| self.poll_write_from(cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        task::poll(|cx| self.poll_flush(cx))
    }
}

impl AsyncWrite for Wrong {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.holds() {
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            if self.held.len() >= 8 {
                ready!(self.poll_release(cx))?;
            }
            let n = buf.len().min(8 - self.held.len());
            self.held.extend_from_slice(&buf[..n]);
            return Poll::Ready(Ok(n));
        }
        let waker = match self.mistake {
            WriteForgetsToRegister => Waker::noop().clone(),
            WritesShareTheSlotOfReads => self.waker(cx),
            _ => cx.waker().clone(),
        };
        let mut inner = Context::from_waker(&waker);
        if buf.is_empty() && self.mistake == WaitsWithNothingToWrite {
            return Poll::Pending;
        }
        let polled = self.end.poll_write_from(&mut inner, buf);
        match (self.mistake, &polled) {
            (WritesTwiceAfterAWait, Poll::Pending) => self.times = 1,
            (WritesTwiceAfterAWait, Poll::Ready(Ok(1..))) if self.times == 1 => {
                self.times = 0;
                let _ = self.end.poll_write_from(&mut inner, &buf[..1])?;
            }
            (TakesMoreThanItPasses, Poll::Ready(Ok(1..))) => return Poll::Ready(Ok(buf.len())),
            (SaysItTookMoreThanGiven, Poll::Ready(Ok(n))) => return Poll::Ready(Ok(n + 1)),
            _ => {}
        }
        polled
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.mistake == HidesSlices {
            return self.end.poll_write_slices(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.poll_write_from(cx, first.map_or(&[], |first| &**first))
    }

    fn writes_slices(&self) -> bool {
        self.mistake == AnnouncesSlices
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.mistake {
            FlushDoesNothing => Poll::Ready(Ok(())),
            _ => self.poll_release(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.mistake {
            ShutdownIsForgotten => return Poll::Ready(Ok(())),
            ShutdownEndsBoth => self.ended = true,
            ShutdownForgetsWhatIsHeld => {}
            _ => ready!(self.poll_release(cx))?,
        }
        self.end.poll_shutdown(cx)
    }
}

fn check(mistake: Mistake) -> Result<(), conformance::Broken> {
    conformance::stream(|| {
        let (one, two) = duplex(64);
        (Wrong::new(one, mistake), two)
    })
    .patience(PATIENCE)
    .check()
}

#[track_caller]
fn caught(mistake: Mistake, law: Law) {
    let broken = check(mistake).expect_err("the suite did not notice");
    assert_eq!(broken.law(), law, "{mistake:?}: {broken}");
    // Short, and with a beginning.
    assert!((2..=8).contains(&broken.story().len()), "{broken}");
    assert!(broken.to_string().contains(&law.to_string()));
}

#[test]
fn the_wrapper_without_a_mistake_keeps_the_laws() {
    check(None).unwrap();
}

#[test]
fn an_object_that_blocks_the_thread_is_caught() {
    caught(BlocksTheThread, Law::NeverBlocks);
}

#[test]
fn objects_that_do_not_register_are_caught() {
    caught(ForgetsToRegister, Law::WouldBlockRegisters);
    caught(RegistersOnce, Law::WouldBlockRegisters);
    caught(PlainReadForgetsToRegister, Law::WouldBlockRegisters);
    caught(WriteForgetsToRegister, Law::WouldBlockRegisters);
}

#[test]
fn objects_that_lose_or_hoard_wakers_are_caught() {
    caught(KeepsTheLastWakerOnly, Law::NoWakeupLost);
    caught(KeepsTheFirstWakerOnly, Law::WouldBlockRegisters);
    caught(KeepsEveryWaker, Law::NoWakeupLost);
    caught(WakesForEver, Law::NoWakeupLost);
    caught(WritesShareTheSlotOfReads, Law::NoWakeupLost);
}

/// A writer that is woken only by a look of its peer at nothing. A peer that looks only when it is woken never
/// makes that one.
#[test]
fn a_writer_that_is_woken_by_the_second_look_of_its_peer_is_caught() {
    struct Writer(Duplex, Arc<Slot>);
    impl Write for Writer {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            task::poll(|cx| self.poll_write_from(cx, buf))
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    impl AsyncWrite for Writer {
        fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let written = self
                .0
                .poll_write_from(&mut Context::from_waker(Waker::noop()), buf);
            if written.is_pending() {
                self.1.0.lock().unwrap().push(cx.waker().clone());
            }
            written
        }
        fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_shutdown(cx)
        }
    }

    struct Peer {
        end: Duplex,
        writers: Arc<Slot>,
        has_looked: bool,
    }
    impl Read for Peer {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.end.read(buf)
        }
    }
    impl AsyncRead for Peer {
        fn poll_read_into(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut ReadCursor<'_>,
        ) -> Poll<io::Result<usize>> {
            let polled = self.end.poll_read_into(cx, buf);
            let had_looked = std::mem::replace(&mut self.has_looked, polled.is_pending());
            if had_looked && polled.is_pending() {
                self.writers.clone().wake();
            }
            polled
        }
    }

    let suite = conformance::writer(|| {
        let ((one, end), writers) = (duplex(64), Arc::<Slot>::default());
        let peer = Peer {
            end,
            writers: writers.clone(),
            has_looked: false,
        };
        (Writer(one, writers), peer)
    });
    let broken = suite.patience(PATIENCE).check();
    let broken = broken.expect_err("the suite did not notice");
    assert_eq!(broken.law(), Law::WouldBlockRegisters, "{broken}");
}

#[test]
fn objects_that_use_the_buffer_wrongly_are_caught() {
    caught(OverReports, Law::BytesIntact);
    caught(FillsMoreThanItSays, Law::BuffersOnlyWritten);
    caught(LooksIntoTheBuffer, Law::BuffersOnlyWritten);
    caught(WritesBeyond, Law::BuffersOnlyWritten);
}

#[test]
fn objects_whose_poll_is_not_a_poll_are_caught() {
    caught(WouldBlockFromPoll, Law::PollNeverWouldBlock);
    caught(InterruptedFromPoll, Law::PollNeverWouldBlock);
}

#[test]
fn objects_that_answer_outside_of_a_task_are_caught() {
    caught(WouldBlockOutsideOfATask, Law::NoSilentHang);
    caught(DataOutsideOfATask, Law::NoSilentHang);
}

#[test]
fn objects_that_do_not_know_the_end_are_caught() {
    caught(ZeroForWouldBlock, Law::End);
    caught(EndOnlyOnce, Law::End);
    caught(ShutdownIsForgotten, Law::End);
    caught(ShutdownEndsBoth, Law::HalfClose);
}

#[test]
fn objects_that_wait_with_nothing_to_do_are_caught() {
    caught(WaitsWithAnEmptyBuffer, Law::EmptyBuffers);
    caught(WaitsWithNothingToWrite, Law::EmptyBuffers);
}

#[test]
fn objects_that_lose_or_double_bytes_are_caught() {
    caught(TakesMoreThanItPasses, Law::BytesIntact);
    caught(SaysItTookMoreThanGiven, Law::Works);
    caught(WritesTwiceAfterAWait, Law::Cancellation);
    caught(FlushDoesNothing, Law::BytesIntact);
    caught(ShutdownForgetsWhatIsHeld, Law::BytesIntact);
    caught(EatsTheNextByteAfterABigRead, Law::Cancellation);
}

#[test]
fn an_object_that_loses_bytes_whenever_it_waits_is_caught() {
    // Which law it breaks first depends on where the bytes are missed.
    check(LosesWhatItReadWhenItWaits).expect_err("the suite did not notice");
}

#[test]
fn objects_that_lie_about_slices_are_caught() {
    caught(AnnouncesSlices, Law::Slices);
    caught(HidesSlices, Law::Slices);
}

#[test]
#[should_panic = "law 2"]
fn a_run_panics_with_the_story() {
    conformance::reader(|| {
        let (one, two) = duplex(64);
        (Wrong::new(one, ForgetsToRegister), two)
    })
    .patience(PATIENCE)
    .run();
}

const PATIENCE: Duration = Duration::from_millis(200);
