//! What TCP and Unix streams have in common: each test runs on both.
#![allow(
    clippy::duplicate_mod,
    reason = "the same tests for each kind of stream"
)]

#[path = "../common/mod.rs"]
mod common;
mod tcp;
mod unix;

/// What the harness calls a test; `module` is its `module_path!()`.
fn path_of(module: &str, test: &str) -> String {
    let (_crate, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}
