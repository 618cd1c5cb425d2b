use std::{
    net::TcpStream,
    os::fd::{AsFd, BorrowedFd},
    thread,
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionread},
    net::getpeername,
};
use socket2::SockRef;

use super::{
    far_end::{FarEnd, bytes},
    script::{Origin, Script},
    state::State,
    step::{Far, Near, Step},
    subject::{Meanwhile, Subject},
    transcript::{Entry, Outcome, Side, Transcript},
};
use crate::common::{HANG, Random};

/// Plays a script on a connection, step by step, and waits after each for what must have come of it.
pub(crate) fn play<S: Subject>(
    script: &Script,
    open: impl FnOnce(Origin) -> (S, TcpStream),
) -> Transcript {
    let (near, far) = open(script.origin);
    let name = near.name();
    let _telling = Telling(name, script);
    for socket in [near.socket(), far.as_fd()] {
        let socket = SockRef::from(&socket);
        socket.set_tcp_nodelay(true).unwrap();
        socket.set_send_buffer_size(BUFFERS).unwrap();
        socket.set_recv_buffer_size(BUFFERS).unwrap();
    }
    let mut player = Player {
        near: Some(near),
        far: FarEnd::new(far, script.seed),
        data: Random::new(script.seed ^ 0xEA12),
        state: State::default(),
        step: 0,
        transcript: Transcript::new(name),
    };
    for (number, (step, after)) in script.steps.iter().enumerate() {
        player.step = number;
        player.play(*step);
        player.state = *after;
        player.settle();
    }
    player.transcript
}

struct Player<S> {
    near: Option<S>,
    far: FarEnd,
    /// What the stream writes.
    data: Random,
    /// Before the step.
    state: State,
    step: usize,
    transcript: Transcript,
}

impl<S: Subject> Player<S> {
    fn play(&mut self, step: Step) {
        let (near, far) = match step {
            Step::Near(near) => (self.near(near, None), None),
            Step::Far(far) => (None, self.far.act(far)),
            Step::Waiting(near, far) => (self.waiting(near, far), None),
            Step::Out(len) => self.much(len, 0),
            Step::In(len) => self.much(0, len),
            Step::Exchange(len) => self.much(len, len),
            Step::Cut(len) => (Some(self.cut(len)), None),
        };
        for (side, outcome) in [(Side::Near, near), (Side::Far, far)] {
            let step = self.step;
            let entry = outcome.map(|outcome| Entry {
                step,
                side,
                outcome,
            });
            self.transcript.entries.extend(entry);
        }
    }

    fn near(&mut self, step: Near, meanwhile: Meanwhile<'_>) -> Option<Outcome> {
        let near = self.near.as_mut()?;
        Some(match step {
            Near::Drop => {
                self.near = None;
                return None;
            }
            Near::GiveUp(way, room) => {
                near.give_up(way, room);
                return None;
            }
            Near::Look => {
                near.look();
                return None;
            }
            Near::Write(way, len) => near.write(way, &bytes(&mut self.data, len)).into(),
            Near::WriteAll(len) => near.write_all(&bytes(&mut self.data, len), None).into(),
            Near::Shutdown(how) => near.shutdown(how).into(),
            Near::End => near.end().into(),
            _ => read(near, step, meanwhile),
        })
    }

    fn waiting(&mut self, step: Near, meanwhile: Far) -> Option<Outcome> {
        let (near, far) = (self.near.as_mut()?, &mut self.far);
        let mut outcome = read(near, step, Some(&mut || drop(far.act(meanwhile))));
        // The kernel may have woken it with a part of what was written.
        if let Outcome::Bytes(bytes) = &mut outcome {
            let written = meanwhile.written();
            let is_part = |room: usize| (1..room.min(written)).contains(&bytes.len());
            match step {
                Near::Read(_, room) if is_part(room) => {
                    let rest = near.read_exact(room.min(written) - bytes.len(), None);
                    bytes.extend(rest.unwrap());
                }
                Near::Peek(room) if is_part(room) => {
                    come_to_rest(near.socket(), written, false, false);
                    let all = near.peek(room, None).unwrap();
                    assert!(all.starts_with(bytes), "a peek took something");
                    *bytes = all;
                }
                _ => {}
            }
        }
        Some(outcome)
    }

    /// So many bytes go out, and so many come back. Of none, it is not even tried.
    fn much(&mut self, out: usize, back: usize) -> (Option<Outcome>, Option<Outcome>) {
        let Self { near, far, .. } = self;
        let near = near.as_mut().expect("it has its place");
        let all = |unread, len| if len > 0 { unread + len } else { 0 };
        let to_read = all(self.state.near_unread, back);
        let far_to_read = all(self.state.far_unread, out);
        let bytes = bytes(&mut self.data, out);
        thread::scope(|scope| {
            let far = scope.spawn(|| far.exchange(back, far_to_read).into());
            let near = match (out, back) {
                (_, 0) => near.write_all(&bytes, None).into(),
                (0, _) => near.read_exact(to_read, None).into(),
                _ => near.exchange(&bytes, to_read).into(),
            };
            (Some(near), Some(far.join().unwrap()))
        })
    }

    fn cut(&mut self, len: usize) -> Outcome {
        let (near, far) = (self.near.as_mut(), &mut self.far);
        let bytes = bytes(&mut self.data, len);
        let near = near.expect("it has its place");
        near.write_all(&bytes, Some(&mut || drop(far.act(Far::Reset))))
            .into()
    }

    /// Waits until the sockets show what must have come of the step.
    fn settle(&self) {
        let State {
            near_unread,
            far_unread,
            near_ended,
            far_ended,
            ..
        } = self.state;
        let closed = self.state.is_closed();
        if let Some(near) = &self.near {
            come_to_rest(near.socket(), near_unread, far_ended, closed);
        }
        if let Some(far) = &self.far.stream {
            come_to_rest(far.as_fd(), far_unread, near_ended, closed);
        }
    }
}

fn read(near: &mut impl Subject, step: Near, meanwhile: Meanwhile<'_>) -> Outcome {
    match step {
        Near::Read(way, room) => near.read(way, room, meanwhile).into(),
        Near::ReadExact(len) => near.read_exact(len, meanwhile).into(),
        Near::ReadToEnd => near.read_to_end(meanwhile).into(),
        Near::Peek(room) => near.peek(room, meanwhile).into(),
        _ => unreachable!("{step:?} does not read"),
    }
}

/// Waits until so many bytes have arrived, whether or not the end has, and the connection is gone, if it
/// is to be.
#[track_caller]
fn come_to_rest(socket: BorrowedFd<'_>, unread: usize, ended: bool, closed: bool) {
    let deadline = Instant::now() + HANG;
    loop {
        let arrived = ioctl_fionread(socket).unwrap();
        let has_ended = !ended || is_ended(socket);
        // The kernel forgets the peer when the last acknowledgement, or a reset, has come.
        let is_closed = !closed || matches!(getpeername(socket), Err(Errno::NOTCONN));
        if arrived == unread as u64 && has_ended && is_closed {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "no rest: {arrived} of {unread} bytes, ended: {has_ended}, closed: {is_closed}"
        );
        thread::yield_now();
    }
}

fn is_ended(socket: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(&socket, PollFlags::RDHUP)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).unwrap() == 1
}

/// Tells which script it was that panicked, or hung.
struct Telling<'a>(&'static str, &'a Script);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}: {}", self.0, self.1);
        }
    }
}

/// Large enough for all that a script leaves unread, and much smaller than what [`Player::much`] sends.
const BUFFERS: usize = 64 * 1024;
