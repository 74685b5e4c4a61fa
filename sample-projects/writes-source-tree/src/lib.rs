//! Many tests write where they should not: beside their own sources. Each leg therefore has a copy
//! of the project for itself, in which that works, and neither the user's tree nor the other leg
//! ever sees what was written. One of the tests would fail if it found what an earlier run has left,
//! and one changes a source file: a plain `cargo test` in this directory does change it.
