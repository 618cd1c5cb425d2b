//! A platform without descriptors: objects are registered for both directions once and for all.

use std::io;

use mio::{Interest, Registry, Token};

pub(crate) type Descriptor = ();

pub(crate) fn rearm(_: &Registry, _: (), _: Token, _: Interest) -> io::Result<()> {
    Ok(())
}

pub(crate) fn urgent() -> Option<Interest> {
    None
}

pub(crate) const TRUSTS_SHORT_TRANSFERS: bool = false;
