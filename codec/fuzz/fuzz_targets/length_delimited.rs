#![cfg_attr(fuzzing, no_main)]
#![allow(missing_docs, reason = "see the library")]

codec_fuzz::fuzz!("length_delimited");
