//! A platform without descriptors: objects are registered for both directions once and for all.

use std::{io, marker::PhantomData};

use mio::{Registry, Token};

use super::Watch;
use crate::Direction;

#[path = "no_alarm.rs"]
mod alarm;

pub(crate) use alarm::{Alarm, HAS_ALARM};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descriptor {}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Borrowed<'a> {
    #[expect(dead_code, reason = "there is no descriptor to borrow")]
    Never(std::convert::Infallible, PhantomData<&'a ()>),
}

pub(crate) fn descriptor(borrowed: Borrowed<'_>) -> Descriptor {
    match borrowed {
        Borrowed::Never(never, _) => match never {},
    }
}

pub(crate) fn number(descriptor: Descriptor) -> i32 {
    match descriptor {}
}

pub(crate) fn watch(_: &Registry, _: Borrowed<'_>, _: Token, _: Watch) -> io::Result<()> {
    Ok(())
}

pub(crate) fn unwatch(_: &Registry, _: Borrowed<'_>) -> io::Result<()> {
    Ok(())
}

pub(crate) fn change(
    _: &Registry,
    _: Borrowed<'_>,
    _: Token,
    _: Watch,
    _: Watch,
) -> io::Result<()> {
    Ok(())
}

pub(crate) fn calm(_: &Registry, descriptor: Descriptor, _: Token, _: Watch) -> io::Result<()> {
    match descriptor {}
}

pub(crate) fn is_ready(_: Borrowed<'_>, _: Direction) -> bool {
    false
}

pub(crate) const NATIVE_TRIGGERS: bool = false;

pub(crate) const CHANGES_SWALLOW_WAKES: bool = false;

pub(crate) const HANG_UPS_LOSE_OTHERS: bool = false;

pub(crate) const TRUE_EDGES: bool = false;

/// There is no fork here.
pub(crate) fn forks() -> u32 {
    0
}

pub(crate) fn watch_forks() -> io::Result<()> {
    Ok(())
}
