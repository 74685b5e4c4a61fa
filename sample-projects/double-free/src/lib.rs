//! Freeing a block twice is a bug that both C libraries catch, each in its own way: glibc prints
//! `free(): double free detected in tcache 2` and aborts (SIGABRT), musl's allocator finds that its
//! records contradict the call and stops the process at once, with SIGSEGV and no message. So the
//! test is bad on both sides, but differently; moving to musl did not break it.

extern "C" {
    fn free_a_block(times: i32);
}

/// Allocates a block in C and frees it so many times.
pub fn free_block(times: i32) {
    // SAFETY: sound for `times` up to 1. More is what this project is about.
    unsafe { free_a_block(times) }
}

#[cfg(test)]
mod tests {
    use super::free_block;

    #[test]
    fn frees_a_block_once() {
        free_block(1);
    }

    #[test]
    fn frees_a_block_twice() {
        free_block(2);
    }
}
