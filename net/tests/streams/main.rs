//! What TCP and Unix streams have in common: each test runs on both.
#![allow(
    clippy::duplicate_mod,
    reason = "the same tests for each kind of stream"
)]

#[path = "../common/mod.rs"]
mod common;
mod tcp;
mod unix;
