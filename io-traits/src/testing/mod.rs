//! I/O that follows a script, for tests of code that is generic over the traits.

mod script;

pub use script::Script;
