//! A program without tests.

include!("../../constructor.rs");

fn main() {}
