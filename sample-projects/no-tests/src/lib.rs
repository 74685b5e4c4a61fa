//! A project without any test builds for musl, and that is all that can be said. Nothing was
//! compared, so the answer is "inconclusive", however green everything looks.

/// Says what the project is for, in a comment that has no example to run.
pub fn purpose() -> &'static str {
    "none"
}
