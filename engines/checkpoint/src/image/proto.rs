//! The messages of `proto/criu.proto`, generated. Views only: fields that they do not have are lost in them, so what is
//! written is never taken from here but from an entry's own bytes.

#![allow(missing_docs, reason = "generated; the fields are CRIU's own")]
#![allow(clippy::len_without_is_empty, reason = "generated; `len` is a field")]

include!(concat!(env!("OUT_DIR"), "/criu.rs"));
