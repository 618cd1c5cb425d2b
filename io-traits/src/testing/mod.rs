//! For tests: I/O that follows a [script](Script), I/O that is as awkward as the laws allow
//! ([`Torture`]), and a [suite](conformance) that checks the laws on an object of your own.

mod alarm;
pub mod conformance;
mod script;
mod torture;

pub use script::Script;
pub use torture::Torture;
