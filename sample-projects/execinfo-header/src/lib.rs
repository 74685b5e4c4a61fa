//! The header `execinfo.h` and its `backtrace` belong to glibc. musl has neither, and Alpine no
//! longer packages the library that once stood in for them. The C file does not compile for musl,
//! the build script fails, and with it the whole package: not one test is left to compare.

extern "C" {
    fn count_frames() -> i32;
}

/// The depth of the stack, as glibc's `backtrace` counts it.
pub fn depth() -> i32 {
    // SAFETY: the function takes nothing, and its buffer is its own.
    unsafe { count_frames() }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn the_stack_has_a_frame() {
        assert!(depth() > 0);
    }

    #[test]
    fn needs_no_backtrace_at_all() {
        assert_eq!(1 + 1, 2);
    }
}
