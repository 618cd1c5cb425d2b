use super::step::{Far, Near, Step, Way};

/// What the two sockets must show between two steps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// Bytes that have come to the stream and that it has not read.
    pub(crate) near_unread: usize,
    pub(crate) far_unread: usize,
    /// Its FIN has been sent.
    pub(crate) near_ended: bool,
    pub(crate) far_ended: bool,
    /// The stream has shut its reading side.
    near_deaf: bool,
    /// The connection has been reset.
    reset: bool,
    /// The stream has been dropped.
    pub(crate) near_gone: bool,
    pub(crate) far_gone: bool,
}

impl State {
    /// What follows from a step, or `None` if it has no place here: it would wait for ever, or what
    /// comes of it would depend on the moment.
    pub(crate) fn after(mut self, step: Step) -> Option<Self> {
        let has_place = match step {
            Step::Near(near) => self.near(near),
            Step::Far(far) => self.far(far),
            Step::Waiting(near, far) => self.waits(near) && self.far(far) && self.near(near),
            Step::Out(_) => self.sends_much(),
            Step::In(_) => self.gets_much(),
            Step::Exchange(_) => self.sends_much() && self.gets_much(),
            Step::Cut(_) => {
                let has_place = self.sends_much();
                (self.far_gone, self.reset) = (true, true);
                has_place
            }
        };
        has_place.then_some(self)
    }

    /// The kernel has no connection any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.reset || (self.near_ended && self.far_ended)
    }

    fn near(&mut self, near: Near) -> bool {
        if self.near_gone {
            return false;
        }
        match near {
            // std would wait where there is nothing, and tell an error where there is one.
            Near::Read(Way::Plain, 0) | Near::Peek(0) => self.near_unread > 0,
            Near::Read(_, 0) => false,
            Near::Read(_, room) => {
                let has_place = self.near_unread > 0 || self.ends();
                self.near_unread = self.near_unread.saturating_sub(room);
                has_place
            }
            Near::Peek(_) => self.near_unread > 0 || self.ends(),
            Near::ReadExact(len) => {
                let has_place = len <= self.near_unread || self.ends();
                self.near_unread = self.near_unread.saturating_sub(len);
                has_place
            }
            Near::ReadToEnd => {
                self.near_unread = 0;
                self.ends()
            }
            Near::GiveUp(_, room) => room > 0 && self.near_unread == 0 && !self.ends(),
            // std would tell what is wrong with the connection.
            Near::Write(Way::Plain | Way::Async, 0) | Near::WriteAll(0) => {
                self.can_write() && !self.far_gone
            }
            Near::Write(_, 0) => false,
            Near::Write(_, len) | Near::WriteAll(len) => {
                if self.can_write() && self.far_gone {
                    // Nobody is there: the answer is a reset.
                    self.reset = true;
                } else if self.can_write() {
                    self.far_unread += len;
                }
                self.far_unread <= LIMIT
            }
            Near::Shutdown(how) => {
                use std::net::Shutdown::{Both, Read, Write};
                self.near_deaf |= matches!(how, Read | Both);
                self.near_ended |= matches!(how, Write | Both);
                true
            }
            Near::End => {
                self.near_ended = true;
                true
            }
            Near::Look => true,
            Near::Drop => {
                // tcp(7) does not say it, RFC 2525 2.17 does: who closes with unread data, resets.
                self.reset |= self.near_unread > 0 && !self.is_closed();
                self.near_ended |= !self.reset;
                (self.near_gone, self.near_unread) = (true, 0);
                true
            }
        }
    }

    fn far(&mut self, far: Far) -> bool {
        if self.far_gone {
            return false;
        }
        match far {
            Far::Write(len) | Far::LastWrite(len) => {
                let has_place = self.far_can_write();
                self.near_unread += len;
                self.far_ended |= matches!(far, Far::LastWrite(_));
                has_place && self.near_unread <= LIMIT
            }
            Far::Read(room) => {
                let has_place = room > 0 && (self.far_unread > 0 || self.near_ended);
                self.far_unread = self.far_unread.saturating_sub(room);
                has_place
            }
            Far::ReadToEnd => {
                self.far_unread = 0;
                self.near_gone
            }
            Far::End => {
                let has_place = !self.far_ended && !self.reset && !self.near_gone;
                self.far_ended = true;
                has_place
            }
            Far::Close => {
                if !self.is_closed() && self.far_unread > 0 {
                    self.reset = true;
                } else {
                    self.far_ended = true;
                }
                (self.far_gone, self.far_unread) = (true, 0);
                true
            }
            Far::Reset => {
                self.reset |= !self.is_closed();
                (self.far_gone, self.far_unread) = (true, 0);
                true
            }
        }
    }

    /// Whether a read has to wait.
    fn waits(&self, near: Near) -> bool {
        let finds_too_little = match near {
            Near::Read(_, room) | Near::Peek(room) => room > 0 && self.near_unread == 0,
            Near::ReadExact(len) => self.near_unread < len,
            Near::ReadToEnd => true,
            _ => false,
        };
        finds_too_little && !self.ends()
    }

    /// Much goes to the peer, and it reads all that there is.
    fn sends_much(&mut self) -> bool {
        self.far_unread = 0;
        self.can_write() && !self.far_gone
    }

    /// Much comes from the peer, and the stream reads all that there is.
    fn gets_much(&mut self) -> bool {
        self.near_unread = 0;
        self.far_can_write() && !self.far_gone
    }

    /// Whether reads come to an end behind what is there.
    fn ends(&self) -> bool {
        self.far_ended || self.near_deaf || self.reset
    }

    fn can_write(&self) -> bool {
        !self.is_closed() && !self.near_ended && !self.near_gone
    }

    /// A deaf stream's kernel takes the bytes or resets, according to what else has ended.
    fn far_can_write(&self) -> bool {
        !self.is_closed() && !self.far_ended && !self.near_deaf && !self.near_gone
    }
}

/// So much fits into the sockets' buffers, however small the pieces are that it comes in.
const LIMIT: usize = 4_096;
