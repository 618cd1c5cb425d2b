use std::task::Waker;

use crate::{Direction, Interest, registration::Registration};

/// The waker that a future has left at an object, so that it can take it along when it goes.
#[derive(Debug, Default)]
pub(crate) struct LeftWaker(Option<Waker>);

impl LeftWaker {
    pub(crate) const NONE: Self = Self(None);

    /// `waker` has been left where tasks wait for `interest`; another one is not needed there any more.
    ///
    /// Nothing has been left of a task of the core itself, which waits by its number.
    pub(crate) fn set(&mut self, registration: &Registration, interest: Interest, waker: &Waker) {
        let is_left =
            directions(interest).any(|direction| registration.keeps_waker(direction, waker));
        let same = |left: &Waker| left.will_wake(waker);
        if is_left && self.0.as_ref().is_some_and(same) {
            return;
        }
        self.withdraw(registration, interest);
        self.0 = is_left.then(|| waker.clone());
    }

    pub(crate) fn withdraw(&mut self, registration: &Registration, interest: Interest) {
        if let Some(waker) = self.0.take() {
            for direction in directions(interest) {
                registration.withdraw(direction, &waker);
            }
        }
    }
}

/// Where tasks wait for `interest`.
fn directions(interest: Interest) -> impl Iterator<Item = Direction> {
    let both = [Direction::Read, Direction::Write].into_iter();
    both.filter(move |direction| interest.is_of(*direction))
}
