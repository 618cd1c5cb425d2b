//! A reader and a writer that buffer, with buffers that are lent and can be taken back.

mod buf_reader;
mod buf_writer;
mod finish;
mod unwritten;

pub use self::{buf_reader::BufReader, buf_writer::BufWriter, finish::Finish};
