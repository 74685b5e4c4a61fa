//! C code asks for 41 bytes and writes 44. glibc rounds the request up to 56, so the three bytes hit
//! nothing, and the test passes as it has for years. musl's allocator puts a zero byte right behind
//! what was asked for, and looks at it when the block is freed: SIGSEGV, without a message. The bug is
//! the program's; musl has only found it.

extern "C" {
    fn fill_a_block(bytes: usize);
}

/// Writes so many bytes into a block of 41.
pub fn fill_block(bytes: usize) {
    // SAFETY: sound for up to 41 bytes. More is what this project is about.
    unsafe { fill_a_block(bytes) }
}

#[cfg(test)]
mod tests {
    use super::fill_block;

    #[test]
    fn stays_within_the_block() {
        fill_block(41);
    }

    #[test]
    fn writes_past_the_block() {
        fill_block(44);
    }
}
