//! A system without an alarm that a poller can report, or whose poller needs none.

use std::{io, time::Duration};

use mio::Registry;

pub(crate) const HAS_ALARM: bool = false;

#[derive(Debug)]
pub(crate) enum Alarm {}

impl Alarm {
    pub(crate) fn new(_: &Registry) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn set(&mut self, _: Duration) -> io::Result<()> {
        match *self {}
    }
}
