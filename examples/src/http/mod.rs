//! As much of the heads of HTTP/1.1 as it takes to answer GET and HEAD, over anything that reads.

mod method;
mod read_request;
mod refusal;
mod request;

pub use self::{method::Method, read_request::read_request, refusal::Refusal, request::Request};
