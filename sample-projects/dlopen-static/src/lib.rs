//! A program that is linked statically against musl has a `dlopen` that refuses every library with
//! `Dynamic loading not supported`: the loader that would do it is not part of the program. Rust's
//! musl target links statically unless told otherwise, so plugins, drivers and everything else that
//! is opened at run time fail there, whichever libraries the system has. The test therefore tries
//! the name of the C library on both systems, one of which is always present.
