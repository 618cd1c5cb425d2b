//! Redis' protocol: requests that come, replies that go.
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>

mod codec;
mod error;
mod reply;
mod request;
mod words;

pub(crate) use codec::Resp;
pub(crate) use error::RespError;
pub(crate) use reply::{Protocol, Reply};
pub(crate) use request::Request;
